"""A file is written whole, or not at all."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

import neardup_cli
from neardup_cli.atomic import OWNER_ALONE, beside, replacing

ROOT = Path(neardup_cli.__file__).parent
REPLACING = re.compile(r"os\.replace\(|\.replace\((path|file|target)\)")
# A download that is resumed, a catalog whose old file is kept aside, a folder; clean-up has its own ways.
OTHERWISE = {"downloads.py", "catalog/salvage.py", "evaluation/fetch.py"}


def test_all_of_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with replacing(target) as stream:
        stream.write(b"new" * 100_000)
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new" * 100_000
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("name", [b"file", b"not \xff utf-8", b"x" * 255])
def test_any_name_will_do(tmp_path: Path, name: bytes) -> None:
    target = os.path.join(os.fsencode(tmp_path), name)
    with replacing(target) as stream:
        stream.write(b"new")
    assert os.listdir(os.fsencode(tmp_path)) == [name]


@pytest.mark.parametrize("failure", [ValueError, OSError, KeyboardInterrupt])
def test_what_is_not_finished_is_not_there(tmp_path: Path, failure: type[BaseException]) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def write() -> None:
        with replacing(target) as stream:
            stream.write(b"half of the n")
            raise failure

    with pytest.raises(failure):
        write()
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"), replacing(tmp_path / "folder") as stream:
        stream.write(b"new")
    assert os.listdir(tmp_path) == ["folder"]


def test_nobody_else_reads_what_is_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        for mode, wanted in ((OWNER_ALONE, 0o600), (0o666, 0o644)):
            with replacing(tmp_path / "file", mode=mode) as stream:
                assert stat.S_IMODE(os.fstat(stream.fileno()).st_mode) == wanted
            assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == wanted
    finally:
        os.umask(before)


@pytest.mark.parametrize("durably", [True, False])
def test_it_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, durably: bool
) -> None:
    target, synced = tmp_path / "file", []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        assert not target.exists()
        synced.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    with replacing(target, durably=durably) as stream:
        stream.write(b"new")
    assert synced == ([3] if durably else [])


def test_two_at_once_do_not_meet(tmp_path: Path) -> None:
    assert beside(tmp_path / "file") != beside(tmp_path / "file")
    assert os.path.basename(beside(b"folder/file")).startswith(b".file.")


def test_no_other_file_replaces_one_by_itself() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*.py")
        if path.name != "atomic.py" and REPLACING.search(path.read_text(encoding="utf-8"))
    }
    assert found - {name for name in found if name.startswith("cleanup/")} == OTHERWISE
