"""A match as a picture: side by side, what each shows of the other outlined, lines between what agrees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from neardup_cli.errors import BadInput
from neardup_cli.records.answers import ExplainedPair, Point

_HEIGHT = 640
_GAP = 24
_MARGIN = 16
_TEXT = 18
_PAPER, _INK = (250, 250, 250), (40, 40, 40)
_OUTLINE, _LINK, _DOT = (230, 60, 40), (70, 150, 230), (20, 90, 180)


def save_picture(pair: ExplainedPair, a: Image.Image, b: Image.Image, path: Path) -> None:
    """Draw a match and save it; the ending of `path` says in which format.

    Args:
        pair: the match, explained.
        a: the first image, upright RGB of any size.
        b: the second one.
        path: where to; an existing file is not overwritten.

    Raises:
        BadInput: the format is unknown, or the path is taken or cannot be written.
    """
    if path.exists():
        raise BadInput(f"{path} exists: give another name to --save")
    try:
        draw_pair(pair, a, b).save(path)
    except (ValueError, OSError) as exc:
        raise BadInput(f"{path} cannot be written: {exc}") from exc


def draw_pair(pair: ExplainedPair, a: Image.Image, b: Image.Image) -> Image.Image:
    """Return the picture that `save_picture` saves."""
    left, right = (_fitted(image) for image in (a, b))
    _outline(left, pair.outline_in_a)
    _outline(right, pair.outline)
    width = 2 * _MARGIN + left.width + _GAP + right.width
    top = 2 * _MARGIN + _TEXT
    canvas = Image.new("RGB", (width, top + _HEIGHT + _MARGIN), _PAPER)
    places = [(_MARGIN, top), (_MARGIN + left.width + _GAP, top)]
    for image, place in zip((left, right), places, strict=True):
        canvas.paste(image, place)
    pen = ImageDraw.Draw(canvas)
    pen.text((_MARGIN, _MARGIN), pair.sentence, fill=_INK, font=ImageFont.load_default(_TEXT))
    for start, end in pair.links:
        ends = _on(start, left, places[0]), _on(end, right, places[1])
        pen.line(ends, fill=_LINK, width=1)
        for x, y in ends:
            pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=_DOT)
    return canvas


def _outline(image: Image.Image, corners: Sequence[Point]) -> None:
    """Draw as much of a quadrilateral as lies on the image."""
    if corners:
        points = [(x * image.width, y * image.height) for x, y in corners]
        ImageDraw.Draw(image).line([*points, points[0]], fill=_OUTLINE, width=3)


def _fitted(image: Image.Image) -> Image.Image:
    scale = _HEIGHT / image.height
    return image.resize((max(1, round(image.width * scale)), _HEIGHT), Image.Resampling.LANCZOS)


def _on(point: tuple[float, float], image: Image.Image, place: tuple[int, int]) -> tuple[float, float]:
    """Turn shares of an image into canvas pixels, kept within the image."""
    x, y = (min(max(share, 0.0), 1.0) for share in point)
    return place[0] + x * image.width, place[1] + y * image.height
