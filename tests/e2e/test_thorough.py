"""`scan --thorough` finds a small picture pasted into a larger one, and without it nothing does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from skimage import data

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup

AREA = 0.15

FORKED = True


@pytest.fixture(scope="session")
def pasted() -> Image.Image:
    """The cat on 15 % of another photograph, which is not in the collection."""
    whole = Image.fromarray(data.retina()).convert("RGB").resize((640, 440))  # type: ignore[no-untyped-call]
    cat = Image.fromarray(data.chelsea())  # type: ignore[no-untyped-call]
    scale = math.sqrt(AREA * whole.width * whole.height / (cat.width * cat.height))
    cat = cat.resize((round(cat.width * scale), round(cat.height * scale)))
    whole.paste(cat, (round(0.9 * (whole.width - cat.width)), round(0.15 * (whole.height - cat.height))))
    return whole


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs: the cat among them."""
    made = tmp_path / "pictures"
    made.mkdir()
    for name in ("chelsea", "coffee", "astronaut"):
        Image.fromarray(getattr(data, name)()).save(made / f"{name}.jpg", quality=92)
    return made


def pairs(document: Any) -> dict[frozenset[str], Any]:
    return {
        frozenset((Path(match["a"]).name, Path(match["b"]).name)): match
        for group in document["groups"]
        for match in group["matches"]
    }


def test_dups_finds_it_after_a_thorough_scan_alone(
    neardup: Neardup, folder: Path, pasted: Image.Image
) -> None:
    pasted.save(folder / "pasted.png")
    neardup.succeed("scan", folder)
    assert pairs(neardup.json("dups")) == {}
    assert neardup.json("scan", "--thorough", folder)["regions"] == 4
    [model] = neardup.json("status")["models"]
    assert (model["vectors"], model["regions"]) == (4, 4)
    document = neardup.json("dups")
    [(names, match)] = pairs(document).items()
    assert names == {"chelsea.jpg", "pasted.png"}
    assert (match["stage"], match["kind"]) == ("geometry", "embedded")
    assert match["similarity"] > 0.3
    assert document["summary"]["region_pairs"] >= 1
    shares = {
        Path(match[side]).name: coverage for side, coverage in zip("ab", match["coverage"], strict=True)
    }
    assert shares["pasted.png"] == pytest.approx(AREA, abs=0.03)
    assert shares["chelsea.jpg"] > 0.9
    assert neardup.json("dups")["groups"] == document["groups"]
    assert pairs(neardup.json("dups", "--no-verify")) == {}


def matched(neardup: Neardup, image: Path, *options: str) -> dict[str, str]:
    """Kinds of the files that `query` calls a match."""
    [result] = neardup.json("query", image, *options)["queries"]
    return {Path(match["path"]).name: match["kind"] for match in result["matches"] if match["stage"]}


def test_query_finds_the_picture_that_is_pasted_in_the_image(
    neardup: Neardup, folder: Path, tmp_path: Path, pasted: Image.Image
) -> None:
    image = tmp_path / "pasted.png"
    pasted.save(image)
    neardup.succeed("scan", folder)
    assert matched(neardup, image) == {}
    neardup.succeed("scan", "--thorough", folder)
    assert matched(neardup, image) == {"chelsea.jpg": "embedded"}
    assert matched(neardup, image, "--no-verify") == {}


def test_query_finds_the_pictures_that_hold_the_image(
    neardup: Neardup, folder: Path, tmp_path: Path, pasted: Image.Image
) -> None:
    image = tmp_path / "cat.jpg"
    (folder / "chelsea.jpg").rename(image)
    pasted.save(folder / "pasted.png")
    neardup.succeed("scan", folder)
    assert matched(neardup, image) == {}
    neardup.succeed("scan", "--thorough", folder)
    assert matched(neardup, image) == {"pasted.png": "embedded"}


def test_compare_and_explain_say_what_dups_says(
    neardup: Neardup, folder: Path, tmp_path: Path, pasted: Image.Image
) -> None:
    pasted.save(folder / "pasted.png")
    neardup.succeed("scan", "--thorough", folder)
    [match] = pairs(neardup.json("dups")).values()
    cat, collage = folder / "chelsea.jpg", folder / "pasted.png"
    for a, b in ((cat, collage), (collage, cat)):
        found = neardup.json("compare", a, b)
        told = ("is_duplicate", "stage", "kind", "agreement", "inliers", "similarity")
        assert {name: found[name] for name in told} == {
            **{name: match[name] for name in told if name in match},
            "is_duplicate": True,
        }
        assert found["coverage"] == (match["coverage"] if match["a"] == str(a) else match["coverage"][::-1])
    alone = neardup.json("compare", "--no-verify", cat, collage)
    assert not alone["is_duplicate"]
    assert not neardup.json("compare", "--hash-only", cat, collage)["is_duplicate"]
    assert not neardup.json("compare", folder / "coffee.jpg", collage)["is_duplicate"]


def test_explain_draws_where_the_small_picture_lies(
    neardup: Neardup, folder: Path, tmp_path: Path, pasted: Image.Image
) -> None:
    collage = tmp_path / "pasted.png"
    pasted.save(collage)
    drawing = tmp_path / "drawing.png"
    found = neardup.json("explain", folder / "chelsea.jpg", collage, "--save", drawing)
    assert (found["is_duplicate"], found["kind"]) == (True, "embedded")
    assert found["sentence"].startswith("Shown inside another picture, on 15% of its area")
    (left, top), _, (right, bottom), _ = found["outline"]
    assert (right - left) * (bottom - top) == pytest.approx(AREA, abs=0.02)
    assert left / (left + 1 - right) == pytest.approx(0.9, abs=0.03)
    assert top / (top + 1 - bottom) == pytest.approx(0.15, abs=0.03)
    with Image.open(drawing) as drawn:
        assert has_outline(drawn, (left + right) / 2, top)
        assert has_outline(drawn, (left + right) / 2, bottom)
        assert not has_outline(drawn, (left + right) / 2, (top + bottom) / 2)
    stranger = neardup.json("explain", folder / "coffee.jpg", collage)
    assert (stranger["is_duplicate"], stranger["kind"], stranger["outline"]) == (False, None, [])
    assert stranger["sentence"].startswith("Not copies: ")


def has_outline(drawing: Image.Image, x: float, y: float) -> bool:
    """Whether there is red near a place, given in shares of the right one of two pictures, 640 by 440."""
    height, margin, title = 640, 16, 50
    width = height * 640 / 440
    middle = (drawing.width - margin - width * (1 - x), title + height * y)
    left, top = (round(place) - 3 for place in middle)
    around = drawing.convert("RGB").crop((left, top, left + 7, top + 7))
    return (230, 60, 40) in {colour for _, colour in around.getcolors() or ()}


def test_thorough_can_be_a_setting(neardup: Neardup, folder: Path) -> None:
    settings = neardup.home / "neardup.toml"
    settings.write_text("thorough = true\n")
    assert neardup.json("scan", folder)["regions"] == 3
    # Hashes alone are asked for by name: the setting gives way.
    assert neardup.json("scan", "--hash-only", folder)["regions"] == 0


def test_hashes_alone_are_not_thorough(neardup: Neardup, folder: Path) -> None:
    assert "--hash-only" in neardup.fail(2, "scan", "--thorough", "--hash-only", folder)


def test_an_evaluation_looks_at_parts_if_it_is_told_to(
    neardup: Neardup, folder: Path, pasted: Image.Image, tmp_path: Path
) -> None:
    queries, truth = tmp_path / "queries", tmp_path / "truth.csv"
    queries.mkdir()
    pasted.save(queries / "pasted.png")
    truth.write_text("query_id,reference_id\npasted,chelsea\n")
    asked = ("eval", "run", "--queries", queries, "--references", folder, "--truth", truth)
    assert neardup.json(*asked)["overall"]["recall"] == 0
    thorough = neardup.json(*asked, "--thorough")
    assert (thorough["overall"]["recall"], thorough["overall"]["precision"]) == (1, 1)
    assert thorough["parameters"]["thorough"]
    assert "--thorough needs embeddings" in neardup.fail(2, *asked, "--thorough", "--hash-only")
