"""The third stage at work: doubtful pairs of catalogued pictures, decided by their pixels.

Only the pictures that a doubtful pair names are looked at, small: by the previews that a scan has kept, or
else by their files. Alignments are stored as they come, so that an interrupted run is not lost and no pair is
ever checked twice.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Self

import numpy as np
from PIL import Image

from neardup_cli.catalog import queries, verdicts
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.verdicts import IdPair
from neardup_cli.choices import Kind
from neardup_cli.engines.local import LocalEngine
from neardup_cli.errors import UnreadableImage
from neardup_cli.images import preview
from neardup_cli.images.decode import DecodedImage
from neardup_cli.matching.explain import Explanation, Subject, explain_match
from neardup_cli.matching.features import SMALLEST_SIDE, LocalFeatures
from neardup_cli.matching.second_look import has_thumbnail, look_again, shows_photograph
from neardup_cli.matching.series import is_another_shot, only_overlap
from neardup_cli.matching.shots import LEAST_FRAMES_AGREE, are_two_exposures, frames_agree
from neardup_cli.matching.verify import ALGORITHM_VERSION, verify_pair
from neardup_cli.pipeline.held import KnownHoldings
from neardup_cli.pipeline.picture import Cache, as_preview
from neardup_cli.pipeline.stored_image import holdings_of, opened_preview, original_of, preview_of_content
from neardup_cli.progress import Progress
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import OF_SEVERAL_FRAMES, Holdings
from neardup_cli.records.matches import Alignment
from neardup_cli.records.previews import PREVIEW_VERSION, Preview
from neardup_cli.records.signs import Signs
from neardup_cli.rules.confidence import (
    IMPOSSIBLE,
    UNSURE,
    log_odds,
    refused_log_odds,
    settled,
)
from neardup_cli.rules.options import LEAST_CONFIDENCE

_CHUNK = 16
_STORED_AT_ONCE = 256
_FEATURES_CACHED = 2000  # pictures; about 250 KB each with their keypoints
_SUBJECTS_CACHED = 200  # about 400 KB each; only pictures that match are decoded in colour
_PREVIEWS_CACHED = 2000  # about 15 KB each

# Where signs begin to count, and from where on they say no more.
_PAPER, _WHOLE_PAGE = 0.4, 0.7
_LEAST_TONE = 0.5
_MOST_BLOCKS = 5.5
_LEAST_EVIDENCE = math.log(LEAST_CONFIDENCE / (1 - LEAST_CONFIDENCE))

type Checked = tuple[IdPair, Alignment | None]
"""A pair and the alignment on it; None where a picture cannot be read any more."""


def algorithm_name() -> str:
    """Name the versions that an alignment depends on, of its rules and of what they look at.

    How sure a match has to be is asked of its evidence.
    """
    return f"orb-{ALGORITHM_VERSION}.{PREVIEW_VERSION}"


def decide_pairs(
    catalog: Catalog, pairs: Sequence[IdPair], *, least: float, workers: int, watch: Progress
) -> dict[IdPair, Alignment]:
    """Return the alignment on each pair of contents.

    A pair of which a picture cannot be read any more is left out: nothing is known of it.
    """
    with Decider(catalog, pairs, least=least, workers=workers, watch=watch) as decider:
        return decider.decide(pairs)


class Decider:
    """Decides pairs of a collection, some at a time: what was made of an image is kept for the next time.

    A context: what was read beside the pixels is stored at its end.
    """

    def __init__(
        self, catalog: Catalog, pairs: Sequence[IdPair], *, least: float, workers: int, watch: Progress
    ) -> None:
        """Take all pairs that may be asked for, and the confidence from which they match."""
        self._catalog = catalog
        self._least = least
        self._workers = workers
        self._watch = watch
        with catalog.read() as connection:
            self._known = verdicts.stored_verdicts(connection, pairs, algorithm_name())
        self.open = [pair for pair in pairs if pair not in self._known]
        """The pairs on which there is no alignment yet."""
        self._reader: Reader | None = None
        self._checker: _Checker | None = None
        self._total = len(self.open)

    def decide(self, pairs: Iterable[IdPair]) -> dict[IdPair, Alignment]:
        """Return the alignment on each of some pairs, as `decide_pairs` does."""
        asked = list(pairs)
        tasks = by_hub([pair for pair in asked if pair not in self._known])
        if tasks:
            results = in_chunks(self._begun(tasks), tasks, self._workers)
            self._known |= store_as_they_come(self._catalog, results, algorithm_name(), self._watch)
        return {pair: settled(self._known[pair], self._least) for pair in asked if pair in self._known}

    def spare(self, number: int) -> None:
        """Tell the watcher that so many pairs need not be decided."""
        if self._checker is not None:
            self._watch.spare(number)

    def rest(self) -> None:
        """Store what was read beside the pixels, and forget what was made of images: it takes memory."""
        if self._reader is not None:
            self._reader.holdings.store()
        self._reader = self._checker = None
        self._total = 0

    def _begun(self, tasks: Sequence[IdPair]) -> _Checker:
        if self._checker is None:
            self._watch.start("Checking pairs", self._total or len(tasks))
            self._reader = Reader(self._catalog, self.open)
            self._checker = _Checker(self._reader)
        return self._checker

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Store what was read."""
        self.rest()


def by_hub(pairs: Sequence[IdPair]) -> list[IdPair]:
    """Sort pairs so that those of one image follow each other, while what was made of it is still kept."""
    times = Counter(content for pair in pairs for content in pair)

    def key(pair: IdPair) -> tuple[int, int]:
        hub = max(pair, key=lambda content: (times[content], -content))
        return hub, pair[0] + pair[1] - hub

    return sorted(pairs, key=key)


def in_chunks[T](
    check: Callable[[Sequence[T]], list[Checked]], tasks: Sequence[T], workers: int
) -> Iterator[list[Checked]]:
    """Check pairs on all workers, a chunk at a time, in order.

    Of few pairs too, every worker gets several chunks: one that is done does not wait for the others.
    """
    chunk = max(1, min(_CHUNK, len(tasks) // (8 * workers)))
    return LocalEngine(workers).map(check, batched(tasks, chunk))


def store_as_they_come(
    catalog: Catalog, results: Iterator[list[Checked]], algorithm: str, watch: Progress
) -> dict[IdPair, Alignment]:
    """Store verdicts a batch at a time, so that an interrupted run is not lost; return them all."""
    decided: dict[IdPair, Alignment] = {}
    for new in batched(_flattened(results, watch), _STORED_AT_ONCE):
        with catalog.write() as connection:
            verdicts.store_verdicts(connection, dict(new), algorithm)
        decided.update(new)
    return decided


def features_of(image: DecodedImage) -> LocalFeatures:
    """Make an image small and grey; its keypoints are found when they are asked for, which is not always."""
    grey = np.ascontiguousarray(np.asarray(shrunk(image.luma)))
    return LocalFeatures(grey, (image.width, image.height))


def subject_of(image: DecodedImage) -> Subject:
    """Make a picture small, in colour, as the explanation of a match needs it."""
    return _subject(image, shrunk(image.colour or image.luma).convert("RGB"))


type Small = tuple[LocalFeatures, Subject]
"""An image made small, grey and in colour."""


def made_small(image: DecodedImage) -> Small:
    """Make an image small, in grey and in colour: bands are shrunk alone, and the first of YCbCr is grey."""
    if image.colour is None or image.colour.mode != "YCbCr":
        return features_of(image), subject_of(image)
    small = shrunk(image.colour)
    grey = np.ascontiguousarray(np.asarray(small.getchannel(0)))
    return LocalFeatures(grey, (image.width, image.height)), _subject(image, small.convert("RGB"))


def _subject(image: DecodedImage, pixels: Image.Image) -> Subject:
    size = (image.width, image.height)
    return Subject(np.asarray(pixels), size, image.captured_at, image.format, image.pixels_digest)


def shrunk(image: Image.Image) -> Image.Image:
    """Bring an image to the size that geometry is tuned for.

    It is made as small as a preview. An icon or a thumbnail is enlarged to `SMALLEST_SIDE`, for texture is
    compared in blocks of eight pixels; all others stay as they are.
    """
    longest = max(image.size)
    if longest >= SMALLEST_SIDE:
        return preview.shrunk(image)
    scale = SMALLEST_SIDE / longest
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


@dataclass(frozen=True, slots=True)
class Laid:
    """Picture a laid on picture b, and what happened between the two if they may match.

    Attributes:
        alignment: `matched` if they are copies to whoever asks for least confidence.
        explanation: what happened; None where they do not match.
    """

    alignment: Alignment
    explanation: Explanation | None

    @classmethod
    def of(
        cls,
        alignment: Alignment,
        subjects: Callable[[], tuple[Subject, Subject]],
        holdings: BothHoldings,
    ) -> Self:
        """Weigh the signs; look again at what may match, and explain it.

        Args:
            alignment: of the grey pixels.
            subjects: gives both in colour; called for pictures that match only.
            holdings: gives what both files say beside their pixels; called where that may decide.
        """
        if not alignment.transform or not alignment.matched:
            return cls(replace(alignment, evidence=IMPOSSIBLE), None)
        evidence = log_odds(signs_of(alignment))  # whatever their colours and sizes say, it is not more
        if evidence >= _LEAST_EVIDENCE:
            a, b = subjects()
            evidence = log_odds(signs_of(alignment, a, b))
        if evidence < _LEAST_EVIDENCE:
            return cls(replace(alignment, matched=False, reason=UNSURE, evidence=evidence), None)
        refusal = _refusal(a, b, alignment, holdings)
        if refusal is not None:
            evidence = min(evidence, refused_log_odds())
            return cls(replace(alignment, matched=False, reason=refusal, evidence=evidence), None)
        explanation = explain_match(a, b, alignment)
        if _is_another_shot(a, b, alignment, explanation, holdings):
            explanation = explanation.as_similar_shot()
        return cls(replace(alignment, kind=explanation.kind, evidence=evidence), explanation)

    def turned_round(self) -> Self:
        """Say the same of b laid on a."""
        explanation = None if self.explanation is None else self.explanation.turned_round()
        return replace(self, alignment=self.alignment.turned_round(), explanation=explanation)


def signs_of(alignment: Alignment, a: Subject | None = None, b: Subject | None = None) -> Signs:
    """Return what an alignment says, and both pictures; without them, the best that they may say."""
    coverage = min(alignment.coverage_a, alignment.coverage_b)
    paper = min(1.0, alignment.blank / _PAPER) if coverage > _WHOLE_PAGE else 0.0
    return Signs(
        fits=float(alignment.matched),
        content=max(alignment.content_a, alignment.content_b),
        tone=max(alignment.tone, _LEAST_TONE),
        core=alignment.core,
        blocks=min(1.0, math.log1p(alignment.blocks) / _MOST_BLOCKS),
        page=paper * (1 - alignment.agreement),
        soft=float(alignment.soft),
        gradient=float(alignment.gradient),
        plain=float(a is not None and b is not None and not shows_photograph(a, b)),
        small=float(a is None or b is None or has_thumbnail(a, b)),
    )


type BothHoldings = Callable[[], tuple[Holdings, Holdings]]


def _refusal(a: Subject, b: Subject, alignment: Alignment, holdings: BothHoldings) -> str | None:
    """Say why a match on blocks of texture is none; None if it is one."""
    refusal = look_again(a, b, alignment)
    if refusal is not None:
        return refusal
    if only_overlap(a, b, alignment):
        return "each shows what the other does not"
    if a.format in OF_SEVERAL_FRAMES and b.format in OF_SEVERAL_FRAMES:
        held_a, held_b = holdings()
        if frames_agree(held_a, held_b) < LEAST_FRAMES_AGREE:
            return "other frames" if max(held_a.duration_ms, held_b.duration_ms) else "other pages"
    return None


def _is_another_shot(
    a: Subject, b: Subject, alignment: Alignment, explanation: Explanation, holdings: BothHoldings
) -> bool:
    if explanation.kind in (Kind.SIMILAR_SHOT, Kind.SAME_PIXELS):
        return False
    # A screenshot has a time of its own, which is not that of the image on the screen.
    timed = a.captured_at is not None and b.captured_at is not None and explanation.kind is not Kind.EMBEDDED
    return (timed and are_two_exposures(*holdings())) or is_another_shot(a, b, alignment)


class _Checker:
    """Verifies a chunk of pairs; one for all workers."""

    def __init__(self, reader: Reader) -> None:
        self._holdings = reader.holdings
        self._features = Cache[int, LocalFeatures](
            lambda content: features_of(reader.decoded(content, colour=False)), _FEATURES_CACHED
        )
        self._subjects = Cache[int, Subject](
            lambda content: subject_of(reader.decoded(content, colour=True)), _SUBJECTS_CACHED
        )
        self._digest = reader.digest

    def __call__(self, pairs: Sequence[IdPair]) -> list[Checked]:
        return [(pair, self._check(*pair)) for pair in pairs]

    def _check(self, a: int, b: int) -> Alignment | None:
        # Laying a on b is not quite laying b on a: in the order of the contents, whichever was scanned first.
        first, second = sorted((a, b), key=self._digest)
        try:
            alignment = verify_pair(self._features[first], self._features[second])
            laid = Laid.of(
                alignment,
                lambda: (self._subjects[first], self._subjects[second]),
                lambda: (self._holdings[first], self._holdings[second]),
            )
        except UnreadableImage:
            return None
        return (laid if first == a else laid.turned_round()).alignment


class Reader:
    """Shows contents small: by their previews, or by the first of their files that still holds them."""

    def __init__(self, catalog: Catalog, pairs: Sequence[IdPair]) -> None:
        self._files: dict[int, list[CatalogedFile]] = {}
        contents = {content for pair in pairs for content in pair}
        self.holdings = KnownHoldings(catalog, contents, lambda content: holdings_of(self._of(content)))
        self._previews = Cache[int, Preview](
            lambda content: preview_of_content(catalog, self._of(content)), _PREVIEWS_CACHED
        )
        with catalog.read() as connection:
            for file in queries.files_of_contents(connection, contents):
                self._files.setdefault(file.content_id, []).append(file)

    def digest(self, content: int) -> bytes:
        """Return the digest of a content; empty where no file of it is left."""
        files = self._of(content)
        return files[0].digest if files else b""

    def decoded(self, content: int, *, colour: bool) -> DecodedImage:
        """Return a content as its preview shows it.

        Raises:
            UnreadableImage: it has none, and no file that can be read holds it any more.
        """
        preview = self._previews[content]
        try:
            return opened_preview(preview, self._of(content)[0], colour=colour)
        except UnreadableImage:  # it is damaged: `doctor` says more of that
            return as_preview(self.original(content))

    def original(self, content: int) -> DecodedImage:
        """Decode a content from the first of its files that still holds it.

        Raises:
            UnreadableImage: no file that can be read holds it any more.
        """
        return original_of(self._of(content))

    def _of(self, content: int) -> Sequence[CatalogedFile]:
        return self._files.get(content, ())


def _flattened(results: Iterator[list[Checked]], watch: Progress) -> Iterator[tuple[IdPair, Alignment]]:
    for chunk in results:
        watch.advance(len(chunk))
        for pair, alignment in chunk:
            if alignment is not None:
                yield pair, alignment
