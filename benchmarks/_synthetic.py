"""Synthetic embeddings shaped like SSCD's, with planted copies, in a catalog that any command can open.

Of 400 photographs, sscd_distilled gives unit vectors whose mutual similarity has a mean of 0.01, a standard
deviation of 0.051 and, once in 1,200 pairs, 0.2 or more: nearly even on the sphere, with a heavier tail
than chance. So are these (0.00, 0.049, once in 2,200): normal coordinates with slowly falling variances,
with one of 500 topics mixed into each, at a weight of 0 to 0.7. A third of the vectors shares a scene with
some thirty others as well, at a similarity of up to 0.4: the same place, seen again. Every tenth vector is
a planted copy of another one, at a cosine spread evenly over 0.5 to 0.95; what it has besides is drawn like
a vector of its own, so that nothing but the similarity gives it away. Vectors that lie so evenly are the
worst case for an index of inverted lists.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.records.files import ModelIdentity

DIMENSION = 512
COPIES = 0.1
_TOPICS, _SCENE = 500, 30
_PAGE = 20_000

type Array = NDArray[np.float32]


def embeddings(count: int, seed: int = 0) -> NDArray[np.float16]:
    """Make (count, 512) vectors, in random order."""
    random = np.random.default_rng(seed)
    originals = round(count * (1 - COPIES))
    vectors = np.empty((count, DIMENSION), np.float16)
    topics, scenes = _drawn(random, _TOPICS), _drawn(random, max(1, originals // (3 * _SCENE)))
    for start in range(0, originals, _PAGE):
        page = vectors[start : min(start + _PAGE, originals)]
        rows = _mixed(random, _drawn(random, len(page)), topics, 0.7, 1.0)
        page[:] = _mixed(random, rows, scenes, 0.63, 1 / 3)
    for start in range(originals, count, _PAGE):
        page = vectors[start : start + _PAGE]
        source = _unit(vectors[random.integers(0, originals, len(page))].astype(np.float32))
        other = _drawn(random, len(page))
        other = _unit(other - (other * source).sum(axis=1, keepdims=True) * source)
        cosine = random.uniform(0.5, 0.95, (len(page), 1)).astype(np.float32)
        page[:] = cosine * source + np.sqrt(1 - cosine**2) * other
    return vectors[random.permutation(count)]


def _drawn(random: np.random.Generator, count: int) -> Array:
    spread = (np.arange(DIMENSION, dtype=np.float32) + 8) ** np.float32(-0.2)
    return _unit(random.standard_normal((count, DIMENSION), np.float32) * spread)


def _mixed(random: np.random.Generator, rows: Array, centres: Array, most: float, share: float) -> Array:
    """Give a share of the rows something of a centre each."""
    weight = random.uniform(0, most, (len(rows), 1)) * (random.random((len(rows), 1)) < share)
    near = centres[random.integers(0, len(centres), len(rows))]
    return _unit((rows * np.sqrt(1 - weight**2) + near * weight).astype(np.float32))


def _unit(rows: Array) -> Array:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def fill(path: Path, vectors: NDArray[np.float16], first: int = 0) -> None:
    """Put pictures that exist in the catalog alone into it: number `first` and those after it."""
    random = np.random.default_rng(first)
    with Catalog.open(path, create=True) as catalog, catalog.write() as connection:
        scan = scanning.begin_scan(connection)
        root = scanning.store_root(connection, b"/synthetic", 1, scan)
        model = scanning.store_model(connection, _identity(), scan)
        for start in range(0, len(vectors), _PAGE):
            page = vectors[start : start + _PAGE]
            hashes = random.integers(-(1 << 63), 1 << 63, len(page), dtype=np.int64).tolist()
            ids = range(first + start + 1, first + start + 1 + len(page))
            raw = connection.exec_driver_sql
            raw(
                "INSERT INTO content (id, digest, size, format, width, height, dhash, flatness)"
                " VALUES (?, ?, 1000, 'JPEG', 640, 480, ?, 0.0)",
                [(row, row.to_bytes(32), dhash) for row, dhash in zip(ids, hashes, strict=True)],
            )
            raw(
                "INSERT INTO file (path, size, mtime_ns, device, inode, content_id, root_id, added_scan_id)"
                f" VALUES (?, 1000, 1, 1, ?, ?, {root}, {scan})",
                [(b"/synthetic/%03d/%08d.jpg" % (row % 1000, row), row, row) for row in ids],
            )
            raw(
                f"INSERT INTO embedding (model_id, content_id, vector) VALUES ({model}, ?, ?)",
                [(row, vector.tobytes()) for row, vector in zip(ids, page, strict=True)],
            )
        scanning.finish_scan(connection, scan)


def _identity() -> ModelIdentity:
    """The default model as it is installed, so that commands take the vectors for its own."""
    from neardup_cli.embedders import registry, shape

    name = registry.DEFAULT_MODEL
    fingerprint = registry.fingerprint(registry.model_path(name))
    return ModelIdentity(name, fingerprint, DIMENSION, shape.preprocessing(288))
