"""Reading back what `neardup dups --json` printed."""

from __future__ import annotations

import math
import os
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from neardup_cli.choices import Kind, Loss, Role
from neardup_cli.errors import BadInput
from neardup_cli.images.remote import is_remote
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import Alignment, DuplicateGroup, FileMatch, Stage
from neardup_cli.records.proofs import Proof
from neardup_cli.reports.paths import parse_data_path

_UNKNOWN_TIME = -1
_ROUNDED = 0.00005  # reports have four decimals


def _checked_path(text: str) -> str:
    path = parse_data_path(text)
    if b"\0" in path or not (os.path.isabs(path) or is_remote(path)):
        raise ValueError("has to be an absolute path")
    return text


_Path = Annotated[str, AfterValidator(_checked_path)]


class _Lenient(BaseModel):
    """A later version may add keys: those are not looked at."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Member(_Lenient):
    path: _Path
    bytes: Annotated[int, Field(ge=0)]
    width: int
    height: int
    format: str
    content: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
    kept: bool = False
    role: Role | None = None
    losses: list[Loss] | None = None
    standing: int = 0


class _Match(_Lenient):
    a: _Path
    b: _Path
    stage: Stage
    kind: Kind | None = None
    confidence: float | None = None
    similarity: float | None = None
    hamming: int | None = None
    implied: bool = False


class _Group(_Lenient):
    id: str
    keep: _Path
    reclaimable_bytes: int
    doubtful_bytes: int = 0
    reason: str = ""
    seen_in: list[_Path] = []
    members: list[_Member]
    matches: list[_Match]


class _Document(_Lenient):
    schema_: Annotated[Literal["neardup.dups/1"], Field(alias="schema")]
    groups: list[_Group]


def read_groups(text: str | bytes) -> list[DuplicateGroup]:
    """Return the groups of a `neardup.dups/1` document; times, devices and inodes are not in it.

    Raises:
        BadInput: it is no such document; the message says where.
    """
    try:
        document = _Document.model_validate_json(text)
    except ValidationError as exc:
        problem = exc.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the document"
        raise BadInput(f"not the output of `neardup dups --json`: {where}: {problem['msg']}") from exc
    return [_group(group) for group in document.groups]


def _group(group: _Group) -> DuplicateGroup:
    members = tuple(_member(member) for member in group.members)
    return DuplicateGroup(
        id=group.id,
        keep=parse_data_path(group.keep),
        reclaimable_bytes=group.reclaimable_bytes,
        members=members,
        matches=tuple(_match(match) for match in group.matches),
        kept=frozenset(parse_data_path(member.path) for member in group.members if member.kept),
        reason=group.reason,
        roles={
            _digest(member): member.role for member in group.members if member.role not in (None, Role.KEPT)
        },
        proofs={
            _digest(member): Proof(tuple(member.losses))
            for member in group.members
            if member.losses is not None
        },
        seen_in=tuple(map(parse_data_path, group.seen_in)),
        standing={_digest(member): member.standing for member in group.members},
        doubtful_bytes=group.doubtful_bytes,
    )


def _digest(member: _Member) -> bytes:
    return bytes.fromhex(member.content)


def _member(member: _Member) -> CatalogedFile:
    return CatalogedFile(
        path=parse_data_path(member.path),
        stamp=FileStamp(member.bytes, _UNKNOWN_TIME, 0, 0),
        content_id=0,
        digest=bytes.fromhex(member.content),
        width=member.width,
        height=member.height,
        format=member.format,
        captured_at=None,
    )


def _match(match: _Match) -> FileMatch:
    return FileMatch(
        parse_data_path(match.a),
        parse_data_path(match.b),
        match.stage,
        match.similarity,
        match.hamming,
        None if match.kind is None else _alignment(match.kind, match.confidence),
        match.implied,
    )


def _alignment(kind: Kind, confidence: float | None) -> Alignment:
    """Return what carries a match's kind and how sure it is; the other numbers behind it are not read."""
    return Alignment(matched=True, reason="as reported", kind=kind, evidence=_log_odds(confidence))


def _log_odds(confidence: float | None) -> float:
    """Return the evidence behind a confidence; none where an older report has none. It was rounded."""
    if confidence is None:
        return 0.0
    within = min(max(confidence, _ROUNDED), 1 - _ROUNDED)
    return math.log(within / (1 - within))
