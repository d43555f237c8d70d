from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch, Stage
from neardup_cli.reports.html import (
    MARK,
    Album,
    Presence,
    Thumbnail,
    files_by_content,
    page_chunks,
    page_document,
)

MADE = datetime(2026, 11, 22, 23, 45)
HOSTILE = (
    b'/p/"><script>alert(1)</script>.jpg',
    b"/p/</script><script>alert(2)</script>.jpg",
    b"/p/<!--<script>.jpg",
    b"/p/{{data}}{{thumbnails}}.jpg",
    b"/p/&lt;img src=x onerror=alert(3)&gt;.jpg",
    b"/p/line\nbreak\r\n\x00\x1b[31m.jpg",
    "/p/gpj.\u202egnp.exe \u2066\u200f.jpg".encode(),
    "/p/\u2028\u2029.jpg".encode(),
    b"/p/\xff\xfe not utf-8.jpg",
    b"/p/javascript:alert(4).jpg",
    b"/p/\\u003cscript>.jpg",
)


@dataclass
class Page(HTMLParser):
    """What a browser would find in a page."""

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    blocks: dict[str, str] = field(default_factory=dict)
    _open: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag in ("script", "style"):
            self._open = dict(attrs).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.blocks[self._open] = self.blocks.get(self._open, "") + data


def page_of(report: DupsReport, thumbnails: Sequence[Thumbnail] | None = None) -> str:
    album = album_of(report)
    if thumbnails is None:
        thumbnails = [Thumbnail(b"webp%d" % number) for number in files_by_content(report.groups)]
    return b"".join(page_chunks(album, thumbnails)).decode("utf-8")


def album_of(report: DupsReport) -> Album:
    members = [member.path for group in report.groups for member in group.members]
    return Album(report, dict.fromkeys(members, Presence.SAME), MADE, "1.2.3")


def parsed(page: str) -> Page:
    found = Page()
    found.feed(page)
    found.close()
    return found


def named(report: DupsReport, *paths: bytes) -> DupsReport:
    """The report with one group of files that have these names."""
    stamp = FileStamp(10, 0, 1, 0)
    members = tuple(
        CatalogedFile(path, replace(stamp, inode=row), row, b"\xaa" * 32, 10, 10, "PNG", None)
        for row, path in enumerate(paths)
    )
    matches = tuple(FileMatch(paths[0], path, Stage.SIEVE, None, 3) for path in paths[1:])
    return replace(report, groups=(DuplicateGroup("0" * 12, paths[0], 10, members, matches),))


def uri(document: dict[str, Any], member: dict[str, Any]) -> bytes:
    """The path that the page's script would make of a member."""
    if "uri" in member:
        return unquote_to_bytes(str(member["uri"]).removeprefix("file://"))
    folder = document["folders"][member["folder"]]
    return os.fsencode(f"{'' if folder == '/' else folder}/{member['name']}")


def test_the_document_has_what_the_page_shows(report: DupsReport) -> None:
    document = page_document(album_of(report))
    (group,) = document["groups"]
    photo, copy, cropped, small = group["members"]
    assert document["schema"] == "neardup.report/1"
    assert document["made"] == "2026-11-22 23:45"
    assert document["summary"].startswith("2 groups, 2 copies")
    assert document["notes"] == ["model sscd, threshold 0.2, hamming 10, under /p, under /\\xff"]
    assert (document["base"], document["folders"]) == ("/p", ["/p/a", "/p/b"])
    assert (group["id"], group["frees"], group["why"]) == (
        "0123456789ab",
        2_500_000,
        "the original: 4000×3000; the others are smaller or cropped",
    )
    assert (photo["name"], photo["folder"], photo["bytes"], photo["match"]) == (
        "photo.jpg",
        0,
        2_500_000,
        None,
    )
    assert (photo["width"], photo["height"], photo["format"]) == (4000, 3000, "JPEG")
    assert copy["name"] == 'line\\nbreak, "quoted".jpg'
    assert copy["thumbnail"] == photo["thumbnail"] == 0  # the same bytes, the same picture
    assert [member["thumbnail"] for member in (cropped, small)] == [1, 2]
    assert sum(member["frees"] for member in group["members"]) == group["frees"] + group["may_free"]
    assert [(member["role"], member["losses"]) for member in group["members"]] == [
        ("kept", []),
        ("copy", []),
        ("cropped", None),
        ("smaller", None),
    ]
    assert group["seen_in"] == ["/p/\\xff collage.png"]
    tie = group["matches"][small["match"]]
    assert (tie["a"], tie["b"], tie["stage"], tie["similarity"]) == (0, 3, "sieve", 0.9877)
    tie = group["matches"][cropped["match"]]
    assert (tie["stage"], tie["hamming"], tie["agreement"], tie["kind"]) == (
        "geometry",
        30,
        0.99,
        "cropped",
    )
    assert group["matches"][copy["match"]]["kind"] == "exact"


def test_hard_links_and_what_was_said_to_stay_free_nothing(report: DupsReport, group: DuplicateGroup) -> None:
    keeper, copy, cropped, small = group.members
    link = replace(copy, stamp=keeper.stamp)
    twin = replace(cropped, path=b"/p/b/twin.png")
    changed = replace(
        group,
        members=(keeper, link, cropped, small, twin),
        kept=frozenset({small.path}),
        matches=group.matches,
    )
    (shown,) = page_document(album_of(replace(report, groups=(changed,))))["groups"]
    assert [member["frees"] for member in shown["members"]] == [0, 0, 900, 0, 0]
    assert [member["said_to_keep"] for member in shown["members"]] == [False, False, False, True, False]


def test_what_could_not_be_looked_at_is_said(report: DupsReport) -> None:
    left_out = replace(report, summary={**report.summary, "pairs_left_out": 7})
    assert "7 doubtful pairs" in page_document(album_of(left_out))["notes"][1]


def test_no_groups(report: DupsReport) -> None:
    found = parsed(page_of(replace(report, groups=(), summary={**report.summary, "groups": 0})))
    assert json.loads(found.blocks["data"])["groups"] == []
    assert not [name for name in found.blocks if name.startswith("thumbnails")]


def test_a_report_is_known_by_its_beginning(report: DupsReport) -> None:
    assert page_of(report).encode().startswith(MARK)


def test_the_page_asks_nobody_for_anything(report: DupsReport) -> None:
    page = page_of(report)
    found = parsed(page)
    loading = [
        (tag, value) for tag, name, value in found.attributes if name in ("src", "href", "action", "data")
    ]
    assert loading == [("link", "data:,"), ("a", "#groups")]
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|WebSocket|innerHTML|eval\(", page)


def test_the_policy_lets_this_script_run_and_nothing_else(report: DupsReport) -> None:
    found = parsed(page_of(report))
    (policy,) = [value for tag, name, value in found.attributes if value.startswith("default-src")]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert (rules["default-src"], rules["img-src"]) == ("'none'", "data:")
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(found.blocks[name].encode()).digest()).decode()
        assert rules[f"{name}-src"] == f"'sha256-{digest}'"


def test_hostile_names_are_data_and_nothing_else(report: DupsReport) -> None:
    plain = parsed(page_of(named(report, *(b"/p/%d.jpg" % row for row in range(len(HOSTILE))))))
    page = page_of(named(report, *HOSTILE))
    hostile = parsed(page)
    assert hostile.tags == plain.tags
    assert [(tag, name) for tag, name, _ in hostile.attributes] == [
        (tag, name) for tag, name, _ in plain.attributes
    ]
    assert page.replace("\n", "").isprintable()
    document = json.loads(hostile.blocks["data"])
    members = document["groups"][0]["members"]
    assert [uri(document, member) for member in members] == list(HOSTILE)
    assert all(member["name"].isprintable() for member in members)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # the report never changes
@given(names=st.lists(st.binary(min_size=1, max_size=30), min_size=2, max_size=4, unique=True))
def test_any_name(report: DupsReport, names: list[bytes]) -> None:
    paths = [b"/f\xff/" + name.replace(b"/", b"-") + b".%d" % row for row, name in enumerate(names)]
    page = page_of(named(report, *paths))
    found = parsed(page)
    assert found.tags.count("script") == 3  # data, program, thumbnails
    document = json.loads(found.blocks["data"])
    assert [uri(document, member) for member in document["groups"][0]["members"]] == paths
    assert page.replace("\n", "").isprintable()


def test_thumbnails_stand_in_blocks_a_line_each(report: DupsReport) -> None:
    paths = [b"/p/%d.jpg" % row for row in range(130)]
    pictures = [Thumbnail(b"picture %d" % row) for row in range(129)]
    found = parsed(page_of(named(report, *paths), [*pictures, Thumbnail(reason="gone: </script>\n\x1b")]))
    a_block = json.loads(found.blocks["data"])["thumbnails_a_block"]
    blocks = [found.blocks[f"thumbnails-{number}"].strip().split("\n") for number in range(3)]
    assert [len(lines) for lines in blocks] == [a_block, a_block, 130 - 2 * a_block]
    lines = [line for block in blocks for line in block]
    assert [base64.b64decode(line) for line in lines[:-1]] == [picture.webp for picture in pictures]
    assert lines[-1][0] == "!"
    assert base64.b64decode(lines[-1][1:]) == b"gone: </script>\\n\\x1b"


def test_thumbnails_are_drawn_only_as_they_are_written(report: DupsReport) -> None:
    """A report of a million pictures does not hold them in memory."""
    taken = 0

    def thumbnails() -> Any:
        nonlocal taken
        for _ in range(200):
            taken += 1
            yield Thumbnail(b"webp")

    chunks = page_chunks(album_of(named(report, *(b"/p/%d.jpg" % row for row in range(200)))), thumbnails())
    assert [len(next(chunks)) > 0 for _ in range(2)] == [True, True]
    assert taken == 0
    next(chunks)
    assert 0 < taken < 200


@pytest.mark.parametrize("word", ["gone", "changed"])
def test_absent_files_are_marked(report: DupsReport, group: DuplicateGroup, word: str) -> None:
    album = replace(album_of(report), presence={file.path: Presence(word) for file in group.members})
    (shown,) = page_document(album)["groups"]
    assert {member["presence"] for member in shown["members"]} == {word}
