"""Two thousand broken image files: no crash, no hang, and each one accounted for."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup

FILES = 2_000
SEED = 19_480_305
EXTENSIONS = ("jpg", "png", "webp", "gif", "bmp", "tif", "avif", "heic", "jp2", "j2k")


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutated")
    chance = random.Random(SEED)
    valid = valid_files()
    for number in range(FILES):
        name, content = valid[number % len(valid)]
        mutate = chance.choice(MUTATIONS)
        extension = chance.choice(EXTENSIONS) if mutate is mislabelled else name.rpartition(".")[2]
        changed = mutate(content, chance, valid)
        (folder / f"{number:04d}-{mutate.__name__}-{name}.{extension}").write_bytes(changed)
    return folder


def test_every_mutated_file_is_accounted_for(mutated: Path, neardup: Neardup) -> None:
    summary = neardup.json("scan", mutated, "--model", "sscd_distilled")
    unreadable = reasons(summary)
    assert summary["seen"] == FILES
    assert summary["added"] + len(unreadable) == FILES
    assert (
        FILES // 4 < len(unreadable) < FILES * 3 // 4
    )  # the mutations are neither all fatal nor all harmless
    assert len(summary["skipped"]) == summary["unreadable"] == len(unreadable)
    assert all(len(reason) <= 120 and reason.isprintable() for reason in unreadable.values())
    assert len(set(unreadable.values())) < 100, Counter(unreadable.values())  # reasons can be counted

    done = neardup.run("scan", mutated, "--strict", "--json")
    assert done.returncode == 14
    assert done.stderr == f"neardup: {len(unreadable)} images could not be read\n".encode()
    again = json.loads(done.stdout)
    assert reasons(again) == unreadable
    assert (again["seen"], again["unchanged"]) == (FILES, summary["added"])
    assert (again["added"], again["changed"], again["embedded"]) == (0, 0, 0)


def reasons(summary: Any) -> dict[str, str]:
    return {entry["path"]: entry["reason"] for entry in summary["skipped"] if entry["unreadable"]}


def truncated(content: bytes, chance: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    return content[: chance.randrange(len(content))]


def flipped_bytes(content: bytes, chance: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    changed = bytearray(content)
    for _number in range(chance.choice((1, 1, 4, 30))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flipped_header(content: bytes, chance: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    changed = bytearray(content)
    for _number in range(chance.randint(1, 3)):
        changed[chance.randrange(min(64, len(changed)))] = chance.randrange(256)
    return bytes(changed)


def zero_filled(content: bytes, chance: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    begin, end = sorted(chance.randrange(len(content)) for _ in range(2))
    return content[:begin] + bytes(end - begin) + content[end:]


def concatenated(content: bytes, chance: random.Random, valid: list[tuple[str, bytes]]) -> bytes:
    other = chance.choice(valid)[1]
    cut = chance.choice((len(content), chance.randrange(len(content))))
    return content[:cut] + other[chance.choice((0, chance.randrange(len(other)))) :]


def mislabelled(content: bytes, chance: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    return content + bytes([chance.randrange(256)])  # another content each time


def replaced(content: bytes, chance: random.Random, _: list[tuple[str, bytes]]) -> bytes:
    return chance.choice((b"", b"\0" * 100, b"<html>not found</html>", chance.randbytes(len(content))))


MUTATIONS: list[Callable[[bytes, random.Random, list[tuple[str, bytes]]], bytes]] = [
    truncated,
    flipped_bytes,
    flipped_bytes,
    flipped_header,
    flipped_header,
    zero_filled,
    concatenated,
    mislabelled,
    replaced,
]


def valid_files() -> list[tuple[str, bytes]]:
    """Return a small file of every format and of most of its kinds, by a name that ends in its extension."""
    colour, other, grey, palette, alpha, deep = (
        picture(mode) for mode in ("RGB", "RGB", "L", "P", "RGBA", "I;16")
    )
    frames: dict[str, Any] = {"save_all": True, "append_images": [other]}
    return [
        (
            "baseline.jpg",
            saved(
                colour,
                "JPEG",
                exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0",
            ),
        ),
        ("progressive.jpg", saved(colour, "JPEG", progressive=True)),
        ("grey.jpg", saved(grey, "JPEG")),
        ("cmyk.jpg", saved(colour.convert("CMYK"), "JPEG")),
        ("two.mpo", saved(colour, "MPO", **frames)),
        ("colour.png", saved(colour, "PNG")),
        ("palette.png", saved(palette, "PNG", transparency=3)),
        ("alpha.png", saved(alpha, "PNG")),
        ("deep.png", saved(deep, "PNG")),
        ("moving.png", saved(colour, "PNG", **frames)),
        ("lossy.webp", saved(colour, "WEBP")),
        ("lossless.webp", saved(alpha, "WEBP", lossless=True)),
        ("moving.webp", saved(colour, "WEBP", **frames)),
        ("still.gif", saved(palette, "GIF")),
        ("moving.gif", saved(palette, "GIF", **frames)),
        ("colour.bmp", saved(colour, "BMP")),
        ("one-bit.bmp", saved(grey.convert("1"), "BMP")),
        ("raw.tif", saved(colour, "TIFF")),
        ("lzw.tif", saved(alpha, "TIFF", compression="tiff_lzw")),
        ("deflate.tif", saved(deep, "TIFF", compression="tiff_adobe_deflate")),
        ("jpeg.tif", saved(colour, "TIFF", compression="jpeg")),
        ("fax.tif", saved(grey.convert("1"), "TIFF", compression="group4")),
        ("float.tif", saved(grey.convert("F"), "TIFF")),
        ("still.avif", saved(colour, "AVIF")),
        ("alpha.avif", saved(alpha, "AVIF")),
        ("still.heic", heif(colour)),
        ("alpha.heic", heif(alpha)),
        ("boxed.jp2", saved(colour, "JPEG2000")),
        ("bare.j2k", saved(colour, "JPEG2000", no_jp2=True)),
    ]


def picture(mode: str) -> Image.Image:
    """Draw a small picture whose files are small: smooth, with an edge and some grain."""
    rows, columns = np.mgrid[0:40, 0:56]
    grain = np.random.default_rng(len(mode)).integers(0, 6, (40, 56, 3))
    planes = np.stack([rows * 6, columns * 4, (rows + columns > 50) * 200], axis=-1) + grain
    colour = Image.fromarray(planes.clip(0, 255).astype(np.uint8))
    if mode == "I;16":
        return Image.fromarray((planes[..., 0] * 250).astype(np.uint16))
    if mode == "RGBA":
        colour.putalpha(Image.fromarray((columns * 4).astype(np.uint8)))
        return colour
    return colour.quantize(16) if mode == "P" else colour.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def heif(image: Image.Image) -> bytes:
    """Write a HEIC without registering its plugin, which would outlast this test."""
    stream = io.BytesIO()
    pillow_heif.from_pillow(image).save(stream, quality=60)
    return stream.getvalue()
