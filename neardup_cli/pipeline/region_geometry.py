"""The third stage for pairs that a region proposes: the part that looks like the other picture, enlarged.

The whole pictures come first (`geometry.py`). What they do not settle is asked once more here, of the region
that is most similar to the other picture. Alignments are stored beside those on whole pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np
from PIL import Image

from neardup_cli.catalog import neighbours, regions
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.catalog.verdicts import IdPair, stored_verdicts
from neardup_cli.embedders.regions import region_box
from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import DecodedImage
from neardup_cli.matching import affine
from neardup_cli.matching.explain import Subject
from neardup_cli.matching.features import FEATURE_SIDE, LocalFeatures
from neardup_cli.matching.part import PART_VERSION, Part, verify_part
from neardup_cli.matching.regions import RegionPairs
from neardup_cli.pipeline.geometry import (
    Checked,
    Laid,
    Reader,
    algorithm_name,
    features_of,
    in_chunks,
    store_as_they_come,
    subject_of,
)
from neardup_cli.pipeline.picture import Cache
from neardup_cli.progress import Progress
from neardup_cli.records.matches import Alignment
from neardup_cli.rules.confidence import settled

_CACHED = 500  # pictures and parts, about 400 KB each
_MOST_ENLARGED = 4.0  # a part of 100 pixels has nothing more to show


class Sight(NamedTuple):
    """What is seen where: a region of the content `owner` looks like the whole of the content `other`."""

    owner: int
    other: int

    @property
    def pair(self) -> IdPair:
        """The two, the smaller id first."""
        return min(self), max(self)


type _Task = tuple[Sight, int]
"""A sight and the region of its owner that is most similar to the other picture."""


def settle_by_regions(
    catalog: Catalog,
    model: StoredModel,
    verdicts: Mapping[IdPair, Alignment],
    seen: RegionPairs,
    *,
    least: float,
    workers: int,
    watch: Progress,
) -> tuple[dict[IdPair, Alignment], set[IdPair]]:
    """Look once more at the pairs that do not match, where a region of one looks like the other.

    Returns:
        All `verdicts` (of the whole pictures), those by regions in the place of the others where they match;
        and the pairs of which a region should have been looked at, and cannot be read any more.
    """
    unsettled = {pair for pair, alignment in verdicts.items() if not alignment.matched}
    sights = [
        sight for sight in map(Sight, seen.owners.tolist(), seen.others.tolist()) if sight.pair in unsettled
    ]
    found = decide_by_regions(
        catalog,
        model,
        sights,
        least=least,
        workers=workers,
        watch=watch,
    )
    matched = {pair: alignment for pair, alignment in found.items() if alignment.matched}
    return {**verdicts, **matched}, {sight.pair for sight in sights} - found.keys()


def decide_by_regions(
    catalog: Catalog,
    model: StoredModel,
    sights: Sequence[Sight],
    *,
    least: float,
    workers: int,
    watch: Progress,
) -> dict[IdPair, Alignment]:
    """Return the alignment on each pair of contents, as `geometry.decide_pairs` does.

    A pair in which both pictures have a region like the other one is looked at from one side first, and from
    the other side only if that does not convince.
    """
    decided: dict[IdPair, Alignment] = {}
    for side, of_first in (("a", True), ("b", False)):
        algorithm = f"{algorithm_name()}-part-{PART_VERSION}{side}"
        matched = {pair for pair, alignment in decided.items() if alignment.matched}
        some = [
            sight for sight in sights if (sight.owner < sight.other) is of_first and sight.pair not in matched
        ]
        with catalog.read() as connection:
            known = stored_verdicts(connection, [sight.pair for sight in some], algorithm)
        tasks = _tasks(catalog, model, [sight for sight in some if sight.pair not in known])
        if tasks:
            watch.start("Checking regions", len(tasks))
            reader = Reader(catalog, [sight.pair for sight, _ in tasks])
            results = in_chunks(_Checker(reader), tasks, workers)
            known |= store_as_they_come(catalog, results, algorithm, watch)
            reader.holdings.store()
        decided |= {pair: settled(alignment, least) for pair, alignment in known.items()}
    return decided


def part_of(image: DecodedImage, region: int) -> Part:
    """Cut a region out of a picture and bring it to the size that geometry is tuned for."""
    whole = features_of(image)
    left, top, right, bottom = region_box(region, image.luma.size)
    scale = min(FEATURE_SIDE / max(right - left, bottom - top), _MOST_ENLARGED)
    width, height = (max(1, round(scale * length)) for length in (right - left, bottom - top))
    resampling = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    pixels = image.luma.resize((width, height), resampling, box=(left, top, right, bottom))
    to_image = affine.scaling((right - left) / width, (bottom - top) / height)
    to_image[:, 2] += left, top
    shrunk = affine.scaling(whole.size[0] / image.luma.width, whole.size[1] / image.luma.height)
    features = LocalFeatures(np.ascontiguousarray(np.asarray(pixels)))
    return Part(features, whole, affine.compose(shrunk, to_image))


def _part_of_content(reader: Reader, content: int, region: int) -> tuple[Part, bool]:
    """Cut a region out of a content; from its preview, which is said too, where it is away itself."""
    try:
        return part_of(reader.original(content), region), True
    except UnreadableImage:
        return part_of(reader.decoded(content, colour=False), region), False


def _tasks(catalog: Catalog, model: StoredModel, sights: Sequence[Sight]) -> list[_Task]:
    """Look up which region it was; those of one picture come together."""
    others: dict[int, list[int]] = {}
    for sight in sorted(sights):
        others.setdefault(sight.owner, []).append(sight.other)
    tasks: list[_Task] = []
    with catalog.read() as connection:
        for page in regions.regions_of(connection, model, list(others)):
            for owner, parts in zip(page.ids.tolist(), page.vectors.astype(np.float32), strict=True):
                for whole in neighbours.vectors_of(connection, model, others[owner]):
                    best = (whole.vectors.astype(np.float32) @ parts.T).argmax(axis=1)
                    tasks += zip(map(Sight, repeat(owner), whole.ids.tolist()), best.tolist(), strict=False)
    return sorted(tasks)


class _Checker:
    """Verifies a chunk of pairs by the regions; one for all workers."""

    def __init__(self, reader: Reader) -> None:
        self._holdings = reader.holdings
        self._whole = Cache[int, LocalFeatures](
            lambda content: features_of(reader.decoded(content, colour=False)), _CACHED
        )
        self._parts = Cache[tuple[int, int], tuple[Part, bool]](
            lambda place: _part_of_content(reader, *place), _CACHED
        )
        self._subjects = Cache[int, Subject](
            lambda content: subject_of(reader.decoded(content, colour=True)), _CACHED
        )

    def __call__(self, tasks: Sequence[_Task]) -> list[Checked]:
        return [(sight.pair, self._check(sight, region)) for sight, region in tasks]

    def _check(self, sight: Sight, region: int) -> Alignment | None:
        owner, other = sight
        try:
            part, is_original = self._parts[owner, region]
            alignment = verify_part(part, self._whole[other])
            if not alignment.matched and not is_original:
                return None  # there may be more to see than its preview shows
            laid = Laid.of(
                alignment,
                lambda: (self._subjects[owner], self._subjects[other]),
                lambda: (self._holdings[owner], self._holdings[other]),
            )
        except UnreadableImage:
            return None
        return (laid if owner < other else laid.turned_round()).alignment
