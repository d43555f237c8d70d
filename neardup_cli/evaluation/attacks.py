"""Attacks: named, reproducible edits of a picture, and the fixed suites of them that evaluations use.

The same picture key, attack name and seed always give byte-identical pixels: each run derives its own random
numbers from a hash of the three, so neither the order of the runs nor the process matters.

    for attack in standard_attacks():
        edited = attack.run(photo, key="lisbon.jpg", supplier=companions(others))
        path.with_suffix(attack.save_as.suffix).write_bytes(attack.save_as.encode(edited))

The strengths are called as in INRIA Copydays (Jégou et al. 2008: jpeg, crops, strong) and in DISC21 (Douze
et al. 2021: edits chained at random); the edits are our own.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import override

import numpy as np
from PIL import Image

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.edits.base import CompanionSupplier, Edit, EditContext, SaveAs, no_companion
from neardup_cli.evaluation.edits.codecs import Identity, Jpeg, Webp
from neardup_cli.evaluation.edits.colour import ColourShift, Gamma, Grey, Posterise, Tones
from neardup_cli.evaluation.edits.composition import Blend, Collage, Frame, Letterbox, Overlay, Stickers
from neardup_cli.evaluation.edits.geometry import Crop, Mirror, Resize, Rotate, Stretch, Turn
from neardup_cli.evaluation.edits.lettering import Caption, Meme, Watermark
from neardup_cli.evaluation.edits.screens import Screenshot, WebPage
from neardup_cli.evaluation.edits.texture import Blur, Noise, Pixelate, PrintAndScan, Sharpen


def attack_seed(key: str, attack: str, seed: int = 0) -> int:
    """The seed of one run, 64 bits: a hash, because Python's own `hash` differs from process to process."""
    named = "\0".join((key, attack, str(seed))).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "big")


def companions(images: Sequence[Image.Image]) -> CompanionSupplier:
    """A supplier that draws from `images`, which must not contain the picture under attack."""
    if not images:
        raise BadInput("there is no other picture to draw a companion from")
    return lambda rng: images[int(rng.integers(len(images)))]


@dataclass(frozen=True)
class Attack:
    """One or more edits in order, under the name that reports show."""

    name: str
    edits: tuple[Edit, ...]

    @property
    def save_as(self) -> SaveAs:
        """How the result is to be saved: as the last edit says."""
        return self.edits[-1].save_as

    @property
    def exact(self) -> bool:
        """Whether the copy is the same picture, so that a caller may copy the file's bytes."""
        return all(isinstance(edit, Identity) for edit in self.edits)

    def run(
        self, image: Image.Image, key: str, *, supplier: CompanionSupplier = no_companion, seed: int = 0
    ) -> Image.Image:
        """Return the edited picture, RGB.

        Args:
            image: the original, in any mode that converts to RGB; it is not changed.
            key: what names the original (a path, an id): other keys get other random numbers.
            supplier: gives other pictures, for overlays and collages.
            seed: another seed gives another variant of the same attack.

        Raises:
            BadInput: the attack needs a companion, and there is no supplier.
        """
        context = EditContext(np.random.default_rng(attack_seed(key, self.name, seed)), supplier)
        edited = image.convert("RGB")
        for edit in self.edits:
            edited = edit.apply(edited, context)
        return edited


@dataclass(frozen=True)
class RandomChain(Edit, kind="random-chain"):
    """Between `fewest` and `most` edits in a random order, as in DISC: at most one of them is a layout."""

    fewest: int = 2
    most: int = 4

    @override
    def apply(self, image: Image.Image, context: EditContext) -> Image.Image:
        """Return the picture after the drawn edits, the layout last and the codec after it."""
        rng = context.rng
        count = int(rng.integers(self.fewest, self.most + 1))
        chosen: list[Edit] = [
            CHAINABLE[index] for index in rng.choice(len(CHAINABLE), size=count, replace=False)
        ]
        if rng.uniform() < LAYOUT_SHARE:
            chosen[-1] = LAYOUTS[int(rng.integers(len(LAYOUTS)))]
        for edit in chosen:
            image = edit.apply(image, context)
        return image


CHAINABLE: tuple[Edit, ...] = (
    *(
        Jpeg(30),
        Webp(40),
        Resize(0.4),
        Resize(1.5),
        Stretch(1.3),
        Crop(0.5),
        Crop(0.3),
        Rotate(8),
        Rotate(20),
    ),
    *(Turn(90), Turn(180), Mirror(), Blur(4), Noise(18), Tones(1.3, 1.3, 1.5), Tones(0.7, 0.9, 0.5)),
    *(ColourShift(), Grey(), Gamma(0.6), Posterise(3), Caption(), Meme(), Stickers(), Frame(), Watermark()),
)
"""What `RandomChain` draws from. Order matters to reproducibility: append, never insert."""

LAYOUTS: tuple[Edit, ...] = (Screenshot(), WebPage(), Overlay(0.4), Collage(), PrintAndScan())
"""What shows the picture inside something else, and comes at most once, at the end."""

LAYOUT_SHARE = 0.3
"""How many random chains end in a layout."""


EXACT = Attack("exact", (Identity(),))
"""The same file under another name: who writes copies writes its very bytes."""


class Strength(StrEnum):
    """How hard an attack is: Copydays' three sets, and DISC's random chains."""

    JPEG = "jpeg"
    CROPS = "crops"
    STRONG = "strong"
    DISC = "disc"


def attacks_of(strength: Strength) -> tuple[Attack, ...]:
    """The attacks of one strength; `jpeg` and `crops` go in steps from mild to severe."""
    return {
        Strength.JPEG: JPEG_LADDER,
        Strength.CROPS: CROP_LADDER,
        Strength.STRONG: STRONG_ATTACKS,
        Strength.DISC: DISC_ATTACKS,
    }[strength]


def standard_attacks() -> tuple[Attack, ...]:
    """The fixed evaluation suite, from re-encoding to combinations: the README's figures use it."""
    return STANDARD_ATTACKS


def mild_attacks() -> tuple[Attack, ...]:
    """What every setting must find: re-encoded, resized, grey or captioned pictures."""
    return MILD_ATTACKS


def all_attacks() -> tuple[Attack, ...]:
    """Every named attack once: the standard suite, the mild one, all strengths, and the rest."""
    strengths = (attacks_of(strength) for strength in Strength)
    suites = (STANDARD_ATTACKS, MILD_ATTACKS, *strengths, FURTHER_ATTACKS)
    return tuple({attack.name: attack for suite in suites for attack in suite}.values())


JPEG_LADDER = tuple(
    Attack(f"half-jpeg-{quality}", (Resize(0.5), Jpeg(quality))) for quality in (75, 50, 30, 20, 15, 10, 8, 5)
)

CROP_LADDER = tuple(
    Attack(f"crop-{place}-{percent}", (Crop(percent / 100, place),))
    for percent in (80, 70, 60, 50, 40, 30, 20, 10)
    for place in ("centre", "random")
)

STRONG_ATTACKS = (
    Attack("print-scan", (PrintAndScan(),)),
    Attack("print-scan-crop", (PrintAndScan(0.12), Crop(0.6))),
    Attack("blur-strong", (Blur(12),)),
    Attack("contrast-strong", (Tones(0.8, 2.2, 1.0),)),
    Attack("dark-noise", (Tones(0.45, 0.9, 0.8), Noise(25))),
    Attack("crop-grey-caption", (Crop(0.3), Grey(), Caption())),
    Attack("rotate-25-jpeg", (Rotate(25), Jpeg(15))),
    Attack("stickers-many", (Stickers(14, 0.3),)),
    Attack("screenshot-crop", (Crop(0.5), Screenshot(dark=True))),
    Attack("overlay-20-mirror", (Mirror(), Overlay(0.2))),
)

DISC_ATTACKS = tuple(Attack(f"disc-{number}", (RandomChain(),)) for number in range(1, 9))

MILD_ATTACKS = (
    Attack("png", (Identity(),)),
    Attack("jpeg-75", (Jpeg(75),)),
    Attack("jpeg-30", (Jpeg(30),)),
    Attack("webp-60", (Webp(60),)),
    Attack("resize-75", (Resize(0.75),)),
    Attack("resize-50", (Resize(0.5),)),
    Attack("resize-25", (Resize(0.25),)),
    Attack("upscale-150", (Resize(1.5),)),
    Attack("grey", (Grey(),)),
    Attack("caption", (Caption(),)),
)

STANDARD_ATTACKS = (
    Attack("jpeg-50", (Jpeg(50),)),
    Attack("jpeg-10", (Jpeg(10),)),
    Attack("webp-40", (Webp(40),)),
    Attack("resize-25", (Resize(0.25),)),
    Attack("upscale-150", (Resize(1.5),)),
    Attack("stretch-130", (Stretch(1.3),)),
    Attack("crop-centre-50", (Crop(0.5, "centre"),)),
    Attack("crop-50", (Crop(0.5),)),
    Attack("crop-25", (Crop(0.25),)),
    Attack("rotate-10", (Rotate(10),)),
    Attack("rotate-25", (Rotate(25),)),
    Attack("rotate-90", (Turn(90),)),
    Attack("mirror", (Mirror("horizontal"),)),
    Attack("mirror-vertical", (Mirror("vertical"),)),
    Attack("blur", (Blur(5),)),
    Attack("noise", (Noise(20),)),
    Attack("colours", (ColourShift(0.25), Tones(1.2, 1.3, 1.4))),
    Attack("grey", (Grey(),)),
    Attack("caption", (Caption(),)),
    Attack("meme", (Meme(),)),
    Attack("stickers", (Stickers(),)),
    Attack("frame", (Frame(),)),
    Attack("watermark", (Watermark(tiled=True),)),
    Attack("screenshot", (Screenshot(),)),
    Attack("web-page", (WebPage(),)),
    Attack("overlay-40", (Overlay(0.4),)),
    Attack("overlay-20", (Overlay(0.2),)),
    Attack("collage", (Collage(),)),
    Attack("print-scan", (PrintAndScan(),)),
    Attack("crop-meme-jpeg", (Crop(0.6), Meme("top"), Jpeg(30))),
    Attack("mirror-colours-caption", (Mirror(), ColourShift(), Caption())),
    Attack("rotate-screenshot", (Rotate(6), Screenshot())),
    Attack("random-chain", (RandomChain(),)),
)

FURTHER_ATTACKS = (
    EXACT,
    Attack("gamma-60", (Gamma(0.6),)),
    Attack("gamma-180", (Gamma(1.8),)),
    Attack("posterise-3", (Posterise(3),)),
    Attack("posterise-2", (Posterise(2),)),
    Attack("sharpen", (Sharpen(),)),
    Attack("pixelate", (Pixelate(),)),
    Attack("letterbox", (Letterbox(),)),
    Attack("blend-70", (Blend(0.7),)),
    Attack("blend-50", (Blend(0.5),)),
    Attack("rotate-45", (Rotate(45),)),
    Attack("rotate-180", (Turn(180),)),
    Attack("stretch-200", (Stretch(2.0),)),
)
