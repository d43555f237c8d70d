"""The third stage at work: doubtful pairs of catalogued pictures, decided by their pixels.

Only the pictures that a doubtful pair names are decoded, small; verdicts are stored as they come, so
that an interrupted run is not lost and no pair is ever checked twice.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import batched

import numpy as np
from PIL import Image

from neardup_cli.catalog import queries, verdicts
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.verdicts import IdPair
from neardup_cli.engines.local import LocalEngine
from neardup_cli.errors import UnreadableImage
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.decode import decode
from neardup_cli.matching.features import FEATURE_SIDE, LocalFeatures, extract_features
from neardup_cli.matching.verify import ALGORITHM_VERSION, PRESETS, Verdict, VerifySettings, verify_pair
from neardup_cli.pipeline.progress import Progress
from neardup_cli.records import Alignment, CatalogedFile

_CHUNK = 16
_STORED_AT_ONCE = 256
_CACHED = 2000  # pictures; about 250 KB each with their keypoints


def algorithm_name(preset: str) -> str:
    """Name the version and the limits that a verdict depends on."""
    return f"orb-{ALGORITHM_VERSION}-{preset}"


def decide_pairs(
    catalog: Catalog, pairs: Sequence[IdPair], *, preset: str, workers: int, watch: Progress
) -> dict[IdPair, Alignment]:
    """Return the verdict on each pair of contents.

    A pair of which a picture cannot be read any more is left out: nothing is known of it.
    """
    algorithm = algorithm_name(preset)
    with catalog.read() as connection:
        decided = verdicts.stored_verdicts(connection, pairs, algorithm)
    # Pairs that share a picture come close together, while its features are still in the cache.
    open_pairs = sorted(pair for pair in pairs if pair not in decided)
    if not open_pairs:
        return decided
    watch.start("Checking pairs", len(open_pairs))
    checker = _Checker(_FeatureCache(_reader(catalog, open_pairs)), PRESETS[preset])
    results = LocalEngine(workers).map(checker, batched(open_pairs, _CHUNK))
    for new in batched(_flattened(results, watch), _STORED_AT_ONCE):
        with catalog.write() as connection:
            verdicts.store_verdicts(connection, dict(new), algorithm)
        decided.update(new)
    return decided


def align_files(a: bytes, b: bytes, preset: str, max_pixels: int = DEFAULT_MAX_PIXELS) -> Alignment | None:
    """Return the verdict on two files; None if one of them cannot be read."""
    try:
        first, second = (features_of_file(path, max_pixels) for path in (a, b))
    except UnreadableImage:
        return None
    return as_alignment(verify_pair(first, second, PRESETS[preset]))


def features_of_file(path: bytes, max_pixels: int = DEFAULT_MAX_PIXELS) -> LocalFeatures:
    """Decode an image file small and grey, and find its keypoints.

    Raises:
        UnreadableImage: it cannot be read or decoded.
    """
    try:
        with open(path, "rb") as stream:
            luma = decode(stream, colour=False, max_pixels=max_pixels).luma
    except OSError as exc:
        raise UnreadableImage((exc.strerror or "cannot be read").lower()) from exc
    return extract_features(np.asarray(shrunk(luma)))


def shrunk(image: Image.Image) -> Image.Image:
    """Shrink an image so that its longest side is `FEATURE_SIDE`; a smaller one stays as it is."""
    scale = FEATURE_SIDE / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX)


def as_alignment(verdict: Verdict) -> Alignment:
    """Turn the geometric stage's verdict into the record that the catalog and the reports take."""
    return Alignment(
        matched=verdict.matched,
        reason=verdict.reason,
        inliers=verdict.inliers,
        transform=verdict.transform or (),
        mirrored=verdict.mirrored,
        agreement=verdict.agreement,
        content_a=verdict.content_a,
        content_b=verdict.content_b,
        coverage_a=verdict.coverage_a,
        coverage_b=verdict.coverage_b,
        tone=verdict.tone,
        spread=verdict.spread,
    )


class _Checker:
    """Verifies a chunk of pairs; one for all workers."""

    def __init__(self, features: _FeatureCache, settings: VerifySettings) -> None:
        self._features = features
        self._settings = settings

    def __call__(self, pairs: Sequence[IdPair]) -> list[tuple[IdPair, Alignment | None]]:
        return [(pair, self._check(*pair)) for pair in pairs]

    def _check(self, a: int, b: int) -> Alignment | None:
        try:
            return as_alignment(verify_pair(self._features[a], self._features[b], self._settings))
        except UnreadableImage:
            return None


class _FeatureCache:
    """Features by content id, the least recently used forgotten first; safe to share between threads."""

    def __init__(self, read: Callable[[int], LocalFeatures]) -> None:
        self._read = read
        self._held: OrderedDict[int, LocalFeatures] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, content: int) -> LocalFeatures:
        with self._lock:
            if content in self._held:
                self._held.move_to_end(content)
                return self._held[content]
        # Two threads may read the same picture at once: that costs less than waiting for each other.
        features = self._read(content)
        with self._lock:
            self._held[content] = features
            if len(self._held) > _CACHED:
                self._held.popitem(last=False)
        return features


def _reader(catalog: Catalog, pairs: Sequence[IdPair]) -> Callable[[int], LocalFeatures]:
    """Return a function that reads a content from the first of its files that still holds it."""
    files: dict[int, list[CatalogedFile]] = {}
    with catalog.read() as connection:
        for file in queries.files_of_contents(connection, {content for pair in pairs for content in pair}):
            files.setdefault(file.content_id, []).append(file)

    def read(content: int) -> LocalFeatures:
        for file in files.get(content, ()):
            # A verdict is kept for good: it must not be about what a file has become since the scan.
            with suppress(UnreadableImage, OSError):
                features = features_of_file(file.path)
                if _is_unchanged(file):
                    return features
        raise UnreadableImage(f"no file holds content {content} any more")

    return read


def _is_unchanged(file: CatalogedFile) -> bool:
    status = os.stat(file.path)
    return (status.st_size, status.st_mtime_ns) == (file.stamp.size, file.stamp.mtime_ns)


def _flattened(
    results: Iterator[list[tuple[IdPair, Alignment | None]]], watch: Progress
) -> Iterator[tuple[IdPair, Alignment]]:
    for chunk in results:
        watch.advance(len(chunk))
        for pair, alignment in chunk:
            if alignment is not None:
                yield pair, alignment
