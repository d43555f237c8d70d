"""Camera raw files: told by their content, read from the embedded preview, dated by their own EXIF."""

from __future__ import annotations

import os
import struct
from datetime import datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.fingerprints.dhash import dhash
from neardup_cli.images import extras
from neardup_cli.images.decode import decode
from neardup_cli.images.formats import RAW_EXTENSIONS, is_raw, looks_like_image
from neardup_cli.images.holdings import read_holdings
from neardup_cli.images.raw import raw_format, read_raw_exif
from neardup_cli.images.walk import RAW_BESIDE, Walker
from neardup_cli.images.whole import decode_whole
from tests.photographed import photographed
from tests.raws import dng

TAKEN = datetime(2024, 5, 31, 18, 2, 59)


def photograph(width: int = 480, height: int = 360) -> Image.Image:
    return photographed("astronaut").resize((width, height))


def difference(found: Image.Image, wanted: Image.Image) -> float:
    left, right = (np.asarray(image.convert("L"), float) for image in (found.resize(wanted.size), wanted))
    return float(np.abs(left - right).mean())


def distance(left: int, right: int) -> int:
    return ((left ^ right) & (1 << 64) - 1).bit_count()


def test_the_preview_is_what_is_seen_and_the_raw_file_says_the_rest() -> None:
    picture = photograph()
    # The preview is another picture than the sensor's, to tell which one is shown.
    shown = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    found = decode(dng(picture, preview=shown))
    assert (found.format, found.width, found.height, found.captured_at) == ("DNG", 480, 360, TAKEN)
    assert found.colour is not None
    assert difference(found.colour, shown) < 3
    assert decode(dng(picture, preview=shown), colour=False).luma.tobytes() == found.luma.tobytes()


@pytest.mark.parametrize("size", [None, (120, 90)])
def test_the_sensor_is_developed_where_there_is_no_preview_but_a_thumbnail(
    size: tuple[int, int] | None,
) -> None:
    picture = photograph()
    small = None if size is None else Image.new("RGB", size, "red")
    found = decode(dng(picture, preview=small))
    assert (found.width, found.height) == (480, 360)
    assert found.colour is not None
    red, green, blue = np.asarray(found.colour.resize((1, 1), Image.Resampling.BOX))[0, 0].astype(int)
    assert red - min(green, blue) < 100  # no red card
    as_jpeg = BytesIO()
    picture.save(as_jpeg, "JPEG")
    # LibRaw brightens as it sees fit: the same image all the same.
    assert distance(dhash(found.luma)[0], dhash(decode(as_jpeg.getvalue()).luma)[0]) <= 10


@pytest.mark.parametrize("with_preview", [True, False])
def test_both_are_turned_upright(with_preview: bool) -> None:
    picture = photograph()
    found = decode(dng(picture, preview=picture if with_preview else None, orientation=6))
    assert (found.width, found.height) == (360, 480)
    upright = picture.transpose(Image.Transpose.ROTATE_270)
    flipped = upright.transpose(Image.Transpose.ROTATE_180)
    assert difference(found.luma, upright) < difference(found.luma, flipped) / 2
    assert read_holdings(dng(picture, preview=picture, orientation=6)).captured_at == TAKEN


def test_what_a_raw_file_holds() -> None:
    held = read_holdings(dng(photograph(), preview=photograph()))
    assert (held.make, held.model, held.maker_note, held.depth) == ("Testcam", "Testcam One", True, 16)
    assert held.exposure == (("iso", "200"), ("seconds", "0.004"))
    assert (held.frames, held.detail, held.captured_at) == (1, 1.0, TAKEN)


def test_nothing_is_proven_of_a_raw_file_by_pixels() -> None:
    with pytest.raises(UnreadableImage, match="raw file"):
        decode_whole(dng(photograph(), preview=photograph()))


def test_one_that_is_broken_or_too_large_says_so() -> None:
    content = dng(photograph(), preview=photograph())
    with pytest.raises(ImageTooLarge):
        decode(content, max_pixels=480 * 360 - 1)
    for broken in (content[:300], content[:8] + bytes(len(content) - 8)):
        with pytest.raises(UnreadableImage):
            decode(broken)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        ("NIKON CORPORATION", "DNG"),  # what a DNG says of itself comes first
        ("Testcam", "DNG"),
    ],
)
def test_a_dng_is_one_whoever_made_the_camera(make: str, name: str) -> None:
    assert raw_format(BytesIO(dng(photograph(64, 64), preview=photograph(64, 64), make=make))) == name


@pytest.mark.parametrize(
    ("make", "name"),
    [
        ("NIKON CORPORATION", "NEF"),
        ("SONY", "ARW"),
        ("PENTAX", "PEF"),
        ("RICOH IMAGING COMPANY, LTD.", "PEF"),
        ("SAMSUNG", "SRW"),
        ("Hasselblad", "RAW"),
    ],
)
def test_the_raw_tiffs_of_cameras_are_told_by_their_sensor_and_make(make: str, name: str) -> None:
    content = dng(photograph(64, 64), preview=photograph(64, 64), make=make)
    content = content.replace(struct.pack("<HH", 0xC612, 1), struct.pack("<HH", 0xC611, 1))  # no DNG any more
    assert raw_format(BytesIO(content)) == name


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"II*\0\x10\0\0\0CR\2\0", "CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3"),
        (b"FUJIFILMCCD-RAW 0201", "RAF"),
        (b"IIU\0\x18\0\0\0", "RW2"),
        (b"IIRO\x08\0\0\0", "ORF"),
        (b"IIRS\x08\0\0\0", "ORF"),
        (b"MMOR\0\0\0\x08", "ORF"),
        (b"FOVb", "RAW"),
    ],
)
def test_those_with_a_signature(head: bytes, name: str) -> None:
    content = head + bytes(100)
    assert raw_format(BytesIO(content)) == name
    # Under another name it is not taken for an image; a CR2 was always taken for the TIFF that it is.
    assert looks_like_image(content[:64]) is (name == "CR2")
    with pytest.raises(UnreadableImage):
        decode(content)


def test_a_tiff_is_no_raw_file() -> None:
    buffer = BytesIO()
    photograph(64, 64).save(buffer, "TIFF", tiffinfo={0x010F: "NIKON CORPORATION"})
    assert raw_format(buffer) is None
    assert decode(buffer.getvalue()).format == "TIFF"


def test_a_raw_file_is_known_by_either_its_name_or_its_content() -> None:
    assert all(is_raw(b"/a/b." + extension.upper()) for extension in RAW_EXTENSIONS)
    assert is_raw(b"/a/b", "NEF")
    assert not is_raw(b"/a/b.jpg", "JPEG")


def test_the_exif_of_a_cr3_is_put_together_from_its_boxes() -> None:
    def part(exif: Image.Exif) -> bytes:
        return exif.tobytes()[6:]

    first, details = Image.Exif(), Image.Exif()
    first[0x010F], first[0x0112] = "Canon", 8
    details[0x9003] = "2024:05:31 18:02:59"
    boxes = [(b"CMT1", part(first)), (b"CMT2", part(details))]
    inner = b"".join(struct.pack(">I4s", 8 + len(body), kind) + body for kind, body in boxes)
    content = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + inner
    found = read_raw_exif(content)
    assert (found[0x010F], found[0x0112]) == ("Canon", 8)
    assert found.get_ifd(0x8769)[0x9003] == "2024:05:31 18:02:59"
    assert not len(read_raw_exif(content[:40]))


def test_olympus_and_panasonic_write_another_number_into_a_tiffs_head() -> None:
    content = dng(photograph(64, 64), preview=photograph(64, 64))
    for head in (b"IIRO", b"IIU\0"):
        assert read_raw_exif(head + content[4:])[0x010F] == "Testcam"


def test_without_the_extra_it_says_which_command_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    extras._is_there.cache_clear()
    try:
        for name, kind in ((b"a.NEF", "raw file"), (b"a.jxl", "JPEG XL")):
            said = extras.lacking(name) or ""
            assert said.startswith(f"{kind}: not read without an extra: run ")
            assert "install" in said
        assert extras.lacking(b"a.jpg") is None
        for file in ("a.nef", "b.nef", "b.jpg"):
            (tmp_path / file).write_bytes(b"")
        [run] = Walker().walk(os.fsencode(tmp_path))
        assert {os.path.basename(one.path): one.reason for one in run.skipped} == {
            b"a.nef": extras.lacking(b"a.nef"),
            b"b.nef": RAW_BESIDE,  # nothing need be installed for the sake of these
        }
    finally:
        monkeypatch.undo()
        extras._is_there.cache_clear()
    assert extras.lacking(b"a.nef") is None
