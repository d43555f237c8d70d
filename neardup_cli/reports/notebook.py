"""Groups of images as a notebook shows them: a piece of HTML that brings its thumbnails along."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from neardup_cli.records.rows import FamilyRow
from neardup_cli.reports.paths import shown_path

_STYLE = "display:flex;flex-wrap:wrap;gap:8px;align-items:flex-end;margin:4px 0 12px"
_FIGURE = "margin:0;max-width:160px;font-size:11px;overflow-wrap:anywhere"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small version of an image, as a file a browser reads."""

    data: bytes
    mime: str

    @property
    def address(self) -> str:
        """It as a `data:` address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"


def page(
    title: str,
    groups: Sequence[FamilyRow[Any]],
    thumbnails: Mapping[Any, Thumbnail],
    most_groups: int,
    most_members: int,
) -> str:
    """Return the groups as HTML: so many at most, and of each so many images."""
    parts = [f"<div><p><b>{escape(title)}</b></p>"]
    for group in groups[:most_groups]:
        parts.append(f'<div style="{_STYLE}">{"".join(_figures(group, thumbnails, most_members))}</div>')
    if len(groups) > most_groups:
        parts.append(f"<p>… and {len(groups) - most_groups:,} more groups: see <code>.groups</code></p>")
    return "".join([*parts, "</div>"])


def _figures(group: FamilyRow[Any], thumbnails: Mapping[Any, Thumbnail], most: int) -> Iterator[str]:
    for member in group.members[:most]:
        name = escape(_name(member))
        stays = "<b>keep</b> " if member == group.keep else ""
        small = thumbnails.get(member)
        shown = "" if small is None else f'<img src="{small.address}" alt="{name}" style="max-height:120px">'
        yield f'<figure style="{_FIGURE}">{shown}<figcaption>{stays}{name}</figcaption></figure>'
    if len(group.members) > most:
        yield f"<span>+ {len(group.members) - most:,}</span>"


def _name(member: object) -> str:
    return shown_path(
        member if isinstance(member, bytes) else str(member).encode("utf-8", "backslashreplace")
    )
