from __future__ import annotations

import itertools

import imagehash
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from neardup_cli.fingerprints.dhash import HASH_BITS, as_hex, dhash, hamming_distance

signed = st.integers(-(1 << 63), (1 << 63) - 1)


def unsigned(bits: int) -> int:
    return bits & 0xFFFF_FFFF_FFFF_FFFF


def by_imagehash(image: Image.Image) -> int:
    """The same bits by the library itself, as an unsigned number."""
    return int(str(imagehash.dhash(image)), 16)


def grey(values: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(values)


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    return grey(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


@settings(max_examples=100)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_equals_imagehash(values: NDArray[np.uint8]) -> None:
    image = grey(values)
    bits, flatness = dhash(image)
    assert unsigned(bits) == by_imagehash(image)
    assert -(1 << 63) <= bits < 1 << 63
    assert 0 <= flatness <= 1
    assert as_hex(bits) == str(imagehash.dhash(image))


def test_equals_imagehash_on_photographs(photographs: dict[str, Image.Image]) -> None:
    for image in photographs.values():
        luma = image.convert("L")
        for variant in (
            luma,
            luma.rotate(90, expand=True),
            luma.filter(ImageFilter.GaussianBlur(3)),
            luma.point(lambda level: 255 - level),
            luma.resize((37, 211)),
        ):
            assert unsigned(dhash(variant).bits) == by_imagehash(variant)


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 1), (1, 3), (9, 8), (8, 9), (3000, 1), (1, 3000), (5000, 3), (2000, 1500)]
)
def test_equals_imagehash_at_odd_sizes(size: tuple[int, int]) -> None:
    image = noise(*size, seed=sum(size))
    assert unsigned(dhash(image).bits) == by_imagehash(image)


def test_first_bit_is_the_top_left_comparison() -> None:
    levels = np.full((8, 9), 100, np.uint8)
    levels[0, 1:] = 200  # darker than its right neighbour only at the very first pixel
    assert as_hex(dhash(grey(levels)).bits) == "8000000000000000"
    levels[:] = 100
    levels[7, 8] = 200
    assert dhash(grey(levels)).bits == 1


def test_small_edits_move_few_bits_and_other_pictures_many(photographs: dict[str, Image.Image]) -> None:
    hashes = {name: dhash(image.convert("L")).bits for name, image in photographs.items()}
    for name, image in photographs.items():
        smaller = image.convert("L").resize((150, 110))
        assert hamming_distance(hashes[name], dhash(smaller).bits) <= 4
    for one, other in itertools.combinations(hashes.values(), 2):
        assert hamming_distance(one, other) > 10


# --- flatness -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_pictures_are_flat(level: int) -> None:
    assert dhash(Image.new("L", (300, 200), level)).flatness == 1


def test_nearly_blank_pictures_are_flat() -> None:
    faint = np.random.default_rng(1).integers(254, 256, (400, 300), dtype=np.uint8)
    assert dhash(grey(faint)).flatness == 1


def test_gradients() -> None:
    ramp = np.tile(np.linspace(0, 255, 256).astype(np.uint8), (256, 1))
    assert dhash(grey(ramp)).flatness == 0
    assert dhash(grey(ramp.T.copy())).flatness == 1  # left and right are the same everywhere


def test_half_blank_picture_is_half_flat() -> None:
    ramp = np.tile(np.linspace(0, 255, 288).astype(np.uint8), (256, 1))
    ramp[128:] = 255
    # One of the four blank rows takes part in the edge beside it.
    assert dhash(grey(ramp)).flatness == 3 / 8


def test_a_step_of_one_level_is_noise_and_of_two_is_not() -> None:
    for step, expected in ((1, 1.0), (2, 0.0)):
        stairs = np.tile(np.arange(9, dtype=np.uint8) * step, (8, 1))
        assert dhash(grey(stairs)).flatness == expected


def test_photographs_are_not_flat(photographs: dict[str, Image.Image]) -> None:
    for image in photographs.values():
        assert dhash(image.convert("L")).flatness < 0.4


# --- numbers --------------------------------------------------------------------------------------------


@given(signed, signed)
def test_hamming_distance(a: int, b: int) -> None:
    expected = bin(unsigned(a) ^ unsigned(b)).count("1")
    assert hamming_distance(a, b) == hamming_distance(b, a) == expected
    assert hamming_distance(a, a) == 0
    assert hamming_distance(a, ~a) == HASH_BITS


@given(signed)
def test_as_hex_is_sixteen_digits(bits: int) -> None:
    text = as_hex(bits)
    assert len(text) == 16
    assert int(text, 16) == unsigned(bits)
    assert str(imagehash.hex_to_hash(text)) == text
