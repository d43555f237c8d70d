"""Proofs of many pairs: on all cores, each stored as it comes and made once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.proofs import Directed, store_proofs
from neardup_cli.engines.local import LocalEngine
from neardup_cli.progress import Progress
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.proofs import Proof
from neardup_cli.verification.proving import prove

_STORED_EVERY = 1.0  # seconds

type Pair = tuple[CatalogedFile, CatalogedFile]
"""The file that goes, the file that stays."""


def prove_pairs(
    catalog: Catalog, pairs: Sequence[Pair], *, workers: int, watch: Progress
) -> dict[Directed, Proof]:
    """Compare pairs of files at full size; memory holds two images a worker.

    Pairs of the same contents are compared once. An interruption loses what was compared within the last
    second.

    Args:
        catalog: open; takes what is proven.
        pairs: of files.
        workers: threads.
        watch: shows how many were compared.
    """
    once = {(gone.content_id, kept.content_id): (gone, kept) for gone, kept in pairs}
    if not once:
        return {}
    watch.start("Proving that nothing is lost", len(once))
    found: dict[Directed, Proof] = {}
    for new in _in_batches(LocalEngine(workers).map(_proven, once.items()), watch):
        with catalog.write() as connection:
            store_proofs(connection, new)
        found.update(new)
    return found


def _proven(task: tuple[Directed, Pair]) -> tuple[Directed, Proof]:
    ids, (gone, kept) = task
    return ids, prove(gone, kept)


def _in_batches(proven: Iterator[tuple[Directed, Proof]], watch: Progress) -> Iterator[dict[Directed, Proof]]:
    """Yield what came within a second; what is left when it ends, or is interrupted, too."""
    new: dict[Directed, Proof] = {}
    last = time.monotonic()
    for ids, proof in proven:
        new[ids] = proof
        watch.advance()
        if time.monotonic() - last >= _STORED_EVERY:
            yield new
            new, last = {}, time.monotonic()
    if new:
        yield new
