"""Photographs of which neither may go for the other: a local change, another shot, other tones or colours."""

from __future__ import annotations

from colorsys import hsv_to_rgb
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from benchmarks._attempts import Attempt, Maker, Must
from benchmarks._files import as_image, camera_exif, encoded, grainy
from benchmarks._pictures import opened
from neardup_cli.evaluation.edits.lettering import font

LABELS = (("YES", "NO"), ("OPEN", "SHUT"), ("IN", "OUT"), ("LEFT", "RIGHT"), ("37", "31"), ("SOLD", "FREE"))
SEEN = 14.0
"""Mean difference, in grey levels, from which a person sees that a small place is another."""
COLOURLESS = 6.0
"""Mean deviation of the three channels below which a photograph has no colours to lose."""

type Array = NDArray[np.float32]


def labels(attempt: Attempt) -> None:
    """One label 1.5-6 % of the height with another word on it, at one place of a photograph."""
    image = attempt.image()
    size = max(8, round(image.height * attempt.uniform(0.015, 0.06)))
    x, y = attempt.uniform(0.05, 0.7), attempt.uniform(0.05, 0.9)
    paper, ink = attempt.one_of(
        ((250, 250, 245), (20, 20, 25)), ((20, 60, 140), (255, 255, 255)), ((250, 210, 30), (0, 0, 0))
    )
    box = (round(image.width * x), round(image.height * y))
    words = attempt.one_of(*LABELS)
    for word in words:
        labelled = image.copy()
        draw = ImageDraw.Draw(labelled)
        wide = max(draw.textlength(text, font=font(round(size * 0.8))) for text in words)
        draw.rectangle((*box, round(box[0] + wide + size * 0.5), box[1] + size), fill=paper)
        middle = (box[0] + (wide + size * 0.5) / 2, box[1] + size / 2)
        draw.text(middle, word, fill=ink, font=font(round(size * 0.8)), anchor="mm")
        attempt.stay(f"label {size / image.height:.1%}", labelled)


def warps(attempt: Attempt) -> None:
    """A place with detail (a part of a face, say) pulled aside: 2-8 % of the shorter side in radius."""
    image = attempt.image()
    values = np.asarray(image, np.float32)
    radius = max(6, round(min(image.size) * attempt.uniform(0.02, 0.08)))
    for _ in range(20):
        x, y = detailed_place(attempt, values, radius)
        warped = _warped(values, (x, y), radius, attempt.uniform(0.35, 0.6), attempt.uniform(0, 2 * np.pi))
        if seen(values, warped, (x, y), radius):
            break
    attempt.stay("before", image)
    attempt.stay(f"warp {radius / min(image.size):.1%}", as_image(warped))


def _warped(values: Array, place: tuple[int, int], radius: int, strength: float, angle: float) -> Array:
    height, width = values.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    near = np.clip(1 - ((xs - place[0]) ** 2 + (ys - place[1]) ** 2) / radius**2, 0, 1) ** 2
    by = np.float32(strength * radius) * near
    moved = (xs + by * np.float32(np.cos(angle)), ys + by * np.float32(np.sin(angle)))
    return np.asarray(cv2.remap(values, *moved, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT), np.float32)


def detailed_place(attempt: Attempt, values: Array, radius: int) -> tuple[int, int]:
    """The place with most contrast of twelve drawn ones, a radius away from the edges at least."""
    height, width = values.shape[:2]
    places = [
        (
            int(attempt.random.integers(radius, width - radius)),
            int(attempt.random.integers(radius, height - radius)),
        )
        for _ in range(12)
    ]
    return max(places, key=lambda place: float(_around(values, place, radius).std()))


def _around(values: Array, place: tuple[int, int], radius: int) -> Array:
    x, y = place
    return values[max(0, y - radius) : y + radius, max(0, x - radius) : x + radius]


def seen(before: Array, after: Array, place: tuple[int, int], radius: int) -> bool:
    """Whether a person sees the change: its inner half differs by more than noise on the mean."""
    inner = max(2, radius // 2)
    return float(np.abs(_around(before, place, inner) - _around(after, place, inner)).mean()) > SEEN


def objects(attempt: Attempt) -> None:
    """A small thing, 2-8 % of the shorter side across: added, moved, or painted away."""
    image = attempt.image()
    values = np.asarray(image, np.float32)
    radius = max(5, round(min(image.size) * attempt.uniform(0.01, 0.04)))
    for _ in range(20):
        x, y = (
            detailed_place(attempt, values, radius)
            if attempt.number % 3 == 2
            else _anywhere(attempt, values, radius)
        )
        thing = (
            _painted_away(values, (x, y), radius)
            if attempt.number % 3 == 2
            else _with_thing(attempt, values, (x, y), radius)
        )
        if seen(values, thing, (x, y), radius):
            break
    size = f"{2 * radius / min(image.size):.1%}"
    if attempt.number % 3 == 1:
        elsewhere = (x, y)
        while np.hypot(elsewhere[0] - x, elsewhere[1] - y) < 3 * radius:
            elsewhere = _anywhere(attempt, values, radius)
        attempt.stay(f"moved {size}", as_image(_copied(values, thing, (x, y), elsewhere, radius)))
    else:
        attempt.stay(f"{'removed' if attempt.number % 3 else 'added'} {size}", image)
    attempt.stay(f"thing {size}", as_image(thing))


def _anywhere(attempt: Attempt, values: Array, radius: int) -> tuple[int, int]:
    height, width = values.shape[:2]
    draw = attempt.random.integers
    return int(draw(radius, width - radius)), int(draw(radius, height - radius))


def _with_thing(attempt: Attempt, values: Array, place: tuple[int, int], radius: int) -> Array:
    """A ball, lit from one side, or a piece of the photograph itself, set in with a soft edge."""
    ys, xs = np.mgrid[-radius:radius, -radius:radius].astype(np.float32) / radius
    soft = np.clip((1 - np.hypot(xs, ys)) * radius / 1.5, 0, 1)[..., None]
    if attempt.random.random() < 0.5:
        colour = attempt.random.uniform(30, 225, 3).astype(np.float32)
        thing = colour * (0.75 + 0.25 * (xs - ys) / np.float32(1.5))[..., None]
    else:
        thing = _around(values, _anywhere(attempt, values, radius), radius)
    result = values.copy()
    _around(result, place, radius)[:] += soft * (thing - _around(result, place, radius))
    return result


def _copied(
    values: Array, source: Array, there: tuple[int, int], here: tuple[int, int], radius: int
) -> Array:
    ys, xs = np.mgrid[-radius:radius, -radius:radius].astype(np.float32) / radius
    soft = np.clip((1 - np.hypot(xs, ys)) * radius / 1.5, 0, 1)[..., None]
    result = values.copy()
    _around(result, here, radius)[:] += soft * (
        _around(source, there, radius) - _around(result, here, radius)
    )
    return result


def _painted_away(values: Array, place: tuple[int, int], radius: int) -> Array:
    mask = np.zeros(values.shape[:2], np.uint8)
    cv2.circle(mask, place, radius, 255, -1)
    filled = cv2.inpaint(np.clip(values, 0, 255).astype(np.uint8), mask, 3, cv2.INPAINT_TELEA)
    return np.asarray(filled, np.float32)


# --- other shots of one scene -------------------------------------------------------------------------------


def shot_times(attempt: Attempt) -> tuple[str, list[Image.Exif | None]]:
    """How three shots are dated, and the EXIF of each: within one second, not at all, or 90 s apart."""
    how = ("same second", "no EXIF", "90 s apart")[attempt.number % 3]
    if how == "no EXIF":
        return how, [None] * 3
    seconds = [90 * shot if how == "90 s apart" else 0 for shot in range(3)]
    times = [f"2024:05:01 10:{10 + second // 60:02d}:{second % 60:02d}" for second in seconds]
    return how, [camera_exif(attempt.number, time) for time in times]


def bursts(attempt: Attempt) -> None:
    """Three shots of a still scene by hand: turned by up to 0.5°, shifted by up to 1 %, noisy."""
    image = attempt.image(1000 if attempt.number % 2 else None)
    how, dates = shot_times(attempt)
    noise = attempt.uniform(1.5, 4)
    for exif in dates:
        attempt.stay(how, grainy(_by_hand(attempt, image), noise, attempt.random), exif)


def _by_hand(attempt: Attempt, image: Image.Image) -> Image.Image:
    width, height = image.size
    turned = image.rotate(attempt.uniform(-0.5, 0.5), Image.Resampling.BICUBIC)
    left = round(width * (0.02 + attempt.uniform(-0.01, 0.01)))
    top = round(height * (0.02 + attempt.uniform(-0.01, 0.01)))
    return turned.crop((left, top, left + round(width * 0.96), top + round(height * 0.96)))


def brackets(attempt: Attempt) -> None:
    """Three exposures from a tripod, 0.5 to 2 stops apart, each with noise and highlights of its own."""
    values = np.asarray(attempt.image(), np.float32) / 255
    how, dates = shot_times(attempt)
    step = attempt.uniform(0.5, 2)
    for stops, exif in zip((-step, 0, step), dates, strict=True):
        if exif is not None:
            exif.get_ifd(0x8769)[0x9204] = round(stops * 10), 10
        light = np.clip(values**2.2 * 2.0**stops, 0, 1) ** (1 / 2.2) * 255
        attempt.stay(how, grainy(as_image(light), attempt.uniform(1, 2.5), attempt.random), exif)


def stacks(attempt: Attempt) -> None:
    """Three shots from a tripod, sharp in front, in the middle and at the back."""
    image = attempt.image()
    how, dates = shot_times(attempt)
    blurred = np.asarray(
        image.filter(ImageFilter.GaussianBlur(image.height * attempt.uniform(0.004, 0.012))), np.float32
    )
    sharp = np.asarray(image, np.float32)
    depth = np.linspace(0, 1, image.height, dtype=np.float32)[:, None, None]
    for zone, exif in zip((0.15, 0.5, 0.85), dates, strict=True):
        clear = np.clip(1.6 - 4 * np.abs(depth - zone), 0, 1)
        shot = as_image(clear * sharp + (1 - clear) * blurred)
        attempt.stay(how, grainy(shot, attempt.uniform(1, 2.5), attempt.random), exif)


# --- tones, colours, sizes, directions ----------------------------------------------------------------------


def tones(attempt: Attempt) -> None:
    """A colour photograph and an edit of its tones: grey, sepia, another gamma, warmth, saturation."""
    image = attempt.image()
    exif = camera_exif(attempt.number) if attempt.random.random() < 0.5 else None
    attempt.stay("colour original", image, exif)
    how, edited = _toned(attempt, image)
    suffix = attempt.one_of(".jpg", ".png", ".jpg", ".webp")
    kept = exif if suffix == ".jpg" and attempt.random.random() < 0.5 else None
    attempt.write(
        how, Must.STAY, suffix, encoded(edited, suffix, int(attempt.random.integers(85, 100)), kept)
    )


def _toned(attempt: Attempt, image: Image.Image) -> tuple[str, Image.Image]:
    grey = ImageOps.grayscale(image)
    colourless = float(np.asarray(image, np.float32).std(axis=2).mean()) < COLOURLESS
    match 2 if colourless else attempt.number % 5:
        case 0:
            return "grey", attempt.one_of(grey, grey.convert("RGB"))
        case 1:
            return "sepia", ImageOps.colorize(grey, (40, 22, 5), (255, 242, 210))
        case 2:
            gamma = attempt.one_of(attempt.uniform(0.45, 0.75), attempt.uniform(1.35, 2))
            return "gamma", as_image(255 * (np.asarray(image, np.float32) / 255) ** gamma)
        case 3:
            warmth = attempt.one_of(-1, 1) * attempt.uniform(0.08, 0.2)
            gains = np.array([1 + warmth, 1, 1 - warmth], np.float32)
            return "warmth", as_image(np.asarray(image, np.float32) * gains)
        case _:
            factor = attempt.one_of(attempt.uniform(0.2, 0.6), attempt.uniform(1.5, 2.2))
            return "saturation", ImageEnhance.Color(image).enhance(factor)


def colours(attempt: Attempt) -> None:
    """One thing in two colours: a patch of a photograph, or a product on white (a shirt, a lamp)."""
    hue, shift = attempt.uniform(0, 1), attempt.uniform(0.2, 0.5)
    if attempt.number % 2:
        image = attempt.image()
        values, radius = np.asarray(image, np.float32), round(min(image.size) * attempt.uniform(0.08, 0.17))
        for _ in range(20):
            place = _anywhere(attempt, values, radius)
            pair = [_tinted(image, place, radius, (hue + by) % 1) for by in (0, shift)]
            if seen(np.asarray(pair[0], np.float32), np.asarray(pair[1], np.float32), place, radius):
                break
    else:
        points = [tuple(map(float, point)) for point in attempt.random.uniform(150, 650, (5, 2))]
        pair = [_product(points, (hue + by) % 1) for by in (0, shift)]
    for coloured in pair:
        attempt.stay("recoloured patch" if attempt.number % 2 else "product", coloured)


def _tinted(image: Image.Image, place: tuple[int, int], radius: int, hue: float) -> Image.Image:
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).circle(place, radius, fill=255)
    value = image.convert("HSV").getchannel("V")
    tinted = Image.merge("HSV", (_flat(image, 255 * hue), _flat(image, 170), value))
    return Image.composite(tinted.convert("RGB"), image, mask)


def _flat(image: Image.Image, value: float) -> Image.Image:
    return Image.new("L", image.size, round(value) % 256)


def _product(points: list[tuple[float, ...]], hue: float) -> Image.Image:
    red, green, blue = hsv_to_rgb(hue, 0.75, 0.8)
    colour = (round(255 * red), round(255 * green), round(255 * blue))
    image = Image.new("RGB", (800, 800), "white")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((220, 180, 580, 640), 60, fill=colour, outline=(60, 60, 60), width=4)
    for (ax, ay), (bx, by) in pairwise((point[0], point[1]) for point in points):
        draw.line((ax, ay, bx, by), fill=colour, width=46)
    draw.text((400, 410), "NORTH", fill="white", font=font(64), anchor="mm")
    return image


def enlargements(attempt: Attempt) -> None:
    """An original and what an enlarger, or a bad JPEG saved as PNG, made of it: the original stays."""
    image = attempt.image()
    exif = camera_exif(attempt.number) if attempt.number % 2 else None
    quality = int(attempt.random.integers(80, 96))
    attempt.write("original", Must.STAY, ".jpg", encoded(image, ".jpg", quality, exif))
    if attempt.number % 4 == 3:
        worse = encoded(image, ".jpg", int(attempt.random.integers(8, 30)))
        scratch = attempt.folder / "scratch.jpg"
        scratch.write_bytes(worse)
        attempt.write("PNG of a bad JPEG", Must.EITHER, ".png", encoded(opened(scratch), ".png"))
        scratch.unlink()
        return
    scale = attempt.uniform(1.2, 3 if max(image.size) < 1000 else 1.4)
    filters = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR)
    large = image.resize((round(image.width * scale), round(image.height * scale)), attempt.one_of(*filters))
    if attempt.random.random() < 0.5:
        large = large.filter(ImageFilter.UnsharpMask(2, round(attempt.uniform(40, 150)), 2))
    suffix = attempt.one_of(".jpg", ".png")
    attempt.write("enlargement", Must.EITHER, suffix, encoded(large, suffix, 95))


def directions(attempt: Attempt) -> None:
    """A mirrored image that means something else: an arrow, b and d, a photograph of a left hand's side."""
    if attempt.number % 3 == 2:
        image = attempt.image()
    else:
        side = int(attempt.random.integers(96, 640))
        red, green, blue = (int(value) for value in attempt.random.integers(90, 256, 3))
        image = _sign(attempt, Image.new("RGB", (side, side), (red, green, blue)), side)
    how = Image.Transpose.FLIP_LEFT_RIGHT  # an arrow upside down is the same arrow
    if attempt.number % 3 == 2:
        how = attempt.one_of(how, Image.Transpose.FLIP_TOP_BOTTOM)
    attempt.stay("as it is", image)
    attempt.stay("mirrored", image.transpose(how))


def _sign(attempt: Attempt, ground: Image.Image, side: int) -> Image.Image:
    draw = ImageDraw.Draw(ground)
    if attempt.number % 3:
        draw.text(
            (side / 2, side / 2),
            attempt.one_of("b", "p", "E", "7", "R"),
            fill=(20, 20, 20),
            font=font(side * 3 // 4),
            anchor="mm",
        )
        return ground
    tip, waist, thick = attempt.uniform(0.75, 0.9), attempt.uniform(0.4, 0.6), attempt.uniform(0.06, 0.14)
    outline = [(0.1, 0.5 - thick), (waist, 0.5 - thick), (waist, 0.25), (tip, 0.5)]
    mirrored = [(x, 1 - y) for x, y in reversed(outline)]
    draw.polygon([(x * side, y * side) for x, y in [*outline, *mirrored]], fill=(20, 20, 20))
    return ground


PHOTO_KINDS: dict[str, Maker] = {
    "labels": labels,
    "warps": warps,
    "objects": objects,
    "bursts": bursts,
    "brackets": brackets,
    "stacks": stacks,
    "tones": tones,
    "colours": colours,
    "enlargements": enlargements,
    "directions": directions,
}
