"""The table of exit codes, read from `errors.py`."""

from __future__ import annotations

import inspect
import re

from docs.scripts.markdown import cell
from neardup_cli import errors


def rows() -> list[tuple[int, str, str]]:
    """Return code, exceptions and meaning, by code; 0 and 130 belong to no exception."""
    drawn = re.findall(r"^\s+[│├└─ ]*(\w+) +(\d+) +(.+)$", errors.__doc__ or "", re.MULTILINE)
    said: dict[int, list[tuple[str, str]]] = {}
    for name, code, meaning in drawn:
        said.setdefault(int(code), []).append((name, meaning))
    found = [(0, "", "done"), (130, "", "interrupted: run the same command again to go on")]
    for code, kinds in said.items():
        meaning = "; ".join(words.removeprefix("… ") for _, words in kinds)
        found.append((code, ", ".join(f"`{name}`" for name, _ in kinds), meaning))
    return sorted(found)


def page() -> str:
    """Return a row a code, and what the exceptions say of themselves."""
    lines = ["| exit code | meaning | in Python, `neardup_cli.errors` |", "|---|---|---|"]
    lines += [f"| {code} | {cell(meaning)} | {names} |" for code, names, meaning in rows()]
    lines += ["", "## The exceptions", "", "| exception | below | code | what it says |", "|---|---|---|---|"]
    for name, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.NeardupError):
            above = kind.__mro__[1].__name__
            said = (inspect.getdoc(kind) or "").partition("\n\n")[0]
            lines.append(f"| `{name}` | `{above}` | {kind.exit_code} | {cell(said)} |")
    return "\n".join(lines)
