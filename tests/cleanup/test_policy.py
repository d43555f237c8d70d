"""Which member of a group is kept, in words."""

from __future__ import annotations

from neardup_cli.cleanup.policy import why_kept
from neardup_cli.records import CatalogedFile, DuplicateGroup, FileStamp


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
