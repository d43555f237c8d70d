from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace

from neardup_cli.choices import Loss
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.records.proofs import Proof
from neardup_cli.reports.lines import csv_lines, jsonl_lines, pair_lines, redundant_paths
from tests.reports.conftest import CROPPED, SMALL


def parsed(lines: Iterable[str]) -> list[list[str]]:
    """Read lines as another program would, after each was written with a newline."""
    return list(csv.reader(io.StringIO("".join(line + "\n" for line in lines), newline="")))


def test_csv(group: DuplicateGroup) -> None:
    assert parsed(csv_lines([group])) == [
        ["group", "keep", "path", "bytes", "width", "height", "format", "content", "kind", "role"],
        ["0123456789ab", "yes", "/p/a/photo.jpg", "2500000", "4000", "3000", "JPEG", "aa" * 32, "", "kept"],
        [
            "0123456789ab",
            "no",
            '/p/b/line\nbreak, "quoted".jpg',
            "2500000",
            "4000",
            "3000",
            "JPEG",
            "aa" * 32,
            "exact",
            "copy",
        ],
        [
            "0123456789ab",
            "no",
            "/p/b/cropped.png",
            "900",
            "200",
            "90",
            "PNG",
            "cc" * 32,
            "cropped",
            "cropped",
        ],
        [
            "0123456789ab",
            "no",
            "file:///p/b/not%20%FF%20utf-8.webp",
            "40960",
            "400",
            "300",
            "WEBP",
            "bb" * 32,
            "",
            "smaller",
        ],
    ]


def test_csv_quotes_line_ends(group: DuplicateGroup) -> None:
    """A bare newline or return in a name, with nothing else in it that asks for quotes."""
    for name in (b"/p/line\nbreak.jpg", b"/p/line\rbreak.jpg"):
        member = replace(group.members[1], path=name)
        rows = parsed(csv_lines([replace(group, members=(group.members[0], member))]))
        assert [row[2] for row in rows] == ["path", "/p/a/photo.jpg", name.decode()]


def test_pairs(group: DuplicateGroup) -> None:
    odd = '/p/b/line\nbreak, "quoted".jpg'
    small = "file:///p/b/not%20%FF%20utf-8.webp"
    assert parsed(pair_lines([group])) == [
        ["group", "a", "b", "stage", "similarity", "hamming", "inliers", "agreement", "kind", "confidence"],
        [
            "0123456789ab",
            "/p/a/photo.jpg",
            odd,
            "exact",
            "",
            "0",
            "",
            "",
            "exact",
            "1.0",
        ],
        ["0123456789ab", "/p/a/photo.jpg", small, "sieve", "0.9877", "3", "", "", "", ""],
        [
            "0123456789ab",
            small,
            "/p/b/cropped.png",
            "geometry",
            "0.25",
            "30",
            "42",
            "0.9877",
            "cropped",
            "0.982",
        ],
    ]


def test_jsonl_is_one_line_a_group(group: DuplicateGroup) -> None:
    other = replace(group, id="ffffffffffff", keep="/p/\u2028.jpg".encode())
    lines = list(jsonl_lines([group, other]))
    assert all(len(line.splitlines()) == 1 for line in lines)
    documents = [json.loads(line) for line in lines]
    assert [document["id"] for document in documents] == ["0123456789ab", "ffffffffffff"]
    assert documents[1]["keep"] == "/p/\u2028.jpg"
    assert [member["bytes"] for member in documents[0]["members"]] == [2_500_000, 2_500_000, 900, 40_960]


def test_redundant_paths_are_raw_and_those_with_which_nothing_is_lost(group: DuplicateGroup) -> None:
    assert list(redundant_paths([group])) == [b'/p/b/line\nbreak, "quoted".jpg']
    proven = replace(group, proofs={SMALL.digest: Proof(), CROPPED.digest: Proof((Loss.AREA,))})
    assert list(redundant_paths([proven])) == [b'/p/b/line\nbreak, "quoted".jpg', b"/p/b/not \xff utf-8.webp"]
    unproven = replace(group, proofs={SMALL.digest: Proof(unproven="too large")})
    assert list(redundant_paths([unproven])) == [b'/p/b/line\nbreak, "quoted".jpg']


def test_what_a_person_keeps_is_not_redundant(group: DuplicateGroup) -> None:
    kept = replace(group, kept=frozenset([b"/p/b/cropped.png"]), proofs={CROPPED.digest: Proof()})
    assert list(redundant_paths([kept])) == [b'/p/b/line\nbreak, "quoted".jpg']
    assert [row[1] for row in parsed(csv_lines([kept]))] == ["keep", "yes", "no", "yes", "no"]


def test_nothing_found() -> None:
    assert list(jsonl_lines([])) == []
    assert list(redundant_paths([])) == []
    assert len(list(csv_lines([]))) == len(list(pair_lines([]))) == 1  # the heading
