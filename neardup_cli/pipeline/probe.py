"""One image outside the catalog: its fingerprints, computed as a scan would, and never stored."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO

import numpy as np

from neardup_cli.embedders.base import Embedder, Pixels, Vectors
from neardup_cli.embedders.regions import REGIONS, prepare_regions
from neardup_cli.errors import PathNotFound, UnreadableImage
from neardup_cli.fingerprints.content import stream_digest
from neardup_cli.images.decode import DecodedImage, decode
from neardup_cli.images.given import AnyImage, as_stream, path_of
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.preview import open_preview
from neardup_cli.images.remote import is_remote, is_there, real_place, status_of
from neardup_cli.images.walk import os_reason
from neardup_cli.pipeline.extract import open_unchanged
from neardup_cli.pipeline.held import holdings_of_file
from neardup_cli.pipeline.picture import Picture, decode_named, hashes_of
from neardup_cli.pipeline.work import ToRead, UnreadFile
from neardup_cli.records.files import Features
from neardup_cli.records.holdings import Holdings

_KEPT_PIXELS = 4_000_000
"""Of the images that are probed together, so many decoded pixels (20 MB) stay for the geometric stage: those
of seven photographs. What finds no room is decoded again, should it resemble anything."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An image that somebody else has read: all that a question asks of it, and no more of its pixels.

    Attributes:
        digest: BLAKE3 of its bytes.
        features: without vectors, with its preview.
        whole: (height, width, 3) RGB, what the network takes; None without a model.
        regions: the same of its regions; empty where nobody has asked for them.
        image: its pixels, fewer than there were perhaps, to be cut up; None where nobody has asked for them.
        hold: reads what its file says beside its pixels; it may raise UnreadableImage.
    """

    digest: bytes
    features: Features
    whole: Pixels | None
    regions: Sequence[Pixels]
    image: DecodedImage | None
    hold: Callable[[], Holdings]

    @property
    def picture(self) -> Picture:
        """It as something to be laid on others."""
        return Picture(self.digest, self._pixels, self.image, hold=self.hold, preview=self._small)

    def inputs(self, *, thorough: bool) -> list[Pixels]:
        """Return what the network is to see.

        Raises:
            UnreadableImage: it was prepared for another model.
        """
        if self.whole is None or (thorough and len(self.regions) != len(REGIONS)):
            raise UnreadableImage("the catalog has changed meanwhile: ask again")
        return [self.whole, *(self.regions if thorough else ())]

    def _pixels(self) -> DecodedImage:
        if self.image is None:
            raise UnreadableImage("its pixels are not here any more")
        return self.image

    def _small(self) -> DecodedImage | None:
        known = self.features
        if known.preview is None:
            return None
        return open_preview(known.preview, (known.width, known.height), known.format, known.captured_at)


type Source = bytes | BinaryIO | Prepared
"""An image: the path of its file, its bytes as a seekable stream, which is left open, or read already."""


def source_of(image: AnyImage) -> bytes | BinaryIO:
    """Return an image of any type as what is probed.

    Raises:
        BadInput: it is no image.
    """
    path = path_of(image)
    return as_stream(image) if path is None else path


@dataclass(frozen=True, slots=True)
class Probe:
    """The fingerprints of one image.

    Attributes:
        path: absolute real path; empty for a stream.
        digest: BLAKE3 of the bytes.
        picture: for the geometric stage.
        vector: (1, dimension) unit vector, or None without a model.
        regions: (regions, dimension) unit vectors, if they were asked for.
        stored: all of this comes from a catalog; its file may be away.
    """

    path: bytes
    digest: bytes
    features: Features
    picture: Picture
    vector: Vectors | None = None
    regions: Vectors | None = None
    stored: bool = False


type Refusal = PathNotFound | UnreadableImage


def probe_image(image: Source, embedder: Embedder | None, max_pixels: int) -> Probe:
    """Read, hash, decode and embed one image.

    Raises:
        PathNotFound: there is no such file.
        UnreadableImage: it cannot be read or decoded; the message is the reason.
    """
    (probe,) = probe_images([image], embedder, max_pixels)
    if not isinstance(probe, Probe):
        raise probe
    return probe


def probe_images(
    images: Sequence[Source], embedder: Embedder | None, max_pixels: int, *, thorough: bool = False
) -> list[Probe | Refusal]:
    """Probe several images, which share runs of the network; an error is the result of its image."""
    probed: list[Probe | Refusal] = []
    inputs: list[Pixels] = []
    room = _KEPT_PIXELS
    for image in images:
        try:
            if isinstance(image, Prepared):
                inputs += [] if embedder is None else image.inputs(thorough=thorough)
                probed.append(Probe(b"", image.digest, image.features, image.picture))
                continue
            path, digest, decoded = _read(image, max_pixels, colour=embedder is not None)
        except (PathNotFound, UnreadableImage) as exc:
            probed.append(exc)
            continue
        room -= decoded.luma.width * decoded.luma.height
        kept = decoded if room >= 0 and embedder is not None else None
        picture = Picture(digest, partial(_read_again, image, max_pixels), kept, hold=partial(_held, image))
        probed.append(Probe(path, digest, hashes_of(decoded), picture))
        if embedder is not None and decoded.colour is not None:
            inputs.append(embedder.prepare(decoded.colour))
            inputs += prepare_regions(decoded.colour) if thorough else []
        del decoded, kept  # the next one would be decoded beside it
    return probed if embedder is None else _embedded(probed, inputs, embedder, thorough=thorough)


def _embedded(
    probed: Sequence[Probe | Refusal], inputs: Sequence[Pixels], embedder: Embedder, *, thorough: bool
) -> list[Probe | Refusal]:
    """Put the vectors of the inputs into the probes that they were made for, rounded as the catalog does."""
    vectors = embedder.embed(inputs).astype("<f2").astype(np.float32)
    rows = iter(vectors.reshape(-1, 1 + (len(REGIONS) if thorough else 0), embedder.identity.dimension))
    whole: list[Probe | Refusal] = []
    for probe in probed:
        if isinstance(probe, Probe):
            row = next(rows)
            whole.append(replace(probe, vector=row[:1], regions=row[1:] if thorough else None))
        else:
            whole.append(probe)
    return whole


def _read(image: bytes | BinaryIO, max_pixels: int, *, colour: bool) -> tuple[bytes, bytes, DecodedImage]:
    """Return the path, the digest and the pixels of an image.

    Raises:
        PathNotFound, UnreadableImage: as `probe_image`.
    """
    if not isinstance(image, bytes):
        return b"", _digest(image), decode(image, colour=colour, max_pixels=max_pixels)
    opened = open_unchanged(_to_read(image))
    if isinstance(opened, UnreadFile):
        raise UnreadableImage(opened.reason)
    with opened.stream:
        decoded = opened.decoded(max_pixels, colour=colour)
    if not isinstance(decoded, DecodedImage):
        raise UnreadableImage(decoded.reason)
    return opened.source.path, opened.digest, decoded


def _read_again(image: bytes | BinaryIO, max_pixels: int) -> DecodedImage:
    if isinstance(image, bytes):
        return decode_named(image, max_pixels)
    return decode(image, max_pixels=max_pixels)


def _held(image: bytes | BinaryIO) -> Holdings:
    return holdings_of_file(image) if isinstance(image, bytes) else read_holdings(image)


def _digest(stream: BinaryIO) -> bytes:
    try:
        stream.seek(0)
        return stream_digest(stream)
    except (OSError, ValueError) as exc:  # whoever lent it has closed it meanwhile
        raise UnreadableImage("cannot be read") from exc


def _to_read(path: bytes) -> ToRead:
    if is_remote(path):
        return _member_to_read(real_place(path))
    if not os.path.exists(path):
        raise PathNotFound(f"no such file: {os.fsdecode(path)}")
    if os.path.isdir(path):
        raise UnreadableImage("a folder, not an image")
    real = os.path.realpath(path)
    return ToRead(real, real, os.stat(real).st_size)


def _member_to_read(path: bytes) -> ToRead:
    try:
        if not is_there(path):
            raise PathNotFound(f"no such image: {os.fsdecode(path)}")
        return ToRead(path, path, status_of(path).st_size)
    except OSError as exc:
        raise UnreadableImage(os_reason(exc)) from exc
