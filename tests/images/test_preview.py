from __future__ import annotations

import io
from datetime import datetime

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data

from neardup_cli.errors import UnreadableImage
from neardup_cli.fingerprints.dhash import dhash
from neardup_cli.images.decode import BLACK, WHITE, DecodedImage, decode
from neardup_cli.images.preview import PREVIEW_SIDE, make_preview, open_preview, preview_pixels, shrunk
from neardup_cli.records.previews import Preview
from tests.profiles import DISPLAY_P3, WIDE, exported


def encoded(image: Image.Image, format_name: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def photograph(side: int = 900) -> Image.Image:
    image = Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]
    return image.resize((side, side * 2 // 3))


def preview_of(source: bytes, *, natural: bool = True) -> tuple[DecodedImage, Preview]:
    image = decode(source)
    return image, make_preview(image, lambda _: natural)


def reopened(image: DecodedImage, preview: Preview) -> DecodedImage:
    return open_preview(preview, (image.width, image.height), image.format, image.captured_at)


def test_a_photograph_is_a_small_jpeg_that_looks_like_it() -> None:
    image, preview = preview_of(encoded(photograph(), "JPEG", quality=92))
    small = reopened(image, preview)
    assert preview.pixels.startswith(b"\xff\xd8")
    assert preview.size <= 24_000
    assert max(small.luma.size) == PREVIEW_SIDE
    assert (small.width, small.height, small.format) == (900, 600, "JPEG")
    wanted = np.asarray(shrunk(image.luma), np.float64)
    assert np.abs(np.asarray(small.luma, np.float64) - wanted).mean() < 5


def test_it_is_the_same_whatever_is_asked_of_it() -> None:
    image, preview = preview_of(encoded(photograph(), "JPEG"))
    whole = reopened(image, preview)
    grey = open_preview(preview, (900, 600), "JPEG", None, colour=False)
    assert grey.colour is None
    assert np.array_equal(np.asarray(whole.luma), np.asarray(grey.luma))


def test_what_is_plain_is_kept_without_loss() -> None:
    page = Image.new("RGB", (800, 600), "white")
    page.paste("black", (100, 100, 140, 104))
    image, preview = preview_of(encoded(page), natural=False)
    assert image.colour is not None
    assert np.array_equal(np.asarray(preview_pixels(preview)), np.asarray(shrunk(image.colour)))


def test_a_plain_image_of_much_detail_is_kept_with_little_loss() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (416, 416, 1), np.uint8).repeat(3, 2)
    image, preview = preview_of(encoded(Image.fromarray(noise)), natural=False)
    assert preview.pixels.startswith(b"\xff\xd8")
    apart = np.abs(np.asarray(reopened(image, preview).luma, np.int16) - noise[..., 0])
    assert apart.mean() < 6


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (127, 40)])
def test_a_very_small_image_is_kept_as_it_is(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*size[::-1], 3), np.uint8)
    _, preview = preview_of(encoded(Image.fromarray(noise)))
    assert np.array_equal(np.asarray(preview_pixels(preview)), noise)


@pytest.mark.parametrize("size", [(5000, 3), (3, 5000), (833, 417), (1250, 833)])
def test_any_shape_has_one(size: tuple[int, int]) -> None:
    image = decode(encoded(Image.linear_gradient("L").resize(size)))
    small = shrunk(image.luma)
    assert max(small.size) == PREVIEW_SIDE
    assert min(small.size) >= 1
    ends = np.asarray(small, np.int16)
    assert ends[0].mean() <= ends[-1].mean()


def test_what_is_made_small_lies_where_it_lay() -> None:
    """A ramp shows it: averages over a last pixel of fewer pixels would stretch the image."""
    for width in (832, 833, 900, 1247, 1250):
        ramp = np.tile(np.rint(np.linspace(0, 255, width)), (width * 2 // 3, 1)).astype(np.uint8)
        small = np.asarray(shrunk(Image.fromarray(ramp)), np.float64)
        places = (np.arange(416) + 0.5) * width / 416 - 0.5
        assert np.abs(small.mean(axis=0) - 255 * places / (width - 1))[2:-2].max() < 1.1, width


def test_transparency_is_kept_beside_the_pixels() -> None:
    image = Image.new("RGBA", (600, 400), (200, 30, 30, 0))
    image.paste((200, 30, 30, 255), (100, 100, 300, 300))
    decoded, preview = preview_of(encoded(image))
    small = reopened(decoded, preview)
    assert small.ground == WHITE
    assert small.alpha is not None
    assert small.alpha.size == small.luma.size
    assert np.asarray(small.alpha)[0, 0] == 0
    assert np.asarray(small.alpha)[140, 140] == 255


def test_a_white_drawing_lies_on_black() -> None:
    image = Image.new("RGBA", (300, 200), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (50, 50, 150, 150))
    decoded, preview = preview_of(encoded(image))
    assert (decoded.ground, preview.ground) == (BLACK, BLACK)
    assert np.asarray(reopened(decoded, preview).luma)[0, 0] == 0


def test_an_opaque_image_has_no_alpha() -> None:
    _, preview = preview_of(encoded(photograph().convert("RGBA")))
    assert preview.alpha is None


def test_the_digest_tells_what_the_codec_does_not() -> None:
    image = photograph(416)
    first = preview_of(encoded(image))[1]
    pixels = np.asarray(image).copy()
    pixels[100, 100] ^= 1
    second = preview_of(encoded(Image.fromarray(pixels)))[1]
    assert first.pixels_digest != second.pixels_digest
    assert first == preview_of(encoded(image))[1]


@pytest.mark.parametrize("cut", [0, 1, 10, 300, 2000])
def test_a_damaged_one_says_so(cut: int) -> None:
    for source in (encoded(photograph(), "JPEG"), encoded(photograph(100))):
        _, preview = preview_of(source)
        broken = Preview(preview.pixels[:cut], preview.pixels_digest)
        with pytest.raises(UnreadableImage, match="preview"):
            open_preview(broken, (900, 600), "JPEG", datetime(2020, 1, 1))


def test_another_file_is_not_opened_in_its_place() -> None:
    for other in (encoded(photograph(600)), encoded(photograph(100), "GIF"), b"hello"):
        with pytest.raises(UnreadableImage, match="preview"):
            preview_pixels(Preview(other, b""))


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
def test_colours_are_what_they_are_meant_to_be(name: str, format_name: str) -> None:
    options = {} if format_name == "PNG" else {"quality": 95}
    plain = reopened(*preview_of(encoded(photograph(), format_name, **options)))
    wide = encoded(exported(photograph(), WIDE[name]), format_name, icc_profile=WIDE[name], **options)
    image, preview = preview_of(wide)
    shown = reopened(image, preview)
    assert plain.colour is not None
    assert shown.colour is not None
    assert image.colour is not None

    def off(pixels: Image.Image) -> float:
        wanted, found = (np.asarray(one.convert("RGB"), float) for one in (plain.colour, pixels))  # type: ignore[union-attr]
        return float(np.abs(wanted - found).mean())

    assert off(shown.colour) < 2.5
    assert off(shrunk(image.colour)) > off(shown.colour)  # the numbers themselves are others
    # Fingerprints are made of the numbers, and are near all the same.
    (bits, _), (other, _) = dhash(image.luma), dhash(decode(encoded(photograph(), format_name)).luma)
    assert ((bits ^ other) & (1 << 64) - 1).bit_count() <= 4


def test_a_profile_that_is_none_or_srgb_changes_nothing() -> None:
    plain = preview_of(encoded(photograph()))[1]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for icc in (b"no profile", srgb, DISPLAY_P3[:200]):
        assert preview_of(encoded(photograph(), icc_profile=icc))[1] == plain
    grey = photograph().convert("L")
    assert preview_of(encoded(grey, icc_profile=DISPLAY_P3))[1] == preview_of(encoded(grey))[1]
