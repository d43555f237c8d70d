"""The bars of the benchmarks, read from the table in `benchmarks/README.md`."""

from __future__ import annotations

from pathlib import Path

TABLE = Path(__file__).parents[2] / "benchmarks" / "README.md"


def page() -> str:
    """Return the table, with its links as they are from here."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.replace("](../docs/", "](") for line in lines if line.startswith("|"))
