"""What an index for 100 million or a billion pictures costs, simulated at what fits on this machine.

At those sizes not even compressed vectors lie in memory: FAISS keeps the inverted lists in a file
(`OnDiskInvertedLists`), of which a query reads those that it probes. An IVF-PQ index of full residuals is
made here over synthetic embeddings (see benchmarks/_synthetic.py: a hard case), its lists are put on disk,
and for a growing number of probed lists it is measured:

- recall: of planted copies from 0.5 on, how often the copy is among the 100 nearest candidates, which is
  what a search then measures again by the vectors themselves;
- bytes of lists that a query reads, and what share of the vectors it compares;
- CPU milliseconds a query, on one thread, the lists being in the page cache by then.

What grows with the collection is printed as bytes a vector (codes, ids, the row in the catalog), so that
the arithmetic of docs/scale.md can be redone. Compared with nothing: there are no bars.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks import _bench

CODES = 64  # bytes a vector: 8-bit codes of 8 dimensions each
NEAREST = 100
PROBES = (1, 4, 16, 64, 256)
_SAMPLES_A_LIST = 40


def main() -> None:
    """Measure at one size."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--size", type=int, default=200_000, help="how many vectors (200,000)")
    parser.add_argument("--lists", type=int, help="inverted lists; 4 times the root of the size by default")
    parser.add_argument("--questions", type=int, default=500, help="how many copies are looked for (500)")
    options = _bench.parse(parser)
    lists = options.lists or round(4 * options.size**0.5)
    with _bench.workspace() as work:
        simulate(options.size, lists, options.questions, work)


def simulate(size: int, lists: int, questions: int, work: Path) -> None:
    """Make the index, put its lists on disk, ask, and print."""
    import faiss
    import numpy as np

    from benchmarks._synthetic import DIMENSION, embeddings

    faiss.omp_set_num_threads(1)
    # Of a billion vectors, one in a hundred trains the centroids; here it would be every third, and centroids
    # know well what they were made of. So others of the same kind train them.
    drawn = embeddings(size + _SAMPLES_A_LIST * lists).astype(np.float32)
    vectors, sample = drawn[:size], drawn[size:]
    started = time.process_time()
    quantizer = faiss.IndexFlatIP(DIMENSION)
    index = faiss.IndexIVFPQ(quantizer, DIMENSION, lists, CODES, 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.min_points_per_centroid = 1
    index.train(sample)
    trained = time.process_time()
    index.add(vectors)
    added = time.process_time()
    put_on_disk(faiss, index, lists, work / "lists")
    asked, wanted = pairs(vectors, questions)
    on_disk = (work / "lists").stat().st_size
    print(f"{size:,} vectors of {DIMENSION} dimensions, {lists:,} lists, {CODES} bytes of codes a vector")
    print(f"{on_disk / size:.1f} bytes a vector in the file of lists")
    print(f"{(added - trained) / size * 1e6:,.0f} CPU seconds a million vectors to add, ", end="")
    print(f"{trained - started:,.0f} to train\n")
    stats: Any = getattr(faiss.cvar, "indexIVF_stats")  # noqa: B009 - FAISS's types do not know of it
    rows = []
    for probed in (number for number in PROBES if number <= lists):
        index.nprobe = probed
        index.search(asked[:8], NEAREST)
        stats.reset()
        before = time.process_time()
        _, found = index.search(asked, NEAREST)
        spent = time.process_time() - before
        compared = stats.ndis / len(asked)
        recall = float(np.mean((found == wanted[:, None]).any(axis=1)))
        read = compared * (CODES + 8) / 1e3
        rows.append((str(probed), recall, 100 * compared / size, read, 1e3 * spent / len(asked)))
    columns = ("recall", "% compared", "KB read", "CPU ms a query")
    _bench.print_table(("lists probed", *columns), rows)


def put_on_disk(faiss: Any, index: Any, lists: int, path: Path) -> None:  # noqa: ANN401 - FAISS has no types
    """Move the inverted lists of an index from memory to a file."""
    on_disk = faiss.OnDiskInvertedLists(lists, index.code_size, str(path))
    parts = faiss.InvertedListsPtrVector()
    parts.push_back(index.invlists)
    on_disk.merge_from_multiple(parts.data(), parts.size())  # lays them out one right after the other
    index.replace_invlists(on_disk, True)
    on_disk.this.disown()


def pairs(vectors: Any, count: int) -> tuple[Any, Any]:  # noqa: ANN401
    """Return (n, d) vectors to ask for, and the row of the nearest other vector of each, at 0.5 or more."""
    import numpy as np

    asked, wanted = [], []
    rows = np.random.default_rng(1).permutation(len(vectors))
    for start in range(0, len(rows), 256):
        some = rows[start : start + 256]
        products = vectors[some] @ vectors.T
        products[np.arange(len(some)), some] = -1
        nearest = products.argmax(axis=1)
        close = products[np.arange(len(some)), nearest] >= 0.5
        asked.append(some[close])
        wanted.append(nearest[close])
        if sum(map(len, asked)) >= count:
            break
    return vectors[np.concatenate(asked)[:count]], np.concatenate(wanted)[:count]


if __name__ == "__main__":
    main()
