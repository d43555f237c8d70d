from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.console import Console

from neardup_cli.choices import Loss
from neardup_cli.records.answers import QueryMatch, QueryResult
from neardup_cli.records.matches import DupsReport, Stage
from neardup_cli.records.proofs import Proof
from neardup_cli.reports.table import common_folder, print_dups, print_query


def drawn(draw: Callable[[Console], None], *, width: int = 100) -> list[str]:
    """Return the lines that a terminal would show, without colours."""
    stream = io.StringIO()
    draw(Console(file=stream, width=width, highlight=False))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_dups(report: DupsReport) -> None:
    below, heading, *rows, last = drawn(lambda console: print_dups(report, console))
    assert below == "Below /p:"
    assert heading.split() == ["Path", "Size", "Pixels", "Stage", "Sim.", "Conf.", "Kind", "Frees"]
    assert [row.split() for row in rows if row] == [
        ["group", "0123456789ab"],
        ["keep", "a/photo.jpg", "2.5", "MB", "4000×3000", "2.5", "MB"],
        ["copy", r"b/line\nbreak,", '"quoted".jpg', "2.5", "MB", "4000×3000", "exact", "1.000", "exact"],
        ["cropped", "b/cropped.png", "900", "B", "200×90", "geometry", "0.25", "0.982", "cropped"],
        ["smaller", "b/not", r"\xff", "utf-8.webp", "41.0", "KB", "400×300", "sieve", "0.98"],
    ]
    assert last == (
        "2 groups, 2 copies, 3.0 MB to free; 2 more files, 41.9 KB, to look at (the first 1 shown)"
    )


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_path_that_is_too_long_is_cut_in_its_middle(width: int, report: DupsReport) -> None:
    (group,) = report.groups
    long = replace(group.members[3], path=b"/p/b/" + b"a folder with a long name/" * 4 + b"0123456789.webp")
    members = (*group.members[:3], long)
    report = replace(report, groups=(replace(group, members=members),))
    lines = drawn(lambda console: print_dups(report, console), width=width)
    assert max(map(len, lines[:-2])) <= width
    (cut,) = [line for line in lines if "0123456789.webp" in line]
    assert "b/a f" in cut
    assert "…" in cut


def test_what_has_no_column_of_its_own_stands_beside_the_name_of_its_group(report: DupsReport) -> None:
    lines = drawn(lambda console: print_dups(report, console), width=50)
    assert "Frees" not in lines[1].split()
    assert lines[2].strip() == "group 0123456789ab: 2.5 MB to free"


def test_nothing_found(report: DupsReport) -> None:
    nothing = replace(report, groups=(), summary={**report.summary, "groups": 0})
    assert drawn(lambda console: print_dups(nothing, console)) == ["no copies among 12 pictures"]


@pytest.mark.parametrize("name", [b"[bold]a[red]", b":smile:", b"back\\", b"[nothing]", b"\x1b[31m"])
def test_names_are_never_markup(name: bytes, report: DupsReport) -> None:
    shown = name.decode().replace("\x1b", r"\x1b")
    folder = b"/" + name
    (group,) = report.groups
    members = tuple(replace(member, path=folder + b"/" + name) for member in group.members[:1])
    report = replace(report, groups=(replace(group, members=members, keep=members[0].path, matches=()),))
    lines = drawn(lambda console: print_dups(report, console))
    assert lines[0] == f"Below /{shown}:"
    assert shown in lines[3]
    results = [QueryResult(folder, error=f"no such file: {name.decode()}")]
    assert drawn(lambda console: print_query(results, console)) == [f"/{shown}", f"  no such file: {shown}"]


@pytest.mark.parametrize("width", [100, 60])
def test_what_was_proven_has_a_column_of_its_own(report: DupsReport, width: int) -> None:
    (group,) = report.groups
    proofs = {group.members[3].digest: Proof(), group.members[2].digest: Proof((Loss.AREA, Loss.TIME))}
    report = replace(report, groups=(replace(group, proofs=proofs),))
    lines = drawn(lambda console: print_dups(report, console), width=width)
    assert "Loses" in lines[1].split()
    assert ("Stage" in lines[1].split()) == (width == 100)
    (column,) = {lines[1].index("Loses")}
    said = [words for line in lines[2:-1] if (words := line[column : column + 12].strip())]
    assert "nothing" in said
    assert any(words.startswith("area") for words in said)


def test_query() -> None:
    match = QueryMatch(b"/p/a.jpg", Stage.GEOMETRY, 0.98765, 13, 40, 30, 1000)
    near = replace(match, path=b"/p/near.jpg", stage=None, similarity=None, hamming=None)
    results = [QueryResult(b"/q.png", (match, near)), QueryResult(b"/alone.png")]
    title, heading, *rows, _, alone, nothing = drawn(lambda console: print_query(results, console))
    assert title == "/q.png"
    assert heading.split() == ["Path", "Size", "Pixels", "Stage", "Sim.", "Bits", "Conf.", "Kind"]
    assert [row.split() for row in rows] == [
        ["match", "/p/a.jpg", "1.0", "KB", "40×30", "geometry", "0.98", "13"],
        ["near", "/p/near.jpg", "1.0", "KB", "40×30"],
    ]
    assert (alone, nothing) == ("/alone.png", "  nothing in the catalog resembles it")


def test_common_folder() -> None:
    assert common_folder([b"/p/a/1.jpg", b"/p/b/2.jpg"]) == b"/p"
    assert common_folder([b"/p/1.jpg", b"/p/2.jpg"]) == b"/p"
    assert common_folder([b"/p/1.jpg", b"/q/2.jpg"]) == b""
    assert common_folder([b"/1.jpg"]) == b""
