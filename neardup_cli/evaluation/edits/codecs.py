"""Edits that change the file more than the picture: another codec, another quality."""

import io
from dataclasses import dataclass
from typing import override

from PIL import Image

from neardup_cli.evaluation.edits.base import Edit, EditContext, SaveAs


def _recompress(image: Image.Image, save_as: SaveAs) -> Image.Image:
    """The pixels that a reader of the saved file sees."""
    with Image.open(io.BytesIO(save_as.encode(image))) as saved:
        return saved.convert("RGB")


@dataclass(frozen=True)
class Identity(Edit, kind="identity"):
    """Nothing at all. A caller that wants an exact copy copies the file's bytes instead of saving again."""

    @property
    @override
    def save_as(self) -> SaveAs:
        """PNG, because a lossless file is the only honest re-save of an unchanged picture."""
        return SaveAs("PNG")

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return a copy of the picture."""
        return image.copy()


@dataclass(frozen=True)
class Jpeg(Edit, kind="jpeg"):
    """JPEG at `quality` (1-100). Saving the result at the same quality again changes next to nothing."""

    quality: int = 50

    @property
    @override
    def save_as(self) -> SaveAs:
        """JPEG at the same quality."""
        return SaveAs("JPEG", self.quality)

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture as the JPEG decoder gives it back."""
        return _recompress(image, self.save_as)


@dataclass(frozen=True)
class Webp(Edit, kind="webp"):
    """Lossy WebP at `quality` (1-100)."""

    quality: int = 60

    @property
    @override
    def save_as(self) -> SaveAs:
        """WebP at the same quality."""
        return SaveAs("WEBP", self.quality)

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture as the WebP decoder gives it back."""
        return _recompress(image, self.save_as)
