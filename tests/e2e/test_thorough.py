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


def test_thorough_can_be_a_setting(neardup: Neardup, folder: Path) -> None:
    settings = neardup.home / "neardup.toml"
    settings.write_text("thorough = true\n")
    assert neardup.json("scan", folder)["regions"] == 3
    # Hashes alone are asked for by name: the setting gives way.
    assert neardup.json("scan", "--hash-only", folder)["regions"] == 0


def test_hashes_alone_are_not_thorough(neardup: Neardup, folder: Path) -> None:
    assert "--hash-only" in neardup.fail(2, "scan", "--thorough", "--hash-only", folder)
