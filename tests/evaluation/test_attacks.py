import io
import math
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.attacks import (
    Attack,
    RandomChain,
    Strength,
    attack_seed,
    attacks_of,
    companions,
    mild_attacks,
    standard_attacks,
)
from neardup_cli.evaluation.edits import EDITS, Edit, SaveAs
from neardup_cli.evaluation.edits.codecs import Jpeg
from neardup_cli.evaluation.edits.colour import Gamma, Grey, Posterise, Tones
from neardup_cli.evaluation.edits.composition import Collage, Overlay
from neardup_cli.evaluation.edits.geometry import Crop, Mirror, Resize, Rotate, Stretch, Turn
from neardup_cli.evaluation.edits.lettering import VOCABULARY, Meme, words
from neardup_cli.evaluation.edits.screens import Screenshot
from neardup_cli.evaluation.edits.texture import Blur, Noise

SUITES = (standard_attacks(), mild_attacks(), *(attacks_of(strength) for strength in Strength))
ALL_ATTACKS = {attack.name: attack for suite in SUITES for attack in suite}


def clouds(seed: int, size: tuple[int, int] = (240, 160)) -> Image.Image:
    """A soft random picture, smooth enough that codecs behave on it as on a photograph."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


PHOTO = clouds(1)
OTHERS = companions([clouds(seed) for seed in (2, 3, 4)])


def run(edit: Edit, image: Image.Image = PHOTO, key: str = "photo") -> Image.Image:
    return Attack("test", (edit,)).run(image, key, supplier=OTHERS)


def pixels(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(image, dtype=np.float64)


@pytest.mark.parametrize("kind", sorted(EDITS))
def test_every_kind_works_with_its_defaults_and_leaves_the_original_alone(kind: str) -> None:
    before = PHOTO.tobytes()
    edited = run(EDITS[kind]())
    assert edited.mode == "RGB"
    assert PHOTO.tobytes() == before
    assert edited is not PHOTO
    if kind != "identity":
        assert edited.size != PHOTO.size or edited.tobytes() != before


@pytest.mark.parametrize("name", sorted(ALL_ATTACKS))
def test_the_same_seed_gives_the_same_file(name: str) -> None:
    attack = ALL_ATTACKS[name]
    first, second = (
        attack.save_as.encode(attack.run(PHOTO, "photo", supplier=OTHERS, seed=5)) for _ in range(2)
    )
    assert first == second
    with Image.open(io.BytesIO(first)) as reopened:
        assert reopened.format == attack.save_as.format


@pytest.mark.parametrize(
    "edit", [Crop(0.3), Noise(), RandomChain(), Overlay(0.2), Meme()], ids=lambda e: e.kind
)
def test_another_key_and_another_seed_give_another_variant(edit: Edit) -> None:
    attack = Attack("test", (edit,))
    variants = {
        attack.run(PHOTO, key, supplier=OTHERS, seed=seed).tobytes() for key in ("a", "b") for seed in (0, 1)
    }
    assert len(variants) == 4


def test_the_seed_does_not_depend_on_the_process() -> None:
    code = "from neardup_cli.evaluation.attacks import attack_seed; print(attack_seed('a', 'crop', 3))"
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(elsewhere.stdout) == attack_seed("a", "crop", 3)


def test_the_seed_separates_its_parts_and_takes_names_that_are_not_utf8() -> None:
    assert attack_seed("ab", "c") != attack_seed("a", "bc")
    assert attack_seed(b"\xff.jpg".decode("utf-8", "surrogateescape"), "c") >= 0


@pytest.mark.parametrize("suite", SUITES)
def test_names_are_unique_within_a_suite(suite: tuple[Attack, ...]) -> None:
    names = [attack.name for attack in suite]
    assert len(names) == len(set(names))


def test_a_name_means_the_same_attack_in_every_suite() -> None:
    assert [attack for suite in SUITES for attack in suite if ALL_ATTACKS[attack.name] != attack] == []


def test_the_standard_suite_holds_what_the_figures_promise() -> None:
    edits = [edit for attack in standard_attacks() for edit in attack.edits]
    assert len(standard_attacks()) >= 17
    promised: tuple[Edit, ...] = (
        *(Crop(0.25), Rotate(25), Turn(90), Mirror("horizontal"), Mirror("vertical")),
        *(Overlay(0.4), Overlay(0.2), Screenshot(), Meme()),
    )
    assert [edit for edit in promised if edit not in edits] == []
    assert any(len(attack.edits) > 2 for attack in standard_attacks())


def test_an_attack_that_needs_another_picture_says_so() -> None:
    with pytest.raises(BadInput, match="companions"):
        Attack("overlay", (Overlay(),)).run(PHOTO, "photo")
    with pytest.raises(BadInput, match="no other picture"):
        companions([])


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK"])
def test_any_mode_comes_out_as_rgb(mode: str) -> None:
    assert run(Resize(0.5), PHOTO.convert(mode)).mode == "RGB"


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (500, 4)])
@pytest.mark.parametrize("kind", sorted(EDITS))
def test_tiny_and_thin_pictures_survive(kind: str, size: tuple[int, int]) -> None:
    assert min(run(EDITS[kind](), PHOTO.resize(size)).size) >= 1


@pytest.mark.parametrize("place", ["centre", "random"])
@pytest.mark.parametrize("keep", [0.1, 0.25, 0.8])
def test_a_crop_keeps_its_share_and_shows_a_part_of_the_picture(keep: float, place: str) -> None:
    ramp = np.zeros((160, 240, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(240)[None, :], np.arange(160)[:, None]
    kept = run(Crop(keep, "centre" if place == "centre" else "random"), Image.fromarray(ramp))
    assert kept.width * kept.height / (240 * 160) == pytest.approx(keep, rel=0.03)
    left, top = np.asarray(kept)[0, 0, :2].astype(int)
    assert np.array_equal(np.asarray(kept), ramp[top : top + kept.height, left : left + kept.width])
    if place == "centre":
        assert (left, top) == pytest.approx(((240 - kept.width) / 2, (160 - kept.height) / 2), abs=1)


def test_sizes_follow_the_parameters() -> None:
    assert run(Resize(0.25)).size == (60, 40)
    stretched = run(Stretch(1.5))
    assert stretched.width / stretched.height == pytest.approx(1.5 * 240 / 160, rel=0.02)
    angle = math.radians(25)
    assert run(Rotate(25)).width == pytest.approx(240 * math.cos(angle) + 160 * math.sin(angle), abs=2)


def test_turns_and_mirrors_lose_nothing() -> None:
    original = np.asarray(PHOTO)
    assert np.array_equal(np.asarray(run(Turn(90))), np.rot90(original))
    assert np.array_equal(np.asarray(run(Turn(180))), np.rot90(original, 2))
    assert np.array_equal(np.asarray(run(Mirror("horizontal"))), original[:, ::-1])
    assert np.array_equal(np.asarray(run(Mirror("vertical"))), original[::-1])


def test_colours_change_as_named() -> None:
    assert np.ptp(pixels(run(Grey())), axis=2).max() == 0
    assert pixels(run(Gamma(2.0))).mean() < pixels(PHOTO).mean() < pixels(run(Gamma(0.5))).mean()
    assert len(np.unique(np.asarray(run(Posterise(2))))) <= 4
    assert pixels(run(Tones(1.5, 1, 1))).mean() > pixels(PHOTO).mean()


def test_lower_quality_costs_more_and_needs_fewer_bytes() -> None:
    original = pixels(PHOTO)
    errors = [np.abs(pixels(run(Jpeg(quality))) - original).mean() for quality in (75, 20, 5)]
    assert errors == sorted(errors)
    assert errors[0] > 0
    sizes = [len(SaveAs("JPEG", quality).encode(PHOTO)) for quality in (75, 20, 5)]
    assert sizes == sorted(sizes, reverse=True)


def test_blur_is_relative_to_the_size_of_the_picture() -> None:
    large, small = clouds(1, (960, 640)), clouds(1, (240, 160))
    blurred = run(Blur(20), large).resize((240, 160), Image.Resampling.BOX)
    assert np.abs(pixels(blurred) - pixels(run(Blur(20), small))).mean() < 1.5


@pytest.mark.parametrize("area", [0.4, 0.2])
def test_an_overlay_covers_its_share(area: float) -> None:
    red = Image.new("RGB", (240, 160), (255, 0, 0))
    black = companions([Image.new("RGB", (300, 200))])
    result = Attack("overlay", (Overlay(area),)).run(red, "red", supplier=black)
    assert result.size == (300, 200)
    assert (pixels(result)[..., 0] > 128).mean() == pytest.approx(area, rel=0.05)


def test_a_collage_shows_the_picture_once() -> None:
    red = Image.new("RGB", (480, 360), (255, 0, 0))
    black = companions([Image.new("RGB", (480, 360))])
    result = np.asarray(Attack("collage", (Collage(),)).run(red, "red", supplier=black))
    assert np.all(result == (255, 0, 0), axis=2).sum() == 480 * 360


def test_screenshots_of_unrelated_pictures_share_their_chrome() -> None:
    first, second = (np.asarray(run(Screenshot(), clouds(seed))) for seed in (7, 8))
    assert np.array_equal(first[:100], second[:100])
    assert np.ptp(first[:50].astype(int)) > 100
    assert not np.array_equal(first, second)


def test_a_meme_keeps_the_picture_between_its_bands() -> None:
    result = run(Meme("both", 0.25, outlined=False))
    assert result.size == (240, 160 + 2 * 40)
    assert np.array_equal(np.asarray(result)[40:200], np.asarray(PHOTO))


def test_captions_of_unrelated_pictures_share_words() -> None:
    drawn = [word for seed in range(20) for word in words(np.random.default_rng(seed), 4).split()]
    assert set(drawn) <= set(VOCABULARY)
    assert len(set(drawn)) < len(drawn) / 2


def test_two_kinds_cannot_share_a_name() -> None:
    with pytest.raises(TypeError, match="blur"):
        type("Again", (Blur,), {}, kind="blur")
