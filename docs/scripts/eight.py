"""The README's picture: one image, eight things that happened to it, and what neardup says of each.

    python -m docs.scripts.eight        # writes docs/eight.jpg

The image is painted (`neardup_cli/evaluation/photos.py`): nobody's photograph is in this repository. Under
each copy stands what `neardup explain` prints of it, word for word.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from neardup_cli.evaluation.attacks import all_attacks
from neardup_cli.evaluation.photos import render_photo

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "eight.jpg"
SEED, SIZE = 107, (960, 640)
ATTACKS = ("webp-40", "resize-25", "crop-50", "rotate-10", "mirror", "grey", "meme", "screenshot")
_CELL, _IMAGE, _COLUMNS, _GAP = (320, 286), (320, 214), 3, 16
_GROUND, _INK, _ACCENT = "#ffffff", "#333333", "#0f6b5c"


def make_copies(folder: Path) -> list[tuple[Path, str, str]]:
    """Write the original and its copies; return each with its kind and what neardup says of it."""
    original = render_photo(SEED, SIZE)
    first = folder / "original.jpg"
    original.save(first, quality=92)
    named = {attack.name: attack for attack in all_attacks()}
    told = [(first, "the original", "")]
    for name in ATTACKS:
        attack = named[name]
        edited = attack.run(original, key="eight", seed=3)
        path = (folder / name).with_suffix(attack.save_as.suffix)
        path.write_bytes(attack.save_as.encode(edited))
        told.append((path, *explained(first, path)))
    return told


def explained(first: Path, second: Path) -> tuple[str, str]:
    """Return the kind and the sentence of `neardup explain`.

    Raises:
        ValueError: the two are no copies: nothing to show.
    """
    command = [sys.executable, "-m", "neardup_cli", "explain", str(first), str(second), "--json"]
    document = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)
    if not document["is_duplicate"]:
        raise ValueError(f"{second.name} is not found: {document['reason']}")
    return document["kind"], document["sentence"]


def draw(told: list[tuple[Path, str, str]]) -> Image.Image:
    """Draw a grid of images, under each what is said of it."""
    rows = -(-len(told) // _COLUMNS)
    width = _COLUMNS * _CELL[0] + (_COLUMNS + 1) * _GAP
    sheet = Image.new("RGB", (width, rows * (_CELL[1] + _GAP) + _GAP), _GROUND)
    pen = ImageDraw.Draw(sheet)
    bold, plain = ImageFont.load_default(17), ImageFont.load_default(13)
    for number, (path, kind, sentence) in enumerate(told):
        left = _GAP + number % _COLUMNS * (_CELL[0] + _GAP)
        top = _GAP + number // _COLUMNS * (_CELL[1] + _GAP)
        shown = Image.open(path).convert("RGB")
        shown.thumbnail(_IMAGE)
        place = (left + (_IMAGE[0] - shown.width) // 2, top + (_IMAGE[1] - shown.height) // 2)
        sheet.paste(shown, place)
        pen.text((left, top + _IMAGE[1] + 4), kind, _ACCENT, bold)
        for line, words in enumerate(wrap(sentence, 52)):
            pen.text((left, top + _IMAGE[1] + 26 + line * 17), words, _INK, plain)
    return sheet


def main() -> None:
    """Make the copies, ask about them, and write the picture."""
    with TemporaryDirectory() as folder:
        told = make_copies(Path(folder))
        draw(told).save(PICTURE, quality=88, optimize=True)
    for path, kind, sentence in told:
        print(f"{path.name}\t{kind}\t{sentence}")


if __name__ == "__main__":
    main()
