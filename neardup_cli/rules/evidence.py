"""What is known of a content beside its matches, as far as it tells an original from what was made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings

ALL_OF_IT = 0.93
"""Share of detail from which an image is not called enlarged."""

LARGEST_ENLARGEMENT = 4.0
"""Times by which images are enlarged, at most."""

LOSSLESS = frozenset({"PNG", "BMP", "TIFF", "GIF", "PPM", "TGA"})
"""Formats that keep pixels as they are, where nobody has looked at the file itself."""
_CAMERA_FORMATS = frozenset({"HEIF", "HEIC", "DNG", "CR2", "CR3", "NEF", "ARW", "RAF", "ORF", "RW2"})
# Programs that write files anew. Cameras and phones name their firmware in the same place ("17.1").
_EDITORS = re.compile(
    r"photoshop|lightroom|adobe|gimp|picasa|snapseed|darktable|rawtherapee|capture one|dxo|affinity|luminar"
    r"|magick|irfanview|xnview|acdsee|faststone|paint|pixelmator|digikam|shotwell|photos \d|instagram|vsco"
    r"|facetune|canva|topaz|gigapixel|upscayl|photoscape|preview|windows photo|google photos|aperture|on1",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one content.

    Attributes:
        holdings: what its file holds; None where nobody has read it (its drive is away).
        detail: how long its long side would be, in pixels, if it held no more than what can be seen in it:
            about 1000 for an image of 1000 pixels, whatever it was enlarged to. None where not measured.
        saved: contents that are, to the bit, what an encoder made of it.
        apart: contents of which it is known not to be made: its encoder would have written something else.
        children: how many other versions are surely made from it, of a few that were asked; None where none
            was asked.
        likely: how many are what an encoder may have made of it, or of something very like it.
        colourfulness: how far its pixels are from grey on average, in levels; None where not measured.
    """

    holdings: Holdings | None = None
    detail: float | None = None
    saved: frozenset[int] = frozenset()
    apart: frozenset[int] = frozenset()
    children: int | None = None
    likely: int = 0
    colourfulness: float | None = None


NOTHING = Evidence()


def is_edited(holdings: Holdings) -> bool:
    """Return True if an editing program was the last to write a file, as far as it says so."""
    return bool(_EDITORS.search(holdings.software))


def is_from_camera(evidence: Evidence) -> bool:
    """Return True if a content bears the signs of a camera's own file."""
    held = evidence.holdings
    return held is not None and held.from_camera and not is_edited(held)


def is_in_camera_format(file: CatalogedFile, evidence: Evidence) -> bool:
    """Return True if a content with a time of capture has a format that cameras write."""
    held = evidence.holdings
    taken = file.captured_at is not None
    return taken and file.format in _CAMERA_FORMATS and not (held is not None and is_edited(held))


def camera_signs(file: CatalogedFile, evidence: Evidence) -> int:
    """Count what speaks for a camera's own file: its notes, a fraction of a second, a format of cameras."""
    held = evidence.holdings
    taken = file.captured_at is not None
    own_format = is_in_camera_format(file, evidence)
    if held is None:
        return taken + own_format
    if is_edited(held):
        return 0
    taken = taken or held.captured_at is not None
    fraction = held.captured_at is not None and held.captured_at.microsecond > 0
    return taken + own_format + held.maker_note + fraction


def told(evidence: Evidence) -> int:
    """Count what a person or a phone has written into a file: its place, a rating, words."""
    held = evidence.holdings
    return 0 if held is None else (held.place is not None) + (held.rating > 0) + bool(held.words)


def long_side(file: CatalogedFile, evidence: Evidence) -> float:
    """Return the real detail of a content in pixels along its long side; its size where not measured."""
    size = float(max(file.width, file.height))
    return size if evidence.detail is None else min(size, evidence.detail)


def is_lossless(file: CatalogedFile, evidence: Evidence) -> bool:
    """Return True if a content's pixels are stored as they are."""
    return file.format in LOSSLESS if evidence.holdings is None else evidence.holdings.lossless


def camera_name(evidence: Evidence) -> str:
    """Return the camera as a person says it: "Canon EOS R5"; empty where the file names none."""
    held = evidence.holdings
    if held is None:
        return ""
    make, model = held.make.strip(), held.model.strip()
    first = make.split()[0] if make else ""
    return model if first and model.lower().startswith(first.lower()) else f"{make} {model}".strip()
