"""What is lost if one content goes and another one stays, kept so that no pair is compared twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import batched

from sqlalchemy import Connection, bindparam, func, select

from neardup_cli.catalog.models import Proof as Table
from neardup_cli.catalog.upsert import upsert
from neardup_cli.choices import Loss
from neardup_cli.records.proofs import PROOF_VERSION, Proof

_VARIABLES = 500
_REPLACED = ("version", "losses", "notes", "made", "source", "exact")

type Directed = tuple[int, int]
"""Two content ids: the one that goes, the one that stays."""


def stored_proofs(connection: Connection, gone: Collection[int]) -> dict[Directed, Proof]:
    """Return what is stored of some contents that may go, whatever stays; only what this version proved."""
    told = Table.c.made, Table.c.source, Table.c.exact
    query = select(Table.c.gone_id, Table.c.kept_id, Table.c.losses, Table.c.notes, *told).where(
        Table.c.version == PROOF_VERSION, Table.c.gone_id.in_(bindparam("gone", expanding=True))
    )
    return {
        (gone_id, kept_id): Proof(
            tuple(Loss(word) for word in losses), tuple(notes), made=made, source=source, exact=exact
        )
        for some in batched(sorted(gone), _VARIABLES)
        for gone_id, kept_id, losses, notes, made, source, exact in connection.execute(query, {"gone": some})
    }


def count_proofs(connection: Connection) -> int:
    """Return how many proofs there are: it differs whenever new pairs were compared."""
    return connection.execute(select(func.count()).select_from(Table)).scalar_one()


def store_proofs(connection: Connection, proofs: Mapping[Directed, Proof]) -> None:
    """Keep proofs in the place of older ones; what could not be looked at is not kept."""
    rows = [
        {
            "gone_id": gone,
            "kept_id": kept,
            "version": PROOF_VERSION,
            "losses": [loss.value for loss in proof.losses],
            "notes": [_safe(note) for note in proof.notes],
            "made": proof.made,
            "source": proof.source,
            "exact": proof.exact,
        }
        for (gone, kept), proof in sorted(proofs.items())
        if not proof.unproven
    ]
    if rows:
        connection.execute(
            upsert(connection, Table, ("gone_id", "kept_id"), _REPLACED),
            rows,
        )


def _safe(text: str) -> str:
    """Return a text as a database takes it: PostgreSQL's JSON refuses NUL, UTF-8 half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
