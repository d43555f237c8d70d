"""Reports as plain text, for pipes and for what needs no table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from neardup_cli.reports.evidence import evidence, shown_kind, weakest_link
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.units import (
    shown_bytes,
    shown_confidence,
    shown_count,
    shown_seconds,
    shown_similarity,
)
from neardup_cli.rules.words import losses_words, role_word

if TYPE_CHECKING:  # each command makes few of them, and importing them all takes 10 ms
    from neardup_cli.records.answers import (
        CheckReport,
        Comparison,
        ExplainedPair,
        QueryMatch,
        QueryResult,
    )
    from neardup_cli.records.decisions import ShownDecision
    from neardup_cli.records.files import CatalogedFile, Skipped
    from neardup_cli.records.health import BugReport, CatalogStatus, Finding, RottenFile, VerifiedFiles
    from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch


def dups_lines(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    """Yield groups for people who read a pipe: tab-separated, an empty line after each group."""
    for group in groups:
        size = shown_saving(group.reclaimable_bytes, group.doubtful_bytes)
        weak = f", weakest link {_link(weakest_link(group))}" if len(group.members) > 2 else ""
        yield f"# {group.id}: {shown_count(len(group.members), 'file')}, {size}{weak}"
        reasons = evidence(group)
        for member in group.members:
            match = reasons.get(member.path)
            stage = "" if match is None else match.stage.value
            similarity = "" if match is None else shown_similarity(match.similarity)
            cells = [
                shown_role(group, member.path),
                shown_path(member.path),
                shown_bytes(member.stamp.size),
                f"{member.width}x{member.height}",
                stage,
                similarity,
                shown_kind(match),
                shown_losses(group, member),
            ]
            yield "\t".join(cells).rstrip()
        yield ""


def shown_losses(group: DuplicateGroup, member: CatalogedFile) -> str:
    """Say what is lost with a member, once it was looked at; empty where nobody has, and for what stays."""
    proof = group.proofs.get(member.digest)
    if proof is None or member.digest == group.members[0].digest:
        return ""
    return f"not proven: {shown_text(proof.unproven)}" if proof.unproven else losses_words(proof.losses)


def shown_role(group: DuplicateGroup, path: bytes) -> str:
    """Return what a member is: `keep`, `kept` where a person said so, or its role."""
    if path in group.kept and path != group.keep:
        return "kept"
    member = next(member for member in group.members if member.path == path)
    return role_word(group.role_of(member))


def shown_saving(certain: int, doubtful: int) -> str:
    """Say what goes away without a loss, and apart from it what has to be looked at or proven first."""
    more = f"{shown_bytes(doubtful)} to look at" if doubtful else ""
    if not certain and doubtful:
        return more
    return f"{shown_bytes(certain)} to free" + (f", {more}" if more else "")


def _link(match: FileMatch) -> str:
    """Say what a match rests on: `geometry 0.31 cropped`."""
    parts = (match.stage.value, shown_similarity(match.similarity), shown_kind(match))
    return " ".join(dict.fromkeys(part for part in parts if part))


def dups_summary(report: DupsReport) -> str:
    """Return one line about all groups."""
    summary = report.summary
    if not summary["groups"]:
        return f"no copies among {shown_count(summary['contents'], 'picture')}"
    line = (
        f"{shown_count(summary['groups'], 'group')}, "
        f"{shown_count(summary['redundant_files'], 'copy', 'copies')}, "
        f"{shown_bytes(summary['reclaimable_bytes'])} to free"
    )
    if summary["doubtful_files"]:
        more = shown_count(summary["doubtful_files"], "more file")
        line += f"; {more}, {shown_bytes(summary['doubtful_bytes'])}, to look at"
    if summary["groups_shown"] < summary["groups"]:
        line += f" (the first {summary['groups_shown']:,} shown)"
    return line


def looked_line(report: DupsReport) -> str | None:
    """Return a line that says how many doubtful pairs were looked at, if others were not needed."""
    looked, spared = report.summary["checked_pairs"], report.summary["pairs_not_needed"]
    if not spared:
        return None
    return f"{shown_count(looked, 'doubtful pair')} looked at; {spared:,} more were not needed"


def budget_line(report: DupsReport) -> str | None:
    """Return a line that says what was not looked at, if anything was not."""
    left_out, crowded = report.summary["pairs_left_out"], report.summary["crowded"]
    said = []
    if left_out:
        said.append(f"{left_out:,} doubtful pairs were beyond the budget and not checked")
    if crowded:
        said.append(f"{crowded:,} pictures resemble more others than are kept of each")
    return f"{'; '.join(said)}: a higher --threshold leaves fewer" if said else None


def similar_shots_line(report: DupsReport) -> str | None:
    """Return a line that says that other shots of a scene were found, if they are not shown."""
    pairs = report.summary["similar_shots"]
    if not pairs or report.parameters["similar_shots"]:
        return None
    shots = "of other shots of a scene, which are no copies"
    return f"{shown_count(pairs, 'pair')} {shots}: --include similar-shots shows them"


def query_lines(results: Sequence[QueryResult]) -> Iterator[str]:
    """Yield the answers to queries: tab-separated, an empty line after each image."""
    for result in results:
        yield f"# {shown_path(result.path)}: {shown_text(result.error or _verdict(result))}"
        for match in result.matches:
            cells = [
                nearness(match),
                shown_path(match.path),
                shown_bytes(match.bytes),
                f"{match.width}x{match.height}",
                match.stage.value if match.stage else "-",
                shown_similarity(match.similarity) or "-",
                "-" if match.hamming is None else str(match.hamming),
                "-" if match.kind is None else match.kind.value,
            ]
            yield "\t".join(cells)
        yield ""


def nearness(match: QueryMatch) -> str:
    """Say in a word what a catalogued file is to an image."""
    if match.is_match:
        return "match"
    return "unknown" if match.untold else "near"


def check_summary(report: CheckReport) -> str:
    """Return one line about all new images."""
    images = shown_count(len(report.results) - sum(r.error is not None for r in report.results), "new image")
    copies = shown_count(len(report.matched), "copy", "copies")
    untold = f", {len(report.untold):,} of which nobody can tell" if report.untold else ""
    return f"{images} checked, {copies} of catalogued ones{untold}"


def unreadable_line(entry: Skipped) -> str:
    """Return a line about something that could not be read."""
    return shown_text(f"unreadable: {os.fsdecode(entry.path)}: {entry.reason}")


def compare_lines(comparison: Comparison) -> Iterator[str]:
    """Yield the comparison of two images, the verdict first."""
    decided = [value.value for value in (comparison.stage, comparison.kind) if value is not None]
    stage = f" ({', '.join(dict.fromkeys(decided))})" if comparison.is_match else ""
    yield f"{'copies' if comparison.is_match else 'different'}{stage}: {comparison.reason}"
    yield f"dHash distance  {comparison.hamming} of 64 bits"
    if comparison.similarity is not None:
        yield f"SSCD similarity {comparison.similarity:.3f}"
    if comparison.confidence is not None:
        yield f"confidence      {shown_confidence(comparison.confidence)}"
    if (found := comparison.alignment) is not None:
        yield f"agreement       {found.agreement:.0%} of the overlap's detail, {found.inliers} inliers"
        yield f"overlap         {found.coverage_a:.0%} of A lies on {found.coverage_b:.0%} of B"


def explain_lines(pair: ExplainedPair) -> Iterator[str]:
    """Yield the comparison of two images with what happened between them and every number."""
    yield pair.sentence
    yield from compare_lines(pair.comparison)
    if pair.edits:
        yield f"edits           {', '.join(pair.edits)}"
    for name, value in pair.numbers.items():
        shown = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value).lower()
        yield f"{name.replace('_', ' '):<20} {shown}"


def decision_lines(decisions: Sequence[ShownDecision]) -> Iterator[str]:
    """Yield a line a decision: id, day, ruling, and a file of each content, tab-separated."""
    from neardup_cli.records.decisions import Ruling

    for shown in decisions:
        found = shown.decision
        cells = [str(found.id), f"{found.decided_at:%Y-%m-%d}", found.ruling.value]
        cells.append(_some_file(shown.paths_a, found.digest_a))
        if found.ruling is Ruling.NOT_DUPLICATES:
            cells.append(_some_file(shown.paths_b, found.digest_b))
        yield "\t".join(cells)


def status_lines(status: CatalogStatus) -> Iterator[str]:
    """Yield what a catalog holds."""
    index = f", index {shown_bytes(status.index_bytes)}" if status.index_bytes else ""
    location = shown_path(os.fsencode(status.location))
    yield f"catalog   {location} ({shown_bytes(status.catalog_bytes)}{index}, schema {status.schema})"
    when = "never" if status.last_scan is None else f"{status.last_scan:%Y-%m-%d %H:%M} UTC"
    yield f"last scan {when}"
    yield (
        f"images    {shown_count(status.files, 'file')}, {shown_bytes(status.image_bytes)}, "
        f"{shown_count(status.contents, 'distinct content')}"
    )
    if status.unreadable or status.missing:
        yield f"          {status.unreadable:,} unreadable, {status.missing:,} missing"
    if status.previews:
        kept = f"{shown_bytes(status.preview_bytes)} of the catalog"
        removed = "`scan --no-previews` removes them"
        yield f"previews  of {shown_count(status.previews, 'image')}, {kept} ({removed})"
    for model in status.models:
        vectors = shown_count(model.vectors, "vector")
        regions = f"{model.regions:,} with regions, " if model.regions else ""
        known = f"{vectors}, {regions}{model.compared:,} compared"
        yield f"model     {shown_text(model.identity.name)}: {known}, index {model.index}"
    if not status.models:
        yield "model     none: hashes alone (run `neardup scan` without --hash-only to add embeddings)"
    for root in status.roots:
        offline = "" if root.online else ", offline"
        files = shown_count(root.files, "file")
        yield f"root      {shown_path(root.path)}: {files}, {shown_bytes(root.bytes)}{offline}"


def doctor_lines(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield one line a check."""
    for finding in findings:
        word = "repaired" if finding.repaired else "ok" if finding.ok else "WRONG"
        yield shown_text(f"{word:<8} {finding.check}{': ' + finding.detail if finding.detail else ''}")


def bug_report_lines(report: BugReport) -> Iterator[str]:
    """Yield what is to be put into a bug report as it is."""
    for title in ("versions", "settings", "catalog"):
        yield f"{title}:"
        for name, value in getattr(report, title).items():
            yield shown_text(f"  {name}: {value}")


def verified_lines(files: VerifiedFiles) -> Iterator[str]:
    """Yield what came out of reading files again: a line for each that is not sound, and the sum."""
    for one in files.rotten:
        what = "its bytes changed, its size and time did not"
        yield f"ROTTEN   {shown_path(one.path)}: {what}; {_copy_of(one)}"
    for skipped in files.unreadable:
        yield f"BROKEN   {shown_path(skipped.path)}: {shown_text(skipped.reason)}"
    rate = f", {shown_bytes(round(files.read_bytes / files.seconds))}/s" if files.seconds > 0.5 else ""
    yield (
        f"{shown_count(files.checked, 'file')} read again, {shown_bytes(files.read_bytes)} "
        f"in {shown_seconds(files.seconds)}{rate}: {len(files.rotten):,} rotten, "
        f"{len(files.unreadable):,} unreadable"
    )
    if files.spared:
        yield f"{shown_count(files.spared, 'file')} left out: read recently enough"
    if files.changed:
        yield f"{shown_count(len(files.changed), 'file')} changed by somebody: `neardup scan` reads them"
    if files.away:
        yield f"{shown_count(files.away, 'file')} not there now"


def _copy_of(one: RottenFile) -> str:
    if one.copy is None:
        return "no other file of the catalog holds what it held: take it from a backup"
    return f"a sound copy is {shown_path(one.copy)}"


def _some_file(paths: Sequence[bytes], digest: bytes) -> str:
    if not paths:
        return f"(no file with content {digest.hex()[:12]} now)"
    more = f" (and {len(paths) - 1:,} more)" if len(paths) > 1 else ""
    return shown_path(paths[0]) + more


def _verdict(result: QueryResult) -> str:
    matches = sum(match.is_match for match in result.matches)
    if not matches:
        return "cannot tell" if result.cannot_tell else "no match"
    return shown_count(matches, "match", "matches")
