"""What `explain` and `compare` say of two files is true of all that they hold, beyond the first frame."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as images

from neardup_cli.images.integrity import damage_of
from neardup_cli.pipeline.compare import Rules, compare, load_rules
from neardup_cli.pipeline.explain import explain

COFFEE = Image.fromarray(images.coffee())  # type: ignore[no-untyped-call]
CAT = images.chelsea()  # type: ignore[no-untyped-call]
CATS = [Image.fromarray(np.roll(CAT, 40 * shift, axis=1)) for shift in range(4)]


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules(hash_only=True)


def said(a: Path, b: Path, rules: Rules) -> str:
    pair = explain(str(a).encode(), str(b).encode(), rules)
    assert pair.comparison.is_match
    reason = compare(str(a).encode(), str(b).encode(), rules).reason
    for part in pair.sentence.removesuffix(".").split("; ")[1:]:
        assert part in reason or part == "the files differ in metadata or encoding"
    return pair.sentence


def test_an_animation_and_its_first_frame(rules: Rules, tmp_path: Path) -> None:
    still, film = tmp_path / "still.png", tmp_path / "film.png"
    CATS[0].save(still)
    CATS[0].save(film, save_all=True, append_images=CATS[1:], duration=100)
    sentence = (
        "The pixels of the first frame are the same; the first file has 4 frames, the second one frame."
    )
    assert said(film, still, rules) == sentence
    assert "the first file has one frame, the second 4 frames" in said(still, film, rules)


def test_documents(rules: Rules, tmp_path: Path) -> None:
    one, other = tmp_path / "one.tif", tmp_path / "other.tif"
    CATS[0].save(one, save_all=True, append_images=CATS[1:3])
    CATS[0].save(other, save_all=True, append_images=CATS[1:2])
    assert said(one, other, rules).startswith("The pixels of the first page are the same; ")
    assert "the first file has 3 pages, the second 2 pages" in said(one, other, rules)


def test_transparency(rules: Rules, tmp_path: Path) -> None:
    opaque, clear = tmp_path / "opaque.png", tmp_path / "clear.png"
    COFFEE.save(opaque)
    holed = COFFEE.convert("RGBA")
    holed.putpixel((0, 0), (*COFFEE.getpixel((0, 0)), 254))  # type: ignore[misc]
    holed.save(clear)
    assert "the second file is transparent in places, the first is not" in said(opaque, clear, rules)


def test_an_appended_film(rules: Rules, tmp_path: Path) -> None:
    photo, motion = tmp_path / "photo.jpg", tmp_path / "motion.jpg"
    COFFEE.save(photo, quality=90)
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + b"\0\0\x40\x08mdat" + bytes(16384)
    motion.write_bytes(photo.read_bytes() + film)
    sentence = said(motion, photo, rules)
    assert sentence.startswith("The pixels are the same; the first file holds a film of ")
    assert sentence.endswith("bytes, the second does not.")


def test_a_damaged_file(rules: Rules, tmp_path: Path) -> None:
    sound, damaged = tmp_path / "sound.jpg", tmp_path / "damaged.jpg"
    written = io.BytesIO()
    COFFEE.save(written, "JPEG", quality=92)
    sound.write_bytes(written.getvalue())
    for place in range(len(written.getvalue()) * 97 // 100, len(written.getvalue())):
        data = bytearray(written.getvalue())
        data[place : place + 4] = bytes(byte ^ 0x5A for byte in data[place : place + 4])
        if damage_of(bytes(data), "JPEG"):  # two of five such places its grammar does not betray
            break
    damaged.write_bytes(data)
    assert "the second file is damaged: " in said(sound, damaged, rules)


def test_files_that_differ_in_what_is_written_alone(rules: Rules, tmp_path: Path) -> None:
    plain, told = tmp_path / "plain.png", tmp_path / "told.png"
    COFFEE.save(plain)
    COFFEE.save(told, dpi=(300, 300))
    assert said(plain, told, rules) == "The pixels are the same; the files differ in metadata or encoding."
