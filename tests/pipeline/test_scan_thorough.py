"""`scan --thorough`: what is computed, what is kept, and what a later scan adds."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, override

import numpy as np
import pytest

from neardup_cli.catalog.database import Catalog
from neardup_cli.embedders.base import Embedder, Pixels, Vectors
from neardup_cli.embedders.onnx import OnnxEmbedder
from neardup_cli.embedders.regions import REGIONS, prepare_regions
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.images.decode import decode
from neardup_cli.pipeline import store
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.status import catalog_status
from neardup_cli.progress import Silent
from neardup_cli.records.scans import ScanSummary

type Draw = Callable[[Path, int], Path]

MODEL = "sscd_distilled"


@pytest.fixture
def folder(tmp_path: Path, draw: Draw) -> Path:
    made = tmp_path / "pictures"
    for number in (1, 2, 3):
        draw(made / f"{number}.png", number)
    (made / "broken.png").write_bytes((made / "1.png").read_bytes()[:200])
    return made


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of pictures and parts in each call of the network."""
    calls: list[int] = []
    real = OnnxEmbedder.embed

    def counting(self: OnnxEmbedder, batch: Sequence[Pixels]) -> Vectors:
        calls.append(len(batch))
        return real(self, batch)

    monkeypatch.setattr(OnnxEmbedder, "embed", counting)
    return calls


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_embedder(MODEL)


def run(catalog: Catalog, folder: Path, **options: Any) -> ScanSummary:
    return scan(catalog, [os.fsencode(folder)], ScanOptions(**{"model": MODEL, **options}))


def rows(catalog: Catalog, query: str) -> list[Any]:
    with closing(sqlite3.connect(catalog.path)) as connection:
        return connection.execute(query).fetchall()


def stored(catalog: Catalog) -> dict[bytes, bytes]:
    """The regions of each path."""
    query = "SELECT f.path, r.vectors FROM file f JOIN region r ON r.content_id = f.content_id"
    return dict(rows(catalog, query))


def test_regions_are_those_of_the_decoded_picture(catalog: Catalog, folder: Path, embedder: Embedder) -> None:
    summary = run(catalog, folder, thorough=True)
    assert (summary.embedded, summary.regions, len(summary.unreadable)) == (3, 3, 1)
    found = stored(catalog)
    assert len(found) == 3
    for path, blob in found.items():
        colour = decode(Path(os.fsdecode(path)).read_bytes()).colour
        assert colour is not None
        expected = embedder.embed(prepare_regions(colour)).astype("<f2")
        vectors = np.frombuffer(blob, "<f2").reshape(len(REGIONS), -1)
        assert np.abs(vectors.astype(float) - expected.astype(float)).max() < 2e-3


def test_a_second_thorough_scan_reads_nothing(catalog: Catalog, folder: Path, shown: list[int]) -> None:
    run(catalog, folder, thorough=True)
    shown.clear()
    summary = run(catalog, folder, thorough=True)
    assert (summary.unchanged, summary.embedded, summary.regions) == (3, 0, 0)
    assert shown == []


def test_after_a_plain_scan_only_regions_are_computed(
    catalog: Catalog, folder: Path, shown: list[int]
) -> None:
    run(catalog, folder)
    before = rows(catalog, "SELECT id, vector FROM embedding ORDER BY id")
    shown.clear()
    summary = run(catalog, folder, thorough=True)
    assert (summary.added, summary.embedded, summary.regions) == (0, 0, 3)
    assert sum(shown) == 3 * len(REGIONS)
    assert rows(catalog, "SELECT id, vector FROM embedding ORDER BY id") == before


def test_after_hashes_alone_both_are_computed(catalog: Catalog, folder: Path) -> None:
    run(catalog, folder, hash_only=True)
    summary = run(catalog, folder, thorough=True)
    assert (summary.embedded, summary.regions) == (3, 3)


def test_step_by_step_it_comes_to_the_same(catalog: Catalog, tmp_path: Path, folder: Path) -> None:
    run(catalog, folder, hash_only=True)
    run(catalog, folder)
    run(catalog, folder, thorough=True)
    with Catalog.open(tmp_path / "once.db", create=True) as once:
        run(once, folder, thorough=True)
        assert stored(once) == stored(catalog)


def test_a_plain_scan_leaves_regions_alone_and_makes_none(catalog: Catalog, folder: Path, draw: Draw) -> None:
    run(catalog, folder, thorough=True)
    before = stored(catalog)
    draw(folder / "4.png", 4)
    summary = run(catalog, folder)
    assert (summary.embedded, summary.regions) == (1, 0)
    assert stored(catalog) == before
    assert [model.regions for model in catalog_status(catalog).models] == [3]
    assert run(catalog, folder, thorough=True).regions == 1
    assert [model.regions for model in catalog_status(catalog).models] == [4]


def test_copies_share_their_regions(catalog: Catalog, folder: Path, shown: list[int]) -> None:
    (folder / "again.png").write_bytes((folder / "1.png").read_bytes())
    assert run(catalog, folder, thorough=True, workers=2).regions == 3
    assert sum(shown[1:] if shown[0] == 2 else shown) == 3 * (1 + len(REGIONS))
    assert len(rows(catalog, "SELECT * FROM region")) == 3


def test_rehash_replaces_regions_and_tells_the_caches(catalog: Catalog, folder: Path) -> None:
    run(catalog, folder, thorough=True)
    good = stored(catalog)
    [(generation, last)] = rows(catalog, "SELECT generation, (SELECT max(id) FROM region) FROM model")
    with catalog.write() as connection:
        connection.exec_driver_sql("UPDATE region SET vectors = zeroblob(length(vectors))")
    assert run(catalog, folder, thorough=True).regions == 0
    assert run(catalog, folder, thorough=True, rehash=True).regions == 3
    assert stored(catalog) == good
    [(later, newest)] = rows(catalog, "SELECT generation, (SELECT max(id) FROM region) FROM model")
    assert later > generation
    assert newest > last


def test_a_rehash_without_thorough_leaves_regions_alone(catalog: Catalog, folder: Path) -> None:
    run(catalog, folder, thorough=True)
    before = rows(catalog, "SELECT id, vectors FROM region ORDER BY id")
    assert run(catalog, folder, rehash=True).regions == 0
    assert rows(catalog, "SELECT id, vectors FROM region ORDER BY id") == before


def test_an_interrupted_scan_goes_on(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4, 12):
        draw(folder / f"{number}.png", number)
    monkeypatch.setattr(store, "_FLUSH_FILES", 1)

    class Killed(Silent):
        @override
        def advance(self, steps: int = 1) -> None:
            if rows(catalog, "SELECT * FROM region"):
                raise KeyboardInterrupt

    options = ScanOptions(model=MODEL, thorough=True)
    with pytest.raises(KeyboardInterrupt):
        scan(catalog, [os.fsencode(folder)], options, Killed())
    done = len(stored(catalog))
    assert 0 < done < 11
    assert run(catalog, folder, thorough=True).regions == 11 - done
    assert len(stored(catalog)) == 11
