"""The map step of a scan: a chunk of files to their features. Runs on any engine's workers."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from neardup_cli.catalog.scanning import ContentState
from neardup_cli.choices import Device
from neardup_cli.embedders.base import Embedder, Pixels
from neardup_cli.embedders.regions import prepare_regions
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.engines.keeper import Keeper
from neardup_cli.errors import ImageTooLarge, ModelMismatch, UnreadableImage
from neardup_cli.fingerprints.content import content_digest, stream_digest
from neardup_cli.images.decode import DecodedImage, decode
from neardup_cli.images.files import read_whole, regular_handle
from neardup_cli.images.given import is_given, status_of_size
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.integrity import damage_of
from neardup_cli.images.remote import is_far, is_remote, read, status_of
from neardup_cli.images.walk import file_stamp, os_reason
from neardup_cli.pipeline.picture import hashes_of, preview_of
from neardup_cli.pipeline.work import Claims, Extracted, ReadFile, ToRead, UnreadFile
from neardup_cli.records.files import Failure, Features, FileStamp, ModelIdentity
from neardup_cli.records.holdings import OF_SEVERAL_FRAMES, Holdings

if TYPE_CHECKING:
    from PIL.Image import Image

# A file up to this size is read once, to hash and to decode; a larger one is read twice instead of held.
IN_MEMORY_BYTES = 64 << 20
_LARGEST_CHECKED = 512 << 20
_ATTEMPTS = 2  # a file that changes while it is read gets one more chance in the same scan
_CHANGING = "changed while it was read"
_NOTHING = ContentState(0, done=False, error=None)


@dataclass(frozen=True, slots=True)
class Extractor:
    """Reads, hashes, decodes and embeds the files of a chunk.

    Attributes:
        embedder: None computes hashes alone.
        done: says which of some digests the catalog needs nothing more of; asked once a chunk.
        max_pixels: larger images are refused.
        claims: shared by all workers; whoever stores results releases them.
        thorough: embed the regions of a picture too.
        previews: make previews too.
        has: says what the catalog has of some digests that need something; asked once a chunk.
    """

    embedder: Embedder | None
    done: Callable[[Sequence[bytes]], set[bytes]]
    max_pixels: int
    claims: Keeper = field(default_factory=Claims)
    thorough: bool = False
    previews: bool = False
    has: Callable[[Sequence[bytes]], Mapping[bytes, ContentState]] = lambda _: {}

    def __call__(self, chunk: Sequence[ToRead]) -> list[Extracted]:
        """Extract the features of each file, in order; nothing that a file holds makes this raise."""
        opened = [open_unchanged(source) for source in chunk]
        needed = self._needed([file.digest for file in opened if isinstance(file, OpenedFile)])
        has = self.has(list(needed)) if needed else {}
        prepared: list[Extracted] = []
        inputs: dict[int, _Inputs] = {}
        for position, file in enumerate(opened):
            if isinstance(file, UnreadFile):
                prepared.append(file)
                continue
            with file.stream:
                # The first of several copies in a chunk computes; the others find nothing needed.
                compute = file.digest in needed
                needed.discard(file.digest)
                held = has.get(file.digest, _NOTHING)
                result, image = self._decode(file, held) if compute else (file.read(None), None)
            prepared.append(result)
            if image is not None:
                inputs[position] = self._inputs(image, held)
        return self._embed(prepared, inputs)

    def _inputs(self, image: Image, held: ContentState) -> _Inputs:
        """Return what the network is to see of an image of which the catalog has so much."""
        whole = None if self.embedder is None or held.embedded else self.embedder.prepare(image)
        return _Inputs(whole, prepare_regions(image) if self.thorough and not held.parted else [])

    def _needed(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the contents that the catalog lacks and no other worker is at; they are now ours.

        Claiming comes before asking: whoever stored a content released it only after its commit.
        """
        mine = self.claims.take_some(digests)
        done = self.done(mine)
        self.claims.release(done)
        return set(mine) - done

    def _decode(self, file: OpenedFile, held: ContentState) -> tuple[Extracted, Image | None]:
        """Decode a file; give its hashes and preview, and its pixels where these are to be embedded."""
        image = file.decoded(self.max_pixels, colour=self.embedder is not None or self.previews)
        if not isinstance(image, DecodedImage):
            return (image if isinstance(image, UnreadFile) else file.read(image)), None
        features = replace(hashes_of(image), damage=file.damage(image))
        if self.previews and not held.pictured:
            features = replace(features, preview=preview_of(image), holdings=file.holdings(image))
        return file.read(features), image.colour if self.embedder is not None else None

    def _embed(self, prepared: list[Extracted], inputs: dict[int, _Inputs]) -> list[Extracted]:
        """Put the vectors of the prepared images into their features."""
        inputs = {position: image for position, image in inputs.items() if image.parts}
        if self.embedder is None or not inputs:
            return prepared
        vectors = self.embedder.embed([part for image in inputs.values() for part in image.parts])
        rows = iter(vectors.astype("<f2"))
        for position, image in inputs.items():
            vector = None if image.whole is None else next(rows).tobytes()
            regions = b"".join(next(rows).tobytes() for _ in image.regions) or None
            file = prepared[position]
            if isinstance(file, ReadFile) and isinstance(file.outcome, Features):
                features = replace(file.outcome, vector=vector, regions=regions)
                prepared[position] = replace(file, outcome=features)
        return prepared


@dataclass(frozen=True, slots=True)
class ExtractorMaker:
    """Makes an extractor on another machine, which loads the model there; see `Extractor`.

    Attributes:
        model: None computes hashes alone; else a name or path that leads to the same weights everywhere.
    """

    model: ModelIdentity | None
    input_size: int
    device: Device
    max_pixels: int
    thorough: bool
    previews: bool

    def __call__(self) -> Callable[[Sequence[ToRead], Keeper], list[Extracted]]:
        """Load the model; return what extracts a chunk.

        Raises:
            ModelMissing, ModelInvalid: it cannot be loaded here.
            ModelMismatch: what is here under its name are other weights.
        """
        embedder = None
        if self.model is not None:
            embedder = load_embedder(self.model.name, input_size=self.input_size, device=self.device)
            if embedder.identity != self.model:
                raise ModelMismatch(f"{self.model.name} is another model on a worker than on the driver")

        def extract(chunk: Sequence[ToRead], keeper: Keeper) -> list[Extracted]:
            extractor = Extractor(
                embedder, lambda _: set(), self.max_pixels, keeper, self.thorough, self.previews
            )
            return extractor(chunk)

        return extract


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What the network is to see of a picture: its regions, and the whole unless its vector is there."""

    whole: Pixels | None
    regions: list[Pixels]

    @property
    def parts(self) -> list[Pixels]:
        return self.regions if self.whole is None else [self.whole, *self.regions]


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A hashed file and a stream of the bytes that were hashed; `handle` is -1 where they are in memory."""

    source: ToRead
    stamp: FileStamp
    digest: bytes
    stream: BinaryIO
    handle: int = -1

    def read(self, outcome: Features | Failure | None) -> ReadFile:
        """Make the result of this file."""
        return ReadFile(self.source, self.stamp, self.digest, outcome)

    def decoded(self, max_pixels: int, *, colour: bool) -> DecodedImage | Failure | UnreadFile:
        """Decode the file: `Failure` is what its content is to blame for, `UnreadFile` all that may pass."""
        try:
            image = decode(self.stream, colour=colour, max_pixels=max_pixels)
        except UnreadableImage as exc:
            if not self.is_unchanged():
                return UnreadFile(self.source, _CHANGING)
            if isinstance(exc, ImageTooLarge) or self._has_failed(exc):
                return UnreadFile(self.source, str(exc))
            return Failure(str(exc))
        return image if self.is_unchanged() else UnreadFile(self.source, _CHANGING)

    def damage(self, image: DecodedImage) -> str:
        """Return what its decoder complains of; nothing of a file too large to be held."""
        if image.damage is not None:
            return image.damage
        if self.stream.seek(0, os.SEEK_END) > _LARGEST_CHECKED:
            return ""
        if isinstance(self.stream, io.BytesIO):
            return damage_of(self.stream.getvalue(), image.format)
        self.stream.seek(0)
        return damage_of(self.stream.read(), image.format)

    def holdings(self, image: DecodedImage) -> Holdings | None:
        """Return what the file holds beside its pixels, where a pair that matches by them asks for it.

        Of two exposures the times differ, of two animations the frames. For others it is read once they are
        near-duplicates, unless they lie where reading takes long.
        """
        needed = image.captured_at is not None or image.format in OF_SEVERAL_FRAMES
        if not needed and not is_far(self.source.path):
            return None
        with suppress(UnreadableImage, OSError):
            return read_holdings(self.stream, alpha=None if image.frame else image.alpha is not None)
        return None

    def is_unchanged(self) -> bool:
        """Return True if a file that was read twice held still."""
        return self.handle < 0 or file_stamp(os.fstat(self.handle)) == self.stamp

    def _has_failed(self, error: UnreadableImage) -> bool:
        """Return True if the disk failed while the file was decoded, rather than what the file holds."""
        cause = error.__cause__
        # A position that a corrupt file names can be an invalid argument; nothing else is its doing.
        return self.handle >= 0 and isinstance(cause, OSError) and cause.errno not in (None, errno.EINVAL)


def open_unchanged(source: ToRead) -> OpenedFile | UnreadFile:
    """Open and hash a file, making sure that one version of it was read from end to end."""
    for _ in range(_ATTEMPTS):
        try:
            if (opened := _open_once(source)) is not None:
                return opened
        except OSError as exc:
            return UnreadFile(source, os_reason(exc))
    return UnreadFile(source, _CHANGING)


def chunked(files: Sequence[ToRead], count: int, workers: int) -> Iterator[list[ToRead]]:
    """Group files into chunks of at most `count`, and of at most `IN_MEMORY_BYTES` unless one is larger.

    The last ones are ever smaller, so that no worker is left with one while the others have nothing to do.
    """
    return grouped(files, lambda before: min(count, max(1, (len(files) - before) // (2 * workers))))


def grouped(files: Iterable[ToRead], most: Callable[[int], int]) -> Iterator[list[ToRead]]:
    """Group files into chunks of at most `IN_MEMORY_BYTES`, unless one is larger.

    Args:
        files: as they come.
        most: files that a chunk holds at the most, by how many stood in those before it.
    """
    chunk: list[ToRead] = []
    size = before = 0
    for file in files:
        if chunk and (len(chunk) >= most(before) or size + file.size > IN_MEMORY_BYTES):
            yield chunk
            before += len(chunk)
            chunk, size = [], 0
        chunk.append(file)
        size += file.size
    if chunk:
        yield chunk


def _open_once(source: ToRead) -> OpenedFile | None:
    """Open and hash a file; None if it changed meanwhile."""
    if is_remote(source.path):
        return _fetch_once(source)
    if (at_hand := regular_handle(source.path)) is None:
        return None
    handle, before = at_hand
    if before.st_size > IN_MEMORY_BYTES:
        return _hash_large(source, handle, file_stamp(before))
    try:
        data = read_whole(handle, before.st_size)
        digest = content_digest(data)
        stamp = file_stamp(os.fstat(handle))
    finally:
        os.close(handle)
    if stamp != file_stamp(before) or len(data) != stamp.size:
        return None
    return OpenedFile(source, stamp, digest, io.BytesIO(data))


def _hash_large(source: ToRead, handle: int, stamp: FileStamp) -> OpenedFile | None:
    """Hash a file that is read once more to decode it; None if it changed meanwhile."""
    with ExitStack() as unless_kept:
        stream = unless_kept.enter_context(open(handle, "rb", buffering=0))
        opened = OpenedFile(source, stamp, stream_digest(stream), stream, handle)
        if not opened.is_unchanged():
            return None
        unless_kept.pop_all()
        return opened


def _fetch_once(source: ToRead) -> OpenedFile | None:
    """Read and hash what has an address, which comes as a whole; None if it changed meanwhile."""
    if is_given(source.path):
        data = read(source.path)
        stamp = file_stamp(status_of_size(len(data)))
        return OpenedFile(source, stamp, content_digest(data), io.BytesIO(data))
    stamp = file_stamp(status_of(source.path))
    data = read(source.path)
    if len(data) != stamp.size or file_stamp(status_of(source.path)) != stamp:
        return None
    return OpenedFile(source, stamp, content_digest(data), io.BytesIO(data))
