"""Reports as JSON documents. Each has a `schema` key; a key is added freely and never changes its meaning."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from neardup_cli.choices import Role
from neardup_cli.reports.paths import data_path

if TYPE_CHECKING:
    from neardup_cli.records.answers import CheckReport, Comparison, ExplainedPair, QueryMatch, QueryResult
    from neardup_cli.records.decisions import ShownDecision
    from neardup_cli.records.files import CatalogedFile
    from neardup_cli.records.health import CatalogStatus, Finding, VerifiedFiles
    from neardup_cli.records.matches import Alignment, DuplicateGroup, DupsReport, FileMatch
    from neardup_cli.records.scans import ScanSummary

# Terminals obey some of these, others end a line for some readers, and half a surrogate is not UTF-8.
_UNSAFE = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def dump(document: dict[str, Any], *, one_line: bool = False) -> str:
    """Return a document as JSON text, in UTF-8 rather than escapes.

    Each entry of a list at the top (a group, a skipped file) is a line of its own, for `grep` and for speed:
    Python writes indented JSON eight times as slowly.
    """
    if one_line or not document:
        return _escaped(_encode(document))
    fields = ",\n".join(f"  {_encode(key)}: {_indented(value)}" for key, value in document.items())
    return _escaped(f"{{\n{fields}\n}}")


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _indented(value: object) -> str:
    if isinstance(value, list) and value:
        entries = ",\n".join(f"    {_encode(entry)}" for entry in value)
        return f"[\n{entries}\n  ]"
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def scan_document(summary: ScanSummary) -> dict[str, Any]:
    """Return what `neardup scan --json` prints."""
    return {
        "schema": "neardup.scan/1",
        "seen": summary.seen,
        "added": summary.added,
        "changed": summary.changed,
        "unchanged": summary.unchanged,
        "exact": summary.exact,
        "moved": summary.moved,
        "missing": summary.missing,
        "offline": summary.offline,
        "embedded": summary.embedded,
        "regions": summary.regions,
        "previews": summary.previews,
        "unreadable": len(summary.unreadable),
        "app_folders": len(summary.app_folders),
        "skipped": [
            {"path": data_path(entry.path), "reason": entry.reason, "unreadable": entry.unreadable}
            for entry in summary.skipped
        ],
        "damaged": [{"path": data_path(entry.path), "reason": entry.reason} for entry in summary.damaged],
        "model": summary.model,
        "seconds": round(summary.seconds, 3),
    }


def dups_document(report: DupsReport) -> dict[str, Any]:
    """Return what `neardup dups --json` prints."""
    return {
        "schema": "neardup.dups/1",
        "parameters": {
            **report.parameters,
            "under": [data_path(path) for path in report.parameters["under"]],
        },
        "groups": [group_document(group) for group in report.groups],
        "links": [match_document(match) for match in report.links],
        "summary": {**report.summary, "seconds": round(report.summary["seconds"], 3)},
    }


def group_document(group: DuplicateGroup) -> dict[str, Any]:
    """Return one group, as in `neardup.dups/1` and in each line of `--format jsonl`."""
    from neardup_cli.reports.evidence import weakest_link  # a scan reports no matches

    return {
        "id": group.id,
        "keep": data_path(group.keep),
        "reclaimable_bytes": group.reclaimable_bytes,
        "doubtful_bytes": group.doubtful_bytes,
        "reason": group.reason,
        "seen_in": [data_path(path) for path in group.seen_in],
        "members": [
            {
                "path": data_path(member.path),
                "bytes": member.stamp.size,
                "width": member.width,
                "height": member.height,
                "format": member.format,
                "content": member.digest.hex(),
                "kept": member.path in group.kept,
                "role": group.role_of(member).value,
                "losses": losses(group, member),
                "standing": group.standing.get(member.digest, 0),
            }
            for member in group.members
        ],
        "weakest": match_document(weakest_link(group)),
        "matches": [match_document(match) for match in group.matches],
    }


def losses(group: DuplicateGroup, member: CatalogedFile) -> list[str] | None:
    """Return what would be lost with a member, in words; None where nobody has proven it yet."""
    if group.role_of(member) is Role.KEPT or member.digest == group.members[0].digest:
        return []
    proof = group.proofs.get(member.digest)
    return None if proof is None or proof.unproven else [loss.value for loss in proof.losses]


def match_document(match: FileMatch) -> dict[str, Any]:
    """Return one match of two files."""
    return {
        "a": data_path(match.a),
        "b": data_path(match.b),
        "stage": match.stage.value,
        "kind": _named(match.kind),
        "confidence": _rounded(match.confidence),
        "similarity": _rounded(match.similarity),
        "hamming": match.hamming,
        "implied": match.implied,
        **_alignment(match.alignment),
    }


def query_document(results: list[QueryResult], parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what `neardup query --json` prints."""
    return {
        "schema": "neardup.query/1",
        "parameters": parameters,
        "queries": [
            {
                "path": data_path(result.path),
                "is_duplicate": result.is_duplicate,
                "cannot_tell": result.cannot_tell,
                "error": result.error,
                "matches": [query_match_document(match) for match in result.matches],
            }
            for result in results
        ],
    }


def check_document(report: CheckReport) -> dict[str, Any]:
    """Return what `neardup check --json` prints."""
    return {
        "schema": "neardup.check/1",
        "parameters": report.parameters,
        "files": [
            {
                "path": data_path(result.path),
                "is_duplicate": result.is_duplicate,
                "cannot_tell": result.cannot_tell,
                "error": result.error,
                "matches": [query_match_document(match) for match in result.matches],
            }
            for result in report.results
        ],
        "skipped": [
            {"path": data_path(entry.path), "reason": entry.reason, "unreadable": entry.unreadable}
            for entry in report.skipped
        ],
        "summary": {
            "checked": sum(result.error is None for result in report.results),
            "matched": len(report.matched),
            "cannot_tell": len(report.untold),
            "unreadable": len(report.unreadable),
            "seconds": round(report.seconds, 3),
        },
    }


def query_match_document(match: QueryMatch) -> dict[str, Any]:
    """Return one catalogued file that resembles a query."""
    return {
        "path": data_path(match.path),
        "is_match": match.is_match,
        "cannot_tell": match.untold,
        "stage": _named(match.stage),
        "kind": _named(match.kind),
        "confidence": _rounded(match.confidence),
        "similarity": _rounded(match.similarity),
        "hamming": match.hamming,
        "bytes": match.bytes,
        "width": match.width,
        "height": match.height,
        **_alignment(match.alignment),
    }


def compare_document(comparison: Comparison, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what `neardup compare --json` prints."""
    return {
        "schema": "neardup.compare/1",
        "parameters": parameters,
        "a": data_path(comparison.a),
        "b": data_path(comparison.b),
        "is_duplicate": comparison.is_match,
        "stage": _named(comparison.stage),
        "kind": _named(comparison.kind),
        "same_bytes": comparison.same_bytes,
        "confidence": _rounded(comparison.confidence),
        "hamming": comparison.hamming,
        "similarity": _rounded(comparison.similarity),
        "reason": comparison.reason,
        **_alignment(comparison.alignment),
    }


def explain_document(pair: ExplainedPair, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return what `neardup explain --json` prints: the comparison, and what happened."""
    return {
        **compare_document(pair.comparison, parameters),
        "schema": "neardup.explain/1",
        "kind": _named(pair.kind),
        "edits": list(pair.edits),
        "sentence": pair.sentence,
        "numbers": {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in pair.numbers.items()
        },
        "outline": [[round(x, 4), round(y, 4)] for x, y in pair.outline],
    }


def decisions_document(decisions: Sequence[ShownDecision]) -> dict[str, Any]:
    """Return what `neardup ignored --json` prints."""
    return {
        "schema": "neardup.ignored/1",
        "decisions": [
            {
                "id": shown.decision.id,
                "ruling": shown.decision.ruling.value,
                "decided_at": shown.decision.decided_at.isoformat() + "Z",
                "contents": _decided_contents(shown),
            }
            for shown in decisions
        ],
    }


def _decided_contents(shown: ShownDecision) -> list[dict[str, Any]]:
    sides = {shown.decision.digest_a: shown.paths_a, shown.decision.digest_b: shown.paths_b}
    return [
        {"content": digest.hex(), "paths": [data_path(path) for path in paths]}
        for digest, paths in sides.items()
    ]


def status_document(status: CatalogStatus) -> dict[str, Any]:
    """Return what `neardup status --json` prints."""
    return {
        "schema": "neardup.status/1",
        "catalog": data_path(os.fsencode(status.location)),
        "catalog_schema": status.schema,
        "catalog_bytes": status.catalog_bytes,
        "index_bytes": status.index_bytes,
        "previews": status.previews,
        "preview_bytes": status.preview_bytes,
        "files": status.files,
        "bytes": status.image_bytes,
        "missing": status.missing,
        "contents": status.contents,
        "unreadable": status.unreadable,
        "last_scan": None if status.last_scan is None else status.last_scan.isoformat() + "Z",
        "roots": [
            {"path": data_path(root.path), "files": root.files, "bytes": root.bytes, "online": root.online}
            for root in status.roots
        ],
        "models": [
            {
                "name": model.identity.name,
                "fingerprint": model.identity.fingerprint,
                "dimension": model.identity.dimension,
                "preprocessing": model.identity.preprocessing,
                "vectors": model.vectors,
                "regions": model.regions,
                "compared": model.compared,
                "index": model.index,
            }
            for model in status.models
        ],
    }


def doctor_document(findings: list[Finding], files: VerifiedFiles | None = None) -> dict[str, Any]:
    """Return what `neardup doctor --json` prints; `files` with --verify-files only."""
    return {
        "schema": "neardup.doctor/1",
        "healthy": all(finding.ok for finding in findings) and (files is None or files.sound),
        "findings": [
            {
                "check": finding.check,
                "ok": finding.ok,
                "detail": finding.detail,
                "repaired": finding.repaired,
            }
            for finding in findings
        ],
        **({} if files is None else {"files": _verified_files(files)}),
    }


def _verified_files(files: VerifiedFiles) -> dict[str, Any]:
    return {
        "checked": files.checked,
        "bytes": files.read_bytes,
        "spared": files.spared,
        "away": files.away,
        "resumed": files.resumed,
        "seconds": round(files.seconds, 3),
        "rotten": [
            {"path": data_path(one.path), "copy": None if one.copy is None else data_path(one.copy)}
            for one in files.rotten
        ],
        "unreadable": [{"path": data_path(one.path), "reason": one.reason} for one in files.unreadable],
        "changed": [data_path(path) for path in files.changed],
    }


def _alignment(alignment: Alignment | None) -> dict[str, Any]:
    """Return what the geometric stage measured; nothing where it was not asked."""
    if alignment is None:
        return {}
    return {
        "inliers": alignment.inliers,
        "agreement": _rounded(alignment.agreement),
        "coverage": [_rounded(alignment.coverage_a), _rounded(alignment.coverage_b)],
        "mirrored": alignment.mirrored,
        "transform": [[round(number, 5) for number in row] for row in alignment.transform],
    }


def _named(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _rounded(similarity: float | None) -> float | None:
    return None if similarity is None else round(similarity, 4)
