"""Copies as the issue columns of CleanVision and of cleanlab's Datalab, which tools for data sets understand.

A score is the quality of an image in [0, 1], as theirs: 1 for one without a copy, 0 for one with the same
bytes as another, and else what is left of the confidence of its match. An image has an issue if it has a
copy, the one that stays too; `is_kept` tells which that is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from neardup_cli.records.rows import ImageRow, PairRow


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An image and its issues; `near_duplicate_sets` are the places of its copies among the rows."""

    path: str
    is_exact_duplicates_issue: bool
    exact_duplicates_score: float
    is_near_duplicates_issue: bool
    near_duplicates_score: float
    is_near_duplicate_issue: bool
    near_duplicate_score: float
    near_duplicate_sets: tuple[int, ...]
    distance_to_nearest_neighbor: float | None
    is_kept: bool


def issue_rows(images: Sequence[ImageRow[str]], pairs: Iterable[PairRow[str]]) -> Iterator[IssueRow]:
    """Yield a row an image, in their order."""
    exact, near, nearest = _by_image(images, pairs)
    place_of = {row.id: place for place, row in enumerate(images)}
    for row in images:
        similar = near.get(row.id, {})
        copies = exact.get(row.id, set()) | similar.keys()
        score = 1 - max(similar.values(), default=0.0)
        yield IssueRow(
            path=row.id,
            is_exact_duplicates_issue=row.id in exact,
            exact_duplicates_score=float(row.id not in exact),
            is_near_duplicates_issue=bool(similar),
            near_duplicates_score=score,
            is_near_duplicate_issue=bool(copies),
            near_duplicate_score=0.0 if row.id in exact else score,
            near_duplicate_sets=tuple(sorted(place_of[copy] for copy in copies if copy in place_of)),
            distance_to_nearest_neighbor=nearest.get(row.id),
            is_kept=row.keep,
        )


def _by_image(
    images: Sequence[ImageRow[str]], pairs: Iterable[PairRow[str]]
) -> tuple[dict[str, set[str]], dict[str, dict[str, float]], dict[str, float]]:
    """Return the images of the same bytes, how sure other copies are, and the distance to the nearest."""
    by_content: dict[str, list[str]] = {}
    for row in images:
        if row.content is not None:
            by_content.setdefault(row.content, []).append(row.id)
    content_of = {row.id: row.content for row in images}
    exact = {one: set(same) - {one} for same in by_content.values() if len(same) > 1 for one in same}
    nearest = dict.fromkeys(exact, 0.0)
    near: dict[str, dict[str, float]] = {}
    for pair in pairs:
        a, b = content_of.get(pair.a), content_of.get(pair.b)
        if a is None or b is None or a == b:
            continue
        confidence = 1.0 if pair.confidence is None else pair.confidence
        for one in by_content[a]:
            for other in by_content[b]:
                for here, there in ((one, other), (other, one)):
                    known = near.setdefault(here, {})
                    known[there] = max(confidence, known.get(there, 0.0))
                    if pair.similarity is not None:
                        distance = max(0.0, 1 - pair.similarity)
                        nearest[here] = min(distance, nearest.get(here, distance))
    return exact, near, nearest
