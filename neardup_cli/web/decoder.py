"""A process that decodes one upload and ends: `python -m neardup_cli.web.decoder`.

A file of half a megabyte can hold a hundred megapixels. What decodes it is a process of its own, with as much
memory and time as one upload is worth; it gives back the pixels at the size that is needed, and then all of
its memory, whatever its decoder has done with that.

In: the file's bytes on stdin. Out: a line of JSON, then the grey pixels, then the coloured ones.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from PIL import Image

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.images.decode import CANONICAL_SHORT_SIDE, DecodedImage, decode

MEMORY_BYTES = 800_000_000
SECONDS = 20
_TOO_MUCH = "decoding it takes more memory or time than an upload is given"


def main(max_pixels: int) -> None:
    """Decode what comes on stdin."""
    _limit_ourselves()
    try:
        answer, pixels = _decoded(sys.stdin.buffer.read(), max_pixels)
    except MemoryError:
        answer, pixels = {"error": _TOO_MUCH, "too_large": True}, []
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    for part in pixels:
        sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _limit_ourselves() -> None:
    """Take as much memory and time as there is for one upload, where the system counts them."""
    try:
        import resource
    except ImportError:  # Windows: whoever started us still counts the seconds
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _decoded(data: bytes, max_pixels: int) -> tuple[dict[str, Any], list[bytes]]:
    try:
        image = decode(data, max_pixels=max_pixels)
    except ImageTooLarge as exc:
        reason = _TOO_MUCH if isinstance(exc.__cause__, MemoryError) else str(exc)
        return {"error": reason, "too_large": True}, []
    except UnreadableImage as exc:
        return {"error": str(exc), "too_large": False}, []
    luma, colour = _at_size(image.luma), None if image.colour is None else _at_size(image.colour)
    answer = {
        "width": image.width,
        "height": image.height,
        "format": image.format,
        "captured_at": None if image.captured_at is None else image.captured_at.isoformat(),
        "frame": image.frame,
        "damage": image.damage,
        "luma": luma.size,
        "colour": None if colour is None else [colour.mode, *colour.size],
    }
    return answer, [luma.tobytes(), *([] if colour is None else [colour.tobytes()])]


def _at_size(image: Image.Image) -> Image.Image:
    """Return an image as small as a JPEG would be decoded: both sides still twice the network's input."""
    factor = min(image.size) // CANONICAL_SHORT_SIDE
    return image.reduce(factor) if factor > 1 else image


def read_answer(answer: dict[str, Any], pixels: bytes) -> DecodedImage:
    """Put together what a decoder has written.

    Raises:
        ImageTooLarge, UnreadableImage: it has written why it could not.
    """
    from datetime import datetime

    if "error" in answer:
        raise (ImageTooLarge if answer["too_large"] else UnreadableImage)(answer["error"])
    width, height = answer["luma"]
    luma = Image.frombytes("L", (width, height), pixels[: width * height])
    colour = None
    if answer["colour"] is not None:
        mode, *size = answer["colour"]
        colour = Image.frombytes(mode, (size[0], size[1]), pixels[width * height :])
    when = answer["captured_at"]
    return DecodedImage(
        luma=luma,
        colour=colour,
        width=answer["width"],
        height=answer["height"],
        format=answer["format"],
        captured_at=None if when is None else datetime.fromisoformat(when),
        frame=answer["frame"],
        damage=answer["damage"],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
