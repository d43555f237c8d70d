from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.matching.explain import Subject
from neardup_cli.pipeline import geometry
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.geometry import Laid, decide_pairs
from neardup_cli.pipeline.picture import decode_file
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.progress import Silent
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import Alignment
from neardup_cli.rules.confidence import UNSURE


@pytest.fixture
def cropped(tmp_path: Path, photographs: dict[str, Image.Image], catalog: Catalog) -> list[Path]:
    """A photograph, a crop of it, and a stranger, scanned: SSCD alone is sure of none of them."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    astronaut = photographs["astronaut"]
    paths = [folder / name for name in ("astronaut.png", "crop.png", "coffee.png")]
    astronaut.save(paths[0])
    astronaut.crop((20, 0, 220, 180)).save(paths[1])
    photographs["coffee"].save(paths[2])
    scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))
    return paths


def ids(catalog: Catalog, paths: list[Path]) -> list[int]:
    with catalog.read() as connection:
        files = queries.files_of_contents(connection, {1, 2, 3})
    by_path = {os.fsdecode(file.path): file.content_id for file in files}
    return [by_path[str(path)] for path in paths]


def test_a_crop_is_a_copy_and_a_stranger_is_not(cropped: list[Path], catalog: Catalog) -> None:
    original, crop, stranger = ids(catalog, cropped)
    pairs = [(min(a, b), max(a, b)) for a, b in ((original, crop), (original, stranger))]
    decided = decide_pairs(catalog, pairs, least=0.9, workers=2, watch=Silent())
    assert [decided[pair].matched for pair in pairs] == [True, False]
    assert decided[pairs[0]].inliers > 5


def test_no_pair_is_checked_twice(
    cropped: list[Path], catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, crop, _ = sorted(ids(catalog, cropped))
    first = decide_pairs(catalog, [(original, crop)], least=0.9, workers=1, watch=Silent())
    monkeypatch.setattr(geometry, "verify_pair", None)
    again = decide_pairs(catalog, [(original, crop)], least=0.9, workers=1, watch=Silent())
    assert again == first


def test_how_sure_it_has_to_be_is_asked_of_what_is_stored(
    cropped: list[Path], catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, crop, _ = ids(catalog, cropped)
    pair = (min(original, crop), max(original, crop))
    found = decide_pairs(catalog, [pair], least=0.5, workers=1, watch=Silent())[pair]
    assert found.matched
    assert 0.9 < found.confidence < 1.0
    monkeypatch.setattr(geometry, "verify_pair", None)  # nothing is looked at again
    for least in (found.confidence, 1.0):
        again = decide_pairs(catalog, [pair], least=least, workers=1, watch=Silent())[pair]
        assert again.matched == (found.confidence >= least)
        assert again.confidence == found.confidence


def test_what_nothing_speaks_for_is_as_good_as_impossible(cropped: list[Path], catalog: Catalog) -> None:
    original, _, stranger = ids(catalog, cropped)
    pair = (min(original, stranger), max(original, stranger))
    found = decide_pairs(catalog, [pair], least=0.5, workers=1, watch=Silent())[pair]
    assert not found.matched
    assert found.confidence < 0.01


def test_pairs_of_one_image_are_decided_together() -> None:
    pairs = [(1, 9), (2, 8), (2, 9), (3, 9), (4, 8), (9, 10), (8, 11)]
    assert geometry.by_hub(pairs) == [(2, 8), (4, 8), (8, 11), (1, 9), (2, 9), (3, 9), (9, 10)]


def test_a_file_that_changed_since_the_scan_decides_nothing(cropped: list[Path], catalog: Catalog) -> None:
    original, crop, _ = ids(catalog, cropped)
    cropped[1].write_bytes(cropped[2].read_bytes())
    pair = (min(original, crop), max(original, crop))
    assert decide_pairs(catalog, [pair], least=0.9, workers=1, watch=Silent()) == {}


def test_another_file_of_the_same_content_stands_in(cropped: list[Path], catalog: Catalog) -> None:
    twin = cropped[1].with_name("twin.png")
    twin.write_bytes(cropped[1].read_bytes())
    scan(catalog, [os.fsencode(twin.parent)], ScanOptions(hash_only=True))
    original, crop, _ = ids(catalog, cropped)
    cropped[1].unlink()
    pair = (min(original, crop), max(original, crop))
    assert decide_pairs(catalog, [pair], least=0.9, workers=1, watch=Silent())[pair].matched


@pytest.mark.parametrize("name", ["astronaut.png", "astronaut.jpg", "grey.jpg", "tiny.jpg"])
def test_both_made_small_at_once_are_what_each_is_alone(
    tmp_path: Path, photographs: dict[str, Image.Image], name: str
) -> None:
    picture = photographs["astronaut"].resize((1, 3) if name == "tiny.jpg" else (1300, 900))
    picture.convert("L" if name == "grey.jpg" else "RGB").save(tmp_path / name)
    image = decode_file(os.fsencode(tmp_path / name))
    features, subject = geometry.made_small(image)
    assert np.array_equal(features.grey, geometry.features_of(image).grey)
    assert np.array_equal(subject.pixels, geometry.subject_of(image).pixels)
    assert subject.size == geometry.subject_of(image).size


def test_dups_says_how_many_pairs_were_checked(
    tmp_path: Path, photographs: dict[str, Image.Image], catalog: Catalog
) -> None:
    folder = tmp_path / "embedded"
    folder.mkdir()
    photographs["astronaut"].save(folder / "a.png")
    photographs["astronaut"].crop((20, 0, 220, 180)).save(folder / "crop.png")
    scan(catalog, [os.fsencode(folder)], ScanOptions(model="sscd_distilled"))
    report = find_duplicates(catalog, DupsOptions())
    assert (report.summary["checked_pairs"], report.summary["pairs_left_out"]) == (1, 0)
    (group,) = report.groups
    (match,) = group.matches
    assert match.alignment is not None
    assert match.stage == "geometry"


UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def laid(verdict: Alignment) -> Laid:
    """Weigh a verdict on two images that are the same: nothing else speaks against it."""
    image = Subject(np.random.default_rng(1).integers(0, 256, (96, 128, 3), np.uint8), (640, 480))
    return Laid.of(verdict, lambda: (image, image), lambda: (Holdings(), Holdings()))


def test_what_falls_short_of_the_limits_is_none_whatever_else_speaks_for_it() -> None:
    """Two screenshots of one program: frames, tones and the middle agree, and the photographs do not."""
    fits = Alignment(
        matched=True, reason="the pixels agree", transform=UPRIGHT, agreement=0.6, content_a=1.0,
        content_b=1.0,
        coverage_a=1.0, coverage_b=1.0, tone=1.0, spread=1.0, core=1.0, blocks=300,
    )  # fmt: skip
    assert laid(fits).alignment.matched
    found = laid(replace(fits, matched=False, reason="the pixels disagree")).alignment
    assert (found.matched, found.reason) == (False, "the pixels disagree")
    assert found.confidence < 0.5


def test_what_reaches_the_limits_and_has_too_little_else_says_so() -> None:
    poor = Alignment(
        matched=True, reason="the pixels agree", transform=UPRIGHT, agreement=0.6, content_a=0.2,
        content_b=0.2,
        coverage_a=1.0, coverage_b=1.0, tone=0.9, spread=1.0, core=0.3, blocks=10, blank=0.4,
    )  # fmt: skip
    found = laid(poor).alignment
    assert (found.matched, found.reason) == (False, UNSURE)
    assert found.confidence < 0.5


def test_a_shared_frame_is_not_weighed_at_all() -> None:
    frame = Alignment(
        matched=False, reason="only a frame agrees", transform=UPRIGHT, agreement=0.9,
        content_a=1.0, content_b=1.0, coverage_a=1.0, coverage_b=1.0, tone=1.0, spread=1.0, core=1.0,
        blocks=300,
    )  # fmt: skip
    assert laid(frame).alignment.confidence < 1e-6
