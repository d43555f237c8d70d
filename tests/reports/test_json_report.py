from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from neardup_cli.records.answers import Comparison, QueryMatch, QueryResult
from neardup_cli.records.files import ModelIdentity, Skipped
from neardup_cli.records.health import CatalogStatus, Finding, ModelStatus, RootStatus
from neardup_cli.records.matches import DupsReport, Stage
from neardup_cli.records.scans import ScanSummary
from neardup_cli.reports import json_report
from neardup_cli.reports.paths import parse_data_path

STATUS = CatalogStatus(
    location="/data/\udcff catalog.db",
    schema="0001",
    catalog_bytes=4096,
    index_bytes=0,
    files=3,
    missing=1,
    contents=2,
    unreadable=1,
    image_bytes=12,
    roots=(RootStatus(b"/p/\xff", 3, 12, online=False),),
    models=(ModelStatus(ModelIdentity("sscd", "ab12", 512, "288"), 1, "current"),),
    last_scan=datetime(2024, 2, 29, 12, 30),
)


def read(document: dict[str, Any]) -> Any:
    """Write a document and read it back, as another program would."""
    return json.loads(json_report.dump(document).encode("utf-8"))


def test_scan() -> None:
    skipped = (
        Skipped(b"/p/\xff.jpg", "truncated", unreadable=True),
        Skipped(b"/p/a.txt", "not an image file"),
    )
    damaged = (Skipped(b"/p/\xff.png", "truncated"),)
    summary = ScanSummary(9, 1, 2, 3, 4, 5, 6, 7, skipped, 1.23456, "sscd", 8, 10, damaged)
    assert read(json_report.scan_document(summary)) == {
        "schema": "neardup.scan/1",
        "seen": 9,
        "added": 1,
        "changed": 2,
        "unchanged": 3,
        "exact": 0,
        "moved": 4,
        "missing": 5,
        "offline": 6,
        "embedded": 7,
        "regions": 8,
        "previews": 10,
        "unreadable": 1,
        "app_folders": 0,
        "skipped": [
            {"path": "file:///p/%FF.jpg", "reason": "truncated", "unreadable": True},
            {"path": "/p/a.txt", "reason": "not an image file", "unreadable": False},
        ],
        "damaged": [{"path": "file:///p/%FF.png", "reason": "truncated"}],
        "model": "sscd",
        "seconds": 1.235,
    }


def test_dups(report: DupsReport) -> None:
    document = read(json_report.dups_document(report))
    assert document["schema"] == "neardup.dups/1"
    assert document["parameters"] == {
        "model": "sscd",
        "threshold": 0.2,
        "hamming": 10,
        "similar_shots": False,
        "under": ["/p", "file:///%FF"],
        "limit": 1,
    }
    assert document["summary"] == {**report.summary, "seconds": 0.123}
    (group,) = document["groups"]
    assert (group["id"], group["keep"]) == ("0123456789ab", "/p/a/photo.jpg")
    assert (group["reclaimable_bytes"], group["doubtful_bytes"]) == (2_500_000, 41_860)
    assert group["reason"] == "the original: 4000×3000; the others are smaller or cropped"
    assert group["seen_in"] == ["file:///p/%FF%20collage.png"]
    assert [(member["role"], member["losses"]) for member in group["members"]] == [
        ("kept", []),
        ("copy", []),
        ("cropped", None),
        ("smaller", None),
    ]
    assert group["members"][0] == {
        "path": "/p/a/photo.jpg",
        "bytes": 2_500_000,
        "width": 4000,
        "height": 3000,
        "format": "JPEG",
        "content": "aa" * 32,
        "kept": False,
        "role": "kept",
        "losses": [],
        "standing": 0,
    }
    exact, sieve, geometry = group["matches"]
    assert exact == {
        "a": "/p/a/photo.jpg",
        "b": '/p/b/line\nbreak, "quoted".jpg',
        "stage": "exact",
        "kind": "exact",
        "confidence": 1.0,
        "similarity": None,
        "hamming": 0,
        "implied": False,
    }
    assert [match["kind"] for match in (sieve, geometry)] == [None, "cropped"]
    assert group["weakest"] == geometry
    assert (sieve["stage"], sieve["similarity"], sieve["hamming"]) == ("sieve", 0.9877, 3)
    assert (geometry["inliers"], geometry["agreement"], geometry["mirrored"]) == (42, 0.9877, False)
    assert [match["confidence"] for match in (sieve, geometry)] == [None, 0.982]
    assert geometry["coverage"] == [0.9, 0.25]
    assert geometry["transform"] == [[1.0, 0.0, 3.12346], [0.0, 1.0, -4.0]]


def test_query() -> None:
    match = QueryMatch(b"/p/\xff.jpg", Stage.SIEVE, 0.98765, 3, 40, 30, 1000)
    near = replace(match, path=b"/p/near.jpg", stage=None, similarity=None, hamming=None)
    results = [
        QueryResult(b"/q.png", (match, near)),
        QueryResult(b"/gone.png", error="no such file: /gone.png"),
    ]
    document = read(json_report.query_document(results, {"top_k": 2}))
    assert (document["schema"], document["parameters"]) == ("neardup.query/1", {"top_k": 2})
    found, failed = document["queries"]
    assert (found["path"], found["is_duplicate"], found["error"]) == ("/q.png", True, None)
    assert found["matches"][0] == {
        "path": "file:///p/%FF.jpg",
        "is_match": True,
        "cannot_tell": False,
        "stage": "sieve",
        "kind": None,
        "confidence": None,
        "similarity": 0.9877,
        "hamming": 3,
        "bytes": 1000,
        "width": 40,
        "height": 30,
    }
    assert (found["matches"][1]["is_match"], found["matches"][1]["stage"]) == (False, None)
    assert (failed["is_duplicate"], failed["matches"]) == (False, [])
    assert failed["error"] == "no such file: /gone.png"


def test_compare() -> None:
    comparison = Comparison(b"/a", b"/\xff", False, 3, 0.98765, Stage.SIEVE, "alike")
    document = read(json_report.compare_document(comparison, {"hamming": 10}))
    expected = {
        "schema": "neardup.compare/1",
        "parameters": {"hamming": 10},
        "a": "/a",
        "b": "file:///%FF",
        "is_duplicate": True,
        "stage": "sieve",
        "same_bytes": False,
        "hamming": 3,
        "similarity": 0.9877,
        "reason": "alike",
    }
    assert expected.items() <= document.items()
    other = read(json_report.compare_document(replace(comparison, stage=None, similarity=None), {}))
    assert (other["is_duplicate"], other["stage"], other["similarity"]) == (False, None, None)


def test_status() -> None:
    document = read(json_report.status_document(STATUS))
    assert document["schema"] == "neardup.status/1"
    assert parse_data_path(document["catalog"]) == b"/data/\xff catalog.db"
    assert (document["files"], document["missing"], document["bytes"]) == (3, 1, 12)
    assert document["last_scan"] == "2024-02-29T12:30:00Z"
    assert document["roots"] == [{"path": "file:///p/%FF", "files": 3, "bytes": 12, "online": False}]
    assert document["models"] == [
        {
            "name": "sscd",
            "fingerprint": "ab12",
            "dimension": 512,
            "preprocessing": "288",
            "vectors": 1,
            "regions": 0,
            "compared": 0,
            "index": "current",
        }
    ]
    assert read(json_report.status_document(replace(STATUS, last_scan=None)))["last_scan"] is None


def test_doctor() -> None:
    fine = Finding("database", ok=True)
    wrong = Finding("index of sscd", ok=False, detail="run --repair")
    document = read(json_report.doctor_document([fine, wrong]))
    assert (document["schema"], document["healthy"]) == ("neardup.doctor/1", False)
    assert document["findings"] == [
        {"check": "database", "ok": True, "detail": "", "repaired": False},
        {"check": "index of sscd", "ok": False, "detail": "run --repair", "repaired": False},
    ]
    assert read(json_report.doctor_document([fine]))["healthy"]


def test_documents_are_utf_8_that_no_terminal_obeys() -> None:
    names = "Zoë 🐈 \x00 \x1b[31m \x7f \x9b2J \u2028 \u202e \ud800 \udcff \ufeff"
    text = json_report.dump({"name": names})
    assert "Zoë 🐈" in text
    assert text.replace("\n", "").isprintable()
    assert json.loads(text) == {"name": names}
    assert "\n" not in json_report.dump({"name": [1, 2]}, one_line=True)
