"""Two files compared say what `dups` says of them after `scan --thorough`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Kind
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.evaluation.edits.base import Edit, EditContext
from neardup_cli.evaluation.edits.composition import Collage, Overlay
from neardup_cli.evaluation.photos import render_photo
from neardup_cli.pipeline.compare import Rules, compare, load_rules
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.explain import explain
from neardup_cli.pipeline.query import QueryOptions, Searcher
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.answers import ExplainedPair
from neardup_cli.records.matches import FileMatch, Stage

MODEL = "sscd_distilled"
SMALL = 0.15

type Pair = frozenset[str]


class Pasted(NamedTuple):
    """A scene, the edit that shows it inside something else, and the scenes that this is made of."""

    scene: int
    edit: Edit
    grounds: tuple[int, ...]

    @property
    def names(self) -> Pair:
        return frozenset((f"{self.scene}.jpg", f"{self.scene}-pasted.png"))

    def draw_into(self, folder: Path) -> None:
        scene, grounds = render_photo(self.scene), [render_photo(number) for number in self.grounds]
        scene.save(folder / f"{self.scene}.jpg", quality=90)
        context = EditContext(
            np.random.default_rng(self.scene), lambda rng: grounds[int(rng.integers(len(grounds)))]
        )
        self.edit.apply(scene, context).save(folder / f"{self.scene}-pasted.png")


BY_A_REGION = Pasted(3, Overlay(SMALL), (1,))  # a region proposes it, and the region alone convinces
BY_THE_WHOLE = Pasted(10, Overlay(SMALL), (8,))  # a region proposes it, and the whole pictures convince
COLLAGE = Pasted(2, Collage(), (4, 5, 7))
PASTED = (BY_A_REGION, BY_THE_WHOLE, COLLAGE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("compare") / "in"
    made.mkdir()
    for pasted in PASTED:
        pasted.draw_into(made)
    return made


@pytest.fixture(scope="module")
def thorough(folder: Path) -> Iterator[Catalog]:
    with Catalog.open(folder.parent / "catalog.db", create=True) as opened:
        scan(opened, [os.fsencode(folder)], ScanOptions(model=MODEL, thorough=True))
        yield opened


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(MODEL)


def by_names(catalog: Catalog) -> dict[Pair, FileMatch]:
    return {
        frozenset(Path(os.fsdecode(path)).name for path in (match.a, match.b)): match
        for group in find_duplicates(catalog, DupsOptions()).groups
        for match in group.matches
    }


def explained(folder: Path, a: str, b: str, rules: Rules) -> ExplainedPair:
    return explain(os.fsencode(folder / a), os.fsencode(folder / b), rules)


def test_all_pairs_are_judged_as_dups_judges_them(folder: Path, thorough: Catalog, rules: Rules) -> None:
    found = by_names(thorough)
    assert found.keys() == {pasted.names for pasted in PASTED}
    for a, b in combinations(sorted(path.name for path in folder.iterdir()), 2):
        one, other = explained(folder, a, b, rules), explained(folder, b, a, rules)
        match = found.get(frozenset((a, b)))
        stage, kind = (None, None) if match is None else (match.stage, match.kind)
        for pair in (one, other):
            assert (pair.comparison.stage, pair.comparison.kind, pair.kind) == (stage, kind, kind), (a, b)
            assert pair.sentence.startswith("Not copies") == (match is None)
        assert one.comparison.similarity == pytest.approx(other.comparison.similarity, abs=1e-3)
        if match is not None and match.a == one.comparison.a:
            assert one.comparison.alignment == match.alignment


def test_without_regions_they_are_judged_as_after_a_plain_scan(folder: Path, rules: Rules) -> None:
    plain = Rules(rules.embedder, rules.limits, regions=False)
    for pasted in PASTED:
        a, b = (os.fsencode(folder / name) for name in pasted.names)
        found = compare(a, b, plain)
        assert (found.stage, found.kind) == (None, None), pasted
        assert found.similarity is not None
        assert f"{found.similarity:.3f} is below 0.2" in found.reason


def test_the_rules_of_a_catalog_are_as_thorough_as_its_scan(
    folder: Path, thorough: Catalog, catalog: Catalog
) -> None:
    embedder = load_embedder(MODEL)
    assert Searcher(thorough, QueryOptions(), embedder).rules.regions
    assert not Searcher(thorough, QueryOptions(verify=False), embedder).rules.regions
    scan(catalog, [os.fsencode(folder / "3.jpg")], ScanOptions(model=MODEL))
    assert not Searcher(catalog, QueryOptions(), embedder).rules.regions


def test_regions_are_not_asked_without_pixels_to_decide(folder: Path) -> None:
    a, b = (os.fsencode(folder / name) for name in ("3.jpg", "3-pasted.png"))
    assert not compare(a, b, load_rules(MODEL, verify=False)).is_match
    assert not compare(a, b, load_rules(hash_only=True)).is_match
    assert not compare(a, b, load_rules(MODEL, threshold=0.9)).is_match


def test_what_a_region_shows_is_told_of_the_whole_pictures(folder: Path, rules: Rules) -> None:
    """The scene covers 15 % of the other picture; where it lies there is known from how it was pasted."""
    found = explained(folder, "3.jpg", "3-pasted.png", rules)
    assert found.comparison.stage is Stage.GEOMETRY
    assert found.comparison.reason == "the pixels agree in a part of B"
    assert found.kind is Kind.EMBEDDED
    assert "15%" in found.sentence
    assert found.numbers["part_of_b"] == pytest.approx(SMALL, abs=0.02)
    assert found.numbers["scale"] == pytest.approx(SMALL**0.5, rel=0.05)
    left, top, right, bottom = pasted_at(folder)
    expected = [(left, top), (right, top), (right, bottom), (left, bottom)]
    assert np.abs(np.array(found.outline) - expected).max() < 0.02
    assert len(found.links) > 5
    for (x, y), (there_x, there_y) in found.links:
        assert left + x * (right - left) == pytest.approx(there_x, abs=0.02)
        assert top + y * (bottom - top) == pytest.approx(there_y, abs=0.02)


def test_from_the_other_side_it_is_told_turned_round(folder: Path, rules: Rules) -> None:
    one, other = (
        explained(folder, *names, rules) for names in (("3.jpg", "3-pasted.png"), ("3-pasted.png", "3.jpg"))
    )
    assert other.comparison.reason == "the pixels agree in a part of A"
    assert np.allclose(other.outline_in_a, one.outline, atol=1e-6)
    assert np.allclose(other.outline, one.outline_in_a, atol=1e-6)
    assert other.edits == one.edits
    assert float(other.numbers["scale"]) * float(one.numbers["scale"]) == pytest.approx(1)
    assert other.numbers["part_of_a"] == one.numbers["part_of_b"]


def pasted_at(folder: Path) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the scene in 3-pasted.png, as shares: where the ground differs."""
    whole, ground = Image.open(folder / "3-pasted.png"), render_photo(BY_A_REGION.grounds[0])
    differing = np.abs(np.asarray(whole, np.int16) - np.asarray(ground, np.int16)).max(axis=2) > 0
    rows, columns = np.nonzero(differing)
    across = np.array([columns.min(), columns.max() + 1]) / whole.width
    down = np.array([rows.min(), rows.max() + 1]) / whole.height
    return float(across[0]), float(down[0]), float(across[1]), float(down[1])
