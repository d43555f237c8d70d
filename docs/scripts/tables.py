"""The tables of the catalog, read from their definitions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from sqlalchemy import Table, UniqueConstraint

from docs.scripts.markdown import cell
from neardup_cli.catalog import models


def drawing() -> str:
    """Return how the tables hang together, as the head of `catalog/models.py` draws it."""
    return f"```text\n{inspect.cleandoc(models.__doc__ or '')}\n```"


def page() -> str:
    """Return a section a table: what it holds, and its columns."""
    return "\n".join(line for table in models.METADATA.tables.values() for line in _section(table))


def _section(table: Table) -> Iterator[str]:
    named = next(name for name, one in vars(models).items() if one is table)
    said = inspect.getdoc(getattr(models, f"{named}Columns")) or ""
    yield from (f"## {table.name}", "", *(" ".join(part.split()) + "\n" for part in said.split("\n\n")))
    yield from ("| column | type | null | key |", "|---|---|---|---|")
    for column in table.columns:
        refers = ", ".join(f"`{key.target_fullname}`" for key in column.foreign_keys)
        keys = ["primary"] if column.primary_key else []
        keys += ["unique"] if column.unique else []
        keys += [f"to {refers}"] if refers else []
        null = "yes" if column.nullable else ""
        yield f"| `{column.name}` | {cell(str(column.type).lower())} | {null} | {', '.join(keys)} |"
    yield ""
    for one in table.constraints:
        if isinstance(one, UniqueConstraint) and len(one.columns) > 1:
            together = ", ".join(f"`{column.name}`" for column in one.columns)
            yield from (f"Unique together: {together}.", "")
