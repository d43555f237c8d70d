"""The groups of copies, page by page and one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from neardup_cli.choices import Loss
from neardup_cli.errors import PathNotFound
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, FileMatch
from neardup_cli.reports.evidence import weakest_link
from neardup_cli.reports.json_report import group_document, losses, match_document
from neardup_cli.reports.paths import data_path, parse_data_path
from neardup_cli.rules.words import UNKNOWN_KIND
from neardup_cli.web.board import Filter, Order
from neardup_cli.web.documents import DataPath, Group, GroupId, GroupPage, GroupSummary, Match, Member
from neardup_cli.web.facets import GroupFacets, facets
from neardup_cli.web.problems import responses
from neardup_cli.web.service import Served
from neardup_cli.web.words import match_reason

_SAMPLE = 4

router = APIRouter(prefix="/api/groups", tags=["groups"])


@router.get("", responses=responses(HTTPStatus.SERVICE_UNAVAILABLE))
def groups(
    served: Served,
    kind: Annotated[
        str | None,
        Query(
            max_length=40,
            description=f'Groups with such a match, "{UNKNOWN_KIND}" among them.',
            examples=["cropped"],
        ),
    ] = None,
    folder: Annotated[DataPath, Query(description="Groups with a member below this folder.")] = "",
    min_bytes: Annotated[int, Query(ge=0, le=1 << 62, description="Groups that free so much.")] = 0,
    confident: Annotated[bool, Query(description="Groups whose copies hold nothing of their own.")] = False,
    order: Order = Order.SAVING,
    offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 60,
) -> GroupPage:
    """List groups, the largest saving first; 503 until they have been computed once."""
    snapshot = served.snapshot()
    wanted = Filter(kind, _folder(folder), min_bytes, confident, order)
    found = snapshot.listed(wanted)
    return GroupPage(
        version=snapshot.version,
        updating=served.board.computing,
        total=len(found),
        offset=offset,
        groups=[_summary(one) for one in found[offset : offset + limit]],
    )


@router.get("/{group_id}", responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE))
def group(served: Served, group_id: Annotated[GroupId, Path()]) -> Group:
    """Return a group with all its members and matches, and the reasons for them."""
    found = served.snapshot().by_id.get(group_id)
    if found is None:
        raise PathNotFound("no such group: the catalog may have changed")
    return _group(found)


def member(file: CatalogedFile, group: DuplicateGroup | None = None) -> Member:
    """Return a catalogued file as a document, with what it is in a group if it is looked at there."""
    lost = None if group is None else losses(group, file)
    modified = datetime.fromtimestamp(file.stamp.mtime_ns // 10**9, UTC)
    return Member(
        path=data_path(file.path),
        bytes=file.stamp.size,
        width=file.width,
        height=file.height,
        format=file.format,
        content=file.digest.hex(),
        captured_at=None if file.captured_at is None else file.captured_at.isoformat(),
        modified_at=modified.isoformat().replace("+00:00", "Z"),
        kept=group is not None and file.path in group.kept,
        role=None if group is None else group.role_of(file),
        standing=0 if group is None else group.standing.get(file.digest, 0),
        losses=None if lost is None else [Loss(one) for one in lost],
    )


def _summary(one: GroupFacets) -> GroupSummary:
    group = one.group
    return GroupSummary(
        id=group.id,
        keep=data_path(group.keep),
        reclaimable_bytes=group.reclaimable_bytes,
        doubtful_bytes=group.doubtful_bytes,
        files=one.files,
        kinds=list(one.kinds),
        certainty=round(one.certainty, 4),
        confident=one.confident,
        sample=[member(file, group) for file in group.members[:_SAMPLE]],
    )


def _group(group: DuplicateGroup) -> Group:
    found = facets(group)
    return Group.model_validate(
        {
            **group_document(group),
            "members": [member(file, group) for file in group.members],
            "weakest": _match(weakest_link(group)),
            "matches": [_match(match) for match in group.matches],
            "kinds": list(found.kinds),
            "confident": found.confident,
            "keep_reason": group.reason,
        }
    )


def _match(match: FileMatch) -> Match:
    return Match.model_validate({**match_document(match), "reason": match_reason(match)})


def _folder(folder: str) -> bytes:
    try:
        return parse_data_path(folder).rstrip(b"/") if folder != "/" else b"/"
    except UnicodeEncodeError:
        raise PathNotFound("no path holds such a character") from None
