"""`neardup clean`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.choices import Action, Grouping
from neardup_cli.cli.options import (
    CatalogOption,
    GroupingOption,
    HammingOption,
    JsonOption,
    MinConfidenceOption,
    ModelOption,
    NoVerifyOption,
    PresetOption,
    ThresholdOption,
    UnderOption,
)
from neardup_cli.cli.output import (
    raw_path,
    real_paths,
    say,
    stdout_is_terminal,
    table_console,
    write_lines,
    write_paths,
    write_prose,
    write_text,
)
from neardup_cli.cli.policy import (
    AcceptLossOption,
    AcrossDrivesOption,
    KeepOption,
    OnlyOption,
    PreferOption,
    ProtectOption,
    asked_policy,
    existing_paths,
)
from neardup_cli.cli.untold import demand_pairs_told
from neardup_cli.errors import BadInput, FilesRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neardup_cli.catalog.database import Catalog
    from neardup_cli.cleanup.filters import GroupFilter
    from neardup_cli.pipeline.clean import CleanOptions
    from neardup_cli.plans import Outcome, Plan
    from neardup_cli.records.matches import DuplicateGroup


def clean(
    report: Annotated[
        str | None, typer.Argument(metavar="[-]", help="- reads `neardup dups --json`.", show_default=False)
    ] = None,
    action: Annotated[
        Action | None,
        typer.Option("--action", help="What happens to the copies (trash).", show_default=False),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where quarantine (as a mirrored tree) and move put them."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply", help="Do it; without this only the plan is printed.")
    ] = False,
    permanently: Annotated[
        bool,
        typer.Option("--permanently", help="Has to be said for --action delete, which no undo takes back."),
    ] = False,
    across_devices: Annotated[
        bool,
        typer.Option(
            "--across-devices", help="Let files on other disks than DIR be copied, checked and removed."
        ),
    ] = False,
    keep: KeepOption = None,
    prefer: PreferOption = None,
    protect: ProtectOption = None,
    only: OnlyOption = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Go through the groups, one key each; decisions are kept.")
    ] = False,
    accept_loss: AcceptLossOption = None,
    across_drives: AcrossDrivesOption = False,
    carry_metadata: Annotated[
        bool,
        typer.Option(
            "--carry-metadata",
            help="Write time, place, rating and words that the file to keep lacks into an .xmp beside it.",
        ),
    ] = False,
    min_copies: Annotated[
        int | None,
        typer.Option(
            "--min-copies", metavar="N", min=1, help="Leave at least N files that hold all of what goes."
        ),
    ] = None,
    min_disks: Annotated[
        int | None,
        typer.Option("--min-disks", metavar="N", min=1, help="… and leave them on at least N drives."),
    ] = None,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Take the plan from FILE, edited or not.")
    ] = None,
    plan_out: Annotated[
        Path | None, typer.Option("--plan-out", metavar="FILE", help="Save the plan to FILE.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an apply that was interrupted.")
    ] = False,
    remove_empty_folders: Annotated[
        bool,
        typer.Option("--remove-empty-folders", help="Remove the folders that the clean-up has emptied, too."),
    ] = False,
    between: Annotated[
        list[Path] | None,
        typer.Option("--between", metavar="DIR", help="Only copies across these folders; repeatable."),
    ] = None,
    within: Annotated[
        list[Path] | None,
        typer.Option("--within", metavar="DIR", help="Only copies inside each of these folders; repeatable."),
    ] = None,
    whole: Annotated[
        list[Path] | None,
        typer.Option(
            "--whole",
            metavar="DIR",
            help="Only this folder, and only if every image in it goes; repeatable: see `neardup folders`.",
        ),
    ] = None,
    min_size: Annotated[
        int | None,
        typer.Option(
            "--min-size", metavar="PIXELS", min=1, help="Leave images alone whose short side is less."
        ),
    ] = None,
    catalog: CatalogOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    model: ModelOption = None,
    no_verify: NoVerifyOption = False,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    grouping: GroupingOption = Grouping.COHERENT,
    under: UnderOption = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many groups.", show_default=False)
    ] = None,
    nul: Annotated[
        bool, typer.Option("-0", "--null", help="With --action list: end each path with NUL, for xargs -0.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Plan what happens to the copies; with --apply, do it.

    Each file is journalled before it is touched: `neardup undo` takes a clean-up back. A group is never
    emptied, and a file that has changed since the plan is left alone.
    """
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.settings import load_settings

    settings = load_settings(
        catalog=catalog,
        threshold=threshold,
        hamming=hamming,
        model=model,
        preset=preset,
        min_confidence=min_confidence,
    )
    planning = (
        report,
        action,
        to,
        keep,
        prefer,
        protect,
        only,
        accept_loss,
        across_drives,
        under,
        limit,
        plan_out,
    )
    sparing = (carry_metadata, min_copies, min_disks)
    filtering = (*sparing, remove_empty_folders, between, within, min_size, whole)
    _check_usage(report, (*planning, *filtering), plan_file, resume=resume, interactive=interactive)

    def asked() -> CleanOptions:
        from neardup_cli.pipeline.clean import CleanOptions
        from neardup_cli.pipeline.dups import DupsOptions

        return CleanOptions(
            action=action or Action.TRASH,
            policy=replace(
                asked_policy(
                    keep=keep,
                    prefer=prefer,
                    protect=protect,
                    only=only,
                    accept_loss=accept_loss,
                    across_drives=across_drives,
                ),
                carry_metadata=carry_metadata,
                min_copies=min_copies or 1,
                min_disks=min_disks or 1,
            ),
            to=real_paths([to])[0] if to is not None else None,
            across_devices=across_devices,
            remove_empty_folders=remove_empty_folders,
            filter=_filter(between, within, min_size),
            whole=existing_paths(whole, "--whole"),
            dups=DupsOptions.from_settings(
                settings, verify=not no_verify, grouping=grouping, under=real_paths(under), limit=limit
            ),
        )

    # What compares images need not be imported to carry out a plan that is there.
    options = None if resume or plan_file is not None else asked()
    with Catalog.open(settings.catalog_location) as opened:
        untold = 0
        if plan_file is not None:
            plan = _read_plan(opened, plan_file)
        elif options is not None:
            plan, untold = _plan(opened, options, from_report=report is not None, interactive=interactive)
        else:
            _finish(opened, None, permanently=permanently, json=json)
            return
        if plan_out is not None:
            _save_plan(plan, plan_out)
        if apply:
            _finish(opened, plan, permanently=permanently, json=json)
        else:
            _print_plan(plan, nul=nul, json=json)
    demand_pairs_told(untold)


def _check_usage(
    report: str | None, planning: Sequence[object], plan_file: Path | None, *, resume: bool, interactive: bool
) -> None:
    if report not in (None, "-"):
        raise BadInput(
            "the only argument is -: `neardup dups --json | neardup clean -` (see --under for folders; where "
            "the shell made several paths of a pattern, quote it, or give the option once for each)"
        )
    if resume and (plan_file is not None or interactive or any(planning)):
        raise BadInput("--resume goes on with the plan that was interrupted, and takes no other")
    if plan_file is not None and (interactive or any(planning)):
        raise BadInput("--plan takes the plan as it is in FILE: no options that would make another")
    if interactive and (report is not None or not sys.stdin.isatty() or not stdout_is_terminal()):
        raise BadInput("--interactive needs a terminal")


def _filter(between: list[Path] | None, within: list[Path] | None, min_size: int | None) -> GroupFilter:
    from neardup_cli.cleanup.filters import GroupFilter

    folders = existing_paths(between, "--between")
    if len(folders) == 1:
        raise BadInput("--between needs two folders or more: name it once for each (--within is for one)")
    return GroupFilter(folders, existing_paths(within, "--within"), min_size or 0)


def _plan(
    catalog: Catalog, options: CleanOptions, *, from_report: bool, interactive: bool
) -> tuple[Plan, int]:
    """Return a plan, and of how many pairs nobody could tell."""
    from neardup_cli.cleanup.filters import filtered_groups
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.clean import find_report, groups_of_report, make_plan
    from neardup_cli.pipeline.under import demand_catalogued
    from neardup_cli.reports.dups_reader import read_groups

    demand_catalogued(catalog, options.dups.folders)
    untold = 0
    with shown_progress() as progress:
        groups: Sequence[DuplicateGroup]
        if from_report:
            groups = groups_of_report(catalog, read_groups(sys.stdin.buffer.read()))
        else:
            found = find_report(catalog, options, progress)
            groups, untold = found.groups, found.summary["cannot_tell"]
        groups = filtered_groups(groups, options.filter)
        plan = make_plan(catalog, options, groups, progress)
    if interactive:
        from neardup_cli.cli.interview import interview

        try:
            return interview(catalog, options, groups, plan), untold
        except KeyboardInterrupt:
            say("stopped: the decisions so far are kept, and nothing was done")
            raise typer.Exit(130) from None
    return plan, untold


def _read_plan(catalog: Catalog, path: Path) -> Plan:
    from neardup_cli.cleanup.check import check_plan
    from neardup_cli.pipeline.plan_guard import guard_plan
    from neardup_cli.reports.plan_reader import read_plan

    try:
        plan = read_plan(Path(path).expanduser().read_bytes())
    except OSError as exc:
        raise BadInput(f"{path} cannot be read: {exc.strerror}") from exc
    check_plan(plan)
    guard_plan(catalog, plan)
    return plan


def _save_plan(plan: Plan, path: Path) -> None:
    from neardup_cli.pipeline.plan_file import save_document
    from neardup_cli.reports.json_report import dump
    from neardup_cli.reports.plan_json import plan_document

    save_document(dump(plan_document(plan)), raw_path(path))
    say(f"plan saved to {path}: `neardup clean --plan {path} --apply` carries it out")


def _print_plan(plan: Plan, *, nul: bool, json: bool) -> None:
    from neardup_cli.reports import plan_json, plan_table, plan_text
    from neardup_cli.reports.json_report import dump

    if nul and plan.action is not Action.LIST:
        raise BadInput("-0 goes with --action list")
    if json:
        write_text(dump(plan_json.plan_document(plan)))
        return
    if plan.action is Action.LIST:
        write_paths((act.file.path for group in plan.groups for act in group.acts), nul=nul)
    elif stdout_is_terminal():
        plan_table.print_plan(plan, table_console())
    else:
        write_lines(plan_text.plan_lines(plan))
    if plan.action is Action.LIST or not stdout_is_terminal():
        for line in plan_text.plan_summary(plan):
            say(line)
    if plan.acts and plan.action is not Action.LIST:
        say(plan_text.dry_run_line(plan))


def _finish(catalog: Catalog, plan: Plan | None, *, permanently: bool, json: bool) -> None:
    """Carry a plan out, or go on with the interrupted one, and say how it came out."""
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.pipeline.apply import apply_plan, resume

    try:
        with shown_progress() as progress:
            if plan is None:
                outcome = resume(catalog, progress)
            else:
                outcome = apply_plan(catalog, plan, permanently=permanently, progress=progress)
    except KeyboardInterrupt:
        say("stopped: `neardup clean --resume` goes on, `neardup undo` takes back what was done")
        raise typer.Exit(130) from None
    _print_outcome(outcome, json=json)


def _print_outcome(outcome: Outcome, *, json: bool) -> None:
    from neardup_cli.reports import plan_json, plan_text
    from neardup_cli.reports.json_report import dump
    from neardup_cli.reports.units import shown_count

    if json:
        write_text(dump(plan_json.outcome_document(outcome, "clean")))
    else:
        write_prose([plan_text.outcome_line(outcome)])
    for line in plan_text.refusal_lines(outcome):
        say(line)
    if outcome.refused:
        raise FilesRefused(f"{shown_count(len(outcome.refused), 'file')} could not be acted upon: see above")
