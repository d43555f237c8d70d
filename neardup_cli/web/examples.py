"""What the API's answers look like, for the OpenAPI document: a photograph, and a screenshot of it."""

from __future__ import annotations

from typing import Any

type Document = dict[str, Any]

FOLDER = "/home/me/Photos/2024"
ORIGINAL = "/home/me/Photos/2024/IMG_4039.jpg"
SCREENSHOT = "/home/me/Photos/phone/Screenshot_4039.png"
GROUP_ID = "0d65d3cf7a21"
PLAN_DIGEST = "4f" * 16

_DIGESTS = {ORIGINAL: "5b" * 32, SCREENSHOT: "c1" * 32}
_WHEN = "2024-05-01T08:20:31Z"

_ALIGNED: Document = {
    "kind": "embedded",
    "inliers": 148,
    "agreement": 0.97,
    "coverage": [1.0, 0.29],
    "mirrored": False,
    "transform": [[0.58, 0.0, 22.4], [0.0, 0.58, 71.9]],
}


def _member(path: str, size: int, width: int, height: int, kind: str, taken: str | None) -> Document:
    return {
        "path": path,
        "bytes": size,
        "width": width,
        "height": height,
        "format": kind,
        "content": _DIGESTS[path],
        "captured_at": taken,
        "modified_at": _WHEN,
        "kept": False,
    }


_MEMBERS = [
    _member(ORIGINAL, 74_500, 960, 720, "JPEG", "2024-05-01T10:20:31"),
    _member(SCREENSHOT, 218_000, 540, 1080, "PNG", None),
]

_MATCH: Document = {
    **_ALIGNED,
    "a": ORIGINAL,
    "b": SCREENSHOT,
    "stage": "geometry",
    "confidence": 0.9984,
    "similarity": 0.49,
    "hamming": 21,
    "reason": "Shown inside another picture: laid on each other, 97% of the detail agrees, SSCD 0.49.",
}

GROUP_SUMMARY: Document = {
    "id": GROUP_ID,
    "keep": ORIGINAL,
    "reclaimable_bytes": 218_000,
    "files": 2,
    "kinds": ["embedded"],
    "certainty": 0.9984,
    "confident": False,
    "sample": _MEMBERS,
}

GROUP_PAGE: Document = {"version": 3, "updating": False, "total": 11, "offset": 0, "groups": [GROUP_SUMMARY]}

GROUP: Document = {
    "id": GROUP_ID,
    "keep": ORIGINAL,
    "reclaimable_bytes": 218_000,
    "members": _MEMBERS,
    "weakest": _MATCH,
    "matches": [_MATCH],
    "kinds": ["embedded"],
    "confident": False,
    "keep_reason": "most pixels (960×720 against 540×1080)",
}

COMPARISON: Document = {
    **_ALIGNED,
    "schema": "neardup.explain/1",
    "a": "upload",
    "b": SCREENSHOT,
    "is_duplicate": True,
    "stage": "geometry",
    "same_bytes": False,
    "hamming": 21,
    "confidence": 0.9984,
    "similarity": 0.49,
    "reason": "the pixels agree",
    "edits": ["embedded", "resized"],
    "sentence": "Shown inside another picture, on 29% of its area; resized to 56%.",
    "numbers": {"scale": 0.56, "part_of_b": 0.29, "mirrored": False},
    "outline": [[0.0, 0.22], [1.0, 0.22], [1.0, 0.59], [0.0, 0.59]],
}

_CANDIDATE: Document = {
    **_ALIGNED,
    "path": SCREENSHOT,
    "is_match": True,
    "cannot_tell": False,
    "stage": "geometry",
    "confidence": 0.9984,
    "similarity": 0.49,
    "hamming": 21,
    "bytes": 218_000,
    "width": 540,
    "height": 1080,
    "reason": _MATCH["reason"],
}

DETECTION: Document = {
    "schema": "neardup.detect/1",
    "is_duplicate": True,
    "cannot_tell": False,
    "stage": "verifier",
    "match": _CANDIDATE,
    "sieve_matches": [],
    "verifier_matches": [_CANDIDATE],
    "neighbours": [],
    "explanation": None,
}

PROGRESS: Document = {"task": "Reading", "done": 120, "total": 4000}

STATS: Document = {
    "files": 48_210,
    "bytes": 182_400_000_000,
    "missing": 12,
    "contents": 45_003,
    "unreadable": 3,
    "model": "sscd_distilled",
    "last_scan": "2024-05-02T19:03:11Z",
    "roots": [{"path": "/home/me/Photos", "files": 48_210, "bytes": 182_400_000_000, "online": True}],
    "groups": 1_204,
    "redundant_files": 2_871,
    "reclaimable_bytes": 9_700_000_000,
    "kinds": {"exact": 640, "resized": 312, "embedded": 41},
    "version": 3,
    "updating": False,
    "error": None,
}

DECISIONS: Document = {
    "schema": "neardup.ignored/1",
    "decisions": [
        {
            "id": 7,
            "ruling": "keep",
            "decided_at": _WHEN,
            "contents": [{"content": _DIGESTS[SCREENSHOT], "paths": [SCREENSHOT]}],
        }
    ],
}


def _planned(path: str, size: int) -> Document:
    return {"path": path, "bytes": size, "mtime_ns": 1_714_551_631_000_000_000, "content": _DIGESTS[path]}


_POLICY: Document = {
    "keep": ["metadata", "resolution", "oldest", "shortest-path", "companions"],
    "prefer": [],
    "protect": [],
    "only": ["embedded", "exact", "overlay", "re-encoded", "resized", "same-pixels"],
    "accept": ["content"],
    "across_drives": False,
    "carry_metadata": False,
    "min_copies": 1,
    "min_disks": 1,
}

PLAN_RULES: Document = {
    "losses": [{"word": "area", "means": "it shows more of the scene", "kinds": ["cropped"]}],
    "keep": ["resolution", "oldest"],
    "kinds": [{"word": "exact", "means": "The same bytes"}],
    "usual": _POLICY,
}

PLAN_PAGE: Document = {
    "schema": "neardup.plan/1",
    "plan": PLAN_DIGEST,
    "action": "trash",
    "only": _POLICY["only"],
    "policy": _POLICY,
    "offset": 0,
    "groups": [
        {
            "id": GROUP_ID,
            "keep": _planned(ORIGINAL, 74_500),
            "reason": GROUP["keep_reason"],
            "acts": [
                {
                    **_planned(SCREENSHOT, 218_000),
                    "kind": "embedded",
                    "target": None,
                    "frees": 218_000,
                    "companions": [],
                    "warnings": [],
                    "losses": ["content"],
                }
            ],
            "left": [],
        }
    ],
    "undecided": [],
    "summary": {"groups": 1, "acts": 1, "left": 0, "frees": 218_000},
}

OUTCOME: Document = {
    "schema": "neardup.clean/1",
    "batch": 1,
    "action": "trash",
    "done": 1,
    "bytes": 218_000,
    "refused": [],
    "left": 0,
}

BATCHES: Document = {
    "schema": "neardup.batches/1",
    "batches": [
        {
            "batch": 1,
            "action": "trash",
            "state": "applied",
            "started_at": _WHEN,
            "to": None,
            "files": {"done": 1},
            "bytes": 218_000,
            "undoable": True,
        }
    ],
}
