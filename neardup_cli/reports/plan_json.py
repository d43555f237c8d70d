"""Plans, outcomes and batches as JSON documents; `plan_reader.py` reads plans back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neardup_cli.choices import Kind, Loss
from neardup_cli.plans import Batch, Carried, FileState, Outcome, Plan, PlannedAct, PlannedGroup, Policy
from neardup_cli.reports.paths import data_path
from neardup_cli.rules.words import kind_word

SCHEMA = "neardup.plan/1"


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return a plan, as `neardup clean --json` prints it and `--plan-out` saves it."""
    return {
        "schema": SCHEMA,
        "catalog": plan.catalog,
        "action": plan.action.value,
        "to": None if plan.to is None else data_path(plan.to),
        "across_devices": plan.across_devices,
        "remove_empty_folders": plan.remove_empty_folders,
        "policy": policy_document(plan.policy),
        "groups": [_group(group) for group in plan.groups],
        "undecided": [{"id": name, "reason": reason} for name, reason in plan.undecided],
        "summary": {
            "groups": len(plan.groups),
            "acts": plan.acts,
            "left": sum(len(group.left) for group in plan.groups),
            "frees": plan.frees,
        },
    }


def outcome_document(outcome: Outcome, name: str) -> dict[str, Any]:
    """Return what `--json` prints after an apply (`clean`) or an undo (`undo`)."""
    return {
        "schema": f"neardup.{name}/1",
        "batch": outcome.batch,
        "action": outcome.action.value,
        "done": outcome.done,
        "bytes": outcome.size,
        "refused": [
            {"path": data_path(refusal.path), "reason": refusal.reason} for refusal in outcome.refused
        ],
        "left": outcome.left,
    }


def batches_document(batches: list[Batch]) -> dict[str, Any]:
    """Return what `neardup undo --list --json` prints."""
    return {
        "schema": "neardup.batches/1",
        "batches": [
            {
                "batch": batch.id,
                "action": batch.action.value,
                "state": batch.state.value,
                "started_at": batch.started_at.isoformat() + "Z",
                "to": None if batch.to is None else data_path(batch.to),
                "files": {state.value: number for state, number in batch.counts.items()},
                "bytes": batch.size,
                "undoable": batch.undoable,
            }
            for batch in batches
        ],
    }


def kind_name(kind: Kind | None) -> str:
    """Return how a kind is written in plans and on the command line."""
    return kind_word(kind)


def policy_document(policy: Policy) -> dict[str, Any]:
    """Return which file stays, and what may go, in the words of the command line."""
    return {
        "keep": [key.value for key in policy.keep],
        "prefer": [data_path(path) for path in policy.prefer],
        "protect": [data_path(path) for path in policy.protect],
        "only": sorted(kind_name(kind) for kind in policy.only),
        "accept": [loss.value for loss in Loss if loss in policy.accept],
        "across_drives": policy.across_drives,
        "carry_metadata": policy.carry_metadata,
        "min_copies": policy.min_copies,
        "min_disks": policy.min_disks,
    }


def _group(group: PlannedGroup) -> dict[str, Any]:
    return {
        "id": group.id,
        "keep": _file(group.keep),
        "reason": group.reason,
        "acts": [_act(act) for act in group.acts],
        "left": [
            {"path": data_path(left.path), "reason": left.reason, "losses": _losses(left.losses)}
            for left in group.left
        ],
    }


def _act(act: PlannedAct) -> dict[str, Any]:
    return {
        **_file(act.file),
        "kind": kind_name(act.kind),
        "target": None if act.target is None else data_path(act.target),
        "frees": act.frees,
        "companions": [
            {
                "path": data_path(companion.path),
                "bytes": companion.size,
                "mtime_ns": companion.mtime_ns,
                "target": None if companion.target is None else data_path(companion.target),
                "twin": None if companion.twin is None else _file(companion.twin),
            }
            for companion in act.companions
        ],
        "warnings": list(act.warnings),
        "losses": _losses(act.losses),
        "carried": None if act.carried is None else _carried(act.carried),
    }


def _carried(carried: Carried) -> dict[str, Any]:
    return {
        "sidecar": data_path(carried.sidecar),
        "time": None if carried.captured_at is None else carried.captured_at.isoformat(),
        "offset": carried.offset,
        "place": None if carried.place is None else list(carried.place),
        "rating": carried.rating,
        "words": list(carried.words),
    }


def _losses(losses: Sequence[Loss] | None) -> list[str] | None:
    return None if losses is None else [loss.value for loss in losses]


def _file(state: FileState) -> dict[str, Any]:
    return {
        "path": data_path(state.path),
        "bytes": state.size,
        "mtime_ns": state.mtime_ns,
        "content": state.digest.hex(),
    }
