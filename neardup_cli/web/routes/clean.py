"""From groups to a plan, from the plan that was shown to the act, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from neardup_cli.choices import SURE_KINDS, Action, Kind
from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.pipeline.batches import list_batches
from neardup_cli.pipeline.clean import CleanOptions, apply_plan, make_plan
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import Plan, Policy
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.reports.plan_json import batches_document, outcome_document, plan_document
from neardup_cli.web.board import Filter
from neardup_cli.web.documents import (
    ApplyWanted,
    Batches,
    Outcome,
    PlanDigest,
    PlanPage,
    PlanWanted,
    UndoWanted,
)
from neardup_cli.web.problems import responses
from neardup_cli.web.service import Served, Service

_PAGE = 50
_ALL_KINDS: frozenset[Kind | None] = frozenset({*Kind, None})

router = APIRouter(prefix="/api", tags=["clean-up"])


@router.post(
    "/plan",
    responses=responses(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
def plan(served: Served, wanted: PlanWanted) -> PlanPage:
    """Plan a clean-up. Nothing is done: `/api/apply` takes the name of the plan that is returned here."""
    if bool(wanted.groups) == wanted.confident:
        raise BadInput("name groups, or ask for the confident ones")
    # A person has looked at the groups that they name; of the others only what loses nothing may go.
    policy = Policy(only=SURE_KINDS if wanted.confident else _ALL_KINDS)
    options = CleanOptions(Action(wanted.action.value), policy)
    made = make_plan(served.catalog, options, _groups(served, wanted))
    return _page(made, served.plans.keep(made), 0, _PAGE)


@router.get("/plan/{digest}", responses=responses(HTTPStatus.NOT_FOUND))
def planned(
    served: Served,
    digest: PlanDigest,
    offset: Annotated[int, Query(ge=0, le=1 << 40)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = _PAGE,
) -> PlanPage:
    """Return more groups of a plan."""
    return _page(served.plans.get(digest), digest, offset, limit)


@router.post(
    "/apply",
    responses=responses(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
def apply(served: Served, wanted: ApplyWanted) -> Outcome:
    """Carry out exactly the plan that was shown; every file is checked again right before it is touched."""
    shown = served.plans.get(wanted.plan)
    try:
        outcome = apply_plan(served.catalog, shown)
    finally:
        served.board.refresh(forced=True)
    served.plans.forget(wanted.plan)
    return Outcome.model_validate(outcome_document(outcome, "clean"))


@router.get("/batches")
def batches(served: Served) -> Batches:
    """List the clean-ups."""
    return Batches.model_validate(batches_document(list_batches(served.catalog)))


@router.post(
    "/undo",
    responses=responses(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
def undo(served: Served, wanted: UndoWanted) -> Outcome:
    """Put back what a clean-up took away."""
    try:
        outcome = undo_batch(served.catalog, wanted.batch)
    finally:
        served.board.refresh(forced=True)
    return Outcome.model_validate(outcome_document(outcome, "undo"))


def _groups(served: Service, wanted: PlanWanted) -> Sequence[DuplicateGroup]:
    snapshot = served.snapshot()
    if wanted.confident:
        return [one.group for one in snapshot.listed(Filter(confident=True))]
    named = [snapshot.by_id.get(group) for group in dict.fromkeys(wanted.groups)]
    found = [group for group in named if group is not None]
    if not found:
        raise PathNotFound("none of these groups is there any more: the catalog has changed")
    return found


def _page(made: Plan, digest: str, offset: int, limit: int) -> PlanPage:
    document = plan_document(replace(made, groups=made.groups[offset : offset + limit]))
    summary = {
        "groups": len(made.groups),
        "acts": made.acts,
        "left": sum(len(group.left) for group in made.groups),
        "frees": made.frees,
    }
    only = document["policy"]["only"]
    return PlanPage.model_validate(
        {**document, "plan": digest, "offset": offset, "only": only, "summary": summary}
    )
