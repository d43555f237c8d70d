"""Each way to fail: one clear line, an exit code of its own, and nothing lost."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sysconfig
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from neardup_cli import build_hash_db, examine
from neardup_cli.catalog.database import Catalog, writer_lock
from neardup_cli.catalog.queries import stored_models
from neardup_cli.pipeline.index_cache import open_index

if TYPE_CHECKING:
    from tests.conftest import Draw, Lacking
    from tests.e2e.conftest import Neardup, Scanned

COMMAND = Path(sysconfig.get_path("scripts")) / "neardup"
FORKED = True

# Runs in a mount namespace of its own, so that no file system is left behind whatever happens.
FULL_DISK = """
set -u
mount -t tmpfs -o size=160k none "$1" || exit 99
NEARDUP_CATALOG="$1/catalog.db"; export NEARDUP_CATALOG
neardup=$2 pictures=$3
"$neardup" scan --hash-only "$pictures"; echo "first $?"
mount -o remount,size=64m "$1" || exit 98
"$neardup" scan --hash-only "$pictures"; echo "second $?"
"$neardup" doctor; echo "doctor $?"
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, draw: Draw) -> Path:
    """A folder of a few pictures; to be read only."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(4):
        draw(folder / f"{seed}.png", seed)
    return folder


@pytest.fixture(scope="module")
def hashed(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    """A catalog of hashes alone; to be copied."""
    path = tmp_path_factory.mktemp("hashed") / "catalog.db"
    build_hash_db(pictures, path, hash_only=True)
    return path


@pytest.fixture
def filled(neardup: Neardup, hashed: Path) -> Neardup:
    """A `neardup` with a catalog of hashes alone."""
    shutil.copy(hashed, neardup.catalog)
    return neardup


def test_a_path_that_is_not_there(filled: Neardup, pictures: Path, tmp_path: Path) -> None:
    before = content_of(filled.catalog)
    nowhere = tmp_path / "nowhere"
    assert str(nowhere) in filled.fail(3, "scan", "--hash-only", pictures, nowhere)
    assert content_of(filled.catalog) == before


def test_a_name_that_would_draw_on_the_terminal_is_told_on_one_line(neardup: Neardup) -> None:
    assert r"no\n\x1b[31m\xffsuch" in neardup.fail(3, "scan", b"no\n\x1b[31m\xffsuch")


def test_no_catalog_yet(neardup: Neardup) -> None:
    assert "neardup scan" in neardup.fail(4, "dups")
    assert not list(neardup.home.iterdir())


def test_a_catalog_of_a_newer_version(filled: Neardup, pictures: Path) -> None:
    with closing(sqlite3.connect(filled.catalog)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
        database.commit()
    before = filled.catalog.read_bytes()
    assert "upgrade neardup" in filled.fail(5, "scan", pictures)
    assert filled.catalog.read_bytes() == before


def test_a_file_that_is_no_catalog_is_left_alone(neardup: Neardup, pictures: Path) -> None:
    content = b"holiday pictures\n" * 100
    neardup.catalog.write_bytes(content)
    assert str(neardup.catalog) in neardup.fail(6, "scan", "--hash-only", pictures)
    assert neardup.catalog.read_bytes() == content
    assert [path.name for path in neardup.home.iterdir()] == ["catalog.db"]


def test_a_damaged_page(filled: Neardup) -> None:
    with closing(sqlite3.connect(filled.catalog)) as database:
        ((page_size,),) = database.execute("PRAGMA page_size")
        ((root,),) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'content'")
    with filled.catalog.open("r+b") as stream:
        stream.seek((root - 1) * page_size)
        stream.write(b"\xa5" * 2000)
    assert "damaged" in filled.fail(6, "dups")
    done = filled.run("doctor")
    assert done.returncode in (6, 14)
    assert done.stderr.startswith(b"neardup: ")


def test_a_damaged_index_is_found_and_repaired(scanned: Scanned, neardup: Neardup) -> None:
    shutil.copy(scanned.neardup.catalog, neardup.catalog)
    with Catalog.open(neardup.catalog) as catalog:
        with catalog.read() as connection:
            (model,) = stored_models(connection)
        open_index(catalog, model)
    (index,) = neardup.home.glob("catalog.db.*.faiss")
    content = bytearray(index.read_bytes())
    content[-5000:-4000] = b"\x3f" * 1000
    index.write_bytes(content)
    done = neardup.run("doctor")
    assert done.returncode == 14
    assert b"neardup: 1 of " in done.stderr
    assert b"doctor --repair" in done.stdout
    with Catalog.open(neardup.catalog) as catalog:
        assert all(finding.ok for finding in examine(catalog, repair=True))
        assert not any(finding.repaired for finding in examine(catalog))


def test_another_scan_is_running(filled: Neardup, pictures: Path) -> None:
    with writer_lock(filled.catalog):
        assert "another neardup is writing" in filled.fail(7, "scan", "--hash-only", pictures)
        filled.succeed("status")  # reading goes on


def test_an_unknown_model(filled: Neardup, pictures: Path) -> None:
    before = content_of(filled.catalog)
    assert "sscd_distilled" in filled.fail(8, "scan", "--model", "resnet", pictures)
    assert content_of(filled.catalog) == before


def test_a_file_that_is_no_model(filled: Neardup, pictures: Path, tmp_path: Path) -> None:
    model = tmp_path / "weights.onnx"
    model.write_text("these are not the weights you are looking for\n")
    before = content_of(filled.catalog)
    assert str(model) in filled.fail(9, "scan", "--model", model, pictures)
    assert content_of(filled.catalog) == before


def test_vectors_of_another_model(scanned: Scanned) -> None:
    assert "scan --model sscd" in scanned.neardup.fail(10, "dups", "--model", "sscd")


def test_a_threshold_without_vectors(filled: Neardup) -> None:
    assert "--hash-only" in filled.fail(10, "dups", "--threshold", "0.5")


def test_a_full_disk_stops_a_scan_and_room_lets_it_go_on(
    neardup: Neardup, tmp_path: Path, draw: Draw, lacking: Lacking
) -> None:
    disk, count = tmp_path / "disk", 500
    disk.mkdir()
    for seed in range(count):
        draw(tmp_path / "many" / f"a rather long name for a picture {seed}.png", seed)
    if (unshare := shutil.which("unshare")) is None:
        lacking("unshare, of util-linux")
    whose = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    done = subprocess.run(
        [unshare, *whose, "sh", "-c", FULL_DISK, "sh", disk, COMMAND, tmp_path / "many"],
        env=neardup.variables(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode in (1, 98, 99) and "second" not in done.stdout:
        lacking(f"a file system of one's own: {done.stderr}")
    assert "first 11" in done.stdout, done
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"neardup: no room left on the disk of {disk}")
    for word in (f"{count} images seen", "second 0", "doctor 0"):
        assert word in done.stdout, done


def test_output_that_finds_no_room(filled: Neardup) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [COMMAND, "dups", "--json"],
            env=filled.variables(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 11
    assert done.stderr.startswith(b"neardup: no room left")
    assert done.stderr.count(b"\n") == 1


def test_a_catalog_in_an_impossible_place(neardup: Neardup, pictures: Path) -> None:
    place = pictures / "0.png" / "catalog.db"
    assert "cannot be used" in neardup.fail(1, "scan", "--hash-only", pictures, "--catalog", place)


def test_a_bad_argument(filled: Neardup) -> None:
    assert "--limit" in filled.fail(2, "dups", "--limit", "few")


def test_an_unreadable_image(filled: Neardup, pictures: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
    assert "torn.jpg: " in filled.fail(12, "compare", "--hash-only", pictures / "0.png", torn)
    shutil.copy(pictures / "0.png", tmp_path)
    done = filled.run("query", torn, tmp_path / "0.png")
    assert done.returncode == 12
    assert done.stderr.startswith(b"neardup: 1 of 2 images could not be queried: ")
    assert done.stderr.count(b"\n") == 1
    assert b"0.png: 1 match\n" in done.stdout  # the other one has its answer


def test_strict_makes_unreadable_images_an_error(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "some" / "0.png", 0)
    (tmp_path / "some" / "empty.webp").touch()
    done = neardup.run("scan", "--hash-only", "--strict", tmp_path / "some")
    assert done.returncode == 14
    unreadable, complaint = done.stderr.decode().splitlines()
    assert unreadable == f"unreadable: {tmp_path}/some/empty.webp: empty file"
    assert complaint.startswith("neardup: 1 ")
    assert len(content_of(neardup.catalog)) == 2


def test_an_interrupt_says_how_to_go_on(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    count = 200
    for seed in range(count):
        draw(tmp_path / "many" / f"{seed}.png", seed)
    scan = subprocess.Popen(
        [COMMAND, "scan", tmp_path / "many"],
        env=neardup.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until(lambda: bool(content_of(neardup.catalog)))
    scan.send_signal(signal.SIGINT)
    out, said = scan.communicate(timeout=60)
    assert scan.returncode == 130
    assert not out
    assert said.decode().splitlines() == [
        "stopped: what was read so far is in the catalog; run the same command again to go on"
    ]
    kept = len(content_of(neardup.catalog))
    assert 0 < kept < count
    summary = neardup.json("scan", tmp_path / "many")
    assert (summary["seen"], summary["unchanged"], summary["added"]) == (count, kept, count - kept)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def content_of(catalog: Path) -> list[Any]:
    """Return all rows of `file`, nothing where there is no catalog yet."""
    if not catalog.exists():
        return []
    try:
        with closing(sqlite3.connect(f"{catalog.as_uri()}?mode=ro", uri=True)) as database:
            return database.execute("SELECT * FROM file ORDER BY id").fetchall()
    except sqlite3.OperationalError:
        return []
