"""Choosing settings from labelled pairs: arrays in, the setting of each dial with its intervals out.

There are three ways to decide, each with a dial: the Hamming radius where hashes decide alone, the similarity
where SSCD decides alone, and the similarity from which geometry is asked, with the preset of its limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.metrics import (
    Flags,
    Floats,
    Interval,
    Quality,
    next_interval,
    quality,
    share_interval,
)

FLOOR = 0.15
"""Similarity from which pairs are looked at in tuning: a little below the lowest useful threshold."""

WIDEST_RADIUS = 16
"""Bits; beyond them hashes are wrong two times of three."""

_STEP = 0.005
_BITS = 64


class Dial(StrEnum):
    """What can be turned."""

    HAMMING = "hamming"
    PLAIN = "threshold (SSCD alone)"
    FUNNEL = "threshold (with geometry)"


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pairs of which it is known whether they are copies, as parallel arrays of length n.

    Attributes:
        similarity: cosine, NaN where there is none.
        hamming: differing bits; 64 for flat pictures, which the sieve never proposes.
        matched: by preset, whether the funnel called the pair a copy with the threshold at `FLOOR`.
        true: whether it is one.
        cluster: which photograph it is about.
        missed: clusters of the true pairs that no stage proposed, and that no setting can find.
    """

    similarity: Floats
    hamming: NDArray[np.int64]
    matched: Mapping[str, Flags]
    true: Flags
    cluster: NDArray[np.int64]
    missed: NDArray[np.int64]

    @property
    def positives(self) -> int:
        """How many true pairs there are."""
        return int(np.count_nonzero(self.true)) + len(self.missed)

    def of_clusters(self, wanted: NDArray[np.int64]) -> Labelled:
        """Return what is about some photographs."""
        kept = np.isin(self.cluster, wanted)
        return Labelled(
            self.similarity[kept],
            self.hamming[kept],
            {preset: flags[kept] for preset, flags in self.matched.items()},
            self.true[kept],
            self.cluster[kept],
            self.missed[np.isin(self.missed, wanted)],
        )


class Point(NamedTuple):
    """What one setting of a dial reaches."""

    setting: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """A dial, where to set it, and what that reaches.

    Attributes:
        preset: of the geometric stage, "" for the other dials.
        setting: the widest that reaches the wanted precision; None where none does.
        quality: at that setting.
        precision: where the precision of as many other photographs of the kind will lie.
        recall: where the true recall lies.
        curve: all settings, the strictest first.
    """

    dial: Dial
    preset: str
    setting: float | None
    quality: Quality
    precision: Interval
    recall: Interval
    curve: tuple[Point, ...]


def tune_dials(pairs: Labelled, wanted: float, *, seed: int = 0) -> list[Tuned]:
    """Set each dial as wide as the wanted precision allows; of the presets, the one that finds most.

    Args:
        pairs: labelled, some true and some not.
        wanted: precision in (0, 1].
        seed: of the bootstrap.

    Raises:
        BadInput: there is no true pair, or no false one to be wrong about.
    """
    if not pairs.positives or bool(pairs.true.all()):
        raise BadInput("tuning needs pairs that are copies and pairs that are not")
    tuned = [_tune(pairs, Dial.HAMMING, "", wanted, seed)]
    if np.isnan(pairs.similarity).all():
        return tuned
    tuned.append(_tune(pairs, Dial.PLAIN, "", wanted, seed))
    presets = [_tune(pairs, Dial.FUNNEL, preset, wanted, seed) for preset in pairs.matched]
    reached = [one for one in presets if one.setting is not None]
    if reached or presets:
        tuned.append(max(reached or presets, key=lambda one: (one.quality.recall, one.quality.precision)))
    return tuned


def answered(pairs: Labelled, dial: Dial, preset: str, setting: float) -> Flags:
    """Return which pairs a setting calls copies."""
    if dial is Dial.HAMMING:
        near: Flags = pairs.hamming <= setting
        return near
    similar: Flags = np.nan_to_num(pairs.similarity, nan=-1.0) >= setting
    return similar if dial is Dial.PLAIN else similar & pairs.matched[preset]


def quality_at(pairs: Labelled, dial: Dial, preset: str, setting: float) -> Quality:
    """Return how good the answers of a setting are."""
    return quality(pairs.true[answered(pairs, dial, preset, setting)], pairs.positives)


def settings_of(dial: Dial) -> list[float]:
    """Return the settings of a dial that are tried, the strictest first."""
    if dial is Dial.HAMMING:
        return [float(radius) for radius in range(WIDEST_RADIUS + 1)]
    steps = round((0.99 - FLOOR) / _STEP)
    return [round(0.99 - _STEP * step, 3) for step in range(steps + 1)]


def _tune(pairs: Labelled, dial: Dial, preset: str, wanted: float, seed: int) -> Tuned:
    points, chosen = [], None
    for setting in settings_of(dial):
        found = quality_at(pairs, dial, preset, setting)
        points.append(Point(setting, found.precision, found.recall))
        # Wider settings find more, so the last that is precise enough is the best of them.
        if found.found and found.precision >= wanted:
            chosen = setting
    at = points[0].setting if chosen is None else chosen
    flags = answered(pairs, dial, preset, at)
    true_clusters = np.concatenate([pairs.cluster[pairs.true], pairs.missed])
    hits = np.concatenate([flags[pairs.true], np.zeros(len(pairs.missed), bool)])
    return Tuned(
        dial,
        preset,
        chosen,
        quality(pairs.true[flags], pairs.positives),
        next_interval(pairs.true[flags], pairs.cluster[flags], seed=seed),
        share_interval(hits, true_clusters, seed=seed),
        tuple(points),
    )


def hash_distance(hamming: int, *, flat: bool) -> int:
    """Return a distance as the dial sees it: flat pictures are as far apart as can be."""
    return _BITS if flat else hamming
