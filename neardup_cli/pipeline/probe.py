"""One image outside the catalog: its fingerprints, computed as a scan would, and never stored."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neardup_cli.embedders.base import Embedder, Vectors
from neardup_cli.errors import PathNotFound, UnreadableImage
from neardup_cli.pipeline.extract import Extractor
from neardup_cli.pipeline.work import Extracted, ReadFile, ToRead
from neardup_cli.records import Failure, Features


@dataclass(frozen=True, slots=True)
class Probe:
    """The fingerprints of one image file.

    Attributes:
        path: absolute real path.
        digest: BLAKE3 of the bytes.
        vector: (1, dimension) unit vector, or None without a model.
        regions: (regions, dimension) unit vectors, if they were asked for.
    """

    path: bytes
    digest: bytes
    features: Features
    vector: Vectors | None
    regions: Vectors | None = None


def probe_image(path: bytes, embedder: Embedder | None, max_pixels: int) -> Probe:
    """Read, hash, decode and embed one image.

    Raises:
        PathNotFound: there is no such file.
        UnreadableImage: it cannot be read or decoded; the message is the reason.
    """
    (probe,) = probe_images([path], embedder, max_pixels)
    if not isinstance(probe, Probe):
        raise probe
    return probe


def probe_images(
    paths: Sequence[bytes], embedder: Embedder | None, max_pixels: int, *, thorough: bool = False
) -> list[Probe | PathNotFound | UnreadableImage]:
    """Do the same for several images, which share runs of the network; an error is its image's result."""
    sources = [_source(path) for path in paths]
    extracted = Extractor(embedder, lambda _: set(), max_pixels, thorough=thorough)(
        [source for source in sources if isinstance(source, ToRead)]
    )
    # Of files with the same bytes only the first is decoded.
    outcomes = {
        result.digest: result.outcome
        for result in extracted
        if isinstance(result, ReadFile) and result.outcome is not None
    }
    results = iter(extracted)
    return [_probe(next(results), outcomes) if isinstance(source, ToRead) else source for source in sources]


def _source(path: bytes) -> ToRead | PathNotFound | UnreadableImage:
    if not os.path.exists(path):
        return PathNotFound(f"no such file: {os.fsdecode(path)}")
    if os.path.isdir(path):
        return UnreadableImage("a folder, not an image")
    real = os.path.realpath(path)
    return ToRead(real, real, os.stat(real).st_size)


def _probe(result: Extracted, outcomes: Mapping[bytes, Features | Failure]) -> Probe | UnreadableImage:
    if not isinstance(result, ReadFile):
        return UnreadableImage(result.reason)
    features = outcomes.get(result.digest)
    if not isinstance(features, Features):
        return UnreadableImage("cannot be read" if features is None else features.reason)
    vector = None
    if features.vector is not None:
        vector = np.frombuffer(features.vector, "<f2").astype(np.float32)[None, :]
    regions = None
    if vector is not None and features.regions is not None:
        regions = np.frombuffer(features.regions, "<f2").astype(np.float32).reshape(-1, vector.shape[1])
    return Probe(result.source.path, result.digest, features, vector, regions)
