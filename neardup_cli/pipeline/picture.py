"""One picture as the geometric stage asks for it: its pixels decoded once, made small once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING

from neardup_cli.errors import UnreadableImage
from neardup_cli.fingerprints.dhash import dhash
from neardup_cli.images import DEFAULT_MAX_PIXELS, deep
from neardup_cli.images.decode import DecodedImage, decode
from neardup_cli.images.files import open_image
from neardup_cli.images.preview import make_preview, open_preview
from neardup_cli.images.remote import is_remote, status_of
from neardup_cli.images.walk import file_stamp, os_reason
from neardup_cli.matching.shades import are_natural
from neardup_cli.records.files import Features, FileStamp
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.previews import Preview

if TYPE_CHECKING:
    from neardup_cli.matching.explain import Subject
    from neardup_cli.matching.features import LocalFeatures


class Picture:
    """A picture to be laid on others. Most queries resemble nothing, so it is made small when asked for."""

    def __init__(
        self,
        digest: bytes,
        decode: Callable[[], DecodedImage],
        decoded: DecodedImage | None = None,
        *,
        hold: Callable[[], Holdings] | None = None,
        preview: Callable[[], DecodedImage | None] | None = None,
    ) -> None:
        """Take the BLAKE3 of its bytes, what decodes it, and its pixels where they are at hand.

        `hold` reads what its file says beside its pixels; without it, it says nothing. `preview` gives the
        pixels of its preview where one is kept, so that it need not be decoded.
        """
        self.digest = digest
        self._preview = preview
        self._hold = hold
        self._decode = decode
        self._decoded = decoded

    def decoded(self) -> DecodedImage:
        """Return the upright pixels.

        Raises:
            UnreadableImage: they had to be read again, and cannot be.
        """
        return self._decode() if self._decoded is None else self._decoded

    def small(self) -> DecodedImage:
        """Return the pixels of its preview, which all that is compared is made from; raises as `decoded`."""
        kept = None if self._preview is None else self._preview()
        return as_preview(self.decoded()) if kept is None else kept

    def largest(self) -> tuple[DecodedImage, UnreadableImage | None]:
        """Return the pixels, or those of the preview that is kept and the reason why there are no others.

        Raises:
            UnreadableImage: there is no preview either.
        """
        try:
            return self.decoded(), None
        except UnreadableImage as exc:
            kept = None if self._preview is None else self._preview()
            if kept is None:
                raise
            return kept, exc

    @property
    def features(self) -> LocalFeatures:
        """The picture small and grey; raises as `decoded`."""
        return self._small[0]

    @property
    def subject(self) -> Subject:
        """The picture small and in colour; raises as `decoded`."""
        return self._small[1]

    @cached_property
    def holdings(self) -> Holdings:
        """What its file says beside its pixels; raises as `decoded`."""
        return Holdings() if self._hold is None else self._hold()

    @cached_property
    def _small(self) -> tuple[LocalFeatures, Subject]:
        """The picture small, in grey and in colour: about 600 KB."""
        from neardup_cli.pipeline.geometry import made_small  # late: OpenCV takes 0.2 s to import

        return made_small(self.small())


class Cache[Key: Hashable, Value]:
    """What was made of pictures, the least recently used forgotten first; threads may share it."""

    def __init__(self, make: Callable[[Key], Value], size: int) -> None:
        self._make = make
        self._size = size
        self._held: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, key: Key) -> Value:
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        # Two threads may read the same picture at once: that costs less than waiting for each other.
        value = self._make(key)
        with self._lock:
            self._held[key] = value
            if len(self._held) > self._size:
                self._held.popitem(last=False)
        return value


def hashes_of(image: DecodedImage) -> Features:
    """Return what is known of a decoded image before any model has seen it."""
    bits, flatness = dhash(image.luma)
    return Features(image.format, image.width, image.height, bits, flatness, image.captured_at, None)


def preview_of(image: DecodedImage) -> Preview:
    """Make the preview of an image that was decoded in colour."""
    return make_preview(image, are_natural)


def as_preview(image: DecodedImage) -> DecodedImage:
    """Return an image as its preview shows it, whether or not the catalog keeps that.

    What is compared is always the preview: a decision must not depend on where the pixels come from.
    """
    preview = preview_of(image)
    return open_preview(preview, (image.width, image.height), image.format, image.captured_at)


def stamp_now(path: bytes) -> FileStamp:
    """Return what tells that a file, or an object in a store, has not changed.

    Raises:
        OSError: it is not there, or out of reach.
    """
    return file_stamp(status_of(path) if is_remote(path) else deep.status_of(path))


def decode_file(path: bytes, max_pixels: int = DEFAULT_MAX_PIXELS, *, colour: bool = True) -> DecodedImage:
    """Decode an image file, or an object in a store.

    Raises:
        UnreadableImage: it cannot be read or decoded.
    """
    try:
        with open_image(path) as stream:
            return decode(stream, colour=colour, max_pixels=max_pixels)
    except OSError as exc:
        raise UnreadableImage(os_reason(exc)) from exc


def decode_named(path: bytes, max_pixels: int = DEFAULT_MAX_PIXELS) -> DecodedImage:
    """Decode an image file, or an object in a store.

    Raises:
        UnreadableImage: it cannot be read or decoded; the message names it.
    """
    try:
        return decode_file(path, max_pixels)
    except UnreadableImage as exc:
        raise unreadable(path, exc) from exc


def unreadable(path: bytes, reason: UnreadableImage) -> UnreadableImage:
    """Return a reason with the file that it is about."""
    return UnreadableImage(f"{path.decode('utf-8', 'backslashreplace')}: {reason}")
