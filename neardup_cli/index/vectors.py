"""A FAISS index over unit vectors, keyed by content id, and its file.

Few vectors are held as they are and searched exactly. Of many, each is put into the list of its nearest
centroid and kept as 32 four-bit codes (Jégou, Douze, Schmid, "Product quantization for nearest neighbor
search", 2011; André, Kermarrec, Le Scouarnec, "Quicker ADC", 2019): 24 bytes instead of 2,048, and a
hundred times faster to compare. Whoever searches those measures the few candidates again by their vectors.

The file is a cache: it carries a stamp that says which vectors of which catalog it holds, and
whoever opens it compares the stamp with the catalog and rebuilds what does not agree.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

import faiss
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from neardup_cli.atomic import replacing
from neardup_cli.index.cores import on_this_core

FLAT_UP_TO = 50_000
"""Vectors that are searched exactly: comparing all of them with each other takes two cores ten seconds."""

PROBED = 0.2
"""Share of the lists that a join looks into. SSCD spreads its vectors nearly evenly over the sphere, so that
a copy often lies in another list than its original; but a join looks from both sides, and finds 99 % of the
pairs from 0.5 on (benchmarks/scale.py)."""

_A_WANTED, _A_VECTOR = 8, 1 / 5000
"""Candidates that are measured by their vectors: so many for each neighbour that is wanted, and so many for
each vector there is, for the codes take the more strangers for neighbours. Of the pairs from 0.5 on among a
million, 32 neighbours wanted of each, 8 a neighbour found 0.979, and these 0.996 in a quarter more time."""

_CODES = 32
_SAMPLES_A_LIST = 40
_TRAINING_ROUNDS = 8
_OUTGROWN = 4
_SEAL_BYTES = 32
_CHUNK = 1 << 20


type Bytes = NDArray[np.uint8]


class IndexKind(StrEnum):
    """How vectors are held."""

    FLAT = "flat"  # as they are, searched exactly
    IVF = "ivf"  # compressed, in inverted lists


def kind_for(vectors: int, flat_up_to: int | None = None) -> IndexKind:
    """Return the kind of index for so many vectors; `flat_up_to`, else `FLAT_UP_TO`, stay as they are."""
    limit = FLAT_UP_TO if flat_up_to is None else flat_up_to
    return IndexKind.FLAT if vectors <= limit else IndexKind.IVF


def candidates(vectors: int, wanted: int) -> int:
    """Return how many candidates to measure where so many neighbours are wanted, of so many vectors."""
    return round(_A_WANTED * wanted + _A_VECTOR * vectors)


def lists_for(vectors: int) -> int:
    """Return the number of lists for so many vectors: few, for a visit costs as much as hundreds of codes."""
    return max(1, round(0.75 * math.sqrt(vectors)))


def sample_size(vectors: int) -> int:
    """Return how many vectors `VectorIndex.trained` wants to see, of so many."""
    return min(vectors, _SAMPLES_A_LIST * lists_for(vectors))


def sampled(pages: Iterable[NDArray[np.float16]], vectors: int) -> NDArray[np.float16]:
    """Draw a sample for `VectorIndex.trained` from pages of so many vectors, alike; the same every time."""
    share = sample_size(vectors) / vectors
    random = np.random.default_rng(vectors)
    return np.concatenate([page[random.random(len(page)) < share] for page in pages])


class IndexStamp(NamedTuple):
    """Which vectors an index file holds: see `queries.VectorState`, with catalog and model added."""

    catalog: str
    fingerprint: str
    preprocessing: str
    generation: int
    vectors: int
    last_row: int


class VectorIndex:
    """Inner-product search over unit vectors that are known by content id; see `IndexKind`."""

    def __init__(
        self, dimension: int, index: faiss.Index | None = None, ids: NDArray[np.int64] | None = None
    ) -> None:
        self._index = faiss.IndexFlatIP(dimension) if index is None else index
        self._ids = np.empty(0, np.int64) if ids is None else ids
        self._order: NDArray[np.intp] | None = None

    @classmethod
    def trained(cls, sample: NDArray[np.floating], vectors: int) -> Self:
        """Make an empty index of the kind IVF for about so many vectors like those of an (n, d) sample."""
        rows = np.ascontiguousarray(sample, dtype=np.float32)
        lists = min(lists_for(vectors), len(rows))
        dimension = rows.shape[1]
        codes = math.gcd(_CODES, dimension)
        index = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(dimension), dimension, lists, codes, 4, faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = False  # one table of products a query instead of one for each list it visits
        index.cp.niter = _TRAINING_ROUNDS
        index.cp.min_points_per_centroid = 1  # a small sample is a caller's choice, no cause for a warning
        index.pq.cp.min_points_per_centroid = 1
        index.train(rows)
        return cls(dimension, index)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def kind(self) -> IndexKind:
        """How the vectors are held."""
        return IndexKind.FLAT if isinstance(self._index, faiss.IndexFlat) else IndexKind.IVF

    @property
    def lists(self) -> int:
        """The number of inverted lists; 1 for a flat index."""
        return int(self._index.nlist) if isinstance(self._index, faiss.IndexIVF) else 1

    def suits(self, vectors: int, flat_up_to: int | None = None) -> bool:
        """Return True if this is the index to hold so many vectors, or one made for a quarter of them."""
        if self.kind is not kind_for(vectors, flat_up_to):
            return False
        return self.kind is IndexKind.FLAT or lists_for(vectors) <= math.sqrt(_OUTGROWN) * self.lists

    @property
    def ids(self) -> NDArray[np.int64]:
        """The content ids of the vectors, in the order in which they were added."""
        return self._ids

    def add(self, ids: NDArray[np.int64], vectors: NDArray[np.floating]) -> None:
        """Add (n, dimension) unit vectors under (n,) content ids."""
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        self._ids = np.concatenate([self._ids, np.asarray(ids, dtype=np.int64)])
        self._order = None

    def search(
        self, vectors: NDArray[np.float32], top_k: int, *, probed: float = 1.0
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find the nearest vectors.

        Args:
            vectors: (n, dimension) unit vectors.
            top_k: how many to find for each; no more than there are.
            probed: share of the lists to look into; a flat index has one.

        Returns:
            Content ids and similarities, both (n, k), nearest first; -1 and -inf or less fill up a row.
            The similarities of an index of kind IVF are estimates.
        """
        k = min(top_k, len(self))
        if k == 0:
            return np.empty((len(vectors), 0), np.int64), np.empty((len(vectors), 0), np.float32)
        rows = np.ascontiguousarray(vectors, dtype=np.float32)
        similarities, places = self._index.search(rows, k, params=self._parameters(probed))
        return self._named(places), similarities

    def _parameters(self, probed: float) -> faiss.SearchParameters | None:
        if self.kind is IndexKind.FLAT:
            return None
        parameters = faiss.SearchParametersIVF()
        parameters.nprobe = max(1, round(probed * self.lists))
        return parameters

    def _named(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn places in the index into content ids."""
        return np.where(places < 0, -1, self._ids[places])

    def vector(self, content: int) -> NDArray[np.float32] | None:
        """Return the (dimension,) vector of a content, as far as its codes tell; None if it has none."""
        if self._order is None:
            self._order = np.argsort(self._ids, kind="stable")
            if isinstance(self._index, faiss.IndexIVF):
                self._index.make_direct_map()
        at = int(np.searchsorted(self._ids, content, sorter=self._order))
        if at == len(self._ids) or self._ids[self._order[at]] != content:
            return None
        found: NDArray[np.float32] = self._index.reconstruct(int(self._order[at]))
        return found

    def save(self, path: Path, stamp: IndexStamp) -> None:
        """Write the index and its stamp; a reader sees the old file or the new one, never half of it."""
        header = json.dumps(stamp._asdict()).encode() + b"\n"
        with replacing(path, durably=False) as stream:  # it is sealed, and can be made again
            seal = blake3()

            def write(data: bytes) -> int:
                seal.update(data)
                return stream.write(data)

            write(header)
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(write))  # type: ignore[attr-defined]
            write(self._ids.astype("<i8").tobytes())
            stream.write(seal.digest())

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
                ids = np.frombuffer(stream.read(8 * stamp.vectors), "<i8").astype(np.int64)
        except (OSError, ValueError, TypeError, RuntimeError):  # missing, or another layout
            return None
        if not isinstance(loaded, faiss.IndexFlatIP | faiss.IndexIVFPQFastScan):
            return None
        if not loaded.ntotal == len(ids) == stamp.vectors:
            return None
        return cls(loaded.d, _mended(loaded), ids), stamp

    # Pickled, so that a cluster's workers get it too.

    def __getstate__(self) -> tuple[Bytes, NDArray[np.int64]]:
        return _serialised(self._index), self._ids

    def __setstate__(self, state: tuple[Bytes, NDArray[np.int64]]) -> None:
        data, ids = state
        loaded = _mended(faiss.deserialize_index(data))
        self.__init__(loaded.d, loaded, ids)  # type: ignore[misc]


def _mended(loaded: faiss.Index) -> faiss.Index:
    """Put back what reading an index forgets, and without which `reconstruct` would crash."""
    if isinstance(loaded, faiss.IndexIVFPQFastScan):
        loaded.fine_quantizer = loaded.pq  # type: ignore[attr-defined]
    return loaded


def _serialised(index: faiss.Index) -> Bytes:
    """Return what an index file would hold, without a second copy of it on the way."""
    data = bytearray()
    faiss.write_index(index, faiss.PyCallbackIOWriter(data.extend))  # type: ignore[attr-defined]
    return np.frombuffer(data, np.uint8)


def _is_sealed(stream: BinaryIO) -> bool:
    """Return True if a file ends in the BLAKE3 of all that is before, and go back to its start.

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


class RefinedIndex:
    """An index of kind IVF with the vectors themselves in memory: exact similarities, for a join.

    A kilobyte for each vector of 512 numbers, for the one time that all are compared with all.
    """

    def __init__(
        self, index: VectorIndex, pages: Iterable[tuple[NDArray[np.int64], NDArray[np.float16]]]
    ) -> None:
        """Take pages of (n,) ids and (n, dimension) vectors.

        Raises:
            ValueError: they do not begin with those of the index, in its order.
        """
        self._index = index
        coarse = index._index
        half = faiss.ScalarQuantizer.QT_fp16
        self._vectors: Any = faiss.IndexScalarQuantizer(coarse.d, half, faiss.METRIC_INNER_PRODUCT)
        held = 0
        for ids, vectors in pages:
            room = len(index) - held
            if not np.array_equal(ids[:room], index.ids[held : held + len(ids)]):
                raise ValueError("these are not the vectors of the index")
            rows = np.ascontiguousarray(vectors[:room], dtype="<f2")
            self._vectors.add_sa_codes(rows.view(np.uint8).reshape(len(rows), -1))
            held += len(rows)
        if held != len(index):
            raise ValueError("the index has more vectors")
        self._refined = faiss.IndexRefine(coarse, self._vectors)

    # Pickled as arrays that a cluster keeps once a machine: the copies of all its workers look into them.

    def __getstate__(self) -> tuple[VectorIndex, Bytes]:
        return self._index, _serialised(self._vectors)

    def __setstate__(self, state: tuple[VectorIndex, Bytes]) -> None:
        self._index, self._held = state  # as long as FAISS looks into it
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(self._held), len(self._held))  # type: ignore[attr-defined]
        self._vectors = faiss.read_index(reader)
        self._refined = faiss.IndexRefine(self._index._index, self._vectors)

    def search(
        self, vectors: NDArray[np.float32], top_k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Do what `VectorIndex.search` does, with exact similarities, looking into `PROBED` of the lists."""
        probing = self._index._parameters(PROBED)
        parameters = faiss.IndexRefineSearchParameters()
        top_k = min(top_k, len(self._index))
        parameters.k_factor = candidates(len(self._index), top_k) / max(1, top_k)
        parameters.base_index_params = probing
        similarities, places = self._refined.search(vectors, top_k, params=parameters)
        return self._index._named(places), similarities

    def nearest_of(
        self, places: NDArray[np.int64], top_k: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return what `search` does for the vectors at (n,) places of the index itself, on a single thread.

        Where several share a matrix product, its last bits tell how many; and those bits decide, once in a
        while, which of two lists is looked into. Several callers use several cores.
        """
        with on_this_core():
            return self.search(self._vectors.reconstruct_batch(places), top_k)


def search_threads() -> int:
    """Return how many threads FAISS takes for a search."""
    return int(faiss.omp_get_max_threads())
