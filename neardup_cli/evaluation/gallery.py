"""A small, believable gallery on disk, and the truth about it: for `make demo`, tests and benchmarks.

summary = render_gallery(folder)
summary.copies_of(3)        # every readable file that shows the fourth photo
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from PIL import ExifTags, Image

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.attacks import Attack
from neardup_cli.evaluation.edits.base import SaveAs
from neardup_cli.evaluation.edits.colour import Grey
from neardup_cli.evaluation.edits.geometry import Crop, Mirror
from neardup_cli.evaluation.edits.lettering import Caption
from neardup_cli.evaluation.edits.screens import Screenshot
from neardup_cli.evaluation.photos import render_lookalike, render_photo

__all__ = [
    "GalleryEdit",
    "GalleryFile",
    "GallerySummary",
    "render_gallery",
    "render_lookalike",
    "render_photo",
]

SEEDS_A_GALLERY = 100_000
"""How far the seeds of two galleries lie apart."""

SIZES = ((960, 640), (960, 720), (640, 960), (1080, 608), (960, 640))
ALBUMS = ("2023/Winter", "2024/Lisbon", "2024/Garden", "2024/Lisbon", "phone/DCIM")
FIRST_CAPTURE = datetime(2023, 12, 2, 9, 14, 5, tzinfo=UTC)


class GalleryEdit(StrEnum):
    """What was done to a photo to get a file, or what else the file is."""

    ORIGINAL = "original"
    EXACT = "exact"
    REENCODED = "reencoded"
    WEBP = "webp"
    THUMBNAIL = "thumbnail"
    CROPPED = "cropped"
    MIRRORED = "mirrored"
    TURNED = "turned"
    GREY = "grey"
    CAPTION = "caption"
    SCREENSHOT = "screenshot"
    PNG = "png"
    LOOKALIKE = "lookalike"
    BLANK = "blank"
    TRUNCATED = "truncated"
    TEXT = "text"

    @property
    def readable(self) -> bool:
        """Whether the file can be read as an image."""
        return self not in {GalleryEdit.TRUNCATED, GalleryEdit.TEXT}


@dataclass(frozen=True)
class GalleryFile:
    """One file: its full path, the number of the photo it shows, and how it came about.

    `source` is None for what is a copy of nothing: look-alikes, the blank page, the text.
    """

    path: Path
    source: int | None
    edit: GalleryEdit


@dataclass(frozen=True)
class GallerySummary:
    """Everything that was written below `folder`, the originals first."""

    folder: Path
    files: tuple[GalleryFile, ...]

    def copies_of(self, source: int) -> tuple[GalleryFile, ...]:
        """The readable files that show photo number `source`, the original first."""
        return tuple(file for file in self.files if file.source == source and file.edit.readable)

    def groups(self) -> dict[int, tuple[GalleryFile, ...]]:
        """The photos that are there more than once, by number: what a perfect search reports."""
        numbers = sorted({file.source for file in self.files if file.source is not None})
        copies = {number: self.copies_of(number) for number in numbers}
        return {number: files for number, files in copies.items() if len(files) > 1}


@dataclass(frozen=True)
class _Photo:
    """An original: its pixels as its JPEG shows them, its file's bytes, and what a camera would call it."""

    number: int
    image: Image.Image
    data: bytes
    album: str
    taken: datetime

    @property
    def stem(self) -> str:
        return f"IMG_{4021 + 3 * self.number:04d}"


def render_gallery(folder: Path, *, photos: int = 24, seed: int = 0) -> GallerySummary:
    """Write a gallery of `photos` originals, their copies and some other files below `folder`.

    Every kind of `GalleryEdit` is there at least once, whatever the number of photos; about half of the
    photos have no copy. The same arguments write the same bytes.

    Raises:
        BadInput: there is not at least one photo.
    """
    if photos < 1:
        raise BadInput("a gallery needs at least one photo")
    originals = [_take(number, seed) for number in range(photos)]
    written = []
    for name, data, source, edit, taken in _contents(originals, seed):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (taken.timestamp(), taken.timestamp()))
        written.append(GalleryFile(path, source, edit))
    return GallerySummary(folder, tuple(written))


type _Entry = tuple[str, bytes, int | None, GalleryEdit, datetime]


def _contents(originals: list[_Photo], seed: int) -> Iterator[_Entry]:
    """Every file of the gallery: its name, bytes, photo, edit and time."""
    for photo in originals:
        yield f"{photo.album}/{photo.stem}.jpg", photo.data, photo.number, GalleryEdit.ORIGINAL, photo.taken
    edits = list(COPIES)
    for number in range(max(len(edits), 2 * len(originals) // 3)):
        edit = edits[number % len(edits)]
        # Two edits of one photo, one of the next: groups of three and of two.
        photo = originals[number * 2 // 3 % len(originals)]
        name, make = COPIES[edit]
        yield name.format(photo.stem), make(photo), photo.number, edit, photo.taken + timedelta(days=number)
    yield from _distractions(originals, seed)


def _distractions(originals: list[_Photo], seed: int) -> Iterator[_Entry]:
    """What is a copy of nothing, or cannot be read."""
    for photo in originals[:: max(1, len(originals) // 4)]:
        image = render_lookalike(seed * SEEDS_A_GALLERY + photo.number, photo.image.size)
        taken = photo.taken + timedelta(seconds=40)
        name = f"{photo.album}/IMG_{4022 + 3 * photo.number:04d}.jpg"
        yield name, _jpeg(image, 90, taken), None, GalleryEdit.LOOKALIKE, taken
    last = originals[-1]
    page = Image.new("RGB", (620, 877), (254, 254, 252))
    yield "exports/scan_0001.png", SaveAs("PNG").encode(page), None, GalleryEdit.BLANK, last.taken
    half = last.data[: len(last.data) // 2]
    yield f"Downloads/{last.stem} (interrupted).jpg", half, last.number, GalleryEdit.TRUNCATED, last.taken
    notes = b"Lisbon: print the one from the tram for grandmother.\n"
    yield "2024/Lisbon/notes.txt", notes, None, GalleryEdit.TEXT, last.taken


def _take(number: int, seed: int) -> _Photo:
    """Render original number `number`, and what its camera wrote."""
    image = render_photo(seed * SEEDS_A_GALLERY + number, SIZES[number % len(SIZES)])
    taken = FIRST_CAPTURE + timedelta(days=9 * number, minutes=47 * number, seconds=13 * number)
    data = _jpeg(image, 88 + number % 5, taken)
    with Image.open(io.BytesIO(data)) as saved:
        return _Photo(number, saved.convert("RGB"), data, ALBUMS[number % len(ALBUMS)], taken)


def _jpeg(image: Image.Image, quality: int, taken: datetime, orientation: int = 1) -> bytes:
    """A JPEG with the tags a camera writes; `orientation` as in EXIF (1 upright, 6 on its right side)."""
    exif = Image.Exif()
    stamp = taken.strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Neardup", "Imaginary 1"
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.DateTime] = orientation, stamp
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = stamp
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()


def _turned(photo: _Photo) -> bytes:
    """The pixels lie on their side, and the orientation tag says so: shown, it is the same picture."""
    return _jpeg(photo.image.transpose(Image.Transpose.ROTATE_90), 90, photo.taken, orientation=6)


def _thumbnail(photo: _Photo) -> bytes:
    small = photo.image.copy()
    small.thumbnail((320, 320))
    return SaveAs("JPEG", 80).encode(small)


def _edited(attack: Attack, save_as: SaveAs) -> Callable[[_Photo], bytes]:
    """A copy made by an attack, and saved as given."""
    return lambda photo: save_as.encode(attack.run(photo.image, photo.stem))


_PHONE = SaveAs("JPEG", 85)

COPIES: dict[GalleryEdit, tuple[str, Callable[[_Photo], bytes]]] = {
    GalleryEdit.EXACT: ("Downloads/{} (1).jpg", lambda photo: photo.data),
    GalleryEdit.REENCODED: ("exports/mail/{}.jpg", lambda photo: SaveAs("JPEG", 60).encode(photo.image)),
    GalleryEdit.WEBP: ("exports/web/{}.webp", lambda photo: SaveAs("WEBP", 70).encode(photo.image)),
    GalleryEdit.THUMBNAIL: ("exports/thumbs/{}.jpg", _thumbnail),
    GalleryEdit.CROPPED: ("phone/DCIM/{}_edited.jpg", _edited(Attack("crop", (Crop(0.6),)), _PHONE)),
    GalleryEdit.MIRRORED: ("phone/Selfies/{}.jpg", _edited(Attack("mirror", (Mirror(),)), _PHONE)),
    GalleryEdit.TURNED: ("phone/Received/{}.jpg", _turned),
    GalleryEdit.GREY: ("exports/bw/{}-bw.jpg", _edited(Attack("grey", (Grey(),)), SaveAs("JPEG", 90))),
    GalleryEdit.CAPTION: ("phone/Sent/{}-text.jpg", _edited(Attack("caption", (Caption(),)), _PHONE)),
    GalleryEdit.SCREENSHOT: (
        "phone/Screenshots/Screenshot_{}.png",
        _edited(Attack("screenshot", (Screenshot(),)), SaveAs("PNG")),
    ),
    GalleryEdit.PNG: ("exports/{}.png", lambda photo: SaveAs("PNG").encode(photo.image)),
}
"""Every kind of copy: the name that its file gets from the original's, and how its bytes are made."""
