"""What an encoder adds, against what encoders really added."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.matching.codec_noise import CodecNoise, Coding
from tests.matching.codings import coding_of, encoded
from tests.photographed import photographed


@pytest.fixture(scope="module")
def grey() -> NDArray[np.uint8]:
    return np.asarray(photographed("chelsea").convert("L"))


def noise(coding: Coding, grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    return CodecNoise(coding, lambda _: grey, grey.size).of(grey)


def really(data: bytes, grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("L"), np.float32) - grey


def test_what_is_lossless_adds_nothing(grey: NDArray[np.uint8]) -> None:
    assert not noise(coding_of(encoded(Image.fromarray(grey), "PNG")), grey).any()


@pytest.mark.parametrize("quality", [30, 60, 85, 96])
def test_a_jpeg_adds_what_its_tables_say(grey: NDArray[np.uint8], quality: int) -> None:
    data = encoded(Image.fromarray(grey), quality=quality)
    assert np.array_equal(noise(coding_of(data), grey), really(data, grey))


@pytest.mark.parametrize(("kind", "quality"), [("WEBP", 40), ("WEBP", 75), ("WEBP", 90), ("AVIF", 50)])
def test_of_other_codecs_it_is_an_upper_bound_and_no_wild_one(
    grey: NDArray[np.uint8], kind: str, quality: int
) -> None:
    data = encoded(Image.fromarray(grey).convert("RGB"), kind, quality=quality)
    assumed, real = (
        float(np.sqrt((one**2).mean())) for one in (noise(coding_of(data), grey), really(data, grey))
    )
    assert 0.8 * real < assumed < 3 * real + 1


def test_a_sample_stands_for_an_image_of_any_size(grey: NDArray[np.uint8]) -> None:
    data = encoded(Image.fromarray(grey).convert("RGB"), "WEBP", quality=60)
    coding = coding_of(data)
    part = grey[:128]
    of_part = CodecNoise(coding, lambda _: part, grey.size).of(grey)
    of_all = noise(coding, grey)
    assert float(of_part.std()) == pytest.approx(float(of_all.std()), rel=0.4)


def test_the_step_of_chroma() -> None:
    colour = photographed("chelsea")
    assert Coding(lossless=True).chroma_step == 0
    assert coding_of(encoded(colour.convert("L"), quality=50)).chroma_step == 0
    coarse, fine = (coding_of(encoded(colour, quality=quality)).chroma_step for quality in (40, 95))
    assert coarse > fine > 0
    assert coding_of(encoded(colour, "WEBP")).chroma_step > 0
