"""One image outside the catalog: its fingerprints, computed as a scan would, and never stored."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from neardup_cli.embedders.base import Embedder, Vectors
from neardup_cli.errors import PathNotFound, UnreadableImage
from neardup_cli.pipeline.extract import Extractor
from neardup_cli.pipeline.work import ReadFile, ToRead
from neardup_cli.records import Failure, Features


@dataclass(frozen=True, slots=True)
class Probe:
    """The fingerprints of one image file.

    Attributes:
        path: absolute real path.
        digest: BLAKE3 of the bytes.
        vector: (1, dimension) unit vector, or None without a model.
    """

    path: bytes
    digest: bytes
    features: Features
    vector: Vectors | None


def probe_image(path: bytes, embedder: Embedder | None, max_pixels: int) -> Probe:
    """Read, hash, decode and embed one image.

    Raises:
        PathNotFound: there is no such file.
        UnreadableImage: it cannot be read or decoded; the message is the reason.
    """
    if not os.path.exists(path):
        raise PathNotFound(f"no such file: {os.fsdecode(path)}")
    if os.path.isdir(path):
        raise UnreadableImage("a folder, not an image")
    real = os.path.realpath(path)
    extractor = Extractor(embedder, lambda _: set(), max_pixels)
    (result,) = extractor([ToRead(real, real, os.stat(real).st_size)])
    if not isinstance(result, ReadFile):
        raise UnreadableImage(result.reason)
    if isinstance(result.outcome, Failure) or result.outcome is None:
        raise UnreadableImage(result.outcome.reason if result.outcome else "cannot be read")
    features = result.outcome
    vector = None
    if features.vector is not None:
        vector = np.frombuffer(features.vector, "<f2").astype(np.float32)[None, :]
    return Probe(real, result.digest, features, vector)
