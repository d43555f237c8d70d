"""A scan that is killed at any moment and run again ends with the catalog of an undisturbed one."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from neardup_cli import Catalog, ScanOptions, examine, scan
from neardup_cli.records.scans import ScanSummary

if TYPE_CHECKING:
    from tests.conftest import Draw
    from tests.e2e.conftest import Neardup

HASH_KILLS, EMBEDDING_KILLS = 12, 4
SEED = 20_240_229
OLD = 1_700_000_000_000_000_000  # a time of last change well before the scan

FILES = """
SELECT file.path, file.size, file.mtime_ns, file.missing_scan_id IS NULL, root.path, content.digest
FROM file JOIN root ON root.id = file.root_id JOIN content ON content.id = file.content_id ORDER BY file.path
"""
CONTENTS = """
SELECT digest, size, error, format, width, height, dhash, flatness, captured_at FROM content ORDER BY digest
"""
VECTORS = """
SELECT content.digest, model.name, embedding.vector
FROM embedding JOIN content ON content.id = embedding.content_id JOIN model ON model.id = embedding.model_id
ORDER BY content.digest, model.name
"""


class Holding(NamedTuple):
    """What a catalog holds, without row ids and the times of scans."""

    files: list[tuple[Any, ...]]
    contents: list[tuple[Any, ...]]
    embedded: list[tuple[Any, ...]]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class State:
    """A folder that has changed since `before` was scanned, and what a scan makes of it."""

    folder: Path
    before: Path
    after: Holding
    options: ScanOptions
    arguments: tuple[str, ...]


def test_hashes_survive_kills(tmp_path_factory: pytest.TempPathFactory, neardup: Neardup, draw: Draw) -> None:
    state = changed_folder(
        tmp_path_factory.mktemp("hashes"), draw, 80, ScanOptions(hash_only=True), "--hash-only"
    )
    assert cut_short(neardup, state, HASH_KILLS) >= HASH_KILLS // 2


def test_embeddings_survive_kills(
    tmp_path_factory: pytest.TempPathFactory, neardup: Neardup, draw: Draw
) -> None:
    options = ScanOptions(model="sscd_distilled", workers=2)
    state = changed_folder(tmp_path_factory.mktemp("vectors"), draw, 8, options, "--model", "sscd_distilled")
    assert len(state.after.embedded) > 30
    assert cut_short(neardup, state, EMBEDDING_KILLS) >= EMBEDDING_KILLS // 2


def test_a_new_catalog_survives_kills(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    """The tables themselves are made by a scan: a kill leaves all of them or none."""
    draw(tmp_path / "pictures" / "0.png", 0)
    moments = random.Random(SEED)
    for _ in range(3):
        started = neardup.start("scan", "--hash-only", tmp_path / "pictures")
        wait_for(neardup.home / "catalog.db", started)
        time.sleep(moments.uniform(0, 0.3))
        kill(started)
        with Catalog.open(neardup.catalog, create=True) as catalog:
            assert all(finding.ok for finding in examine(catalog))
            assert scan_again(catalog, tmp_path / "pictures", ScanOptions(hash_only=True)).seen == 1
        for path in neardup.home.glob("catalog.db*"):
            path.unlink()


def changed_folder(base: Path, draw: Draw, scale: int, options: ScanOptions, *arguments: str) -> State:
    """Scan a folder, change it in every way, and find out what an undisturbed scan makes of it."""
    folder, before, after = base / "folder", base / "before.db", base / "after.db"
    numbers = iter(range(1_000_000))
    kinds = ("kept", "changed", "moved", "missing", "doomed", "twin", "broken")
    first = {kind: [draw(folder / kind / f"{n}.png", n) for n in take(numbers, scale)] for kind in kinds}
    for path in first["broken"]:
        path.write_bytes(path.read_bytes()[:1000])
    for path in folder.rglob("*.png"):
        os.utime(path, ns=(OLD, OLD))
    with Catalog.open(before, create=True) as catalog:
        scan_again(catalog, folder, options)
    for path, number in zip(first["changed"], numbers, strict=False):
        draw(path, number)
    for path in first["moved"]:
        (folder / "to" / "another").mkdir(parents=True, exist_ok=True)
        path.rename(folder / "to" / "another" / path.name)
    for path in first["missing"]:
        path.unlink()
    for path in first["doomed"]:  # was a picture, is one no longer
        path.write_bytes(b"\xff\xd8\xff\xe0" + path.read_bytes())
    for path in first["twin"]:
        shutil.copy(path, path.with_suffix(".again.png"))
    for number in take(numbers, 3 * scale):
        picture = draw(folder / "new" / f"{number}.png", number)
        if number % 3 == 0:
            shutil.copy(picture, folder / "new" / f"{number}-copy.png")
        if number % 10 == 0:
            (folder / "new" / f"{number}.jpg").write_bytes(picture.read_bytes()[: 300 + number])
    shutil.copy(before, after)
    with Catalog.open(after) as catalog:
        summary = scan_again(catalog, folder, options)
    assert (summary.changed, summary.moved, summary.missing) == (scale, scale, scale)
    assert len(summary.unreadable) > 2 * scale  # broken before and now, doomed, and some of the new
    assert summary.unchanged == 2 * scale  # kept, and the twins' first
    return State(folder, before, content_of(after), options, arguments)


def cut_short(neardup: Neardup, state: State, kills: int) -> int:
    """Kill scans of copies of the catalog, finish each, compare; return how many were killed at work."""
    seconds = duration(neardup, state)

    def cut(number: int) -> bool:
        moment = random.Random(SEED + number)
        own = replace(neardup, home=neardup.home / str(number))
        fresh_copy(own, state)
        started = own.start("scan", *state.arguments, state.folder)
        # From the start for some; for most from the first write, or slow imports would take all the kills.
        if number % 4:
            wait_for(own.home / "catalog.db-wal", started)
            time.sleep(moment.uniform(0, seconds))
        else:
            time.sleep(moment.uniform(0, 2 * seconds))
        at_work = kill(started)
        with Catalog.open(own.catalog) as opened:
            scan_again(opened, state.folder, state.options)
            assert [finding for finding in examine(opened) if not finding.ok] == []
        compare(content_of(own.catalog), state.after, number)
        return at_work

    with ThreadPoolExecutor(2) as pool:
        killed = list(pool.map(cut, range(kills)))
    assert replace(neardup, home=neardup.home / "0").json("doctor")["healthy"]
    return sum(killed)


def duration(neardup: Neardup, state: State) -> float:
    """Return how long an undisturbed scan works, from its first write to its end."""
    fresh_copy(neardup, state)
    started = neardup.start("scan", *state.arguments, state.folder)
    wait_for(neardup.home / "catalog.db-wal", started)
    begin = time.monotonic()
    assert started.wait(60) == 0
    compare(content_of(neardup.catalog), state.after, -1)
    return time.monotonic() - begin


def fresh_copy(neardup: Neardup, state: State) -> None:
    neardup.home.mkdir(exist_ok=True)
    shutil.copy(state.before, neardup.catalog)


def scan_again(catalog: Catalog, folder: Path, options: ScanOptions) -> ScanSummary:
    return scan(catalog, [os.fsencode(folder)], options)


def kill(process: subprocess.Popen[bytes]) -> bool:
    """Kill a process as no process can prevent; say whether it was still running."""
    process.send_signal(signal.SIGKILL)
    return process.wait(60) == -signal.SIGKILL


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a file is there, or the process has ended."""
    while not path.exists() and process.poll() is None:
        time.sleep(0.002)


def take(numbers: Iterator[int], count: int) -> list[int]:
    return [next(numbers) for _ in range(count)]


def compare(holding: Holding, expected: Holding, number: int) -> None:
    assert holding.files == expected.files, number
    assert holding.contents == expected.contents, number
    assert holding.embedded == expected.embedded, number
    np.testing.assert_allclose(holding.vectors, expected.vectors, atol=2e-3)


def content_of(path: Path) -> Holding:
    with closing(sqlite3.connect(path)) as database:
        files, contents, vectors = (
            database.execute(query).fetchall() for query in (FILES, CONTENTS, VECTORS)
        )
    stacked = np.frombuffer(b"".join(row[2] for row in vectors), "<f2").astype(np.float32)
    return Holding(files, contents, [row[:2] for row in vectors], stacked)
