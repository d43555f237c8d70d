"""Templates with two contents, other colours, turned signs and second shots are no copies; edits are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from neardup_cli.matching.explain import Subject
from neardup_cli.matching.second_look import OTHER_COLOURS, OTHER_CONTENTS, OTHER_WAY, look_again
from neardup_cli.matching.series import is_another_shot, only_overlap
from neardup_cli.matching.verify import as_tuples, verify_pair
from neardup_cli.records.matches import Alignment

if TYPE_CHECKING:
    from tests.matching.conftest import Gallery

WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "packs", "my", "box"]


def _subject(gallery: Gallery, image: Image.Image) -> Subject:
    return Subject(gallery.small(image), image.size)


def _verdict(gallery: Gallery, a: Image.Image, b: Image.Image) -> Alignment:
    verdict = verify_pair(gallery.features(a), gallery.features(b))
    assert verdict.matched, verdict
    return verdict


def _look(gallery: Gallery, a: Image.Image, b: Image.Image, verdict: Alignment | None = None) -> str | None:
    found = verdict or _verdict(gallery, a, b)
    return look_again(_subject(gallery, a), _subject(gallery, b), found)


def _laid_whole() -> Alignment:
    return Alignment(matched=True, reason="", transform=as_tuples(np.eye(2, 3)), coverage_a=1, coverage_b=1)


def _saved(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def _noisy(image: Image.Image, seed: int, deviation: float = 2) -> Image.Image:
    values = np.asarray(image, np.float32)
    noise = np.random.default_rng(seed).normal(0, deviation, values.shape)
    return Image.fromarray((values + noise).clip(0, 255).astype(np.uint8))


def _letter(number: str, total: str) -> Image.Image:
    page = Image.new("RGB", (800, 1100), (252, 252, 250))
    draw = ImageDraw.Draw(page)
    draw.rectangle((60, 60, 740, 130), fill=(30, 30, 40))
    draw.text((60, 190), f"Invoice {number}", font=ImageFont.load_default(30), fill=10)
    rng = np.random.default_rng(5)
    for row in range(22):
        line = " ".join(rng.choice(WORDS, 9))
        draw.text((60, 270 + 30 * row), line, font=ImageFont.load_default(18), fill=(20, 20, 20))
    draw.text((60, 980), f"Total {total} EUR", font=ImageFont.load_default(34), fill=10)
    return page


def test_two_invoices_of_one_form_are_two(gallery: Gallery) -> None:
    assert _look(gallery, _letter("10482", "93.17"), _letter("20735", "48.60")) == OTHER_CONTENTS


@pytest.mark.parametrize("quality", [75, 50, 20])
def test_a_page_saved_again_is_the_page(gallery: Gallery, quality: int) -> None:
    page = _letter("10482", "93.17")
    assert _look(gallery, page, _saved(page, quality)) is None
    smaller = _saved(page.resize((560, 770), Image.Resampling.LANCZOS), quality)
    assert _look(gallery, page, smaller) is None


def test_a_page_scanned_again_is_the_page(gallery: Gallery) -> None:
    page = _letter("10482", "93.17")
    turned = page.rotate(0.6, Image.Resampling.BICUBIC, fillcolor=(245, 245, 245))
    assert _look(gallery, page, _saved(turned, 60)) is None


def _captioned(photo: Image.Image, text: str) -> Image.Image:
    copy = photo.copy()
    ImageDraw.Draw(copy).text(
        (copy.width / 2, 20),
        text,
        font=ImageFont.load_default(44),
        fill="white",
        stroke_width=3,
        stroke_fill="black",
        anchor="ma",
    )
    return copy


def test_two_memes_of_one_photograph_are_two_and_each_is_a_copy_of_it(gallery: Gallery) -> None:
    photo = gallery.picture("coffee")
    first, second = _captioned(photo, "MONDAY MORNING"), _captioned(photo, "THE BUILD IS RED")
    assert _look(gallery, first, second) is not None
    assert _look(gallery, photo, first) is None
    assert _look(gallery, first, _saved(first.resize((320, 214)), 60)) is None


def test_a_face_that_moved_is_another_photograph(gallery: Gallery) -> None:
    photo = gallery.picture("astronaut")
    values = np.asarray(photo)
    rows, columns = np.mgrid[0 : photo.height, 0 : photo.width].astype(np.float32)
    distance = np.hypot(columns - photo.width * 0.44, rows - photo.height * 0.29) / 34
    pull = np.where(distance < 1, (1 - distance**2) ** 2 * 9, 0)
    moved = np.clip(rows + pull, 0, photo.height - 1).round().astype(int)
    other = Image.fromarray(values[moved, columns.astype(int)])
    assert _look(gallery, _noisy(photo, 1), _noisy(other, 2)) is not None
    assert _look(gallery, _noisy(photo, 1), _noisy(photo, 2)) is None


def _sign(colour: tuple[int, int, int]) -> Image.Image:
    sign = Image.new("RGB", (256, 256), "white")
    draw = ImageDraw.Draw(sign)
    draw.polygon(
        [(40, 100), (150, 100), (150, 50), (226, 128), (150, 206), (150, 156), (40, 156)], fill=colour
    )
    return sign


def test_a_sign_in_another_colour_is_another_sign(gallery: Gallery) -> None:
    red, green = _sign((200, 40, 40)), _sign((30, 130, 40))
    assert _look(gallery, red, green, _laid_whole()) in (OTHER_COLOURS, OTHER_CONTENTS)
    assert _look(gallery, red, _saved(red, 50), _laid_whole()) is None


def test_an_arrow_that_points_elsewhere_is_another_sign(gallery: Gallery) -> None:
    right = _sign((20, 20, 20))
    left = right.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored = Alignment(
        True, "", transform=((-1.0, 0.0, 255.0), (0.0, 1.0, 0.0)), mirrored=True, coverage_a=1
    )
    assert _look(gallery, right, left, mirrored) == OTHER_WAY


@pytest.mark.parametrize(
    "attack", ["jpeg-10", "colours", "grey", "blur", "noise", "crop-50", "rotate-25", "watermark", "stickers"]
)
@pytest.mark.parametrize("name", ["astronaut", "chelsea"])
def test_edits_of_photographs_stay_copies(gallery: Gallery, name: str, attack: str) -> None:
    photo, copy = gallery.picture(name), gallery.attacked(name, attack)
    verdict = _verdict(gallery, photo, copy)
    a, b = _subject(gallery, photo), _subject(gallery, copy)
    assert look_again(a, b, verdict) is None
    assert not only_overlap(a, b, verdict)
    assert not is_another_shot(a, b, verdict)


def test_frames_of_a_burst_held_by_hand_are_two_shots(gallery: Gallery) -> None:
    photo = gallery.picture("coffee").resize((1024, 680), Image.Resampling.LANCZOS)
    first = photo.crop((40, 30, 980, 650))
    second = photo.rotate(0.25, Image.Resampling.BICUBIC).crop((46, 34, 986, 654))
    a, b = _noisy(first, 1), _noisy(second, 2)
    verdict = _verdict(gallery, a, b)
    assert is_another_shot(_subject(gallery, a), _subject(gallery, b), verdict)


def test_a_focus_stack_is_a_series_and_a_blurred_copy_is_none(gallery: Gallery) -> None:
    photo = gallery.picture("coffee")
    soft = photo.filter(ImageFilter.GaussianBlur(2.5))
    ramp = Image.linear_gradient("L").resize(photo.size)
    near, far = Image.composite(photo, soft, ramp), Image.composite(soft, photo, ramp)
    verdict = _verdict(gallery, near, far)
    assert is_another_shot(_subject(gallery, near), _subject(gallery, far), verdict)
    mild = photo.filter(ImageFilter.GaussianBlur(1.2))
    verdict = _verdict(gallery, photo, mild)
    assert not is_another_shot(_subject(gallery, photo), _subject(gallery, mild), verdict)


def test_frames_of_a_panorama_only_overlap_and_a_crop_does_not(gallery: Gallery) -> None:
    wide = gallery.picture("coffee")
    third = wide.width // 3
    left, right = wide.crop((0, 0, 2 * third, wide.height)), wide.crop((third, 0, wide.width, wide.height))
    verdict = _verdict(gallery, left, right)
    assert only_overlap(_subject(gallery, left), _subject(gallery, right), verdict)
    verdict = _verdict(gallery, wide, left)
    assert not only_overlap(_subject(gallery, wide), _subject(gallery, left), verdict)


def test_brighter_is_no_other_design(gallery: Gallery) -> None:
    page = _letter("10482", "93.17")
    assert _look(gallery, page, ImageEnhance.Brightness(page).enhance(0.85)) is None


def test_a_grey_photograph_and_one_on_plain_ground_are_photographs_and_a_page_is_none(
    gallery: Gallery,
) -> None:
    grey = gallery.picture("coffee").convert("L").convert("RGB")
    ground = Image.new("RGB", (1200, 900), "white")
    ground.paste(gallery.picture("coffee").resize((600, 400)), (300, 250))
    assert _subject(gallery, grey).is_natural
    assert _subject(gallery, ground).is_natural
    assert not _subject(gallery, _letter("10482", "93.17")).is_natural
    assert not _subject(gallery, _noisy(_letter("10482", "93.17"), 1)).is_natural


@pytest.mark.parametrize("attack", ["caption", "meme", "stickers", "watermark"])
def test_what_is_laid_over_a_grey_photograph_leaves_a_copy(gallery: Gallery, attack: str) -> None:
    photo = gallery.picture("chelsea").convert("L").convert("RGB")
    copy = gallery.attacked("chelsea", attack).convert("L").convert("RGB")
    assert _look(gallery, photo, copy) is None


def _plate(colours: list[tuple[int, int, int]]) -> Image.Image:
    rng = np.random.default_rng(4)
    plate = Image.fromarray(rng.normal((170, 160, 140), 9, (400, 600, 3)).clip(0, 255).astype(np.uint8))
    plate = plate.filter(ImageFilter.GaussianBlur(1))
    draw = ImageDraw.Draw(plate)
    draw.rectangle((180, 20, 420, 380), fill="white")
    for row, colour in enumerate(colours):
        draw.rectangle((210, 40 + 85 * row, 390, 100 + 85 * row), fill=colour)
    return plate


def test_fields_painted_in_other_colours_are_another_strip(gallery: Gallery) -> None:
    first = _plate([(200, 60, 60), (60, 150, 70), (70, 70, 190), (190, 180, 60)])
    second = _plate([(90, 80, 190), (200, 90, 60), (70, 150, 90), (170, 60, 170)])
    assert _look(gallery, first, second, _laid_whole()) is not None
    assert _look(gallery, first, _saved(first, 50), _laid_whole()) is None


def _clocked(photo: Image.Image, time: str) -> Image.Image:
    copy = photo.copy()
    draw = ImageDraw.Draw(copy)
    draw.rectangle((8, 8, 232, 34), fill="black")
    draw.text((12, 10), time, font=ImageFont.load_default(20), fill="white")
    return copy


def _framed(photo: Image.Image, picture: Image.Image) -> Image.Image:
    copy = photo.copy()
    ImageDraw.Draw(copy).rectangle((150, 100, 290, 260), fill="white")
    copy.paste(picture.resize((120, 110)), (160, 110))
    return copy


@pytest.mark.parametrize("quality", [None, 85, 60])
def test_one_place_filled_in_twice_is_no_copy(gallery: Gallery, quality: int | None) -> None:
    ground = gallery.picture("coffee")
    pairs = [
        (_clocked(ground, "2024-03-03 04:35:54"), _clocked(ground, "2024-03-19 13:29:46")),
        (_framed(ground, gallery.picture("chelsea")), _framed(ground, gallery.picture("rocket"))),
    ]
    for pair in pairs:
        first, second = (side if quality is None else _saved(side, quality) for side in pair)
        assert _look(gallery, first, second) is not None
        assert _look(gallery, first, _saved(first, 40)) is None
        assert _look(gallery, ground, first) is None


def test_a_page_with_one_other_line_is_another_page(gallery: Gallery) -> None:
    first, second = (_letter("10482", "93.17") for _ in range(2))
    pen = ImageDraw.Draw(second)
    pen.rectangle((60, 600, 700, 629), fill=(252, 252, 250))
    pen.text(
        (60, 600), "a lazy fox and the quick dog jumps", font=ImageFont.load_default(18), fill=(20, 20, 20)
    )
    assert _look(gallery, _noisy(first, 1), _noisy(second, 2)) == OTHER_CONTENTS
    assert _look(gallery, _noisy(first, 1), _noisy(first, 2)) is None


def test_neighbouring_hues_are_other_colours_and_a_codec_is_none(gallery: Gallery) -> None:
    first, second = _sign((220, 50, 47)), _sign((220, 72, 47))
    assert _look(gallery, first, second) == OTHER_COLOURS
    assert _look(gallery, first, _saved(first, 50)) is None


@pytest.mark.parametrize("name", ["chelsea", "coffee", "astronaut"])
def test_an_object_on_plain_ground_made_smaller_is_the_same(gallery: Gallery, name: str) -> None:
    canvas = Image.new("RGB", (900, 900), (244, 240, 236))
    mask = Image.new("L", (200, 200), 0)
    ImageDraw.Draw(mask).ellipse((0, 20, 199, 180), fill=255)
    canvas.paste(gallery.picture(name).resize((200, 200)), (380, 300), mask)
    half = canvas.resize((450, 450), Image.Resampling.LANCZOS)
    assert _look(gallery, canvas, half, _laid_whole()) is None


def test_a_cut_out_on_another_ground_is_the_same_image(gallery: Gallery) -> None:
    """Transparency was laid on white by one program and on black by another one."""
    photo = gallery.picture("astronaut")
    mask = Image.new("L", photo.size, 0)
    ImageDraw.Draw(mask).ellipse((100, 80, 420, 440), fill=255)
    on_white, on_black = (
        Image.composite(photo, Image.new("RGB", photo.size, on), mask) for on in ("white", "black")
    )
    assert _look(gallery, on_white, _saved(on_black, 95), _laid_whole()) is None
