"""Reading a plan back, whoever has edited it: what is not exactly a plan is refused."""

from __future__ import annotations

import os
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from neardup_cli.choices import Action, KeepKey, Kind, Loss
from neardup_cli.errors import BadInput
from neardup_cli.plans import (
    Carried,
    Companion,
    FileState,
    LeftAlone,
    Plan,
    PlannedAct,
    PlannedGroup,
    Policy,
)
from neardup_cli.reports.paths import parse_data_path
from neardup_cli.rules.words import UNKNOWN_KIND

_MOST_NAMED = 3  # problems in one message


def _checked_path(text: str) -> str:
    path = parse_data_path(text)
    if not os.path.isabs(path) or os.path.normpath(path) != path or b"\0" in path:
        raise ValueError("has to be an absolute path without . or ..")
    return text


def _checked_time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is not None:
        raise ValueError("has a zone, which is for `offset` to say")
    return text


_Path = Annotated[str, AfterValidator(_checked_path)]
_Size = Annotated[int, Field(ge=0, lt=1 << 63)]
_Time = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
_Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _File(_Strict):
    path: _Path
    bytes: _Size
    mtime_ns: _Time
    content: _Digest


class _Companion(_Strict):
    path: _Path
    bytes: _Size
    mtime_ns: _Time
    target: _Path | None
    twin: _File | None = None


class _Carried(_Strict):
    sidecar: _Path
    time: Annotated[str, AfterValidator(_checked_time)] | None
    offset: Annotated[str, StringConstraints(pattern=r"^(Z|[+-]\d\d:\d\d)?$")]
    place: Annotated[list[float], Field(min_length=2, max_length=2)] | None
    rating: Annotated[int, Field(ge=-1, le=5)]
    words: list[str]


class _Act(_File):
    kind: str
    target: _Path | None
    frees: _Size
    companions: list[_Companion]
    warnings: list[str]
    losses: list[str] = []
    carried: _Carried | None = None


class _Left(_Strict):
    path: _Path
    reason: str
    losses: list[str] | None = None


class _Group(_Strict):
    id: str
    keep: _File
    reason: str
    acts: list[_Act]
    left: list[_Left] = []


class _Undecided(_Strict):
    id: str
    reason: str


class _Policy(_Strict):
    keep: list[str]
    prefer: list[_Path]
    protect: list[_Path]
    only: list[str]
    accept: list[str] = []
    across_drives: bool = False
    carry_metadata: bool = False
    min_copies: Annotated[int, Field(ge=1)] = 1
    min_disks: Annotated[int, Field(ge=1)] = 1


class _Summary(_Strict):
    """What follows from the rest, and need not be kept right by whoever edits a plan."""

    groups: int = 0
    acts: int = 0
    left: int = 0
    frees: int = 0


class _Document(_Strict):
    schema_: Annotated[Literal["neardup.plan/1"], Field(alias="schema")]
    catalog: str = ""
    action: str
    to: _Path | None
    across_devices: bool
    policy: _Policy
    groups: list[_Group]
    undecided: list[_Undecided] = []
    unread: _Size = 0  # of plans that an older version saved
    remove_empty_folders: bool = False
    summary: _Summary | None = None


def read_plan(text: str | bytes) -> Plan:
    """Return the plan of a `neardup.plan/1` document.

    Whether it is safe is for `cleanup.check.check_plan` and `pipeline.plan_guard.guard_plan` to say.

    Raises:
        BadInput: it is no such document; the message says where.
    """
    try:
        document = _Document.model_validate_json(text)
    except ValidationError as exc:
        raise BadInput(f"not a neardup plan: {_problems(exc)}") from exc
    return Plan(
        action=_member(Action, document.action, "action"),
        policy=Policy(
            keep=tuple(_member(KeepKey, key, "policy.keep") for key in document.policy.keep),
            prefer=tuple(map(parse_data_path, document.policy.prefer)),
            protect=tuple(map(parse_data_path, document.policy.protect)),
            only=frozenset(_kind(name, "policy.only") for name in document.policy.only),
            accept=frozenset(_member(Loss, name, "policy.accept") for name in document.policy.accept),
            across_drives=document.policy.across_drives,
            carry_metadata=document.policy.carry_metadata,
            min_copies=document.policy.min_copies,
            min_disks=document.policy.min_disks,
        ),
        groups=tuple(_group(group) for group in document.groups),
        to=_optional(document.to),
        across_devices=document.across_devices,
        undecided=tuple((one.id, one.reason) for one in document.undecided),
        catalog=document.catalog,
        remove_empty_folders=document.remove_empty_folders,
    )


def _group(group: _Group) -> PlannedGroup:
    return PlannedGroup(
        id=group.id,
        keep=_state(group.keep),
        reason=group.reason,
        acts=tuple(_act(act) for act in group.acts),
        left=tuple(
            LeftAlone(
                parse_data_path(left.path),
                left.reason,
                None if left.losses is None else _losses(left.losses),
            )
            for left in group.left
        ),
    )


def _act(act: _Act) -> PlannedAct:
    return PlannedAct(
        file=_state(act),
        kind=_kind(act.kind, "kind"),
        target=_optional(act.target),
        frees=act.frees,
        companions=tuple(
            Companion(
                parse_data_path(one.path),
                one.bytes,
                one.mtime_ns,
                _optional(one.target),
                None if one.twin is None else _state(one.twin),
            )
            for one in act.companions
        ),
        warnings=tuple(act.warnings),
        losses=_losses(act.losses),
        carried=None if act.carried is None else _carried(act.carried),
    )


def _carried(one: _Carried) -> Carried:
    return Carried(
        sidecar=parse_data_path(one.sidecar),
        captured_at=None if one.time is None else datetime.fromisoformat(one.time),
        offset=one.offset,
        place=None if one.place is None else (one.place[0], one.place[1]),
        rating=one.rating,
        words=tuple(sorted(set(one.words))),
    )


def _losses(names: list[str]) -> tuple[Loss, ...]:
    return tuple(_member(Loss, name, "losses") for name in names)


def _state(file: _File) -> FileState:
    return FileState(parse_data_path(file.path), file.bytes, file.mtime_ns, bytes.fromhex(file.content))


def _optional(path: str | None) -> bytes | None:
    return None if path is None else parse_data_path(path)


def _kind(name: str, where: str) -> Kind | None:
    return None if name == UNKNOWN_KIND else _member(Kind, name, where)


def _member[E: (Action, KeepKey, Kind, Loss)](kind: type[E], name: str, where: str) -> E:
    try:
        return kind(name)
    except ValueError as exc:
        names = ", ".join(member.value for member in kind)
        raise BadInput(f"not a neardup plan: {where}: {name!r} is none of {names}") from exc


def _problems(exc: ValidationError) -> str:
    found = exc.errors(include_url=False, include_context=False)
    named = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'the document'}: {problem['msg']}"
        for problem in found[:_MOST_NAMED]
    ]
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return "; ".join(named).replace("\n", " ") + more
