"""`doctor --verify-files`: bytes that changed unseen are named, and nothing else is."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog import verifying
from neardup_cli.catalog.database import Catalog
from neardup_cli.pipeline import verify_files as story
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.verify_files import verify_files
from neardup_cli.progress import Silent
from neardup_cli.records.health import RottenFile, VerifiedFiles

if TYPE_CHECKING:
    from tests.conftest import Draw


@pytest.fixture
def images(tmp_path: Path, draw: Draw) -> Path:
    """Four files, two of which are the same image."""
    for number in range(4):
        draw(tmp_path / "images" / f"{number}.png", number // 2)
    return tmp_path / "images"


@pytest.fixture
def scanned(catalog: Catalog, images: Path) -> Catalog:
    scan(catalog, [os.fsencode(images)], ScanOptions(hash_only=True))
    return catalog


def rot(path: Path, at: int = 200) -> None:
    """Change bytes of a file, and set its times back."""
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(at)
        stream.write(b"rot")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def names(found: VerifiedFiles) -> list[str]:
    return [os.path.basename(os.fsdecode(one.path)) for one in found.rotten]


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def test_sound_files(scanned: Catalog) -> None:
    found = verify_files(scanned)
    assert (found.checked, found.rotten, found.changed, found.away, found.sound) == (4, (), (), 0, True)
    assert found.read_bytes > 0
    assert not found.resumed


def test_rot_names_a_sound_copy(scanned: Catalog, images: Path) -> None:
    rot(images / "0.png")
    found = verify_files(scanned, workers=2)
    copy = os.fsencode(images / "1.png")
    assert found.rotten == (RottenFile(os.fsencode(images / "0.png"), copy),)
    assert not found.sound
    rot(images / "1.png", 300)
    found = verify_files(scanned)
    assert [one.copy for one in found.rotten] == [None, None]


def test_a_file_that_somebody_changed_is_no_rot(scanned: Catalog, images: Path) -> None:
    (images / "0.png").write_bytes(b"something else")
    (images / "2.png").unlink()
    found = verify_files(scanned)
    assert (found.rotten, found.changed, found.away) == ((), (os.fsencode(images / "0.png"),), 1)
    assert found.sound


@pytest.mark.usefixtures("bound_by_permissions")
def test_a_file_that_cannot_be_read(scanned: Catalog, images: Path) -> None:
    (images / "0.png").chmod(0)
    found = verify_files(scanned)
    assert [(one.path, one.reason) for one in found.unreadable] == [
        (os.fsencode(images / "0.png"), "permission denied")
    ]
    assert not found.sound


def test_what_was_read_since_is_left_out(scanned: Catalog, images: Path) -> None:
    """A scan reads, too."""
    rot(images / "0.png")
    hour = timedelta(hours=1)
    assert (found := verify_files(scanned, since=now() - hour)).checked == 0
    assert found.spared == 4
    assert names(verify_files(scanned, since=now() + hour)) == ["0.png"]
    # What was not sound is read again in any case.
    found = verify_files(scanned, since=now() - hour)
    assert (names(found), found.checked, found.spared) == (["0.png"], 1, 3)


def test_an_interrupted_run_goes_on(scanned: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(Silent):
        """Has enough after the first files."""

        def advance(self, steps: int = 1) -> None:
            if steps:
                raise KeyboardInterrupt

    monkeypatch.setattr(story, "_MEGABYTE", 1)  # so that every file is shown
    with pytest.raises(KeyboardInterrupt):
        verify_files(scanned, progress=Impatient())
    found = verify_files(scanned)
    assert found.resumed
    assert 0 < found.spared < 4
    assert found.checked + found.spared == 4
    again = verify_files(scanned)
    assert (again.resumed, again.checked) == (False, 4)


def test_a_disk_that_is_not_there(scanned: Catalog, images: Path) -> None:
    for file in images.iterdir():
        file.unlink()
    images.rmdir()
    found = verify_files(scanned)
    assert (found.away, found.checked, found.sound) == (4, 0, True)


def test_progress_is_in_megabytes(scanned: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "_MEGABYTE", 1)
    seen: list[int] = []

    class Watch(Silent):
        def start(self, task: str, total: int | None) -> None:
            assert task.endswith("MB")
            assert total is not None
            seen.append(-total)

        def advance(self, steps: int = 1) -> None:
            seen.append(steps)

    verify_files(scanned, progress=Watch())
    assert sum(seen) == 0


def test_an_older_catalog_has_read_nothing_yet(scanned: Catalog) -> None:
    with scanned.read() as connection:
        rows = [file.id for file in verifying.files_to_verify(connection, None)]
    with scanned.write() as connection:
        verifying.store_read(connection, rows, None)
    assert verify_files(scanned, since=now() - timedelta(days=9)).checked == 4
