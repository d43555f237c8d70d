"""The table of `docs/formats.md`, row by row, with a file of each extension in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401  (its plugin writes the JPEG XL)
import pytest
from PIL import Image

from neardup_cli.cleanup.companions import owned
from neardup_cli.errors import UnreadableImage
from neardup_cli.images.decode import decode
from neardup_cli.images.formats import IMAGE_EXTENSIONS
from neardup_cli.images.walk import Walker
from neardup_cli.images.whole import decode_whole
from tests.images.test_whole import rgb_profile
from tests.photographed import photographed
from tests.raws import dng

TABLE = Path(__file__).parents[2] / "docs" / "formats.md"
TAKEN = datetime(2024, 5, 31, 18, 2, 59)
WIDTH, HEIGHT = 96, 64
BESIDE = {"sidecars": "x.xmp", "raw": "x.nef", "film": "x.mov", "voice": "x.wav"}
NONE = "."


class Row(NamedTuple):
    """A row of the table, for one of its extensions."""

    extension: str
    read: str
    oriented: bool
    profiled: bool
    dated: bool
    goes_with_it: frozenset[str]

    @property
    def name(self) -> str:
        return "x" if self.extension == NONE else f"x{self.extension}"


def rows() -> list[Row]:
    found = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `.") or len(cells) != 6:
            continue
        beside = frozenset(re.findall(r"\w+", cells[5]))
        for extension in re.findall("`(.*?)`", cells[0]):
            oriented, profiled, dated = (cell == "yes" for cell in cells[2:5])
            found.append(Row(extension, cells[1], oriented, profiled, dated, beside))
    return found


ROWS = rows()
READ = [row for row in ROWS if not row.read.startswith("no")]


def exif() -> Image.Exif:
    found = Image.Exif()
    found[0x0112], found[0x0132] = 6, f"{TAKEN:%Y:%m:%d %H:%M:%S}"
    return found


def picture() -> Image.Image:
    return photographed("coffee").resize((WIDTH, HEIGHT))


def saved(format_name: str, mode: str = "RGB", **more: Any) -> bytes:
    buffer = BytesIO()
    picture().convert(mode).save(buffer, format_name, **more)
    return buffer.getvalue()


def with_all(format_name: str) -> bytes:
    return saved(format_name, exif=exif(), icc_profile=rgb_profile())


def heif() -> bytes:
    buffer = BytesIO()
    image = picture()
    image.info["icc_profile"] = rgb_profile()
    pillow_heif.from_pillow(image).save(buffer, exif=exif().tobytes())
    return buffer.getvalue()


def jxl() -> bytes:
    """Return a JPEG XL with EXIF and a profile; the plugin writes no profile, but a packed JPEG has one."""
    return saved("JXL", exif=exif().tobytes(), use_container=True)


def codestream() -> bytes:
    return saved("JPEG2000", no_jp2=True, exif=exif(), icc_profile=rgb_profile())


MAKERS: dict[str, Callable[[], bytes]] = {
    **dict.fromkeys(
        (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jpg_large", ".part", NONE), lambda: with_all("JPEG")
    ),
    ".png": lambda: with_all("PNG"),
    ".apng": lambda: saved(
        "PNG", save_all=True, append_images=[picture().rotate(180)], exif=exif(), icc_profile=rgb_profile()
    ),
    ".webp": lambda: with_all("WEBP"),
    **dict.fromkeys((".tif", ".tiff"), lambda: with_all("TIFF")),
    **dict.fromkeys((".heic", ".heif", ".hif", ".heics", ".heifs"), heif),
    **dict.fromkeys((".avif", ".avifs"), lambda: with_all("AVIF")),
    ".gif": lambda: with_all("GIF"),
    ".bmp": lambda: with_all("BMP"),
    ".dib": lambda: with_all("DIB"),
    **dict.fromkeys((".jp2", ".jpf", ".jpx"), lambda: with_all("JPEG2000")),
    **dict.fromkeys((".j2k", ".j2c", ".jpc"), codestream),
    **dict.fromkeys((".ppm", ".pnm"), lambda: with_all("PPM")),
    ".pgm": lambda: saved("PPM", "L"),
    ".pbm": lambda: saved("PPM", "1"),
    ".pfm": lambda: saved("PPM", "F"),
    ".tga": lambda: with_all("TGA"),
    ".ico": lambda: saved("ICO", sizes=[(WIDTH, HEIGHT)]),
    ".pcx": lambda: with_all("PCX"),
    ".qoi": lambda: with_all("QOI"),
    ".jxl": jxl,
    ".dng": lambda: dng(picture(), preview=picture(), orientation=6, taken=f"{TAKEN:%Y:%m:%d %H:%M:%S}"),
    ".pdf": lambda: saved("PDF"),
    **dict.fromkeys((".zip", ".cbz", ".tar"), lambda: b"PK\x03\x04" + bytes(100)),
    **dict.fromkeys((".mov", ".mp4"), lambda: b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(100)),
    ".psd": lambda: b"8BPS\0\1" + bytes(100),
    ".svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>",
}


def test_the_table_is_whole() -> None:
    named = {row.extension.removeprefix(".").encode() for row in ROWS}
    assert named >= IMAGE_EXTENSIONS
    assert len(ROWS) == len({row.extension for row in ROWS}) > 40
    assert {row.extension for row in ROWS} == set(MAKERS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.extension)
def test_what_a_walk_makes_of_it(row: Row, tmp_path: Path) -> None:
    (tmp_path / row.name).write_bytes(MAKERS[row.extension]())
    [run] = Walker().walk(os.fsencode(tmp_path))
    taken, skipped = [os.path.basename(path) for path, _ in run.files], [one.reason for one in run.skipped]
    if row in READ:
        assert (taken, skipped) == ([row.name.encode()], [])
    else:
        assert (taken, skipped) == ([], [row.read.removeprefix("no: ")])


@pytest.mark.parametrize("row", READ, ids=lambda row: row.extension)
def test_it_is_read_oriented_and_dated(row: Row) -> None:
    found = decode(MAKERS[row.extension]())
    assert found.format == row.read.rpartition(": ")[2]
    assert (found.width, found.height) == ((HEIGHT, WIDTH) if row.oriented else (WIDTH, HEIGHT))
    assert found.captured_at == (TAKEN if row.dated else None)
    wanted = picture().transpose(Image.Transpose.ROTATE_270) if row.oriented else picture()
    shown = np.asarray(found.luma, float), np.asarray(wanted.convert("L"), float)
    if row.extension == ".pbm":  # black and white dots
        shown = shown[0] - shown[0].mean(), shown[1] - shown[1].mean()
        assert (shown[0] * shown[1]).mean() > 0
    else:
        assert np.abs(shown[0] - shown[1]).mean() < 12


@pytest.mark.parametrize("row", READ, ids=lambda row: row.extension)
def test_its_profile_is_applied_in_proofs_and_known_to_previews(row: Row) -> None:
    content = MAKERS[row.extension]()
    if row.extension == ".dng":
        with pytest.raises(UnreadableImage, match="raw file"):
            decode_whole(content)
        return
    if row.extension == ".jxl":
        content = packed_jpeg()
    assert bool(decode_whole(content).profile) is row.profiled
    assert bool(decode(content).profile) is row.profiled


def packed_jpeg() -> bytes:
    """Return a JPEG with a profile, packed into a JPEG XL without loss."""
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "x.jpg"
        path.write_bytes(with_all("JPEG"))
        with Image.open(path) as image:
            buffer = BytesIO()
            image.save(buffer, "JXL", lossless_jpeg=True)
    return buffer.getvalue()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.extension)
def test_what_goes_with_it(row: Row) -> None:
    names = [row.name, *BESIDE.values()]
    found = owned(name.encode() for name in names).get(row.name.encode(), [])
    assert {word for word, name in BESIDE.items() if name.encode() in found} == row.goes_with_it
