"""What is lost with a file: real files of every kind, at full size."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageEnhance, ImageOps

from neardup_cli.choices import Loss
from neardup_cli.images.whole import turned
from neardup_cli.records.proofs import NOTHING_LOST, Proof
from neardup_cli.verification.proving import prove
from tests.images.test_holdings import png_of_16_bit_colour, profile, with_xmp
from tests.images.test_whole import rgb_profile
from tests.photographed import photographed
from tests.verification.conftest import Put, encoded, jpeg, reopened

type Edit = Callable[[Image.Image], Image.Image]


@pytest.fixture
def lost(put: Put) -> Callable[[bytes, bytes], Proof]:
    """A function that writes two contents and proves what is lost with the first."""

    def proven(gone: bytes, kept: bytes) -> Proof:
        return prove(put("gone", gone), put("kept", kept))

    return proven


type Lost = Callable[[bytes, bytes], Proof]


def test_the_same_bytes_lose_nothing_and_are_not_read(put: Put) -> None:
    one, other = (put(name, jpeg(Image.new("RGB", (8, 8)))) for name in "ab")
    Path(os.fsdecode(one.path)).unlink()
    assert prove(one, other) == NOTHING_LOST


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 72, "progressive": True}),
        ("JPEG", {"quality": 38, "subsampling": 0}),
        ("WEBP", {"quality": 75}),
        ("AVIF", {"quality": 60}),
        ("HEIF", {"quality": 60}),
        ("PNG", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("BMP", {}),
    ],
)
@pytest.mark.parametrize("scale", [1.0, 0.6])
def test_what_was_saved_from_it_loses_nothing(
    lost: Lost, photograph: Image.Image, kind: str, how: dict[str, object], scale: float
) -> None:
    kept = jpeg(photograph, 93)
    made = reopened(kept)
    if scale != 1:
        made = made.resize((round(600 * scale), round(400 * scale)), Image.Resampling.LANCZOS)
    assert lost(encoded(made, kind, **how), kept) == NOTHING_LOST


def _turned(image: Image.Image) -> Image.Image:
    return image.rotate(2, Image.Resampling.BICUBIC)


def _captioned(image: Image.Image) -> Image.Image:
    image = image.copy()
    ImageDraw.Draw(image).text((250, 30), "for sale", fill="white", font_size=22)
    return image


def _graded(image: Image.Image) -> Image.Image:
    return ImageEnhance.Color(image).enhance(1.5)


def _cut(image: Image.Image) -> Image.Image:
    return image.crop((60, 40, 540, 330))


@pytest.mark.parametrize(
    ("edit", "losses"),
    [
        (_captioned, {Loss.CONTENT}),
        (_graded, {Loss.COLOUR}),
        (_cut, {Loss.AREA}),
        (_turned, {Loss.AREA}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_an_edit_loses_something_either_way(
    lost: Lost, photograph: Image.Image, edit: Edit, losses: set[Loss]
) -> None:
    plain, edited = jpeg(photograph, 93), jpeg(edit(photograph), 90)
    for gone, kept in ((edited, plain), (plain, edited)):
        assert losses <= set(lost(gone, kept).losses)


def _sent_on(image: Image.Image) -> bytes:
    """Make an image smaller and save it, twice, as messengers do after one another."""
    for quality in (80, 75):
        size = round(image.width * 0.8), round(image.height * 0.8)
        data = jpeg(image.resize(size, Image.Resampling.LANCZOS), quality)
        image = reopened(data)
    return data


def test_what_two_messengers_sent_on_loses_nothing_unless_somebody_has_edited_it(
    lost: Lost, photograph: Image.Image
) -> None:
    """Their noise lies all over it; a warmer version differs in its hues as little, and is an edit."""
    dark = Image.new("RGB", (600, 400), (30, 30, 30))  # so that most of it has no hue to change
    dark.paste(photograph.resize((360, 288)), (150, 40))
    kept = jpeg(dark, 93)
    image = reopened(kept)
    red, green, blue = image.split()
    warmer = Image.merge("RGB", (red.point(lambda v: v * 1.07), green, blue.point(lambda v: v * 0.93)))
    assert lost(_sent_on(image), kept) == NOTHING_LOST
    assert Loss.COLOUR in lost(_sent_on(warmer), kept).losses
    assert Loss.CONTENT in lost(_sent_on(_captioned(image)), kept).losses


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("scale", [1.0, 0.7])
def test_a_turned_or_mirrored_one_loses_its_orientation_and_nothing_else(
    lost: Lost, photograph: Image.Image, orientation: int, scale: float
) -> None:
    upright = jpeg(photograph, 93)
    made = reopened(upright).resize((round(600 * scale), round(400 * scale)), Image.Resampling.LANCZOS)
    pixels = Image.fromarray(turned(np.asarray(made), orientation))
    assert lost(jpeg(pixels, 85), upright) == Proof((Loss.ORIENTATION,))
    captioned = Image.fromarray(turned(np.asarray(_captioned(made)), orientation))
    assert {Loss.CONTENT, Loss.ORIENTATION} <= set(lost(jpeg(captioned, 85), upright).losses)


def test_a_smaller_a_coarser_and_a_grey_one_lose_what_they_lack(lost: Lost, photograph: Image.Image) -> None:
    whole = jpeg(photograph, 93)
    made = reopened(whole)
    small = jpeg(made.resize((240, 160), Image.Resampling.LANCZOS), 90)
    assert lost(small, whole).is_empty
    assert Loss.DETAIL in lost(whole, small).losses
    assert not lost(whole, jpeg(made, 30)).is_empty
    assert Loss.COLOUR in lost(whole, jpeg(ImageOps.grayscale(made), 93)).losses


def test_what_a_jpeg_took_from_a_lossless_original_is_detail_and_no_other_shot(
    lost: Lost, photograph: Image.Image
) -> None:
    original, smaller = encoded(photograph, "PNG"), jpeg(photograph.resize((560, 373)), 90)
    assert lost(smaller, original).is_empty
    assert lost(original, smaller).losses == (Loss.DETAIL,)


def test_a_second_exposure_is_another_shot(lost: Lost, photograph: Image.Image) -> None:
    calm = np.asarray(photograph.resize((1200, 800), Image.Resampling.BICUBIC), np.float32)
    noise = np.random.default_rng(8)
    shots = [
        jpeg(Image.fromarray((calm + noise.normal(0, 4, calm.shape)).clip(0, 255).astype(np.uint8)), 95)
        for _ in range(2)
    ]
    for gone, kept in (shots, reversed(shots)):
        assert Loss.SHOT in lost(gone, kept).losses


def _exif(orientation: int | None = None, **more: str) -> Image.Exif:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if "taken" in more:
        exif.get_ifd(0x8769)[0x9003] = more["taken"]
    return exif


@pytest.mark.parametrize("orientation", range(2, 9))
def test_upright_by_exif_or_by_its_pixels_is_the_same(
    lost: Lost, photograph: Image.Image, orientation: int
) -> None:
    flagged = jpeg(photograph, 93, exif=_exif(orientation))
    with Image.open(_stream(flagged)) as image:
        upright = ImageOps.exif_transpose(image)
    upright.info.clear()
    assert lost(encoded(upright, "PNG"), flagged) == NOTHING_LOST
    assert lost(jpeg(upright, 80), flagged) == NOTHING_LOST
    assert not lost(jpeg(reopened(jpeg(photograph, 93)), 80), flagged).is_empty, "the flag was lost"


def _stream(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


def test_time_place_rating_and_words(lost: Lost, photograph: Image.Image) -> None:
    plain = jpeg(photograph, 90)
    timed = jpeg(photograph, 90, exif=_exif(taken="2024:05:01 10:00:00"))
    assert lost(timed, plain) == Proof((Loss.TIME,), (f"time: {datetime(2024, 5, 1, 10)}",))
    assert lost(plain, timed).is_empty
    placed = _exif()
    placed.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 0.0), 3: "E", 4: (2.0, 21.0, 0.0)})
    assert lost(jpeg(photograph, 90, exif=placed), plain).losses == (Loss.PLACE,)
    assert lost(with_xmp(plain, 'xmp:Rating="4"'), plain) == Proof((Loss.RATING,), ("rating: 4",))
    words = "<dc:subject><rdf:Bag><rdf:li>sea</rdf:li></rdf:Bag></dc:subject>"
    assert lost(with_xmp(plain, "", words), plain) == Proof((Loss.WORDS,), ("words: sea",))
    assert lost(with_xmp(plain, 'xmp:Rating="4"', words), plain).losses == (Loss.RATING, Loss.WORDS)


def test_transparency(lost: Lost, photograph: Image.Image) -> None:
    clear = photograph.convert("RGBA")
    ImageDraw.Draw(clear).ellipse((150, 80, 420, 330), fill=(0, 0, 0, 0))
    half = photograph.convert("RGBA")
    half.putalpha(Image.linear_gradient("L").resize(half.size))
    for image in (clear, half):
        ground = Image.new("RGB", image.size, "white")
        ground.paste(image, mask=image.getchannel("A"))
        assert Loss.TRANSPARENCY in lost(encoded(image, "PNG"), encoded(ground, "PNG")).losses
        assert lost(jpeg(ground, 85), encoded(image, "PNG")).is_empty, "laid over white"
        assert lost(encoded(image, "WEBP", lossless=True), encoded(image, "PNG")).is_empty
    assert not lost(encoded(half, "PNG"), encoded(clear, "PNG")).is_empty, "another mask"
    opaque = photograph.convert("RGBA")
    assert lost(encoded(opaque, "PNG"), encoded(photograph, "PNG")).is_empty


def test_depth(lost: Lost) -> None:
    levels = np.linspace(0, 65_535, 300 * 200 * 3).reshape(200, 300, 3).astype(np.uint16)
    deep = png_of_16_bit_colour(levels)
    flat = encoded(Image.fromarray((levels / 257).round().astype(np.uint8)), "PNG")
    assert Loss.COLOUR in lost(deep, flat).losses
    assert lost(flat, deep).is_empty


def test_a_profile_is_shown_by_its_pixels_and_its_gamut(lost: Lost, photograph: Image.Image) -> None:
    adobe = profile([(0.64, 0.33, 0.03), (0.21, 0.71, 0.08), (0.15, 0.06, 0.79)])
    wide = jpeg(photograph, 92, icc_profile=adobe)
    assert Loss.COLOUR in lost(wide, jpeg(photograph, 92)).losses, "the profile was stripped"
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tagged = jpeg(photograph, 92, icc_profile=srgb)
    assert lost(tagged, jpeg(photograph, 92)).is_empty
    assert lost(jpeg(photograph, 92), tagged).is_empty


def test_cmyk_and_grey(lost: Lost, photograph: Image.Image) -> None:
    inks = photograph.convert("CMYK")
    separated = encoded(inks, "TIFF")
    assert lost(jpeg(inks.convert("RGB"), 85), separated).is_empty
    grey = ImageOps.grayscale(photograph)
    assert lost(jpeg(grey, 80), encoded(grey.convert("RGB"), "PNG")).is_empty


def _frames(shade: int = 0) -> list[Image.Image]:
    first = photographed("chelsea").resize((225, 150))
    return [first, ImageOps.invert(first), ImageChops.offset(first, 60 + shade, 0)]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_frames_and_pages(lost: Lost, kind: str) -> None:
    def saved(frames: list[Image.Image], duration: int = 200) -> bytes:
        how: dict[str, object] = {} if kind == "TIFF" else {"duration": duration}
        if kind == "WEBP":
            how["lossless"] = True
        return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **how)

    frames = _frames()
    whole = saved(frames)
    assert Loss.FRAMES in lost(whole, encoded(frames[0], "PNG")).losses
    assert Loss.FRAMES in lost(whole, saved(frames[:2])).losses
    assert Loss.FRAMES in lost(saved(frames[:2]), whole).losses, "fewer may be another cut"
    assert Loss.FRAMES in lost(whole, saved(_frames(shade=40))).losses, "the last one is another"
    if kind != "TIFF":
        assert Loss.FRAMES in lost(whole, saved(frames, duration=900)).losses
    if kind != "GIF":
        assert lost(encoded(frames[0], "PNG"), whole).is_empty, "its first frame"
        assert lost(jpeg(frames[0], 85), whole).is_empty, "its first frame"
    other = saved(frames) + b"\0"
    assert lost(other, whole).is_empty, "other bytes, the same frames"


def test_a_film_behind_an_image(lost: Lost, photograph: Image.Image) -> None:
    still = jpeg(photograph, 90)

    def moving(shade: bytes) -> bytes:
        brand = b"ftypmp42" + b"\0" * 12
        return (
            still
            + struct.pack(">I", len(brand) + 4)
            + brand
            + struct.pack(">I", 20_008)
            + b"mdat"
            + shade * 20_000
        )

    assert Loss.FRAMES in lost(moving(b"a"), still).losses
    assert Loss.FRAMES in lost(moving(b"a"), moving(b"b")).losses
    assert lost(still, moving(b"a")).is_empty


def _damaged(data: bytes) -> bytes:
    """Overwrite some bytes in the middle of the image's data."""
    place = len(data) * 3 // 5
    return data[:place] + b"\xff\xd9\x00\x00" * 2 + data[place + 8 :]


def test_a_damaged_file_keeps_nothing_and_goes_where_a_sound_copy_is(
    lost: Lost, put: Put, photograph: Image.Image
) -> None:
    sound = jpeg(photograph, 93)
    broken = _damaged(sound)
    assert put("broken", broken).damage
    proof = lost(sound, broken)
    assert Loss.INTEGRITY in proof.losses
    assert "damaged" in proof.notes[-1]
    assert lost(broken, sound).is_empty
    other = jpeg(photographed("chelsea"), 93)
    assert not lost(broken, other).is_empty


def test_what_cannot_be_compared_is_unproven(put: Put, photograph: Image.Image) -> None:
    gone, kept = put("gone.jpg", jpeg(photograph, 90)), put("kept.jpg", jpeg(photograph, 95))
    assert prove(gone, kept).is_empty
    path = Path(os.fsdecode(kept.path))
    path.write_bytes(jpeg(photograph, 94))
    assert prove(gone, kept).unproven == "changed since it was scanned"
    path.unlink()
    away = prove(gone, kept)
    assert away.unproven
    assert not away.is_empty


@pytest.mark.parametrize("name", ["coffee", "chelsea", "astronaut"])
def test_which_of_two_was_saved_from_the_other_is_told_to_the_bit(lost: Lost, name: str) -> None:
    first = jpeg(photographed(name).resize((420, 300)), 88)
    second = jpeg(reopened(first), 70, subsampling=0)
    there, back = lost(second, first), lost(first, second)
    assert (there.exact, there.is_saved, there.losses, there.made) == (1, True, (), True)
    assert back.exact is not None
    assert back.exact < 1
    assert not back.is_saved


def test_a_patch_of_another_colour_and_the_same_brightness_is_not_saved_from_it(lost: Lost) -> None:
    """A red lamp and a green one: all brightness is to the bit the same."""
    first = jpeg(photographed("coffee").resize((420, 300)), 88)
    luma, *chroma = reopened(first).convert("YCbCr").split()
    for plane in chroma:
        plane.paste(180 if plane is chroma[0] else 60, (160, 120, 184, 144))
    edited = Image.merge("YCbCr", (luma, *chroma)).convert("RGB")
    proof = lost(jpeg(edited, 88), first)
    assert not proof.is_saved
    assert Loss.COLOUR in proof.losses


def test_another_profile_is_lost_though_the_pixels_are_to_the_bit_the_same(lost: Lost) -> None:
    first = jpeg(photographed("coffee").resize((420, 300)), 88)
    adobe = profile([(0.64, 0.33, 0.03), (0.21, 0.71, 0.08), (0.15, 0.06, 0.79)])
    assert Loss.COLOUR in lost(jpeg(reopened(first), 80, icc_profile=adobe), first).losses


def test_a_grey_version_is_an_edit_though_it_is_to_the_bit_what_is_left_of_the_colours(lost: Lost) -> None:
    colours = photographed("coffee").resize((420, 300))
    grey = colours.convert("L")
    assert Loss.COLOUR in lost(jpeg(grey, 80), encoded(colours, "PNG")).losses
    assert lost(jpeg(grey, 80), encoded(grey, "PNG")).is_saved


# sRGB's own, with a red and a green that are a hair off, as cameras write them.
_CAMERA = ((0.4400, 0.2245, 0.0139), (0.3811, 0.7149, 0.0971), (0.1431, 0.0606, 0.7141))


@pytest.mark.parametrize("quality", [75, 90])
def test_a_profile_that_changes_next_to_nothing_may_be_left_out(lost: Lost, quality: int) -> None:
    """An encoder that leaves a camera's own profile out was given the same numbers."""
    photo = photographed("chelsea")
    original = jpeg(photo, 96, icc_profile=rgb_profile(_CAMERA), subsampling=0)
    assert lost(jpeg(reopened(original), quality), original).is_empty


def test_a_profile_that_changes_colours_is_no_next_to_nothing(lost: Lost) -> None:
    original = jpeg(photographed("coffee"), 96, icc_profile=rgb_profile())
    assert Loss.COLOUR in lost(jpeg(reopened(original), 85), original).losses


def test_two_files_of_one_profile_are_compared_to_the_bit(lost: Lost) -> None:
    icc = rgb_profile()
    original = jpeg(photographed("coffee"), 96, icc_profile=icc)
    proof = lost(jpeg(reopened(original), 80, icc_profile=icc), original)
    assert (proof.exact, proof.losses) == (1, ())


def test_what_somebody_appended_to_an_image_is_lost_with_it(lost: Lost) -> None:
    photo = photographed("chelsea")
    original, secret = jpeg(photo, 92), b"PK\x03\x04" + bytes(range(1, 255))
    copy = jpeg(reopened(original), 75)
    assert lost(copy, original).is_empty
    proof = lost(copy + secret, original)
    assert (proof.losses, proof.notes) == (
        (Loss.FRAMES,),
        ("258 bytes behind the image that nothing accounts for",),
    )
    assert lost(copy + secret, original + secret).is_empty
