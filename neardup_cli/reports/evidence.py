"""Why each member is in its group, in a word and a number."""

from __future__ import annotations

from neardup_cli.records.matches import DuplicateGroup, FileMatch, Stage

_STRENGTH = {Stage.EXACT: 2, Stage.SIEVE: 1, Stage.VERIFIER: 1, Stage.GEOMETRY: 0}


def evidence(group: DuplicateGroup) -> dict[bytes, FileMatch]:
    """Return for each member but the keeper the match that ties it to the group.

    That is its match with the keeper where there is one, else its strongest with another member.
    """
    best: dict[bytes, FileMatch] = {}
    for match in group.matches:
        for path in (match.a, match.b):
            held = best.get(path)
            if held is None or _rank(match, group.keep) > _rank(held, group.keep):
                best[path] = match
    best.pop(group.keep, None)
    return best


def weakest_link(group: DuplicateGroup) -> FileMatch:
    """Return, of the matches that tie the members to the group, the one with the least evidence."""
    return min(evidence(group).values(), key=lambda match: (*_strength(match), match.a, match.b))


def shown_kind(match: FileMatch | None) -> str:
    """Return what happened in a word; nothing where nobody has looked at the pixels."""
    return "" if match is None or match.kind is None else match.kind.value


def _rank(match: FileMatch, keeper: bytes) -> tuple[bool, int, float]:
    return keeper in (match.a, match.b), *_strength(match)


def _strength(match: FileMatch) -> tuple[int, float]:
    return _STRENGTH[match.stage], 1.0 if match.similarity is None else match.similarity
