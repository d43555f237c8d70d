from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neardup_cli.catalog.scanning import KnownFile, KnownFolder
from neardup_cli.errors import PathNotFound
from neardup_cli.images.walk import FileRun, Walker
from neardup_cli.pipeline.survey import Survey, is_offline, real_roots, still_there, survey
from neardup_cli.pipeline.work import Cause, ToRead


class Disk:
    """A walker over files that are not there: path to (size, mtime)."""

    def __init__(self, files: dict[bytes, tuple[int, int]]) -> None:
        self.files = files
        self.link_targets: list[bytes] = []
        self.walked: set[bytes] = set()

    def walk(self, root: bytes) -> Iterator[FileRun]:
        for path, (size, mtime) in sorted(self.files.items()):
            status = os.stat_result((0o100644, 1, 7, 1, 0, 0, size, 0, 0, 0), {"st_mtime_ns": mtime})
            yield FileRun(root, [(path, status)])


def known_file(path: bytes, row: int, *, missing: bool = False) -> KnownFile:
    return KnownFile(path, 10, 100, row, 1, missing_scan_id=3 if missing else None)


def folder(*files: KnownFile, errors: dict[int, str] | None = None, incomplete: int = 0) -> KnownFolder:
    return KnownFolder(iter(sorted(files)), errors or {}, {incomplete})


def look(
    disk: dict[bytes, tuple[int, int]],
    *known: KnownFile,
    rehash: bool = False,
    errors: dict[int, str] | None = None,
    incomplete: int = 0,
) -> Survey:
    walker: Any = Disk(disk)
    found = folder(*known, errors=errors, incomplete=incomplete)
    return survey([b"/r"], walker, lambda _: found, rehash=rehash)


SAME = (10, 100)


def test_new_changed_unchanged_vanished() -> None:
    disk = {b"/r/a": SAME, b"/r/b": (11, 100), b"/r/c": (10, 101), b"/r/e": SAME}
    known = [known_file(b"/r/" + name.encode(), row) for row, name in enumerate("bcdef")]
    found = look(disk, *known)
    assert found.to_read == [
        ToRead(b"/r/a", b"/r", 10, Cause.NEW),
        ToRead(b"/r/b", b"/r", 11, Cause.CHANGED),
        ToRead(b"/r/c", b"/r", 10, Cause.CHANGED),
    ]
    assert [file.path for file in found.vanished] == [b"/r/d", b"/r/f"]
    assert (found.seen, found.unchanged, found.returned) == (4, 1, [])


def test_missing_files_return_or_stay_away() -> None:
    known = (known_file(b"/r/a", 1, missing=True), known_file(b"/r/b", 2, missing=True))
    found = look({b"/r/a": SAME}, *known)
    assert (found.returned, found.vanished, found.unchanged) == ([1], [], 1)


def test_missing_file_that_returned_changed_is_read() -> None:
    found = look({b"/r/a": (1, 1)}, known_file(b"/r/a", 1, missing=True))
    assert [file.cause for file in found.to_read] == [Cause.CHANGED]
    assert found.returned == []


def test_incomplete_content_is_read() -> None:
    found = look({b"/r/a": SAME}, known_file(b"/r/a", 1), incomplete=1)
    assert [file.cause for file in found.to_read] == [Cause.INCOMPLETE]


def test_rehash_reads_all() -> None:
    found = look(
        {b"/r/a": SAME, b"/r/b": (1, 1)}, known_file(b"/r/a", 1), known_file(b"/r/b", 2), rehash=True
    )
    assert [file.cause for file in found.to_read] == [Cause.INCOMPLETE, Cause.CHANGED]


def test_known_defect_is_told_again() -> None:
    found = look({b"/r/a": SAME}, known_file(b"/r/a", 1), errors={1: "truncated"})
    assert [(entry.path, entry.reason, entry.unreadable) for entry in found.skipped] == [
        (b"/r/a", "truncated", True)
    ]
    assert (found.unchanged, found.to_read) == (0, [])


def test_watch_hears_of_every_file() -> None:
    walker: Any = Disk({b"/r/a": SAME, b"/r/b": SAME})
    heard: list[int] = []
    survey([b"/r"], walker, lambda _: folder(), watch=heard.append)
    assert sum(heard) == 2


def test_devices_are_those_of_roots_with_files(tmp_path: Path) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    (tmp_path / "with" / "a.png").touch()
    roots = [os.fsencode(tmp_path / "with"), os.fsencode(tmp_path / "without")]
    found = survey(roots, Walker(), lambda _: folder())
    assert found.devices == {roots[0]: tmp_path.stat().st_dev}


def test_known_files_of_a_root_inside_another_are_compared_once(tmp_path: Path) -> None:
    inner, outer = tmp_path / "outer" / "inner", tmp_path / "outer"
    inner.mkdir(parents=True)
    for path in (inner / "a.png", outer / "b.png"):
        path.touch()
    (inner / "up").symlink_to(outer)
    asked: list[bytes] = []

    def known(root: bytes) -> KnownFolder:
        asked.append(root)
        gone = [known_file(os.fsencode(inner / "gone.png"), 1), known_file(os.fsencode(outer / "z.png"), 2)]
        return folder(*(file for file in gone if file.path.startswith(root + b"/")))

    found = survey([os.fsencode(inner)], Walker(follow_links=True), known)
    assert asked == [os.fsencode(inner), os.fsencode(outer)]
    assert [file.id for file in found.vanished] == [1, 2]
    assert sorted(file.path for file in found.to_read) == [
        os.fsencode(outer / "b.png"),
        os.fsencode(inner / "a.png"),
    ]


# --- roots ----------------------------------------------------------------------------------------------


def test_real_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "c")
    monkeypatch.chdir(tmp_path)
    base = os.fsencode(tmp_path.resolve())
    assert real_roots([b"a/b", b"link", b"a", b"./c/"]) == [base + b"/a", base + b"/c"]
    assert real_roots([]) == []
    with pytest.raises(PathNotFound, match="nowhere"):
        real_roots([b"a", b"nowhere"])


def test_dangling_link_as_root(tmp_path: Path) -> None:
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    [root] = real_roots([os.fsencode(tmp_path / "dead")])
    found = survey([root], Walker(), lambda _: folder())
    assert [(entry.path, entry.reason) for entry in found.skipped] == [(root, "no such file or directory")]


# --- what vanished --------------------------------------------------------------------------------------


def test_still_there(tmp_path: Path) -> None:
    tmp_path = tmp_path.resolve()
    path = tmp_path / "folder" / "a.png"
    path.parent.mkdir()
    path.touch()
    (tmp_path / "link.png").symlink_to(path)
    (tmp_path / "through").symlink_to(path.parent)
    assert still_there(os.fsencode(path))
    assert not still_there(os.fsencode(tmp_path / "gone.png"))
    assert not still_there(os.fsencode(path / "below-a-file.png"))
    assert not still_there(os.fsencode(path.parent))
    assert not still_there(os.fsencode(tmp_path / "link.png"))
    assert not still_there(os.fsencode(tmp_path / "through" / "a.png"))


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.png"
    path.parent.mkdir(mode=0)
    assert still_there(os.fsencode(path))


@pytest.mark.usefixtures("bound_by_permissions")
def test_what_cannot_be_looked_at_has_lost_nothing(tmp_path: Path) -> None:
    root = tmp_path / "folder" / "photos"
    root.parent.mkdir(mode=0)
    assert is_offline(os.fsencode(root), tmp_path.stat().st_dev)


def test_is_offline(tmp_path: Path) -> None:
    here = tmp_path.stat().st_dev
    empty, full, gone = tmp_path / "empty", tmp_path / "full", tmp_path / "no" / "such" / "folder"
    empty.mkdir()
    full.mkdir()
    (full / "a.png").touch()
    other = here + 1
    for root, device, expected in (
        (empty, here, False),  # its files were deleted
        (empty, other, True),  # a mount point without its disk
        (full, other, False),  # another disk, or a restored copy
        (full, here, False),
        (gone, here, False),  # deleted
        (gone, other, True),  # its disk and its mount point went together
        (full / "a.png", other, True),
    ):
        assert is_offline(os.fsencode(root), device) is expected, (root, device)
