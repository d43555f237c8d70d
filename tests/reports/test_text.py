from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from neardup_cli.choices import Loss
from neardup_cli.records.answers import Comparison, QueryMatch, QueryResult
from neardup_cli.records.files import ModelIdentity, Skipped
from neardup_cli.records.health import CatalogStatus, Finding, ModelStatus, RootStatus
from neardup_cli.records.matches import DuplicateGroup, DupsReport, Stage
from neardup_cli.records.proofs import Proof
from neardup_cli.records.scans import ScanSummary
from neardup_cli.reports import text
from neardup_cli.reports.evidence import evidence
from neardup_cli.reports.summary import scan_lines, unreadable_lines

STATUS = CatalogStatus("/c\n.db", "0001", 4096, 2_000_000, 3, 1, 2, 1, 12_000)


def test_dups(group: DuplicateGroup) -> None:
    assert list(text.dups_lines([group])) == [
        "# 0123456789ab: 4 files, 2.5 MB to free, 41.9 KB to look at, weakest link geometry 0.25 cropped",
        "keep\t/p/a/photo.jpg\t2.5 MB\t4000x3000",
        'copy\t/p/b/line\\nbreak, "quoted".jpg\t2.5 MB\t4000x3000\texact\t\texact',
        "cropped\t/p/b/cropped.png\t900 B\t200x90\tgeometry\t0.25\tcropped",
        "smaller\t/p/b/not \\xff utf-8.webp\t41.0 KB\t400x300\tsieve\t0.98",
        "",
    ]


def test_evidence_prefers_the_keeper(group: DuplicateGroup) -> None:
    reasons = evidence(group)
    assert group.keep not in reasons
    assert {path: match.stage for path, match in reasons.items()} == {
        member.path: stage
        for member, stage in zip(group.members[1:], [Stage.EXACT, Stage.GEOMETRY, Stage.SIEVE], strict=True)
    }


def test_dups_summary(report: DupsReport) -> None:
    line = "2 groups, 2 copies, 3.0 MB to free; 2 more files, 41.9 KB, to look at"
    assert text.dups_summary(report) == f"{line} (the first 1 shown)"
    assert text.dups_summary(replace(report, summary={**report.summary, "groups_shown": 2})) == line
    nothing = replace(report, summary={**report.summary, "groups": 0, "groups_shown": 0})
    assert text.dups_summary(nothing) == "no copies among 12 pictures"
    one = {**report.summary, "groups": 1, "redundant_files": 1, "reclaimable_bytes": 5, "doubtful_files": 0}
    assert text.dups_summary(replace(report, summary=one)) == ("1 group, 1 copy, 5 B to free")


def test_query() -> None:
    match = QueryMatch(b"/p/\t.jpg", Stage.SIEVE, 0.98765, 3, 40, 30, 1000)
    near = replace(match, path=b"/p/near.jpg", stage=None, similarity=None, hamming=None)
    results = [
        QueryResult(b"/q.png", (match, near)),
        QueryResult(b"/alone.png"),
        QueryResult(b"/\xff", error="no such file: /\udcff\x1b"),
    ]
    assert list(text.query_lines(results)) == [
        "# /q.png: 1 match",
        "match\t/p/\\t.jpg\t1.0 KB\t40x30\tsieve\t0.98\t3\t-",
        "near\t/p/near.jpg\t1.0 KB\t40x30\t-\t-\t-\t-",
        "",
        "# /alone.png: no match",
        "",
        "# /\\xff: no such file: /\\xff\\x1b",
        "",
    ]


def test_compare() -> None:
    comparison = Comparison(b"/a", b"/b", False, 3, 0.98765, Stage.SIEVE, "alike")
    lines = list(text.compare_lines(comparison))
    assert lines[0] == "copies (sieve): alike"
    assert "dHash distance  3 of 64 bits" in lines
    assert "SSCD similarity 0.988" in lines
    lines = list(text.compare_lines(replace(comparison, stage=None, similarity=None, reason="not alike")))
    assert lines[0] == "different: not alike"
    assert not [line for line in lines if "SSCD" in line]


def test_status_of_hashes_alone() -> None:
    assert list(text.status_lines(replace(STATUS, missing=0, unreadable=0, index_bytes=0))) == [
        "catalog   /c\\n.db (4.1 KB, schema 0001)",
        "last scan never",
        "images    3 files, 12.0 KB, 2 distinct contents",
        "model     none: hashes alone (run `neardup scan` without --hash-only to add embeddings)",
    ]


def test_status_with_everything() -> None:
    model = ModelStatus(ModelIdentity("sscd", "ab12", 512, "288"), 1, "current")
    roots = (RootStatus(b"/p", 2, 9_000, online=True), RootStatus(b"/\x1b", 1, 3_000, online=False))
    status = replace(STATUS, models=(model,), roots=roots, last_scan=datetime(2024, 2, 29, 12, 30))
    assert list(text.status_lines(status)) == [
        "catalog   /c\\n.db (4.1 KB, index 2.0 MB, schema 0001)",
        "last scan 2024-02-29 12:30 UTC",
        "images    3 files, 12.0 KB, 2 distinct contents",
        "          1 unreadable, 1 missing",
        "model     sscd: 1 vector, 0 compared, index current",
        "root      /p: 2 files, 9.0 KB",
        "root      /\\x1b: 1 file, 3.0 KB, offline",
    ]


def test_doctor() -> None:
    findings = [
        Finding("database", ok=True),
        Finding("index of sscd", ok=True, detail="rebuilt", repaired=True),
        Finding("stray index \x1b", ok=False, detail="remove it"),
    ]
    assert list(text.doctor_lines(findings)) == [
        "ok       database",
        "repaired index of sscd: rebuilt",
        "WRONG    stray index \\x1b: remove it",
    ]


def test_scan() -> None:
    skipped = (
        Skipped(b"/p/a.TXT", "not an image file"),
        Skipped(b"/p/b.txt", "not an image file"),
        Skipped(b"/p/c", "not an image file"),
        Skipped(b"/p/\x1b.jpg", "truncated", unreadable=True),
    )
    summary = ScanSummary(2000, 10, 2, 1985, 1, 3, 4, 11, skipped, 4.0, "sscd")
    assert list(scan_lines(summary)) == [
        "2,000 images seen in 4.0 s, 500 images/s",
        "  10 new, 2 changed, 1,985 unchanged, 1 moved, 3 missing, 4 offline, 1 unreadable",
        "  11 embeddings computed with sscd",
        "  skipped 2: not an image file (.txt)",
        "  skipped 1: not an image file (no extension)",
        "  skipped 1: truncated (.jpg)",
    ]
    assert list(scan_lines(replace(summary, exact=2)))[1].startswith(
        "  10 new (2 with the bytes of another), 2 ch"
    )
    assert list(unreadable_lines(summary)) == ["unreadable: /p/\\x1b.jpg: truncated"]


def test_a_quiet_scan_boasts_of_no_rate() -> None:
    assert list(scan_lines(ScanSummary(seen=1, unchanged=1, seconds=0.01))) == [
        "1 image seen in 0.01 s",
        "  0 new, 1 unchanged",
    ]


def test_many_unreadable_files_are_not_all_named() -> None:
    skipped = tuple(Skipped(b"/p/%d" % number, "empty file", unreadable=True) for number in range(1053))
    lines = list(unreadable_lines(ScanSummary(skipped=skipped)))
    assert len(lines) == 51
    assert lines[-1] == "unreadable: … and 1,003 more: `--json` names them all"


def test_damaged_files_are_named_after_a_scan() -> None:
    damaged = tuple(Skipped(b"/p/%d.jpg" % number, "corrupt data") for number in range(7))
    lines = list(scan_lines(ScanSummary(7, 7, damaged=damaged[:1])))
    assert lines[-1] == "  1 damaged file: /p/0.jpg (corrupt data)"
    line = list(scan_lines(ScanSummary(7, 7, damaged=damaged)))[-1]
    assert line.startswith("  7 damaged files: /p/0.jpg (corrupt data), /p/1.jpg (corrupt data), ")
    assert line.endswith("/p/4.jpg (corrupt data), … (`--json` names them all)")
    assert not any("damaged" in line for line in scan_lines(ScanSummary(7, 7)))


def test_what_was_proven_is_said(group: DuplicateGroup) -> None:
    small, cropped = group.members[3], group.members[2]
    proofs = {small.digest: Proof(), cropped.digest: Proof((Loss.AREA, Loss.TIME))}
    lines = list(text.dups_lines([replace(group, proofs=proofs)]))
    assert [line.split("\t")[7:] for line in lines[1:5]] == [[], [], ["loses area, time"], ["loses nothing"]]
    away = {small.digest: Proof(unproven="its disk is away")}
    lines = list(text.dups_lines([replace(group, proofs=away)]))
    assert lines[4].endswith("not proven: its disk is away")


def test_what_was_looked_at_and_what_was_not_needed(report: DupsReport) -> None:
    assert text.looked_line(report) is None
    some = replace(report, summary={**report.summary, "pairs_not_needed": 1234})
    assert text.looked_line(some) == "3 doubtful pairs looked at; 1,234 more were not needed"
