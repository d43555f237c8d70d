"""Which member of a group is kept, in words."""

from __future__ import annotations

from dataclasses import replace

from neardup_cli.choices import Kind
from neardup_cli.cleanup.policy import Candidate, ranked, surrounding, why_kept
from neardup_cli.plans import Policy
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import Alignment, DuplicateGroup, FileMatch, Stage


def file(name: str, side: int, size: int = 1000) -> CatalogedFile:
    digest = name.encode().ljust(32, b"\0")
    stamp = FileStamp(size, 10**18, 0, len(name))
    return CatalogedFile(b"/photos/" + name.encode(), stamp, 1, digest, side, side, "JPEG", None)


def group(*members: CatalogedFile, kept: frozenset[bytes] = frozenset()) -> DuplicateGroup:
    return DuplicateGroup("0" * 12, members[0].path, 0, members, (), kept)


def test_what_the_keeper_has_over_the_best_of_the_others() -> None:
    assert why_kept(group(file("a", 300), file("b", 100), file("c", 200))) == (
        "most pixels (300×300 against 200×200)"
    )
    assert why_kept(group(file("a", 300, 2000), file("b", 300))) == "most bytes (2,000 against 1,000)"


def test_a_person_has_the_last_word() -> None:
    small, large = file("a", 100), file("b", 300)
    assert why_kept(group(small, large, kept=frozenset({small.path}))) == "you said to keep it"


def test_a_keeper_that_is_not_the_best() -> None:
    """The better ones are copies of the keeper of another group, and no keeper is a copy."""
    assert why_kept(group(file("a", 100), file("b", 300))) == "what is better here is a copy in another group"


def test_what_contains_the_picture_is_not_kept_for_its_size() -> None:
    photo, collage = file("a", 300), file("b", 900)
    shown = Alignment(
        matched=True, reason="the pixels agree", inliers=9, transform=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        mirrored=False, agreement=0.9, content_a=1.0, content_b=0.2, coverage_a=1.0, coverage_b=0.2, tone=1.0,
        spread=1.0, kind=Kind.EMBEDDED,
    )  # fmt: skip
    match = FileMatch(photo.path, collage.path, Stage.GEOMETRY, 0.4, 30, shown)
    both = DuplicateGroup("0" * 12, photo.path, 0, (photo, collage), (match,))
    assert surrounding(both) == {collage.digest}
    assert why_kept(both) == "the picture itself, which the others only contain"
    order = ranked([Candidate(collage, surrounds=True), Candidate(photo)], Policy())
    assert [one.file for one in order] == [photo, collage]
    # Somebody who prefers its folder gets it.
    preferring = Policy(prefer=(b"/b",))
    moved = replace(collage, path=b"/b/collage.png")
    assert ranked([Candidate(photo), Candidate(moved, surrounds=True)], preferring)[0].file == moved
