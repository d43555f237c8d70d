"""The candidates of `dups`, looked at where that changes the answer: pivots first, then what they leave open.

What is looked at follows from the candidates and from what was seen, never from what the catalog has stored
already: that saves the work and not the question.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.matching.funnel import Sifted
from neardup_cli.matching.regions import RegionPairs
from neardup_cli.pipeline.criteria import Criteria
from neardup_cli.progress import Progress
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import Alignment, DuplicateGroup, PairMatch
from neardup_cli.rules.looking import Looking

_COUNT_EVERY = 5.0  # seconds

type IdPair = tuple[int, int]
type Decide = Callable[[Sequence[IdPair]], Mapping[IdPair, Alignment]]


class Candidates:
    """The pairs that may be copies, on their way to matches; a context that stores what it reads."""

    def __init__(
        self,
        catalog: Catalog,
        sifted: Sifted,
        seen: RegionPairs,
        criteria: Criteria,
        *,
        workers: int,
        watch: Progress,
        flat: Collection[int] = (),
        every_pair: bool = False,
    ) -> None:
        """Take what hashes and vectors say.

        Args:
            catalog: open; takes the verdicts.
            sifted: matches, and pairs that only the pixels can decide.
            seen: what regions look like.
            criteria: the model and the limits.
            workers: threads.
            watch: shows how many pairs were checked.
            flat: contents whose hashes say nothing.
            every_pair: look at all pairs, also where they follow from others.
        """
        self._catalog = catalog
        self._sifted = sifted
        self._seen = seen
        self._criteria = criteria
        self._workers = workers
        self._watch = watch
        self._flat = flat
        self._every_pair = every_pair
        self._pairs = sifted.certain + sifted.doubtful
        self._verdicts: dict[IdPair, Alignment] = {}
        self._asked: set[IdPair] = set()
        self._unseen: set[IdPair] = set()
        self._looking: Looking | None = None
        self._decide: Decide = lambda _: {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Look at all that does not follow from what was seen before it."""
        limits = self._criteria.limits
        if not self._pairs or limits.preset is None:
            return self
        # Late: OpenCV takes a fifth of a second to import; a catalog without near-copies needs none of it.
        from neardup_cli.pipeline.geometry import Decider

        keys = [(pair.a, pair.b) for pair in self._pairs]
        decider = Decider(self._catalog, keys, least=limits.least, workers=self._workers, watch=self._watch)
        self._decide = self._stack.enter_context(decider).decide
        anyway = self._by_regions() | self._by_hashes()
        self._looking = Looking(self._pairs, self._files(), anyway)
        if self._every_pair:
            self._look(self._pairs)
        told = rounds = 0
        counted = time.monotonic()
        while wanted := self._looking.wanted():
            # Counting takes a while where there are many: what it tells is for whoever waits.
            if rounds < (rounds := self._looking.rounds) or time.monotonic() - counted > _COUNT_EVERY:
                counted = time.monotonic()
                spared = self._looking.spared(decider.open)
                decider.spare(max(0, spared - told))
                told = max(told, spared)
            self._look(wanted)
        decider.rest()
        return self

    def __exit__(self, *_: object) -> None:
        """Store what was read."""
        self._stack.close()

    @property
    def looked_at(self) -> Collection[IdPair]:
        """The pairs whose pixels were looked at, now or in an earlier run."""
        return () if self._looking is None else self._looking.looked_at

    @property
    def untold(self) -> Collection[IdPair]:
        """The pairs whose pixels had to decide and could not be looked at: they may match, too."""
        doubtful = {(pair.a, pair.b) for pair in self._sifted.doubtful}
        return (doubtful & self._asked) - self._verdicts.keys() | self._unseen

    def matches(self) -> list[PairMatch]:
        """Return all matches that are known by now.

        What the vectors are certain of matches where its pixels cannot be read any more, and what the sieve
        decides alone matches even where they cannot be aligned: then nobody knows its kind.
        """
        if self._looking is None:
            return list(self._sifted.certain)
        found = [
            replace(pair, alignment=alignment)
            for pair in self._pairs
            if (alignment := self._verdicts.get((pair.a, pair.b))) is not None and alignment.matched
        ]
        found += self._looking.following()
        known = {(pair.a, pair.b) for pair in found}
        looked_at = self._looking.looked_at
        undecided = [
            pair
            for pair in self._sifted.certain
            if (key := (pair.a, pair.b)) not in known
            and key in looked_at
            and (pair.similarity is None or key not in self._verdicts)
        ]
        return found + undecided

    def unknown(self) -> Collection[IdPair]:
        """Return the pairs of which nothing is known: the answer does not hang on them."""
        return () if self._looking is None else self._looking.unknown()

    def settle(self, groups: Sequence[DuplicateGroup]) -> bool:
        """Look at members of groups beside the file that stays, where nobody has; say whether any were."""
        if self._looking is None:
            return False
        wanted: dict[IdPair, PairMatch] = {}
        for group in groups:
            kept = next(member.content_id for member in group.members if member.path == group.keep)
            others = {member.content_id for member in group.members} - {kept}
            wanted |= {(pair.a, pair.b): pair for pair in self._looking.open_between(kept, others)}
        if wanted:
            self._look(list(wanted.values()))
        return bool(wanted)

    def _look(self, pairs: Sequence[PairMatch]) -> None:
        assert self._looking is not None
        found = dict(self._decide([(pair.a, pair.b) for pair in pairs]))
        model, limits = self._criteria.model, self._criteria.limits
        if model is not None and limits.preset is not None and len(self._seen.owners):
            from neardup_cli.pipeline.region_geometry import settle_by_regions

            settled, unseen = settle_by_regions(
                self._catalog, model, found, self._seen,
                least=limits.least, workers=self._workers, watch=self._watch,
            )  # fmt: skip
            found = dict(settled)
            self._unseen |= unseen
        self._asked |= {(pair.a, pair.b) for pair in pairs}
        self._verdicts |= found
        self._looking.learn(pairs, found)

    def _by_regions(self) -> set[IdPair]:
        """Return the pairs that regions propose, too."""
        ends = zip(self._seen.owners.tolist(), self._seen.others.tolist(), strict=True)
        return {(min(pair), max(pair)) for pair in ends}

    def _by_hashes(self) -> set[IdPair]:
        """Return the pairs that the sieve proposes, too: where all vectors are alike, hashes still tell."""
        radius = self._criteria.limits.radius
        return {
            (pair.a, pair.b)
            for pair in self._sifted.doubtful
            if pair.hamming is not None
            and pair.hamming <= radius
            and pair.a not in self._flat
            and pair.b not in self._flat
        }

    def _files(self) -> dict[int, CatalogedFile]:
        contents = {content for pair in self._pairs for content in (pair.a, pair.b)}
        with self._catalog.read() as connection:
            return {file.content_id: file for file in queries.files_of_contents(connection, contents)}
