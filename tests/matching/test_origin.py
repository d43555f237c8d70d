"""Which of two sizes was made from the other one, on photographs at sizes and qualities drawn at random."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from neardup_cli.matching.codec_noise import Coding
from neardup_cli.matching.expectation import expect
from neardup_cli.matching.features import Grey
from neardup_cli.matching.origin import Enlarged, Traces, grid_trace, quantiser_left
from neardup_cli.rules.losses import is_source
from tests.photographed import photographed

NAMES = ("astronaut", "coffee", "chelsea", "rocket")
KERNELS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def part(name: str) -> Image.Image:
    """The middle of a photograph: what decides is the same everywhere, and it is quick."""
    whole = photographed(name)
    left, top = (whole.width - 300) // 2, (whole.height - 260) // 2
    return whole.crop((left, top, left + 300, top + 260))


def saved(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(io.BytesIO(stream.getvalue()))


def luma(image: Image.Image) -> tuple[int, ...]:
    return tuple(image.quantization[0])  # type: ignore[attr-defined]


def grey(image: Image.Image) -> Grey:
    return np.asarray(image.convert("L"))


def said(large: Image.Image, small: Image.Image) -> bool | None:
    """Ask whether the large one was enlarged from the small one."""
    table = luma(small)
    left = quantiser_left(expect(grey(small), grey(large)), table)

    def if_enlarged() -> Enlarged:
        return Enlarged(grey(small), large.size, table, Coding(luma=luma(large)))

    return is_source(
        Traces(left, grid_trace(grey(large), small.size), small.width * small.height // 64), if_enlarged
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("sharpened", [False, True])
def test_an_enlargement_bears_the_quantiser_of_what_it_was_made_from(name: str, sharpened: bool) -> None:
    random = np.random.default_rng([len(name), sharpened])
    for _ in range(4):
        small = saved(part(name), int(random.integers(60, 91)))
        scale = random.uniform(1.5, 3)
        size = round(scale * small.width), round(scale * small.height)
        large = small.convert("RGB").resize(size, KERNELS[random.integers(3)])
        if sharpened:
            large = large.filter(ImageFilter.UnsharpMask(int(random.integers(1, 4)), 120, 2))
        assert said(saved(large, int(random.integers(75, 96))), small) is True


@pytest.mark.parametrize("name", NAMES)
def test_what_an_image_was_shrunk_to_is_not_its_source(name: str) -> None:
    random = np.random.default_rng(len(name))
    answers = []
    for _ in range(6):
        large = saved(part(name), int(random.integers(60, 99)))
        scale = random.uniform(0.3, 0.8)
        size = round(scale * large.width), round(scale * large.height)
        small = large.convert("RGB").resize(size, KERNELS[random.integers(3)])
        answers.append(said(large, saved(small, int(random.integers(60, 91)))))
    assert True not in answers
    assert answers.count(False) >= 4, "and where the quantiser is coarse enough it is known that it is not"


def test_two_sizes_of_a_third_image_are_not_made_from_each_other() -> None:
    whole = photographed("astronaut")
    large, small = (saved(whole.resize((side, side), Image.Resampling.LANCZOS), 85) for side in (400, 220))
    assert said(large, small) is False


def test_a_fine_quantiser_leaves_nothing_to_tell() -> None:
    small = saved(part("coffee"), 99)
    large = saved(small.convert("RGB").resize((600, 520), Image.Resampling.BICUBIC), 60)
    assert said(large, small) is None
