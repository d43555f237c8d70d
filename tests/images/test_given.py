"""What a program hands over becomes the bytes of a file, to the bit."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from neardup_cli.errors import BadInput
from neardup_cli.images import given, remote
from neardup_cli.images.decode import decode


def rgb(height: int = 40, width: int = 60) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def seen(image: object) -> np.ndarray[Any, Any]:
    decoded = decode(given.encoded(image))
    assert decoded.colour is not None
    return np.asarray(decoded.colour.convert("RGB"))


@pytest.mark.parametrize(
    "image",
    [
        rgb(),
        rgb().transpose(2, 0, 1),
        (rgb() / 255).astype(np.float32),
        rgb().astype(np.float64) / 255,
        rgb().astype(np.uint16) * 257,
        Image.fromarray(rgb()),
        np.dstack([rgb(), np.full((40, 60), 255, np.uint8)]),
    ],
    ids=["uint8", "channels first", "float32", "float64", "uint16", "Pillow", "with alpha"],
)
def test_pixels_stay_as_they_are(image: object) -> None:
    assert np.array_equal(seen(image), rgb())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F"])
def test_every_mode_of_pillow_is_seen_as_pillow_shows_it(mode: str) -> None:
    picture = Image.fromarray(rgb()).convert("RGB")
    if mode in ("PA", "LA"):
        picture = picture.convert("LA")
    made = (
        picture.convert(mode if mode != "PA" else "LA") if mode not in ("HSV", "LAB") else _in(picture, mode)
    )
    assert decode(given.encoded(made)).width == 60
    if mode in ("L", "RGBA", "YCbCr", "P"):
        assert np.abs(seen(made).astype(int) - np.asarray(made.convert("RGB")).astype(int)).max() <= 1


def _in(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "HSV":
        return picture.convert("HSV")
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
    return ImageCms.applyTransform(picture, transform) or picture


@pytest.mark.parametrize(
    "array", [rgb()[..., 0], rgb()[..., :1], rgb()[..., 0] > 100], ids=["2-D", "1", "bool"]
)
def test_an_array_without_colours_is_grey(array: np.ndarray[Any, Any]) -> None:
    expected = (array if array.ndim == 2 else array[..., 0]).astype(int)
    luma = np.asarray(decode(given.encoded(array)).luma).astype(int)
    assert np.array_equal(luma, expected * (255 if array.dtype == bool else 1))


def test_a_photograph_keeps_its_profile_its_time_and_its_way_up() -> None:
    picture = Image.fromarray(rgb())
    exif = Image.Exif()
    exif[0x0112], exif[0x0132] = 6, "2024:05:31 18:02:59"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stream = io.BytesIO()
    picture.save(stream, "PNG", exif=exif, icc_profile=profile)
    decoded = decode(given.encoded(Image.open(stream)))
    assert (decoded.width, decoded.height) == (40, 60)
    assert decoded.captured_at is not None
    assert decoded.captured_at.year == 2024
    assert decoded.profile == profile


def test_bytes_of_a_file_are_left_alone(photos: Path) -> None:
    data = (photos / "astronaut.jpg").read_bytes()
    with (photos / "astronaut.jpg").open("rb") as stream:
        stream.read(100)  # somebody has looked at it
        assert given.encoded(stream) == data
    for image in (data, bytearray(data), memoryview(data), io.BytesIO(data), photos / "astronaut.jpg"):
        assert given.encoded(image) == data


def test_bytes_are_a_path_unless_they_cannot_be_one(photos: Path) -> None:
    path = os.fsencode(photos / "astronaut.jpg")
    assert given.path_of(path) == path
    assert given.path_of((photos / "astronaut.jpg").read_bytes()) is None
    assert given.path_of(b"") is None
    assert given.path_of(b"no\0path") is None
    assert given.path_of(bytearray(path)) is None


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros(5, np.uint8), "an array of 5 numbers"),
        (np.zeros((0, 4, 3), np.uint8), "an array of 0 × 4 × 3 numbers"),
        (np.zeros((2, 4, 4, 3), np.uint8), "2 × 4 × 4 × 3"),
        (np.zeros((4, 4), np.int32), "int32"),
        (np.full((4, 4), np.nan), "lie in"),
        (object(), "object is no image"),
    ],
)
def test_what_is_no_image_is_said(image: object, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        given.encoded(image)


def test_what_is_lent_is_read_like_an_object_of_a_store() -> None:
    address = given.SCHEME + b"some/1"
    assert remote.is_remote(address)
    assert not remote.is_there(address)
    given.lend(address, rgb())
    try:
        data = remote.read(address)
        assert remote.is_there(address)
        assert remote.status_of(address).st_size == len(data)
        assert [path for path, _ in remote.find(address)] == [address]
    finally:
        given.take_back([address])
    for look in (remote.read, remote.status_of):
        with pytest.raises(OSError, match="not kept"):
            look(address)
    assert list(remote.find(address)) == []


def test_what_is_lent_once_is_held_no_longer() -> None:
    address = given.SCHEME + b"some/2"
    given.lend(address, rgb(), once=True)
    assert remote.read(address)
    with pytest.raises(OSError, match="not kept"):
        remote.read(address)
    given.take_back([address])


def test_tensors_are_arrays(lacking: Any) -> None:
    torch = pytest.importorskip("torch") if not os.environ.get("NEARDUP_CI") else __import__("torch")
    tensor = torch.from_numpy(rgb().transpose(2, 0, 1).copy())
    assert np.array_equal(seen(tensor), rgb())
    assert np.array_equal(seen(tensor.float() / 255), rgb())
