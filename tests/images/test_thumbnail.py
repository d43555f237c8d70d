from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from neardup_cli.errors import UnreadableImage
from neardup_cli.images.thumbnail import webp_thumbnail


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def opened(webp: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(webp))
    assert picture.format == "WEBP"
    return picture


def test_the_longest_side_fits(photographs: dict[str, Image.Image]) -> None:
    coffee = photographs["coffee"]
    small = opened(webp_thumbnail(encoded(coffee, "JPEG"), side=100, most_bytes=8000))
    assert max(small.size) == 100
    assert abs(small.width / small.height - coffee.width / coffee.height) < 0.02


def test_a_small_picture_stays_as_it_is() -> None:
    picture = Image.new("RGB", (40, 30), "teal")
    assert opened(webp_thumbnail(encoded(picture), side=100, most_bytes=8000)).size == (40, 30)


@pytest.mark.parametrize("most_bytes", [20_000, 5000, 500, 100])
def test_what_no_codec_can_shrink_still_fits(most_bytes: int) -> None:
    webp = webp_thumbnail(encoded(noise(400, 300)), side=176, most_bytes=most_bytes)
    assert len(webp) <= most_bytes
    assert opened(webp).width <= 176


def test_a_turned_picture_stands_upright_and_says_nothing_of_where_it_was_taken() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: on its right side
    exif[0x010F] = "Maker"
    webp = webp_thumbnail(encoded(noise(80, 40), "JPEG", exif=exif), side=176, most_bytes=20_000)
    assert opened(webp).size == (40, 80)
    assert b"Maker" not in webp


def test_a_grey_picture_and_one_with_transparency() -> None:
    grey = opened(webp_thumbnail(encoded(Image.new("L", (20, 20), 90)), side=10, most_bytes=8000))
    clear = opened(
        webp_thumbnail(encoded(Image.new("RGBA", (20, 20), (0, 0, 0, 0))), side=10, most_bytes=8000)
    )
    assert np.abs(np.asarray(grey.convert("RGB")).astype(int) - 90).max() < 6
    assert np.asarray(clear.convert("RGB")).min() > 250


def test_what_is_no_image() -> None:
    with pytest.raises(UnreadableImage, match="not an image"):
        webp_thumbnail(b"no image at all", side=10, most_bytes=8000)
