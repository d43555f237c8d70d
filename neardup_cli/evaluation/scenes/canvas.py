"""What every scene is painted with: noise, colours, soft shapes, light on a relief, a floor in perspective.

Pictures are float32 arrays (3, height, width), RGB in 0-1 as shown on a screen (gamma-encoded); planes are
float32 (height, width) and colours (3, 1, 1). With the channels first, planes and colours broadcast against
pictures as they are, and NumPy runs along whole rows: blending is ten times as fast as on (height, width, 3).
Shapes are painted in place and only inside their bounding box.
"""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

type Pixels = NDArray[np.floating]
type Plane = NDArray[np.floating]
type Colour = NDArray[np.floating]
type Points = NDArray[np.floating]

_ANTIALIASED = 0.7
"""The softness, in pixels, that a polygon has without a blur."""

_SUBPIXEL = 4
"""Bits of a coordinate's fraction that OpenCV's polygons keep."""


@dataclass(frozen=True)
class Shot:
    """One picture to be taken.

    `mood` decides what it is a picture of (season, hour, materials) and `layout` where everything stands. Two
    shots with the same mood and another layout look alike without being copies.
    """

    width: int
    height: int
    mood: np.random.Generator
    layout: np.random.Generator

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width

    @property
    def unit(self) -> float:
        """The shorter side in pixels: what lengths are given in, so that any size shows the same picture."""
        return float(min(self.width, self.height))


def rgb(red: float, green: float, blue: float) -> Colour:
    """A colour from the usual 0-255 values."""
    return np.array([red, green, blue], dtype=np.float32)[:, None, None] / 255


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue (in turns, any number), saturation and value (0-1, clipped)."""
    clipped = np.clip([saturation, value], 0, 1).tolist()
    return np.array(colorsys.hsv_to_rgb(hue % 1, *clipped), dtype=np.float32)[:, None, None]


def jitter(rng: np.random.Generator, colour: Colour, amount: float = 0.05) -> Colour:
    """`colour` with every channel moved by up to `amount`."""
    return np.clip(colour + rng.uniform(-amount, amount, (3, 1, 1)), 0, 1).astype(np.float32)


def mix(first: ArrayLike, second: ArrayLike, share: ArrayLike) -> NDArray[np.floating]:
    """`first` where `share` is 0 and `second` where it is 1."""
    start = np.asarray(first, dtype=np.float32)
    return (start + np.asarray(share, dtype=np.float32) * (np.asarray(second) - start)).astype(np.float32)


def noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    coarsest: float = 4,
    finest: int = 1,
    roughness: float = 0.5,
    stretch: float = 1.0,
) -> Plane:
    """1/f noise of mean 0 and deviation 1: every octave is twice as fine and `roughness` times as strong.

    Args:
        rng: where the noise comes from.
        shape: (height, width) of the plane.
        coarsest: how many cells of the first octave lie along the height.
        finest: the size of the last octave's cells, in pixels; larger is smoother and faster.
        roughness: 0.5 looks like clouds, 0.7 like gravel.
        stretch: how many times wider than high the cells are.
    """
    height, width = shape
    rows, cols = max(2.0, coarsest), max(2.0, coarsest * width / height / stretch)
    plane = rng.random((round(rows), round(cols)), dtype=np.float32) - np.float32(0.5)
    strength = 1.0
    while max(rows * 2 * finest / height, cols * 2 * finest / width) <= 1.01:
        rows, cols, strength = rows * 2, cols * 2, strength * roughness
        plane = _resized(plane, (round(cols), round(rows)), cv2.INTER_LINEAR)
        # Even numbers, not normal ones: they cost a third, and the octaves' sum is normal anyway.
        plane += np.float32(strength) * (rng.random(plane.shape, dtype=np.float32) - np.float32(0.5))
    plane = _resized(plane, (width, height), cv2.INTER_CUBIC)
    mean, deviation = cv2.meanStdDev(plane)
    return ((plane - np.float32(mean[0, 0])) / np.float32(deviation[0, 0] + 1e-6)).astype(np.float32)


def _resized(plane: Plane, size: tuple[int, int], how: int) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=how), dtype=np.float32)


def line(
    rng: np.random.Generator, length: int, *, coarsest: float = 3, finest: int = 1, roughness: float = 0.5
) -> NDArray[np.floating]:
    """1/f noise along one axis, (length,): a ridge, a shore, the crest of a dune."""
    count, strength = max(2.0, coarsest), 1.0
    wanted = np.arange(length) / max(1, length - 1)
    total = np.zeros(length)
    while True:
        knots = rng.standard_normal(round(count) + 1)
        at = wanted * round(count)
        # Smoothstep between the knots: straight pieces would show as facets.
        low = np.minimum(at.astype(int), round(count) - 1)
        part = at - low
        part = part * part * (3 - 2 * part)
        total += strength * (knots[low] * (1 - part) + knots[low + 1] * part)
        count, strength = count * 2, strength * roughness
        if count * finest > length:
            return (total / (total.std() + 1e-6)).astype(np.float32)


def smoothstep(low: float, high: float, values: NDArray[np.floating]) -> NDArray[np.floating]:
    """0 below `low`, 1 above `high`, an S between; `high` may be the smaller one."""
    part = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part), dtype=np.float32)


def ramp(plane: Plane, colours: Sequence[Colour]) -> Pixels:
    """Colours for the values 0-1 of `plane`, from the first to the last of `colours` at equal distances."""
    stops = np.linspace(0, 255, len(colours))
    index = np.clip(plane * 255, 0, 255).astype(np.uint8)
    channels = np.concatenate(colours).reshape(-1, 3).T
    return palette(index, [np.interp(np.arange(256), stops, channel) for channel in channels])


def palette(index: NDArray[np.integer | np.bool], table: ArrayLike) -> Pixels:
    """The picture whose pixels are the columns of `table`, (3, n) with n up to 256, that `index` names."""
    channels = np.zeros((3, 256), np.float32)
    columns = np.asarray(table)
    channels[:, : columns.shape[1]] = columns
    small = index.astype(np.uint8)
    return np.stack([np.asarray(cv2.LUT(small, channel), dtype=np.float32) for channel in channels])


def fraction(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """What is left of the whole number below: `np.mod(values, 1)` at a tenth of its cost."""
    return values - np.floor(values)


def remap(pixels: Pixels, x: Plane, y: Plane, border: int = cv2.BORDER_REFLECT_101) -> Pixels:
    """`pixels` looked up at other places: where every pixel of the result comes from."""
    shape = np.broadcast_shapes(x.shape, y.shape)
    x, y = (np.ascontiguousarray(np.broadcast_to(axis, shape), dtype=np.float32) for axis in (x, y))
    looked_up = [cv2.remap(channel, x, y, cv2.INTER_LINEAR, borderMode=border) for channel in pixels]
    return np.stack(looked_up).astype(np.float32, copy=False)


def blend(pixels: Pixels, mask: Plane, colour: NDArray[np.floating]) -> None:
    """Move `pixels` towards `colour` (one colour or a picture) by `mask` (0-1), in place."""
    pixels += mask * (colour - pixels)


def soften(plane: Plane, deviation: float) -> Plane:
    """`plane` blurred by a Gaussian of `deviation` pixels."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), deviation), dtype=np.float32)


def rows_and_columns(shape: tuple[int, int]) -> tuple[Plane, Plane]:
    """The y and x of every pixel's row and column, (height, 1) and (1, width), ready to broadcast."""
    height, width = shape
    return np.arange(height, dtype=np.float32)[:, None], np.arange(width, dtype=np.float32)[None, :]


def polygon(
    pixels: Pixels, points: Points, colour: Colour, *, soft: float = 0.0, opacity: float = 1.0
) -> None:
    """Fill the polygon `points`, (n, 2) of x, y in pixels; `soft` blurs its edge by as many pixels."""
    box = bounding_box(points, pixels.shape[1:], margin=round(3 * soft) + 2)
    if box is None:
        return
    rows, cols = box
    # A wide blur needs no fine mask: it is drawn small and enlarged.
    shrink = max(1.0, soft / 1.5)
    height, width = rows.stop - rows.start, cols.stop - cols.start
    mask = np.zeros((max(1, round(height / shrink)), max(1, round(width / shrink))), np.uint8)
    scale = np.array([mask.shape[1] / width, mask.shape[0] / height])
    fixed = np.rint((points - (cols.start, rows.start)) * scale * (1 << _SUBPIXEL)).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL)
    if soft > _ANTIALIASED:
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), soft / shrink), dtype=np.uint8)
    if shrink > 1:
        mask = np.asarray(cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    blend(pixels[:, rows, cols], mask * np.float32(opacity / 255), colour)


def bounding_box(points: Points, shape: tuple[int, ...], *, margin: int = 0) -> tuple[slice, slice] | None:
    """The rows and columns of a picture of `shape` that `points` cover; None where they lie outside of it."""
    low = (points.min(axis=0) - margin).astype(int).tolist()
    high = (points.max(axis=0) + margin + 2).astype(int).tolist()
    left, right = max(0, low[0]), min(shape[1], high[0])
    top, bottom = max(0, low[1]), min(shape[0], high[1])
    return (slice(top, bottom), slice(left, right)) if left < right and top < bottom else None


@lru_cache(maxsize=32)
def _unit_circle(corners: int) -> Points:
    """(2, corners): the cosines and sines of as many angles."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)])


def ellipse(
    centre: tuple[float, float], radii: tuple[float, float], *, turn: float = 0.0, corners: int = 40
) -> Points:
    """The outline of an ellipse, (corners, 2), turned by `turn` radians."""
    cosine, sine = math.cos(turn), math.sin(turn)
    axes = np.array([(radii[0] * cosine, -radii[1] * sine), (radii[0] * sine, radii[1] * cosine)])
    return np.asarray((axes @ _unit_circle(corners)).T + np.array(centre))


def ring(centre: tuple[float, float], outer: float, inner: float) -> Points:
    """The outline of a ring: out on a circle, and back on a smaller one."""
    circles = [ellipse(centre, (radius, radius)) for radius in (outer, inner)]
    return np.concatenate([circles[0], circles[0][:1], circles[1][:1], circles[1][::-1]])


def box(pixels: Pixels, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
    """Fill an upright rectangle whose edges are rounded to whole pixels: much faster than a polygon."""
    pixels[:, max(0, round(top)) : max(0, round(bottom)), max(0, round(left)) : max(0, round(right))] = colour


def oval(
    pixels: Pixels,
    centre: tuple[float, float],
    radii: tuple[float, float],
    colour: Colour,
    *,
    turn: float = 0.0,
    corners: int = 40,
    soft: float = 0.0,
    opacity: float = 1.0,
) -> None:
    """Fill an ellipse, as `polygon` does."""
    polygon(pixels, ellipse(centre, radii, turn=turn, corners=corners), colour, soft=soft, opacity=opacity)


def rectangle(left: float, top: float, right: float, bottom: float) -> Points:
    """The four corners of an upright rectangle."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)


def glow(pixels: Pixels, centre: tuple[float, float], radius: float, colour: Colour, strength: float) -> None:
    """Add light around `centre` that falls to a third at `radius` pixels, in place."""
    box = bounding_box(ellipse(centre, (2.6 * radius, 2.6 * radius)), pixels.shape[1:])
    if box is None:
        return
    rows, cols = box
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - centre[1]
    x = np.arange(cols.start, cols.stop, dtype=np.float32)[None, :] - centre[0]
    # A product of two one-dimensional bells costs a tenth of a bell at every pixel.
    light = np.exp(-((y / radius) ** 2)) * np.exp(-((x / radius) ** 2)) * np.float32(strength)
    pixels[:, rows, cols] += light * colour


def relief(height: Plane, angle: float, depth: float) -> Plane:
    """How brightly a surface of that height is lit from `angle` (radians): around 1, ± about `depth`."""
    across = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) * np.float32(np.cos(angle))
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) * np.float32(np.sin(angle))
    slope = across + down
    return (1 + np.float32(depth) * slope / np.float32(np.abs(slope).mean() * 1.5 + 1e-6)).astype(np.float32)


def floor(
    texture: NDArray[np.floating], shape: tuple[int, int], *, tilt: float = 6.0, zoom: float = 1.0
) -> Pixels:
    """Lay `texture` on the ground below the horizon, seen from eye height.

    Args:
        texture: (channels, n, n), mirrored without end.
        shape: (height, width) of the part of the picture below the horizon.
        tilt: how much smaller the texture is at the horizon than at the lower edge.
        zoom: how many pixels of the picture one pixel of the texture covers at the lower edge.
    """
    height, width = shape
    down = (np.arange(height, dtype=np.float32)[:, None] + 1) / height
    away = 1 / (1 / tilt + (1 - 1 / tilt) * down)
    x = (np.arange(width, dtype=np.float32)[None, :] - width / 2) * away / zoom + texture.shape[2] / 2
    y = away * height / zoom * 0.6
    return remap(texture, _folded(x, texture.shape[2]), _folded(y, texture.shape[1]))


def _folded(values: Plane, period: int) -> Plane:
    """Coordinates that run to and fro over `period`: a mirrored texture has no seams."""
    return (period - 1 - np.abs(np.mod(values, 2 * (period - 1)) - (period - 1))).astype(np.float32)


def ambient(pixels: Pixels) -> Colour:
    """The light of a scene, for what stands before it: as bright and as coloured as its average."""
    mean = pixels[:, ::8, ::8].mean(axis=(1, 2), dtype=np.float32)[:, None, None]
    return mix(mean / (mean.max() + 1e-3), 1.0, 0.45) * np.float32(np.clip(0.45 + mean.mean(), 0.4, 1.05))


def bar(pixels: Pixels, start: Points, end: Points, half: float, tone: Colour) -> None:
    """A straight tube from `start` to `end`, 2 · `half` pixels thick."""
    along = (end - start) / (np.hypot(*(end - start)) + 1e-6)
    side = np.array([-along[1], along[0]]) * max(0.6, half)
    polygon(pixels, np.stack([start + side, end + side, end - side, start - side]), tone)


def paste(pixels: Pixels, body: Pixels, mask: Plane, corner: tuple[int, int]) -> None:
    """Put `body` at `corner` (x, y) of the picture where `mask` says so; parts outside are cut off."""
    (left, top), (height, width) = corner, mask.shape
    rows = slice(max(0, top), min(pixels.shape[1], top + height))
    cols = slice(max(0, left), min(pixels.shape[2], left + width))
    if rows.start >= rows.stop or cols.start >= cols.stop:
        return
    inner = (slice(rows.start - top, rows.stop - top), slice(cols.start - left, cols.stop - left))
    blend(pixels[:, rows, cols], mask[inner], body[:, *inner])
