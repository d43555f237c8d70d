"""What a group is found and sorted by: worked out once a snapshot, so that no request does."""

from __future__ import annotations

import os
from dataclasses import dataclass

from neardup_cli.choices import Kind
from neardup_cli.records.matches import DuplicateGroup, FileMatch
from neardup_cli.rules.totals import parted_group
from neardup_cli.rules.words import UNKNOWN_KIND

_HASH_BITS = 64


@dataclass(frozen=True, slots=True)
class GroupFacets:
    """A group and what lists ask of it.

    Attributes:
        kinds: of its matches, the strongest edit first.
        certainty: of its weakest match, in [0, 1].
        confident: whether there are copies that a clean-up would act upon unasked, and no others: each has
            the bytes of the file that stays, or an empty proof.
        folders: of its members.
    """

    group: DuplicateGroup
    files: int
    reclaimable_bytes: int
    kinds: tuple[str, ...]
    certainty: float
    confident: bool
    folders: frozenset[bytes]


def facets(group: DuplicateGroup) -> GroupFacets:
    """Work out the facets of a group."""
    kinds, parts = {match.kind for match in group.matches}, parted_group(group)
    return GroupFacets(
        group=group,
        files=len(group.members),
        reclaimable_bytes=group.reclaimable_bytes,
        kinds=tuple(kind.value for kind in Kind if kind in kinds)
        + ((UNKNOWN_KIND,) if None in kinds else ()),
        certainty=min((certainty(match) for match in group.matches), default=1.0),
        confident=bool(parts.certain) and not parts.doubtful,
        folders=frozenset(os.path.dirname(member.path) for member in group.members),
    )


def certainty(match: FileMatch) -> float:
    """Return how sure a match is: by similarity or equal bits where no pixels were compared."""
    if match.confidence is not None:
        return match.confidence
    if match.similarity is not None:
        return match.similarity
    return 1 - (match.hamming or 0) / _HASH_BITS
