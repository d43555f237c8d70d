"""A catalog whose log was lost or cut reads as it was before: that is said, and said of nothing else."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from neardup_cli.catalog import database, newest
from neardup_cli.catalog.database import Catalog

OLDER = "is older than what was done last"
KILLED = """
import os, sys
from pathlib import Path
from neardup_cli.catalog import scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.records.files import Failure
catalog = Catalog.open(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    with catalog.write() as connection:
        scanning.store_contents(connection, {(number + 1).to_bytes(32): (1, Failure("x"))}, None)
os._exit(9)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A catalog with a log of six transactions, left by a kill."""
    made = tmp_path / "catalog.db"
    Catalog.open(made, create=True).close()
    killed(made, 6)
    assert Path(f"{made}-wal").stat().st_size > 6 * 4096
    return made


def killed(path: Path, transactions: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, path, str(transactions)], check=False)
    assert done.returncode == 9


def opened(path: Path, caplog: pytest.LogCaptureFixture) -> tuple[int, str]:
    """Return how many contents there are, and what was said."""
    caplog.clear()
    with (
        caplog.at_level(logging.WARNING, "neardup.catalog"),
        Catalog.open(path) as catalog,
        catalog.read() as connection,
    ):
        contents = int(connection.execute(text("SELECT count(*) FROM content")).scalar_one())
    return contents, "\n".join(record.getMessage() for record in caplog.records)


def test_a_whole_log_is_nothing_to_speak_of(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert opened(path, caplog) == (6, "")
    assert not path.with_name("catalog.db.newest").exists()  # it is in the file now
    with Catalog.open(path) as first, Catalog.open(path) as second:
        for catalog in (first, second, first):
            with catalog.write() as connection:
                connection.execute(text("DELETE FROM content WHERE id = (SELECT max(id) FROM content)"))
    assert opened(path, caplog) == (3, "")


@pytest.mark.parametrize("left", [0, 31, 5_000, -4_000, -5_000, -20_000])
@pytest.mark.parametrize("writable", [True, False])
def test_a_log_that_was_cut(
    path: Path, left: int, writable: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "can_be_written", lambda _: writable)
    log = Path(f"{path}-wal")
    os.truncate(log, left if left >= 0 else log.stat().st_size + left)
    contents, said = opened(path, caplog)
    assert contents < 6
    assert OLDER in said
    assert said.count("\n") == 0
    again = opened(path, caplog)
    assert again[0] == contents
    assert (again[1] == "") == writable  # whoever can write has noted that it was said


def test_a_log_with_a_wrong_byte(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite believes a log up to there, and not the rest."""
    log = Path(f"{path}-wal")
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    contents, said = opened(path, caplog)
    assert contents < 6
    assert OLDER in said


def test_a_copy_without_its_log(path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    assert opened(path, caplog)[0] == 0
    assert OLDER in caplog.text


def test_work_goes_on_after_a_loss(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Path(f"{path}-wal").unlink()
    opened(path, caplog)
    killed(path, 2)
    assert opened(path, caplog) == (2, "")


@pytest.mark.parametrize("content", [b"", b"x" * 80, b"\xff\xfe", b"a b c\n"])
def test_a_note_that_cannot_be_believed(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    Path(f"{path}-wal").unlink()
    path.with_name("catalog.db.newest").write_bytes(content)
    assert opened(path, caplog) == (0, "")


def test_the_note_of_another_catalog(path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = tmp_path / "other.db"
    Catalog.open(other, create=True).close()
    shutil.copy(f"{path}.newest", f"{other}.newest")
    assert opened(other, caplog) == (0, "")


def test_what_only_reads_is_not_counted(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    opened(path, caplog)
    with Catalog.open(path) as catalog:
        with catalog.write() as connection:
            before = newest.counted(connection)
        with catalog.read() as connection:
            assert newest.counted(connection) == before
        assert not path.with_name("catalog.db.newest").exists()


def test_it_is_a_line_of_its_own(path: Path, tmp_path: Path) -> None:
    """On stderr, for whoever asks for anything."""
    Path(f"{path}-wal").unlink()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "neardup_cli", "status", "--catalog", path],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    (line,) = done.stderr.decode().splitlines()
    assert OLDER in line
