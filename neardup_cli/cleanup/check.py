"""Whether a plan is safe, whoever wrote it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from neardup_cli.choices import Action, Kind
from neardup_cli.cleanup.carry import check_carried
from neardup_cli.cleanup.folders import Folders
from neardup_cli.cleanup.reasons import named
from neardup_cli.cleanup.reserve import check_reserve
from neardup_cli.errors import BadInput
from neardup_cli.images.walk import is_below
from neardup_cli.plans import Plan, PlannedAct


def check_request(action: Action, to: bytes | None) -> None:
    """Make sure that an action has a folder where it needs one, and none where it does not.

    Raises:
        BadInput: it is not so.
    """
    if action.has_folder and to is None:
        raise BadInput(f"--action {action.value} needs a folder: add --to DIR")
    if to is not None and not action.has_folder:
        raise BadInput(f"--to goes with --action quarantine or move, not with {action.value}")


def check_plan(plan: Plan) -> None:
    """Make sure that a plan is safe, whoever wrote it.

    Raises:
        BadInput: it acts upon a file that it keeps or protects, or upon one twice, or its targets are wrong.
    """
    check_request(plan.action, plan.to)
    check_carried(plan)
    check_reserve(plan)
    folders = Folders(plan.policy.protect)
    kept = {group.keep.path for group in plan.groups} | {
        companion.twin.path
        for group in plan.groups
        for act in group.acts
        for companion in act.companions
        if companion.twin is not None
    }
    seen: set[bytes] = set()
    targets: set[bytes] = set()
    for group in plan.groups:
        for act in group.acts:
            _check_act(plan, act, same_bytes=act.file.digest == group.keep.digest)
            for path, target in _parts(act):
                _check_part(plan, path, target, kept)
                if folders.protects(path):
                    raise BadInput(f"the plan acts upon {named(path)}, which it protects")
                if path in seen:
                    raise BadInput(f"the plan acts twice upon {named(path)}")
                if target is not None and target in targets:
                    raise BadInput(f"the plan gives two files the name {named(target)}")
                seen.add(path)
                targets.update([] if target is None else [target])


def _check_part(plan: Plan, path: bytes, target: bytes | None, kept: Collection[bytes]) -> None:
    if path in kept:
        raise BadInput(f"the plan keeps {named(path)} and acts upon it")
    if (target is None) == plan.action.has_folder:
        wanted = "needs" if plan.action.has_folder else "has no use for"
        raise BadInput(f"--action {plan.action.value} {wanted} a target for {named(path)}")
    if target is not None and plan.to is not None and not _inside(target, plan.to):
        raise BadInput(f"the plan moves {named(path)} out of {named(plan.to)}")


def _check_act(plan: Plan, act: PlannedAct, *, same_bytes: bool) -> None:
    if plan.action.is_link and not same_bytes:
        raise BadInput(f"the plan would put other bytes under the name {named(act.file.path)}")
    if act.kind is Kind.EXACT and not same_bytes:
        raise BadInput(f"{named(act.file.path)} is no exact copy of the file that the plan keeps")
    if act.companions and plan.action.is_link:
        raise BadInput(f"the plan would put a link in the place of {named(act.companions[0].path)}")
    for companion in act.companions:
        if plan.action is Action.DELETE and companion.twin is None:
            raise BadInput(f"the plan deletes {named(companion.path)}, and names no file with the same bytes")


def _parts(act: PlannedAct) -> Iterator[tuple[bytes, bytes | None]]:
    yield act.file.path, act.target
    for companion in act.companions:
        yield companion.path, companion.target


def _inside(path: bytes, folder: bytes) -> bool:
    """Return True if a path written by hand really leads below a folder."""
    return os.path.normpath(path) == path and path != folder and is_below(path, folder)
