"""Images that a program hands over: Pillow's, arrays, encoded bytes, open files.

Each becomes the bytes of a file, so that one way leads from there on: encoded ones as they are, pixels as a
TIFF without compression, which keeps them to the bit, with their colour profile and their EXIF. A PNG of 12
megapixels takes ten times as long to write and six times as long to read.

An image that is lent has an address, `given://CATALOG/NAME`, for as long as its program waits for an answer:
what looks at a file again (which of two was made of the other?) looks at it. Afterwards its address stands in
a catalog like one of a store that is out of reach.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterable
from io import BytesIO, TextIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

from neardup_cli.errors import BadInput
from neardup_cli.images.formats import SNIFFED_BYTES, sniff

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

SCHEME = b"given://"

_CHANNELS = (1, 3, 4)
_MODES = frozenset(
    {"1", "L", "LA", "I;16", "RGB", "RGBA", "CMYK"}
)  # what a TIFF keeps, and is decoded as meant
_OF_TEXT = "a stream of text is no image: open its file in mode 'rb'"
_NOT_KEPT = "a program gave this image, and it is not kept"
_LOCKS = tuple(threading.Lock() for _ in range(64))


@runtime_checkable
class ArrayLike(Protocol):
    """What numpy can see as an array: its own, tensors of PyTorch, and others."""

    def __array__(self) -> NDArray[Any]: ...


type Pixels = "Image.Image | ArrayLike"
type Encoded = bytes | bytearray | memoryview | BinaryIO
type AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
type AnyImage = AnyPath | Encoded | Pixels
"""An image: its path, its bytes, an open file of them, Pillow's image, or an array of its pixels."""


def path_of(image: object) -> bytes | None:
    """Return the path that stands for an image; None where it is the image itself.

    Bytes are a path unless they begin like an image or hold what no path holds.
    """
    if isinstance(image, bytes):
        is_data = not image or b"\0" in image or sniff(image[:SNIFFED_BYTES]) is not None
        return None if is_data else image
    return os.fsencode(image) if isinstance(image, str | os.PathLike) else None


def checked(image: object) -> object:
    """Return an image that can be encoded: an array with its channels last, anything else as it is.

    Raises:
        BadInput: it is no image, or an array that has no such meaning.
    """
    if isinstance(image, TextIOBase):
        raise BadInput(_OF_TEXT)
    if isinstance(image, bytes | bytearray | memoryview) or _is_pillow(image) or hasattr(image, "read"):
        return image
    if isinstance(image, ArrayLike):
        return _channels_last(image)
    raise BadInput(
        f"{type(image).__name__} is no image: give a path, the bytes of a file, a Pillow image or an array"
    )


def is_pixels(image: object) -> bool:
    """Return True if an image is given as its pixels, not as a file's path or bytes."""
    return not isinstance(image, str | os.PathLike | bytes | bytearray | memoryview) and not hasattr(
        image, "read"
    )


def weight(image: object) -> int:
    """Return about how many bytes an image takes, for whoever holds several at once."""
    if _is_pillow(image):
        width, height = image.size  # type: ignore[attr-defined]
        return int(width * height * 4)
    size = getattr(image, "nbytes", None)
    return int(size) if size is not None else len(image) if isinstance(image, bytes | bytearray) else 0


def encoded(image: object) -> bytes:
    """Return an image as the bytes of a file.

    Raises:
        OSError: its path, its stream or its file cannot be read.
        BadInput: as `checked`.
    """
    if (path := path_of(image)) is not None:
        with open(path, "rb") as stream:
            return stream.read()
    known: Any = checked(image)
    if isinstance(known, bytes | bytearray | memoryview):
        return bytes(known)
    with _LOCKS[id(image) % len(_LOCKS)]:  # one image may be given twice, and threads encode
        if _is_pillow(known):
            return _as_tiff(known)
        if hasattr(known, "read"):
            return _read(known)
    return _as_tiff(_pillow_of(known))


def as_stream(image: object) -> BinaryIO:
    """Return an image that is no path as a seekable stream; one that is a stream is left open."""
    if hasattr(image, "read") and hasattr(image, "seek"):
        known: Any = checked(image)
        stream: BinaryIO = known
        return stream
    return BytesIO(encoded(image))


# --- lent for as long as a program waits -----------------------------------------------------------------

_lent: dict[bytes, object] = {}
_once: set[bytes] = set()
_sizes: dict[bytes, int] = {}


def is_given(path: bytes) -> bool:
    """Return True if a path is the address of an image that a program gave."""
    return path.startswith(SCHEME)


def lend(address: bytes, image: object, *, once: bool = False) -> None:
    """Let an image be read under an address, or read once: then nobody but its program holds it."""
    _lent[address] = image
    if once:
        _once.add(address)


def take_back(addresses: Iterable[bytes]) -> None:
    """Let images be read no more."""
    for address in addresses:
        _lent.pop(address, None)
        _sizes.pop(address, None)
        _once.discard(address)


def is_there(address: bytes) -> bool:
    """Return True if an image can be read under an address now."""
    return address in _lent


def read(address: bytes) -> bytes:
    """Return the bytes of an image that is lent.

    Raises:
        OSError: it is not, or cannot be read.
    """
    if address not in _lent:
        raise OSError(errno.ENOENT, _NOT_KEPT)
    data = encoded(_lent.pop(address) if address in _once else _lent[address])
    _sizes[address] = len(data)
    return data


def status_of(address: bytes) -> os.stat_result:
    """Return what `stat` would say of an image that is lent: its size, and that it is a file.

    Raises:
        OSError: it is not lent.
    """
    if address not in _lent:
        raise OSError(errno.ENOENT, _NOT_KEPT)
    return status_of_size(_sizes[address] if address in _sizes else len(encoded(_lent[address])))


def status_of_size(size: int) -> os.stat_result:
    """Return what `stat` would say of an image of so many bytes: when it was made is not known."""
    return os.stat_result((0o100444, 0, 0, 1, 0, 0, size, 0, 0, 0), {"st_mtime_ns": 0})


# --- pixels ----------------------------------------------------------------------------------------------


def _is_pillow(image: object) -> bool:
    # Whoever has an image of Pillow's has imported it.
    return hasattr(image, "getbands") and hasattr(image, "save")


def _as_tiff(image: object) -> bytes:
    from PIL import Image

    assert isinstance(image, Image.Image)
    kept: dict[str, Any] = {}
    if profile := image.info.get("icc_profile"):
        kept["icc_profile"] = profile
    if exif := image.getexif():
        kept["exif"] = exif
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode not in _MODES:
        kept.pop("icc_profile", None)
        image = image.convert("RGBA" if "A" in image.getbands() or "a" in image.getbands() else "RGB")
    stream = BytesIO()
    image.save(stream, "TIFF", **kept)
    return stream.getvalue()


def _channels_last(array: ArrayLike) -> NDArray[Any]:
    """Return an array as height × width, or height × width × channels.

    Raises:
        BadInput: it has another shape, or other numbers than pixels have.
    """
    import numpy as np

    pixels = np.asarray(array)
    if pixels.ndim == 3 and pixels.shape[2] not in _CHANNELS and pixels.shape[0] in _CHANNELS:
        pixels = pixels.transpose(1, 2, 0)  # as PyTorch has them
    shaped = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in _CHANNELS)
    if not shaped or not pixels.size:
        shape = " × ".join(map(str, pixels.shape)) or "no"
        raise BadInput(f"an array of {shape} numbers is no image: height × width × 1, 3 or 4 is one")
    if pixels.dtype not in (np.bool_, np.uint8, np.uint16) and pixels.dtype.kind != "f":
        raise BadInput(
            f"an array of {pixels.dtype} is no image: uint8, uint16, bool, or floats in [0, 1] are"
        )
    return pixels


def _pillow_of(array: NDArray[Any]) -> Image.Image:
    """Make Pillow's image of an array that is `checked`.

    Raises:
        BadInput: its floats leave [0, 1].
    """
    import numpy as np
    from PIL import Image

    pixels = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if pixels.dtype.kind == "f":
        if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
            raise BadInput("an array of floats is an image where they lie in [0, 1]")
        pixels = np.round(pixels * np.float32(255)).astype(np.uint8)
    elif pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * np.uint8(255)
    elif pixels.dtype == np.uint16 and pixels.ndim == 3:  # Pillow has no colours of so many bits
        pixels = (pixels >> 8).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(pixels))


def _read(stream: BinaryIO) -> bytes:
    if hasattr(stream, "seek") and stream.seekable():
        stream.seek(0)
    data: object = stream.read()
    if not isinstance(data, bytes):
        raise BadInput(_OF_TEXT)
    return data
