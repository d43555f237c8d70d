"""Are plain copies found, of images of every size and of every smoothness?

Of each image four copies are made that nobody would call edits: half its size and double as PNG, a quarter of
it as JPEG at quality 75, the same size as JPEG at quality 50. The images are photographs from 16 pixels on,
objects on plain ground, smoothly shaded desktops in 4K, icons, flags, drawings on transparency and grey of 16
bits that uses 12 of them. A copy counts as found where `neardup dups` has it in one group with its original.
What would be smaller than 8 pixels is left out, and what would be larger than 4K.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._cleaning import answer
from benchmarks._lookalikes import drawn
from benchmarks._pictures import in_processes, on_plain_ground, opened, photo_files, square

LEAST = 0.97
SIDES = (16, 24, 32, 48, 64, 96, 128, 256)
_SMALLEST, _LARGEST = 8, 3840
_FILTER = Image.Resampling.LANCZOS

type Job = tuple[str, int, Path, Path]
"""The kind, the number of the image, a photograph that it may be made of, the folder of the kind."""


def _thumbnail(side: int) -> Callable[[Path, int], Image.Image]:
    return lambda photo, _: square(opened(photo), side)


def _whole(photo: Path, _: int) -> Image.Image:
    return opened(photo)


def _on_ground(photo: Path, number: int) -> Image.Image:
    """Cut an ellipse out of a photograph and lay it on plain ground, of 0.15 to 0.3 of the side."""
    random = np.random.default_rng((number, 71))
    width = int(1000 * random.uniform(0.15, 0.3))
    red, green, blue = random.integers(60, 256, 3).tolist()
    left, top = random.integers(0, 1000 - width, 2).tolist()
    return on_plain_ground(square(opened(photo), width), 1000, (red, green, blue), (left, top))


def _desktop(_: Path, number: int) -> Image.Image:
    """Shade 4K smoothly, with a few soft lights: no corner anywhere."""
    random = np.random.default_rng((number, 72))
    corners = random.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    image = Image.fromarray(corners).resize((960, 540), Image.Resampling.BICUBIC)
    lights = Image.new("RGB", image.size)
    pen = ImageDraw.Draw(lights)
    for _light in range(int(random.integers(2, 6))):
        x, y, radius = random.integers((0, 0, 60), (960, 540, 220)).tolist()
        colour = tuple(random.integers(0, 160, 3).tolist())
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    lit = np.asarray(lights.filter(ImageFilter.GaussianBlur(60)), np.uint16) + np.asarray(image, np.uint16)
    return Image.fromarray(np.minimum(lit, 255).astype(np.uint8)).resize((3840, 2160), _FILTER)


def _icon(side: int) -> Callable[[Path, int], Image.Image]:
    return lambda _, number: drawn("icons", number, 73).resize((side, side), _FILTER)


def _flag(_: Path, number: int) -> Image.Image:
    return drawn("flags", number, 74)


def _on_nothing(_: Path, number: int) -> Image.Image:
    """Draw white lines on transparency."""
    random = np.random.default_rng((number, 75))
    alpha = Image.new("L", (256, 256), 0)
    pen = ImageDraw.Draw(alpha)
    points = [tuple(point) for point in random.integers(24, 232, (6, 2)).tolist()]
    pen.line(points, fill=255, width=int(random.integers(6, 18)), joint="curve")
    white = Image.new("RGBA", alpha.size, "white")
    white.putalpha(alpha)
    return white


def _deep(photo: Path, _: int) -> Image.Image:
    """Grey of 16 bits that uses 12, as microscopes and X-ray machines write it."""
    grey = np.asarray(opened(photo).convert("L"), np.uint16)
    return Image.fromarray(grey << 4)


KINDS: dict[str, Callable[[Path, int], Image.Image]] = {
    **{f"photographs, {side} pixels": _thumbnail(side) for side in SIDES},
    "photographs": _whole,
    "objects on plain ground": _on_ground,
    "smooth desktops, 4K": _desktop,
    "icons, 48 pixels": _icon(48),
    "icons, 128 pixels": _icon(128),
    "flags": _flag,
    "white on transparency": _on_nothing,
    "12 bits of 16": _deep,
}


_COPIES = (("half.png", 0.5), ("double.png", 2.0), ("quarter.jpg", 0.25), ("same.jpg", 1.0))
_QUALITY = {"quarter.jpg": 75, "same.jpg": 50}


def copies_of(image: Image.Image) -> Iterator[tuple[str, Image.Image]]:
    """Yield the file name and the pixels of each copy; what has alpha has no copies as JPEG."""
    in_eight = Image.fromarray((np.asarray(image) >> 4).astype(np.uint8)) if image.mode == "I;16" else image
    for name, scale in _COPIES:
        width, height = (round(length * scale) for length in image.size)
        no_jpeg = image.mode == "RGBA" and name in _QUALITY
        if no_jpeg or min(width, height) < _SMALLEST or max(width, height) > _LARGEST:
            continue
        pixels = in_eight if name in _QUALITY else image
        yield name, pixels if scale == 1 else pixels.resize((width, height), _FILTER)


def write_image(job: Job) -> None:
    """Write an image and its copies into a folder of its own."""
    kind, number, photo, folder = job
    image = KINDS[kind](photo, number)
    own = folder / f"{number:03d}"
    own.mkdir(parents=True)
    image.save(own / "original.png")
    for name, pixels in copies_of(image):
        if name in _QUALITY:
            pixels.save(own / name, quality=_QUALITY[name])
        else:
            pixels.save(own / name)


def found(kind: str, photos: Sequence[Path], space: Path) -> tuple[Counter[str], Counter[str], int]:
    """Return the copies found and made, by name, and the pairs of strangers in groups."""
    folder = space / kind.replace(" ", "-").replace(",", "")
    in_processes(write_image, [(kind, number, photo, folder) for number, photo in enumerate(photos)])
    catalog = folder.with_suffix(".db")
    _bench.cold_scan(folder, catalog)
    pairs = answer(folder, _bench.dups(catalog).json(), {"groups": []}).pairs
    hits, made = Counter[str](), Counter[str]()
    for own in sorted(folder.iterdir()):
        for copy in sorted(own.iterdir()):
            if copy.stem == "original":
                continue
            made[copy.name] += 1
            ends = (f"{own.name}/original.png", f"{own.name}/{copy.name}")
            hits[copy.name] += frozenset(ends) in pairs
    strangers = sum(len({Path(path).parts[0] for path in pair}) > 1 for pair in pairs)
    return hits, made, strangers


def main() -> None:
    """Make the images of each kind, ask for their groups, print who was found."""
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--count", type=int, default=30, help="images of each kind (30)")
    parser.add_argument("--only", nargs="*", choices=sorted(KINDS), default=sorted(KINDS), help="some kinds")
    options = _bench.parse(parser)
    files = photo_files(options.folder)
    photos = files[:: max(1, len(files) // options.count)][: options.count]
    names = [name for name, _ in _COPIES]
    rows: list[list[str | float]] = []
    figures, accused = [], 0
    with _bench.workspace() as space:
        for kind in (kind for kind in KINDS if kind in options.only):
            hits, made, strangers = found(kind, photos, space)
            _bench.note(f"{kind}: {hits.total()} of {made.total()}, {strangers} pairs of strangers")
            rows.append([kind, *(f"{hits[name]} of {made[name]}" if made[name] else "-" for name in names)])
            worst = min(hits[name] / made[name] for name in made)
            figures.append(Figure(f"found of the copies found worst, {kind}", worst, LEAST, at_least=True))
            accused += strangers
    _bench.print_table(("", *names), rows)
    figures.append(Figure("pairs of strangers in groups", accused, 0))
    _bench.finish(figures)


if __name__ == "__main__":
    main()
