"""Hand-written records for the reports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from neardup_cli.choices import Kind, Role
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import Alignment, DuplicateGroup, DupsReport, FileMatch, Stage

PHOTO = CatalogedFile(
    b"/p/a/photo.jpg", FileStamp(2_500_000, 0, 1, 10), 1, b"\xaa" * 32, 4000, 3000, "JPEG", None
)
COPY = replace(PHOTO, path=b'/p/b/line\nbreak, "quoted".jpg', stamp=FileStamp(2_500_000, 0, 1, 11))
SMALL = CatalogedFile(
    b"/p/b/not \xff utf-8.webp", FileStamp(40_960, 0, 1, 12), 2, b"\xbb" * 32, 400, 300, "WEBP", None
)
CROPPED = CatalogedFile(b"/p/b/cropped.png", FileStamp(900, 0, 1, 13), 3, b"\xcc" * 32, 200, 90, "PNG", None)


@pytest.fixture
def group() -> DuplicateGroup:
    """A photo, the same bytes again, a small one that the sieve found, and one that geometry found."""
    alignment = Alignment(
        matched=True,
        reason="the pixels agree",
        inliers=42,
        transform=((1.0, 0.0, 3.123456), (0.0, 1.0, -4.0)),
        mirrored=False,
        agreement=0.98765,
        content_a=1.0,
        content_b=0.5,
        coverage_a=0.9,
        coverage_b=0.25,
        tone=0.9,
        spread=0.8,
        kind=Kind.CROPPED,
        evidence=4.0,
    )
    matches = (
        FileMatch(PHOTO.path, COPY.path, Stage.EXACT, None, 0),
        FileMatch(PHOTO.path, SMALL.path, Stage.SIEVE, 0.98765, 3),
        FileMatch(SMALL.path, CROPPED.path, Stage.GEOMETRY, 0.25, 30, alignment),
    )
    return DuplicateGroup(
        "0123456789ab",
        PHOTO.path,
        2_500_000,
        (PHOTO, COPY, CROPPED, SMALL),
        matches,
        reason="the original: 4000×3000; the others are smaller or cropped",
        roles={SMALL.digest: Role.SMALLER, CROPPED.digest: Role.CROPPED},
        seen_in=(b"/p/\xff collage.png",),
        standing={PHOTO.digest: 0, SMALL.digest: 1, CROPPED.digest: 2},
        doubtful_bytes=41_860,
    )


@pytest.fixture
def report(group: DuplicateGroup) -> DupsReport:
    """A report of that group, the first of two."""
    parameters = {"model": "sscd", "threshold": 0.2, "hamming": 10, "similar_shots": False}
    parameters |= {"under": [b"/p", b"/\xff"], "limit": 1}
    summary = {
        "contents": 12,
        "embedded": 12,
        "groups": 2,
        "groups_shown": 1,
        "files": 6,
        "redundant_files": 2,
        "reclaimable_bytes": 2_999_999,
        "doubtful_files": 2,
        "doubtful_bytes": 41_860,
        "matches": {"exact": 1},
        "checked_pairs": 3,
        "pairs_not_needed": 0,
        "pairs_left_out": 0,
        "compared": 12,
        "crowded": 0,
        "similar_shots": 0,
        "seconds": 0.123456,
    }
    return DupsReport(parameters, (group,), summary)
