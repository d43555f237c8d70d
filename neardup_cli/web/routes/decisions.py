"""What a person decides: "not a duplicate", "keep this"."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from itertools import combinations
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from neardup_cli.catalog import decisions as stored
from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.pipeline.decisions import shown_decisions, take_back
from neardup_cli.records.decisions import Ruling
from neardup_cli.reports.json_report import decisions_document
from neardup_cli.web.documents import DecisionRequest, Decisions
from neardup_cli.web.previews import catalogued
from neardup_cli.web.problems import responses
from neardup_cli.web.service import Served, Service

router = APIRouter(prefix="/api/decisions", tags=["decisions"])


@router.get("")
def decisions(served: Served) -> Decisions:
    """List all decisions."""
    return Decisions.model_validate(decisions_document(shown_decisions(served.catalog)))


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    responses=responses(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
def decide(served: Served, request: DecisionRequest) -> Decisions:
    """Decide; return the decisions that are new. They hold for contents, wherever their files go."""
    if request.ruling is Ruling.KEEP:
        pairs = {(digest, digest) for digest in _named(served, request)}
        if not pairs or request.group is not None:
            raise BadInput("keep takes paths, and no group")
    else:
        pairs = set(_told_apart(served, request))
    with served.catalog.write_durably() as connection:
        known = {decision.id for decision in stored.decisions(connection)}
        if request.ruling is Ruling.KEEP:
            stored.store_kept(connection, {digest for digest, _ in pairs})
        else:
            stored.store_not_duplicates(connection, pairs)
    served.board.refresh()
    new = [shown for shown in shown_decisions(served.catalog) if shown.decision.id not in known]
    return Decisions.model_validate(decisions_document(new))


@router.delete(
    "/{number}",
    status_code=HTTPStatus.NO_CONTENT,
    response_class=Response,
    responses=responses(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
)
def undecide(served: Served, number: Annotated[int, Path(ge=1, le=(1 << 63) - 1, examples=[7])]) -> None:
    """Take a decision back."""
    try:
        take_back(served.catalog, [number])
    except BadInput as exc:
        raise PathNotFound(str(exc)) from exc
    served.board.refresh()


def _named(served: Service, request: DecisionRequest) -> list[bytes]:
    """Return the contents of the paths that a request names."""
    return list(dict.fromkeys(catalogued(served.catalog, path).digest for path in request.paths))


def _told_apart(served: Service, request: DecisionRequest) -> Iterable[tuple[bytes, bytes]]:
    """Return the pairs of contents that are no duplicates."""
    named = _named(served, request)
    if request.group is None:
        pairs = list(combinations(named, 2))
    else:
        group = served.snapshot().by_id.get(request.group)
        if group is None:
            raise PathNotFound("no such group: the catalog may have changed")
        members = {member.digest for member in group.members}
        if not set(named) <= members:
            raise BadInput("a path is no member of the group")
        others = sorted(members - set(named))
        pairs = (
            [(one, other) for one in named for other in others] if named else list(combinations(others, 2))
        )
    if not pairs:
        raise BadInput("these are the same bytes, or too few: there is nothing to tell apart")
    return pairs
