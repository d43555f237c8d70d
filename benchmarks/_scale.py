"""What benchmarks/scale.py runs as processes of its own, so that memory and time are those of one thing.

python -m benchmarks._scale fill CATALOG COUNT [FIRST]     synthetic pictures into a catalog
python -m benchmarks._scale join CATALOG                   the self-join of `dups` alone, up to its pairs
python -m benchmarks._scale recall CATALOG SAMPLE          pairs of a join against comparing all
python -m benchmarks._scale query CATALOG QUESTIONS        a warm query
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks._synthetic import embeddings, fill
from neardup_cli.catalog import neighbours, queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.matching.sieve import DEFAULT_RADIUS, sieve_hits
from neardup_cli.pipeline.index_cache import open_index
from neardup_cli.pipeline.join import joined_pictures
from neardup_cli.pipeline.models import stored_model
from neardup_cli.progress import Silent

PAIR = 0.5
"""Similarity from which a pair has to be found."""

TOP = 11


def join(path: Path) -> dict[str, float]:
    """Compare what is new, and read all pairs; the groups are left out."""
    with Catalog.open(path) as catalog:
        joined = joined_pictures(catalog, _model(catalog), PAIR, (), Silent())
    return {"compared": joined.compared, "pairs": len(joined.pictures.similar.first)}


def recall(path: Path, sample: int) -> dict[str, float]:
    """Compare a random sample of the vectors with all; what share of their pairs does the join know?"""
    with Catalog.open(path) as catalog, catalog.read() as connection:
        model = _model(catalog)
        ids = neighbours.present_vectors(connection, model).ids
        asked = np.sort(np.random.default_rng(1).choice(ids, min(sample, len(ids)), replace=False))
        vectors = np.empty((len(asked), model.identity.dimension), np.float32)
        for page in neighbours.vectors_of(connection, model, asked.tolist()):
            vectors[np.searchsorted(asked, page.ids)] = page.vectors
        wanted = set()
        for page in queries.vectors_after(connection, model):
            rows, columns = np.nonzero(vectors @ page.vectors.astype(np.float32).T >= PAIR)
            wanted |= {
                _pair(a, b) for a, b in zip(asked[rows].tolist(), page.ids[columns].tolist(), strict=True)
            }
        wanted = {pair for pair in wanted if pair[0] != pair[1]}
        known = set()
        for lists in neighbours.stored_lists(connection, model, PAIR):
            near = lists.similarities >= PAIR
            owners = np.repeat(lists.owners, lists.lengths)[near].tolist()
            known |= {_pair(a, b) for a, b in zip(owners, lists.others[near].tolist(), strict=True)}
    return {"pairs": len(wanted), "recall": len(wanted & known) / len(wanted)}


def query(path: Path, questions: int) -> dict[str, float]:
    """Look vectors and hashes up in a loaded catalog: a query, but for decoding and the network."""
    with Catalog.open(path) as catalog:
        model = _model(catalog)
        index = open_index(catalog, model)
        with catalog.read() as connection:
            prints = queries.fingerprints(connection)
            ids = np.random.default_rng(2).choice(prints.ids, questions)
            held = {
                content: vector
                for page in neighbours.vectors_of(connection, model, np.unique(ids).tolist())
                for content, vector in zip(page.ids.tolist(), page.vectors.astype(np.float32), strict=True)
            }
        wall, cpu = [], []
        for content in ids.tolist():
            dhash = int(prints.hashes[np.searchsorted(prints.ids, content)])
            started, used = time.perf_counter(), time.process_time()
            near, _ = index.search(held[content][None], TOP)
            hits = sieve_hits(prints.hashes, prints.flatness, dhash, DEFAULT_RADIUS)
            with catalog.read() as connection:
                contents = {*near[0].tolist(), *(int(prints.ids[row]) for row, _ in hits)}
                files = queries.files_of_contents(connection, contents)
            wall.append(time.perf_counter() - started)
            cpu.append(time.process_time() - used)
            assert any(file.content_id == content for file in files)
    return {"wall_ms": 1000 * median(wall), "cpu_ms": 1000 * median(cpu), "index": index.vectors.lists}


def _pair(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _model(catalog: Catalog) -> StoredModel:
    model = stored_model(catalog, None)
    assert model is not None
    return model


def main() -> None:
    """Run one of them and print what it measured as JSON."""
    task, path, *numbers = sys.argv[1:]
    match task, [int(number) for number in numbers]:
        case "fill", [count, *first]:
            start = first[0] if first else 0
            fill(Path(path), embeddings(count, seed=start), start)
        case "join", []:
            print(json.dumps(join(Path(path))))
        case "recall", [sample]:
            print(json.dumps(recall(Path(path), sample)))
        case "query", [questions]:
            print(json.dumps(query(Path(path), questions)))
        case _:
            sys.exit(f"no such task: {task}")


if __name__ == "__main__":
    main()
