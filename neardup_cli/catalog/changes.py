"""Whether a catalog still is what it was: for programs that keep an answer in memory."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from neardup_cli.catalog.models import Batch, Decision
from neardup_cli.catalog.scanning import last_finished_scan


class ChangeStamp(NamedTuple):
    """What differs whenever the answer to `dups` may differ; cheap to read, however large the catalog.

    A scan that is still running does not show here before its end, and verdicts that are kept never do:
    they follow from what is stored.

    Attributes:
        scan: the last one that came to its end.
        decisions, last_decision: how many there are, and the largest id.
        batches: how far each clean-up is; there are few.
    """

    scan: int
    decisions: int
    last_decision: int
    batches: tuple[tuple[int, str], ...]


def change_stamp(connection: Connection) -> ChangeStamp:
    """Read the stamp."""
    count, last = connection.execute(
        select(func.count(), func.coalesce(func.max(Decision.c.id), 0)).select_from(Decision)
    ).one()
    batches = connection.execute(select(Batch.c.id, Batch.c.state).order_by(Batch.c.id))
    return ChangeStamp(
        last_finished_scan(connection), count, last, tuple((number, state) for number, state in batches)
    )
