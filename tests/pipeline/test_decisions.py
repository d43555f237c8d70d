"""A person's decisions, and what `dups` makes of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Grouping
from neardup_cli.errors import BadInput, PathNotFound, UnreadableImage
from neardup_cli.pipeline.decisions import (
    call_files_different,
    call_groups_different,
    keep_files,
    shown_decisions,
    take_back,
)
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.query import QueryOptions, query
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.decisions import Ruling
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import PairMatch, Stage
from tests.rules.matches import grouped

type Draw = Callable[[Path, int], Path]


@pytest.fixture
def folder(tmp_path: Path, draw: Draw, catalog: Catalog) -> Path:
    """Three sizes of one picture, hashed; `a` is the largest."""
    made = tmp_path / "in"
    first = draw(made / "a.png", 1)
    with Image.open(first) as picture:
        picture.resize((48, 42), Image.Resampling.BICUBIC).save(made / "b.png")
    rescan(catalog, made)
    return made


def rescan(catalog: Catalog, folder: Path) -> None:
    scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))


def add_third(catalog: Catalog, folder: Path) -> None:
    with Image.open(folder / "a.png") as picture:
        picture.resize((52, 45), Image.Resampling.BICUBIC).save(folder / "c.png")
    rescan(catalog, folder)


def groups(catalog: Catalog, options: DupsOptions = DupsOptions()) -> list[set[str]]:  # noqa: B008 - frozen
    report = find_duplicates(catalog, options)
    return [{os.path.basename(os.fsdecode(m.path)) for m in group.members} for group in report.groups]


def paths(folder: Path, *names: str) -> list[bytes]:
    return [os.fsencode(folder / name) for name in names]


def test_what_is_called_different_is_no_group(catalog: Catalog, folder: Path) -> None:
    assert groups(catalog) == [{"a.png", "b.png"}]
    assert call_files_different(catalog, paths(folder, "b.png", "a.png")) == 1
    assert call_files_different(catalog, paths(folder, "a.png", "b.png")) == 0
    assert groups(catalog) == []
    assert groups(catalog, DupsOptions(grouping=Grouping.LINKED)) == []


def test_a_decision_survives_moves_rescans_and_loss(catalog: Catalog, folder: Path) -> None:
    call_files_different(catalog, paths(folder, "a.png", "b.png"))
    (folder / "below").mkdir()
    shutil.move(folder / "a.png", folder / "below" / "renamed.png")
    rescan(catalog, folder)
    assert groups(catalog) == []
    kept = (folder / "b.png").read_bytes()
    (folder / "b.png").unlink()
    rescan(catalog, folder)
    (folder / "back.png").write_bytes(kept)
    rescan(catalog, folder)
    assert groups(catalog) == []
    (shown,) = shown_decisions(catalog)
    assert {*shown.paths_a, *shown.paths_b} == set(paths(folder, "below/renamed.png", "back.png"))


def test_a_third_copy_surfaces_with_the_one_that_it_resembles_more(catalog: Catalog, folder: Path) -> None:
    call_files_different(catalog, paths(folder, "a.png", "b.png"))
    add_third(catalog, folder)
    (found,) = map(sorted, groups(catalog))
    assert found in (["a.png", "c.png"], ["b.png", "c.png"])  # the one that it resembles more
    report = find_duplicates(catalog, DupsOptions())
    (link,) = report.links  # and its match with the other one is named
    assert {*paths(folder, *found), link.a, link.b} == set(paths(folder, "a.png", "b.png", "c.png"))
    # It was looked at which of the two is the original, and nothing is lost with the other.
    assert (report.summary["redundant_files"], report.summary["doubtful_files"]) == (1, 0)


def test_a_group_can_be_called_different(catalog: Catalog, folder: Path) -> None:
    add_third(catalog, folder)
    report = find_duplicates(catalog, DupsOptions())
    (group,) = report.groups
    assert call_groups_different(catalog, report.groups, [group.id]) == 3
    assert groups(catalog) == []
    with pytest.raises(BadInput, match="no group 0123"):
        call_groups_different(catalog, report.groups, ["0123"])


def test_the_same_bytes_cannot_be_told_apart(catalog: Catalog, folder: Path) -> None:
    shutil.copy(folder / "a.png", folder / "again.png")
    (folder / "b.png").unlink()
    rescan(catalog, folder)
    with pytest.raises(BadInput, match=r"a\.png and .*again\.png hold the same bytes"):
        call_files_different(catalog, paths(folder, "a.png", "again.png"))
    report = find_duplicates(catalog, DupsOptions())
    with pytest.raises(BadInput, match="same bytes"):
        call_groups_different(catalog, report.groups, [report.groups[0].id])
    assert shown_decisions(catalog) == []


def test_what_can_be_decided_about(catalog: Catalog, folder: Path) -> None:
    with pytest.raises(BadInput, match="two files"):
        call_files_different(catalog, paths(folder, "a.png"))
    with pytest.raises(PathNotFound, match=r"gone\.png"):
        call_files_different(catalog, paths(folder, "a.png", "gone.png"))
    with pytest.raises(BadInput, match="is no file"):
        keep_files(catalog, [os.fsencode(folder)])
    (folder / "b.png").unlink()  # the catalog still knows what it held: its disk may be away
    assert call_files_different(catalog, paths(folder, "a.png", "b.png")) == 1


def test_a_file_that_cannot_be_read(catalog: Catalog, folder: Path, bound_by_permissions: None) -> None:
    (folder / "a.png").chmod(0)
    with pytest.raises(UnreadableImage, match=r"a\.png: Permission denied"):
        keep_files(catalog, paths(folder, "a.png"))


def test_taking_back(catalog: Catalog, folder: Path) -> None:
    call_files_different(catalog, paths(folder, "a.png", "b.png"))
    keep_files(catalog, paths(folder, "a.png"))
    first, second = shown_decisions(catalog)
    assert (first.decision.ruling, second.decision.ruling) == (Ruling.NOT_DUPLICATES, Ruling.KEEP)
    with pytest.raises(BadInput, match="no decision 99"):
        take_back(catalog, [first.decision.id, 99])
    assert len(shown_decisions(catalog)) == 2  # all or nothing
    take_back(catalog, [first.decision.id])
    assert groups(catalog) == [{"a.png", "b.png"}]


def test_what_is_to_be_kept_is_the_keeper_and_never_redundant(catalog: Catalog, folder: Path) -> None:
    assert find_duplicates(catalog, DupsOptions()).groups[0].keep == os.fsencode(folder / "a.png")
    assert keep_files(catalog, paths(folder, "b.png")) == 1
    (group,) = find_duplicates(catalog, DupsOptions()).groups
    assert group.keep == os.fsencode(folder / "b.png")
    assert (group.reclaimable_bytes, group.doubtful_bytes) == (0, (folder / "a.png").stat().st_size)
    keep_files(catalog, paths(folder, "a.png"))
    report = find_duplicates(catalog, DupsOptions())
    assert report.groups[0].kept == set(paths(folder, "a.png", "b.png"))
    assert (report.groups[0].reclaimable_bytes, report.summary["redundant_files"]) == (0, 0)
    assert (report.groups[0].doubtful_bytes, report.summary["doubtful_files"]) == (0, 0)


def test_query_shows_what_is_called_different_as_a_neighbour(catalog: Catalog, folder: Path) -> None:
    (before,), _ = query(catalog, paths(folder, "a.png"), QueryOptions())
    assert [match.is_match for match in before.matches] == [True]
    call_files_different(catalog, paths(folder, "a.png", "b.png"))
    (after,), _ = query(catalog, paths(folder, "a.png"), QueryOptions())
    assert [match.is_match for match in after.matches] == [False]


# --- groups of files ------------------------------------------------------------------------------------


@pytest.fixture
def files() -> list[CatalogedFile]:
    """One file of each of four contents, the best first."""
    one = CatalogedFile(b"/1", FileStamp(100, 0, 1, 1), 1, b"1" * 32, 40, 30, "PNG", datetime(2020, 1, 1))
    return [
        replace(
            one,
            path=b"/%d" % n,
            content_id=n,
            digest=b"%d" % n * 32,
            width=50 - n,
            stamp=FileStamp(100 + n, 0, 1, n),
        )
        for n in range(1, 5)
    ]


def pair(a: int, b: int) -> PairMatch:
    return PairMatch(a, b, Stage.VERIFIER, 0.9, 9)


def test_matches_between_copies_of_different_keepers_are_links(files: list[CatalogedFile]) -> None:
    pairs = [replace(pair(1, 3), similarity=0.99), replace(pair(2, 4), similarity=0.98), pair(3, 4)]
    found = grouped(files, pairs)
    assert [[file.path for file in group.members] for group in found.groups] == [[b"/1", b"/2", b"/3", b"/4"]]
    apart = grouped(files, pairs, different=[(1, 2)])
    assert [[file.path for file in group.members] for group in apart.groups] == [
        [b"/2", b"/4"],
        [b"/1", b"/3"],
    ]
    assert [(link.a, link.b) for link in apart.links] == [(b"/3", b"/4")]
    linked = grouped(files, [pair(1, 3), pair(2, 4), pair(3, 4)], grouping=Grouping.LINKED)
    assert [len(group.members) for group in linked.groups] == [4]
    assert linked.links == []


def test_a_copy_of_two_that_are_different_stands_in_one_group(files: list[CatalogedFile]) -> None:
    found = grouped(files[:3], [pair(1, 3), replace(pair(2, 3), similarity=0.95)], different=[(1, 2)])
    (group,) = found.groups
    assert [file.path for file in group.members] == [b"/2", b"/3"]
    assert (group.reclaimable_bytes, group.doubtful_bytes) == (0, 103)
    assert [(link.a, link.b) for link in found.links] == [(b"/1", b"/3")]
