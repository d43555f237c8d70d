"""From groups to a plan, from the plan that was shown to the act, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from neardup_cli.choices import Action, KeepKey, Kind, Loss
from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.batches import list_batches
from neardup_cli.pipeline.clean import CleanOptions, find_groups, make_plan
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import Plan
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.reports.plan_json import batches_document, outcome_document, plan_document, policy_document
from neardup_cli.rules.losses import kinds_meant
from neardup_cli.rules.words import LOSS_SENTENCES, UNKNOWN_KIND, kind_sentence
from neardup_cli.web.board import Watch
from neardup_cli.web.documents import (
    ApplyWanted,
    Batches,
    LossWord,
    Outcome,
    PlanDigest,
    PlanPage,
    PlanRules,
    PlanWanted,
    PolicyShown,
    Progress,
    UndoWanted,
    Word,
)
from neardup_cli.web.problems import responses
from neardup_cli.web.service import Served, Service
from neardup_cli.web.wishes import asked_policy

_PAGE = 50

router = APIRouter(prefix="/api", tags=["clean-up"])


@router.get("/rules")
def rules(served: Served) -> PlanRules:
    """Return what a plan may be asked for with, and what holds where nothing is said."""
    return PlanRules(
        losses=[
            LossWord(
                word=loss.value,
                means=LOSS_SENTENCES[loss],
                kinds=[kind.value for kind in Kind if kind in kinds_meant([loss])],
            )
            for loss in Loss
        ],
        keep=[key.value for key in KeepKey],
        kinds=[
            *(Word(word=kind.value, means=kind_sentence(kind)) for kind in Kind),
            Word(word=UNKNOWN_KIND, means=kind_sentence(None)),
        ],
        usual=PolicyShown.model_validate(policy_document(served.options.dups.policy)),
    )


@router.get("/plan")
def planning(served: Served) -> Progress:
    """Return how far the plan is that is being made; an empty task when none is."""
    watch = served.planning.view()
    if watch is None:
        return Progress(task="", done=0, total=None)
    return Progress(task=watch.task or "Planning", done=watch.done, total=watch.total)


@router.delete("/plan", status_code=HTTPStatus.ACCEPTED)
def stop_planning(served: Served) -> Progress:
    """Stop making the plan; what was compared is kept, and the next plan goes on from there."""
    served.planning.stop()
    return planning(served)


@router.post(
    "/plan",
    responses=responses(
        HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
def plan(served: Served, wanted: PlanWanted) -> PlanPage:
    """Plan a clean-up. Nothing is done: `/api/apply` takes the name of the plan that is returned here.

    That nothing is lost is proven at full size, once for each pair: the first plan may take long. `GET` says
    how far it is, `DELETE` stops it.
    """
    if bool(wanted.groups) == wanted.confident:
        raise BadInput("name groups, or ask for the confident ones")
    snapshot, usual = served.snapshot(), served.options.dups
    options = CleanOptions(
        Action(wanted.action.value),
        asked_policy(wanted, usual.policy, [root.path for root in snapshot.status.roots]),
        # A person has looked at the groups that they name, and wants to know of each file what is lost.
        prove_all=not wanted.confident,
        dups=usual,
    )
    made = served.planning.run(
        lambda watch: make_plan(served.catalog, options, _groups(served, wanted, options, watch), watch)
    )
    served.board.refresh(proved=True)
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


def _groups(
    served: Service, wanted: PlanWanted, options: CleanOptions, watch: Watch
) -> Sequence[DuplicateGroup]:
    snapshot = served.snapshot()
    # Those of the page go by what was known: which file stays may take a look at full size.
    groups: Sequence[DuplicateGroup] = find_groups(served.catalog, options, watch)
    if wanted.confident:
        return groups
    by_id = {**snapshot.by_id, **{group.id: group for group in groups}}
    found = [by_id[group] for group in dict.fromkeys(wanted.groups) if group in by_id]
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
