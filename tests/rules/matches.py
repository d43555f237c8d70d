"""Matches and files by hand, for the rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from neardup_cli.choices import Grouping, Kind
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import Alignment, PairMatch, Stage
from neardup_cli.rules.families import families
from neardup_cli.rules.groups import Circumstances, Grouped, build_groups, by_content, content_order

UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def aligned(
    kind: Kind,
    shares: tuple[float, float] = (1.0, 1.0),
    *,
    contents: tuple[float, float] | None = None,
    mirrored: bool = False,
) -> Alignment:
    """Return what geometry says of two images of which these shares of the area, and of the detail, match."""
    found = shares if contents is None else contents
    return Alignment(
        matched=True, reason="the pixels agree", inliers=9, transform=UPRIGHT, mirrored=mirrored,
        agreement=0.9, content_a=found[0], content_b=found[1], coverage_a=shares[0], coverage_b=shares[1],
        tone=1.0, spread=1.0, kind=kind, evidence=6.0,
    )  # fmt: skip


def match(
    a: int,
    b: int,
    kind: Kind,
    *,
    shares: tuple[float, float] = (1.0, 1.0),
    contents: tuple[float, float] | None = None,
    similarity: float = 0.9,
    mirrored: bool = False,
) -> PairMatch:
    """Return a match of two contents, the smaller id first."""
    found = aligned(kind, shares, contents=contents, mirrored=mirrored)
    return PairMatch(a, b, Stage.GEOMETRY, similarity, 9, found)


def file(
    path: bytes,
    content: int,
    size: tuple[int, int] = (400, 300),
    *,
    bytes_: int = 1000,
    mtime: int = 0,
    device: int = 1,
    kind: str = "JPEG",
    year: int | None = None,
    damage: str = "",
) -> CatalogedFile:
    """Return a file; `mtime` in seconds."""
    stamp = FileStamp(bytes_, mtime * 10**9, device, int.from_bytes(path[-6:]))
    taken = None if year is None else datetime(year, 1, 1)
    return CatalogedFile(path, stamp, content, content.to_bytes(32), *size, kind, taken, damage)


def grouped(
    files: Sequence[CatalogedFile],
    pairs: Sequence[PairMatch],
    *,
    grouping: Grouping = Grouping.COHERENT,
    different: Collection[tuple[int, int]] = (),
    circumstances: Circumstances | None = None,
) -> Grouped:
    """Make groups of files, which come in the order of their contents, as `dups` does."""
    held = by_content(files)
    there = [pair for pair in pairs if (pair.a, pair.b) not in different]
    found = families(content_order(held), there, grouping=grouping, different=different)
    return build_groups(held, found, there, circumstances)
