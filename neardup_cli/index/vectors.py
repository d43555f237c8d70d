"""A FAISS index over unit vectors, keyed by content id, and its file.

The file is a cache: it carries a stamp that says which vectors of which catalog it holds, and
whoever opens it compares the stamp with the catalog and rebuilds what does not agree.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import faiss
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

_BLOCK = 2048
_SEAL_BYTES = 32
_CHUNK = 1 << 20


class VectorPairs(NamedTuple):
    """Pairs of rows with their cosine similarity, each pair once, `first < second`, in order.

    Attributes:
        first, second: (n,) row numbers.
        similarities: (n,) float32 in [-1, 1].
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    similarities: NDArray[np.float32]


class IndexStamp(NamedTuple):
    """Which vectors an index file holds: see `queries.VectorState`, with catalog and model added."""

    catalog: str
    fingerprint: str
    preprocessing: str
    generation: int
    vectors: int
    last_row: int


class VectorIndex:
    """Exact inner-product search over unit vectors that are known by content id."""

    def __init__(self, dimension: int, index: faiss.IndexIDMap2 | None = None) -> None:
        self._index = index or faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.floating]) -> None:
        """Add (n, dimension) unit vectors under (n,) content ids."""
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        self._index.add_with_ids(rows, np.ascontiguousarray(ids, dtype=np.int64))

    def search(
        self, vectors: NDArray[np.float32], top_k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return (ids, similarities), each (n, k), nearest first; k is `top_k` or all there are."""
        k = min(top_k, len(self))
        if k == 0:
            return np.empty((len(vectors), 0), np.int64), np.empty((len(vectors), 0), np.float32)
        similarities, ids = self._index.search(np.ascontiguousarray(vectors, dtype=np.float32), k)
        return ids, similarities

    def vector(self, content: int) -> NDArray[np.float32] | None:
        """Return the (dimension,) vector of a content, or None if it has none."""
        try:
            found: NDArray[np.float32] = self._index.reconstruct(content)
        except RuntimeError:  # FAISS's word for an unknown id
            return None
        return found

    def save(self, path: Path, stamp: IndexStamp) -> None:
        """Write the index and its stamp; a reader sees the old file or the new one, never half of it."""
        partial = path.with_name(f"{path.name}.{os.getpid()}.part")
        header = json.dumps(stamp._asdict()).encode() + b"\n"
        try:
            with partial.open("wb") as stream:
                seal = blake3()

                def write(data: bytes) -> int:
                    seal.update(data)
                    return stream.write(data)

                write(header)
                faiss.write_index(self._index, faiss.PyCallbackIOWriter(write))  # type: ignore[attr-defined]
                stream.write(seal.digest())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> tuple[Self, IndexStamp] | None:
        """Read an index file; None where there is none that can be used."""
        try:
            with path.open("rb") as stream:
                if not _is_sealed(stream):
                    return None
                stamp = IndexStamp(**json.loads(stream.readline()))
                reader = faiss.PyCallbackIOReader(stream.read)  # type: ignore[attr-defined]
                loaded = faiss.read_index(reader)
        except (OSError, ValueError, TypeError, RuntimeError):  # missing, or another layout
            return None
        if not isinstance(loaded, faiss.IndexIDMap2) or loaded.ntotal != stamp.vectors:
            return None
        return cls(loaded.d, loaded), stamp


def _is_sealed(stream: BinaryIO) -> bool:
    """Say whether a file ends in the BLAKE3 of all that is before, and go back to its start.

    FAISS believes the sizes that it reads: one wrong byte would have it ask for gigabytes.
    """
    left = stream.seek(0, os.SEEK_END) - _SEAL_BYTES
    stream.seek(0)
    seal = blake3()
    while left > 0 and (chunk := stream.read(min(left, _CHUNK))):
        seal.update(chunk)
        left -= len(chunk)
    sealed = stream.read() == seal.digest()
    stream.seek(0)
    return sealed


def similar_pairs(vectors: NDArray[np.floating], threshold: float) -> VectorPairs:
    """Find all pairs of (n, dimension) unit vectors whose inner product is at least `threshold`.

    Each block is searched among those added before it and itself: half the work of searching
    everything in everything, and every pair comes up once.
    """
    index = faiss.IndexFlatIP(vectors.shape[1])
    # FAISS keeps what is strictly above its threshold.
    floor = float(np.nextafter(np.float32(threshold), np.float32(-2)))
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]
    for start in range(0, len(vectors), _BLOCK):
        block = np.ascontiguousarray(vectors[start : start + _BLOCK], dtype=np.float32)
        index.add(block)
        limits, similarities, rows = index.range_search(block, floor)
        queries = np.repeat(np.arange(start, start + len(block)), np.diff(limits.astype(np.int64)))
        earlier = rows < queries
        found.append((rows[earlier], queries[earlier], similarities[earlier]))
    first, second, values = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((second, first))
    return VectorPairs(first[order], second[order], values[order])
