"""Plans, outcomes and batches as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from neardup_cli.choices import Action
from neardup_cli.plans import (
    Batch,
    Carried,
    LeftAlone,
    OperationState,
    Outcome,
    Plan,
    PlannedAct,
    PlannedGroup,
)
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.plan_json import kind_name
from neardup_cli.reports.units import shown_bytes, shown_count
from neardup_cli.rules.words import losses_words

_WILL = {
    Action.TRASH: "to the trash",
    Action.QUARANTINE: "to quarantine",
    Action.MOVE: "to move",
    Action.HARDLINK: "to replace by hard links",
    Action.SYMLINK: "to replace by symbolic links",
    Action.REFLINK: "to replace by files that share their blocks",
    Action.DELETE: "to delete for good",
    Action.LIST: "to list",
}
_DID = {
    Action.TRASH: "moved to the trash",
    Action.QUARANTINE: "moved to quarantine",
    Action.MOVE: "moved",
    Action.HARDLINK: "replaced by hard links",
    Action.SYMLINK: "replaced by symbolic links",
    Action.REFLINK: "made to share their blocks",
    Action.DELETE: "deleted for good",
    Action.LIST: "listed",
}
_TO_DO = {
    Action.TRASH: "move them to the trash",
    Action.QUARANTINE: "move them to quarantine in",
    Action.MOVE: "move them to",
    Action.HARDLINK: "replace them by hard links",
    Action.SYMLINK: "replace them by symbolic links",
    Action.REFLINK: "replace them by files that share their blocks",
    Action.DELETE: "delete them for good",
}
_ACROSS = "--across-devices"  # is named where a file was left alone for want of it
_FREES = (Action.DELETE, Action.HARDLINK, Action.SYMLINK, Action.REFLINK)


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield a plan for people who read a pipe: tab-separated, an empty line after each group."""
    for group in plan.groups:
        yield from _group_lines(plan.action, group)
    for name, reason in plan.undecided:
        yield f"# {shown_text(name)}: {shown_text(reason)}"
        yield ""


def plan_summary(plan: Plan) -> Iterator[str]:
    """Yield what a plan comes to, and what is to be known before it is applied."""
    if not plan.acts:
        yield "nothing to do: " + ("all copies are left alone" if plan.groups else "no copies")
    else:
        copies = shown_count(plan.acts, "copy", "copies")
        freed = (
            "" if plan.action in _FREES or plan.action is Action.LIST else " (freed when they are removed)"
        )
        size = shown_bytes(plan.frees)
        groups = shown_count(sum(bool(group.acts) for group in plan.groups), "group")
        below = "" if plan.to is None else f" below {shown_path(plan.to)}"
        yield f"{copies} in {groups} {_WILL[plan.action]}{below}, {size}{freed}"
    if left := sum(len(group.left) for group in plan.groups):
        yield f"{shown_count(left, 'file')} left alone, each with its reason"
    if plan.to is not None and (
        away := sum(_ACROSS in left.reason for one in plan.groups for left in one.left)
    ):
        away_from = f"on another disk than {shown_path(plan.to)}"
        copies = shown_count(away, "copy", "copies")
        yield f"{copies} {away_from}: {_ACROSS} has them copied there, checked and removed"
    if plan.undecided:
        groups = shown_count(len(plan.undecided), "group")
        yield f"{groups} of which no file can be kept: nothing is done there"
    if plan.acts and plan.action is Action.DELETE:
        yield "delete cannot be undone"


def dry_run_line(plan: Plan) -> str:
    """Say that nothing was done, how it is done, and how it is taken back."""
    what = f"{_TO_DO[plan.action]}{'' if plan.to is None else f' {shown_path(plan.to)}'}"
    if plan.action is Action.DELETE:
        return f"Dry run: nothing was done. Add --apply --permanently to {what}: nothing takes that back"
    return f"Dry run: nothing was done. Add --apply to {what}; `neardup undo` takes that back"


def outcome_line(outcome: Outcome) -> str:
    """Return what an apply has done."""
    if outcome.batch is None:
        return "nothing to do"
    files = shown_count(outcome.done, "file")
    line = f"{files} {_DID[outcome.action]}, {shown_bytes(outcome.size)}"
    if outcome.folders:
        line += f", {shown_count(outcome.folders, 'empty folder')} removed"
    if outcome.sidecars:
        line += f", {shown_count(outcome.sidecars, 'sidecar')} written"
    line += f" (batch {outcome.batch})"
    if outcome.done and outcome.action is not Action.DELETE:
        line += ": `neardup undo` takes it back"
    return line


def undone_line(outcome: Outcome) -> str:
    """Return what an undo has done."""
    batch = "" if outcome.batch is None else f" (batch {outcome.batch})"
    return f"Restored {shown_count(outcome.done, 'file')}{batch}"


def refusal_lines(outcome: Outcome) -> Iterator[str]:
    """Yield a line for each file that was not acted upon, or not put back."""
    for refusal in outcome.refused:
        yield f"left: {shown_path(refusal.path)}: {shown_text(refusal.reason)}"


def batch_lines(batches: Sequence[Batch]) -> Iterator[str]:
    """Yield one line a batch, the newest first."""
    for batch in batches:
        words = {
            OperationState.DONE: f"{_DID[batch.action]}, {shown_bytes(batch.size)}",
            OperationState.FAILED: "left as they were",
            OperationState.UNDONE: "as before",
        }
        parts = [
            f"{shown_count(number, 'file')} {words[state]}"
            for state in words
            if (number := batch.counts.get(state, 0))
        ]
        if batch.interrupted:
            parts.append("interrupted")
        elif lost := batch.counts.get(OperationState.BEGUN, 0):
            parts.append(f"{shown_count(lost, 'file')} nowhere to be found")
        elif OperationState.DONE in batch.counts and not batch.undoable:
            parts.append("cannot be undone")
        when = f"{batch.started_at:%Y-%m-%d %H:%M} UTC"
        yield f"{batch.id}\t{when}\t{batch.action.value}\t{'; '.join(parts)}"


def _group_lines(action: Action, group: PlannedGroup) -> Iterator[str]:
    size = shown_bytes(sum(act.frees for act in group.acts))
    copies = shown_count(len(group.acts), "copy", "copies")
    told = f"{copies} {_WILL[action]}, {size}" if group.acts else "nothing to do"
    yield f"# {shown_text(group.id)}: {told}"
    yield _line("keep", group.keep.path, shown_bytes(group.keep.size), shown_text(group.reason))
    for act in group.acts:
        target = "" if act.target is None else f" → {shown_path(act.target)}"
        yield _line(action.value, act.file.path, shown_bytes(act.file.size), act_remark(act) + target)
        for companion in act.companions:
            target = "" if companion.target is None else f" → {shown_path(companion.target)}"
            yield _line("with", companion.path, shown_bytes(companion.size), target.strip())
        if act.carried is not None:
            yield _line("carry", act.carried.sidecar, "", shown_text(carried_words(act.carried)))
        for warning in act.warnings:
            yield _line("warning", act.file.path, "", shown_text(warning))
    for left in group.left:
        yield _line("leave", left.path, "", shown_text(left_remark(left)))
    yield ""


def act_remark(act: PlannedAct) -> str:
    """Say what was done to a copy, and what is lost with it."""
    return f"{kind_name(act.kind)}, {losses_words(act.losses)}"


def carried_words(carried: Carried) -> str:
    """Say what is written beside the file that stays: "time 2024-05-01 10:00:00, rating 4"."""
    said = []
    if carried.captured_at is not None:
        said.append(f"time {carried.captured_at:%Y-%m-%d %H:%M:%S}")
    if carried.place is not None:
        said.append("place {:.5f}, {:.5f}".format(*carried.place))
    if carried.rating:
        said.append(f"rating {carried.rating}")
    if carried.words:
        said.append(f"words {'; '.join(carried.words)}")
    return ", ".join(said)


def left_remark(left: LeftAlone) -> str:
    """Say why a file is left alone, and what would be lost with it where that is known and not the reason."""
    lost = losses_words(left.losses)
    return left.reason if left.losses is None or lost in left.reason else f"{left.reason}; {lost}"


def _line(word: str, path: bytes, size: str, remark: str) -> str:
    return "\t".join([word, shown_path(path), size, remark]).rstrip()
