"""What an edit is, what it may draw on, and how its result is saved."""

import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from PIL import Image

from neardup_cli.errors import BadInput

type CompanionSupplier = Callable[[np.random.Generator], Image.Image]
"""Draws, with the given generator, an RGB picture that is not the one being edited."""


def no_companion(_rng: np.random.Generator) -> Image.Image:
    """The supplier for edits that need no other picture: asking it is the caller's mistake."""
    raise BadInput("this edit needs another picture: pass a supplier of companions")


@dataclass(frozen=True)
class EditContext:
    """Everything an edit may use besides the picture: its own random numbers and other people's pictures."""

    rng: np.random.Generator
    supplier: CompanionSupplier = no_companion

    def companion(self) -> Image.Image:
        """Another picture, RGB, drawn at random: the background of an overlay, a neighbour in a collage."""
        return self.supplier(self.rng).convert("RGB")


@dataclass(frozen=True)
class SaveAs:
    """How a picture becomes a file. `quality` is the encoder's 1-100 and is ignored for PNG."""

    format: Literal["JPEG", "PNG", "WEBP"] = "JPEG"
    quality: int = 90

    @property
    def suffix(self) -> str:
        """The file name's ending, with its dot."""
        return {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}[self.format]

    def encode(self, image: Image.Image) -> bytes:
        """The bytes of the file that holds `image`."""
        buffer = io.BytesIO()
        image.save(buffer, self.format, quality=self.quality)
        return buffer.getvalue()


EDITS: dict[str, type["Edit"]] = {}
"""Every kind of edit by its registered name."""


class Edit(ABC):
    """One thing done to a picture. A kind is a frozen dataclass: `class Blur(Edit, kind="blur")`.

    The fields are the parameters that a suite fixes; what may differ from picture to picture (a corner, a
    word) is drawn from `context.rng`. Every kind has defaults, so that `EDITS[name]()` is a usable edit.
    """

    kind: ClassVar[str]

    def __init_subclass__(cls, *, kind: str, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if kind in EDITS:
            raise TypeError(f"two edits are called {kind!r}")
        cls.kind = kind
        EDITS[kind] = cls

    @property
    def save_as(self) -> SaveAs:
        """How the result is to be saved where this edit is the last one."""
        return SaveAs()

    @abstractmethod
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the edited picture, RGB, of any size; `image` is RGB and is not changed."""
