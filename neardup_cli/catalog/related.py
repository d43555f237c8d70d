"""Whether the catalog itself knows why two contents would be copies, whatever somebody says of them."""

from __future__ import annotations

from collections.abc import Collection
from itertools import batched

from sqlalchemy import Connection, bindparam, select

from neardup_cli.catalog.models import Content, Embedding, Pair

_AT_ONCE = 200  # pairs a query: two variables each
_MOST_BITS = 16
"""Hashes of strangers differ in 32 bits of 64, as a rule; the sieve's radius is 10 by default."""
_LEAST_SIMILARITY = 0.5
"""Of 240 strangers no pair was as similar; faces and objects of one series can be."""

type IdPair = tuple[int, int]
"""Two content ids, in any order."""


def related(connection: Connection, pairs: Collection[IdPair]) -> set[IdPair]:
    """Return those of some pairs of contents for which the catalog holds evidence that they are copies.

    That is: they are the same content, geometry has matched them (with any preset), or their hashes or
    vectors are close and geometry has not said no. It is asked of plans that came from outside, and decides
    nothing anew.
    """
    verdicts = _verdicts(connection, [(a, b) for a, b in pairs if a != b])
    found = {(a, b) for a, b in pairs if a == b or verdicts.get((a, b))}
    for evidence in (_close_hashes, _close_vectors):
        if open_pairs := [pair for pair in pairs if pair not in found and pair not in verdicts]:
            found |= evidence(connection, open_pairs)
    return found


def _verdicts(connection: Connection, pairs: Collection[IdPair]) -> dict[IdPair, bool]:
    """Return whether geometry has matched pairs; those that it has not looked at are left out."""
    query = select(Pair.c.a_id, Pair.c.b_id, Pair.c.matched).where(
        Pair.c.a_id.in_(bindparam("firsts", expanding=True)),
        Pair.c.b_id.in_(bindparam("seconds", expanding=True)),
    )
    said: dict[IdPair, bool] = {}
    for some in batched(sorted({(min(pair), max(pair)) for pair in pairs}), _AT_ONCE):
        values = {"firsts": list({a for a, _ in some}), "seconds": list({b for _, b in some})}
        for a, b, matched in connection.execute(query, values):
            said[a, b] = said[b, a] = matched or said.get((a, b), False)
    return said


def _close_hashes(connection: Connection, pairs: Collection[IdPair]) -> set[IdPair]:
    query = select(Content.c.id, Content.c.dhash).where(Content.c.id.in_(bindparam("ids", expanding=True)))
    hashes: dict[int, int | None] = {}
    for some in batched(sorted({content for pair in pairs for content in pair}), _AT_ONCE):
        hashes.update((content, dhash) for content, dhash in connection.execute(query, {"ids": some}))

    def close(a: int | None, b: int | None) -> bool:
        return a is not None and b is not None and ((a ^ b) & (2**64 - 1)).bit_count() <= _MOST_BITS

    return {(a, b) for a, b in pairs if close(hashes.get(a), hashes.get(b))}


def _close_vectors(connection: Connection, pairs: Collection[IdPair]) -> set[IdPair]:
    import numpy as np  # only for plans with pairs that nothing else explains

    query = select(Embedding.c.content_id, Embedding.c.model_id, Embedding.c.vector).where(
        Embedding.c.content_id.in_(bindparam("ids", expanding=True))
    )
    found: set[IdPair] = set()
    for some in batched(pairs, _AT_ONCE):
        ids = sorted({content for pair in some for content in pair})
        vectors = {
            (content, model): np.frombuffer(vector, dtype="<f2").astype(np.float32)
            for content, model, vector in connection.execute(query, {"ids": ids})
        }
        models = {model for _, model in vectors}
        for a, b in some:
            both = [(vectors[a, m], vectors[b, m]) for m in models if (a, m) in vectors and (b, m) in vectors]
            if any(x.shape == y.shape and float(x @ y) >= _LEAST_SIMILARITY for x, y in both):
                found.add((a, b))
    return found
