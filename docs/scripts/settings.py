"""The table of settings, read from their model."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from pydantic.fields import FieldInfo

from docs.scripts.markdown import cell
from neardup_cli.settings import HARMLESS, Settings


def page() -> str:
    """Return a row a setting: name, variable, what it takes, what holds unasked, what it is, and for whom."""
    return "\n".join(_rows())


def _rows() -> Iterator[str]:
    yield "| in `neardup.toml` | in the environment | takes | default | what it is | from any folder |"
    yield "|---|---|---|---|---|---|"
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        cells = (
            f"`{name}`",
            f"`NEARDUP_{name.upper()}`",
            _taken(field),
            "" if default is None or default == [] else f"`{_toml(default)}`",
            field.description or "",
            "yes" if name in HARMLESS else "if trusted",
        )
        yield f"| {' | '.join(cell(one) for one in cells)} |"


def _taken(field: FieldInfo) -> str:
    """Return what may stand there, with its limits."""
    choices = [kind for kind in (field.annotation, *typing.get_args(field.annotation)) if kind is not None]
    for kind in choices:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return ", ".join(f"`{one.value}`" for one in kind)
        if typing.get_origin(kind) is typing.Literal:
            return ", ".join(f"`{one}`" for one in typing.get_args(kind))
    names = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`", Path: "path"}
    if any(typing.get_origin(kind) is list for kind in choices):
        return "list of text; in the environment separated as in `PATH`"
    plain = next(names[kind] for kind in choices if kind in names)
    limits = [
        f"{words} {getattr(limit, sign)}"
        for limit in field.metadata
        for sign, words in (("ge", "from"), ("le", "to"), ("multiple_of", "in steps of"))
        if getattr(limit, sign, None) is not None
    ]
    return " ".join((plain, *limits))


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
