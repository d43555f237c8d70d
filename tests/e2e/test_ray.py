"""Scans and joins on Ray clusters of two workers on this machine, one of which is killed while it works."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from neardup_cli.evaluation.gallery import render_gallery
from tests.conftest import Lacking
from tests.e2e.conftest import Neardup
from tests.ray_cluster import missing, workers_below

_PATIENCE = 240  # seconds; a busy machine takes long to start a cluster


@pytest.fixture(scope="module")
def ray(lacking: Lacking) -> None:
    if (reason := missing()) is not None:
        lacking(reason)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery with its copies, exact ones far from their originals, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("ray") / "pictures"
    render_gallery(folder, photos=24)
    originals = sorted(path for path in folder.rglob("*.jpg"))
    for number, path in enumerate(originals[:10]):
        shutil.copy(path, folder / f"zz-copy-{number}.jpg")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def contents_of(catalog: Path) -> dict[str, list[Any]]:
    """Return all that a scan has to write, without times."""
    with sqlite3.connect(catalog) as connection:
        tables = ("content", "file", "embedding", "model", "root")
        found = {name: connection.execute(f"SELECT * FROM {name} ORDER BY id").fetchall() for name in tables}
    return {**found, "file": [row[:-1] for row in found["file"]]}  # the last column says when it was read


def files_stored(catalog: Path) -> int:
    try:
        with sqlite3.connect(f"file:{catalog}?mode=ro", uri=True) as connection:
            (count,) = connection.execute("SELECT count(*) FROM file").fetchone()
        return int(count)
    except sqlite3.OperationalError:
        return 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds Ray's workers in /proc")
@pytest.mark.usefixtures("ray")
def test_a_killed_worker_costs_nothing(neardup: Neardup, pictures: Path) -> None:
    """The catalog is that of the local engine: each row, each id, each vector, byte for byte."""
    local = neardup.json("scan", pictures)
    expected = contents_of(neardup.catalog)
    answer = neardup.json("dups")["groups"]
    cluster = Neardup(neardup.home, {"NEARDUP_CATALOG": str(neardup.home / "ray.db")})
    catalog = neardup.home / "ray.db"
    # One thread of decoding a worker makes the scan long enough to be met in its middle.
    scan = cluster.start("scan", pictures, "--engine", "ray", "--workers", "2")
    killed = None
    end = time.monotonic() + _PATIENCE
    while killed is None and scan.poll() is None and time.monotonic() < end:
        if workers := workers_below(scan.pid):
            killed = workers[0]
            os.kill(killed, signal.SIGKILL)
        time.sleep(0.02)
    assert killed is not None, "no worker was met"
    before = files_stored(catalog)
    assert scan.wait(_PATIENCE) == 0
    assert before < local["seen"], "the scan was over before a worker could be killed"
    assert contents_of(catalog) == expected
    assert cluster.json("dups")["groups"] == answer
    assert workers_below(scan.pid) == []


def test_a_rescan_and_new_copies_of_known_pictures(
    neardup: Neardup, pictures: Path, tmp_path: Path, ray_address: str
) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    for path in sorted(pictures.rglob("*.jpg"))[:8]:
        shutil.copy(path, folder / path.name)
    first = neardup.json("scan", folder)
    for path in sorted(folder.iterdir())[:3]:
        shutil.copy(path, folder / f"again-{path.name}")
    again = neardup.json("scan", folder, "--engine", "ray", "--ray-address", ray_address)
    assert first["embedded"] == first["added"]
    assert (again["added"], again["embedded"]) == (3, 0)


def neighbours_in(catalog: Path) -> list[Any]:
    with sqlite3.connect(catalog) as connection:
        return connection.execute("SELECT * FROM neighbour ORDER BY content_id").fetchall()


def test_dups_on_a_cluster(neardup: Neardup, photos: Path, ray_address: str) -> None:
    """The groups are those of this machine, and so is every list in the catalog, byte for byte."""
    neardup.json("scan", photos)
    other = Neardup(neardup.home, {"NEARDUP_CATALOG": str(neardup.home / "other.db")})
    other.json("scan", photos)
    nobody = ("--engine", "ray", "--ray-address", "127.0.0.1:9")
    assert "no Ray cluster answers at 127.0.0.1:9" in other.fail(19, "dups", *nobody)
    found = other.run("dups", "--json", "--engine", "ray", "--ray-address", ray_address)
    assert (found.returncode, found.stderr.count(b"\n")) == (0, 1)  # the summary, and no word from Ray
    groups = json.loads(found.stdout)["groups"]
    assert groups
    assert groups == neardup.json("dups")["groups"]
    assert neighbours_in(neardup.home / "other.db") == neighbours_in(neardup.catalog)
    # There is nothing left to compare, and nobody is asked to.
    assert other.json("dups", *nobody)["groups"] == groups


@pytest.mark.usefixtures("ray")
def test_what_a_worker_cannot_do_is_one_line(neardup: Neardup, pictures: Path) -> None:
    said = neardup.fail(19, "scan", pictures, "--engine", "ray", "--ray-address", "127.0.0.1:9")
    assert "no Ray cluster answers at 127.0.0.1:9" in said


def test_ray_is_an_extra(neardup: Neardup, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise ModuleNotFoundError('No module named ray', name='ray')\n")
    without = neardup.finding_first(tmp_path)
    said = without.fail(13, "scan", photos, "--engine", "ray", "--hash-only")
    assert said.endswith("[ray]'`")
