"""Groups as one HTML file that needs nothing else: no server, no other host, no other file.

The page is three fixed parts (`page/report.html`, `.css`, `.js`) around two blocks of data. Nothing of a
file's name is ever part of the markup: the first block is JSON in which no `<` stands as itself, the other is
base64, and the script puts both on the page as text. The page's own policy (CSP) lets only this one script
run and nothing be loaded.

The thumbnails come last, a line each: what opens the file shows the groups while it is still reading the
pictures, and decodes only those that are looked at.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import resources
from itertools import batched
from typing import Any
from urllib.parse import quote_from_bytes

from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch
from neardup_cli.reports.evidence import evidence
from neardup_cli.reports.json_report import dump, losses
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.table import common_folder
from neardup_cli.reports.text import budget_line, dups_summary, similar_shots_line

MARK = b"<!doctype html>\n<!-- neardup.report/1 -->\n"
"""How every report begins, and by which one is known again."""

# Few enough that looking at one group decodes little, many enough that the page has hundreds of blocks only.
_THUMBNAILS_A_BLOCK = 64
_SIMILARITY_DIGITS = 4


class Presence(StrEnum):
    """Whether a file is still what was scanned."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of a content as WebP, or the reason why there is none."""

    webp: bytes = b""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Album:
    """What a page shows besides the thumbnails.

    Attributes:
        presence: of every member, by path.
        made_at: local time.
        version: of neardup.
    """

    report: DupsReport
    presence: Mapping[bytes, Presence]
    made_at: datetime
    version: str


def files_by_content(groups: Iterable[DuplicateGroup]) -> dict[int, list[CatalogedFile]]:
    """Return the members of all groups by content id, in the order in which a page takes thumbnails."""
    files: dict[int, list[CatalogedFile]] = {}
    for group in groups:
        for member in group.members:
            files.setdefault(member.content_id, []).append(member)
    return files


def page_chunks(album: Album, thumbnails: Iterable[Thumbnail]) -> Iterator[bytes]:
    """Yield the page piece by piece, UTF-8; thumbnails are drawn from the iterable as they are written.

    Args:
        album: the groups, and what is said of them.
        thumbnails: one for each content, in the order of `files_by_content`.
    """
    style, script = _part("report.css"), _part("report.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_source_hash(style)}'; "
        f"script-src '{_source_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "version": album.version,
        "style": style,
        "script": script,
        "data": _in_markup(dump(page_document(album), one_line=True)),
    }
    before, after = _part("report.html").split("{{thumbnails}}")
    yield MARK
    yield re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], before).encode()
    for number, block in enumerate(batched(thumbnails, _THUMBNAILS_A_BLOCK)):
        lines = "\n".join(map(_thumbnail_line, block))
        yield f'<script type="text/plain" id="thumbnails-{number}">\n{lines}\n</script>\n'.encode()
    yield after.encode()


def page_document(album: Album) -> dict[str, Any]:
    """Return the data block of a page.

    Paths in it are for people (`shown_path`), cut into a folder's number and a name; a path that cannot be
    told back from them has its `uri` beside it.
    """
    report = album.report
    paths = [member.path for group in report.groups for member in group.members]
    folders = {folder: number for number, folder in enumerate(sorted({os.path.dirname(p) for p in paths}))}
    thumbnails = {content: number for number, content in enumerate(files_by_content(report.groups))}
    return {
        "schema": "neardup.report/1",
        "version": album.version,
        "made": f"{album.made_at:%Y-%m-%d %H:%M}",
        "summary": dups_summary(report),
        "notes": _notes(report),
        "thumbnails_a_block": _THUMBNAILS_A_BLOCK,
        "base": shown_path(common_folder(paths)) if paths else "",
        "folders": [shown_path(folder) for folder in folders],
        "groups": [_group(group, album.presence, folders, thumbnails) for group in report.groups],
    }


def _notes(report: DupsReport) -> list[str]:
    """Say how the groups were found, and what was left out."""
    asked = report.parameters
    said = [
        f"{name} {asked[name]}"
        for name in ("model", "threshold", "hamming", "preset", "grouping")
        if asked.get(name) is not None
    ]
    said += [f"under {shown_path(path)}" for path in asked["under"]]
    left_out = [line for line in (similar_shots_line(report), budget_line(report)) if line is not None]
    return [shown_text(", ".join(said)), *left_out]


def _group(
    group: DuplicateGroup,
    presence: Mapping[bytes, Presence],
    folders: Mapping[bytes, int],
    thumbnails: Mapping[int, int],
) -> dict[str, Any]:
    place = {member.path: number for number, member in enumerate(group.members)}
    number_of = {match: number for number, match in enumerate(group.matches)}
    tied_by = {path: number_of[match] for path, match in evidence(group).items()}
    freed = _freed(group)
    return {
        "id": group.id,
        "frees": group.reclaimable_bytes,
        "may_free": group.doubtful_bytes,
        "why": shown_text(group.reason),
        "members": [
            {
                **_file(member, folders[os.path.dirname(member.path)]),
                "thumbnail": thumbnails[member.content_id],
                "presence": presence[member.path].value,
                "role": group.role_of(member).value,
                "losses": losses(group, member),
                "said_to_keep": member.path in group.kept,
                "frees": freed.get(member.path, 0),
                "match": tied_by.get(member.path),
            }
            for member in group.members
        ],
        "matches": [_match(match, place) for match in group.matches],
        "seen_in": [shown_path(path) for path in group.seen_in],
    }


def _file(member: CatalogedFile, folder: int) -> dict[str, Any]:
    taken = member.captured_at
    shown = {
        "folder": folder,
        "name": shown_path(os.path.basename(member.path)),
        "bytes": member.stamp.size,
        "width": member.width,
        "height": member.height,
        "format": member.format,
        "taken": None if taken is None else f"{taken:%Y-%m-%d %H:%M:%S}",
    }
    if shown_path(member.path).encode() != member.path:
        shown["uri"] = "file://" + quote_from_bytes(member.path)
    return shown


def _freed(group: DuplicateGroup) -> dict[bytes, int]:
    """Return what each copy frees when all go; a hard link to what stays, or went already, frees nothing."""
    going = [file for file in group.members if file.path != group.keep and file.path not in group.kept]
    paths = {file.path for file in going}
    seen = {_inode(file) for file in group.members if file.path not in paths}
    freed = {}
    for file in going:
        freed[file.path] = 0 if _inode(file) in seen else file.stamp.size
        seen.add(_inode(file))
    return freed


def _inode(file: CatalogedFile) -> tuple[int, int]:
    return file.stamp.device, file.stamp.inode


def _match(match: FileMatch, place: Mapping[bytes, int]) -> dict[str, Any]:
    found = match.alignment
    return {
        "a": place[match.a],
        "b": place[match.b],
        "stage": match.stage.value,
        "kind": None if match.kind is None else match.kind.value,
        "similarity": None if match.similarity is None else round(match.similarity, _SIMILARITY_DIGITS),
        "hamming": match.hamming,
        "agreement": None if found is None else round(found.agreement, 2),
        "confidence": None if match.confidence is None else round(match.confidence, 4),
    }


def _thumbnail_line(thumbnail: Thumbnail) -> str:
    """Return a picture in base64, or "!" and the base64 of the reason, whatever that may hold."""
    if thumbnail.webp:
        return base64.b64encode(thumbnail.webp).decode()
    return "!" + base64.b64encode(shown_text(thumbnail.reason).encode()).decode()


def _in_markup(json: str) -> str:
    """Return JSON as it may stand in a script element: without what could end it or open a comment."""
    return json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _part(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _source_hash(source: str) -> str:
    """Return the hash by which the policy knows what stands between two tags."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
