"""Images as files: bytes in any format, the signs of a camera, photographs as large as cameras make them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks._pictures import opened

CAMERAS = (("Canon", "Canon EOS 80D"), ("NIKON CORPORATION", "NIKON D7500"), ("SONY", "ILCE-7M3"))


def encoded(image: Image.Image, suffix: str, quality: int = 90, exif: Image.Exif | None = None) -> bytes:
    """Return the file that holds `image`, with the colour profile that it came with, as programs write it.

    Args:
        image: RGB, or RGBA and L where the format has them.
        suffix: ".jpg", ".png", ".webp", ".avif", ".heic", ".tif", ".gif" or ".bmp".
        quality: the encoder's, 1-100; lossless formats ignore it.
        exif: the block to write with it.
    """
    buffer = io.BytesIO()
    more = {} if exif is None else {"exif": exif.tobytes()}
    if profile := image.info.get("icc_profile"):
        more["icc_profile"] = profile
    if suffix == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
        image.save(buffer, "HEIF", quality=quality, **more)
    else:
        Image.init()
        image.save(buffer, Image.EXTENSION[suffix], quality=quality, **more)
    return buffer.getvalue()


def camera_exif(number: int, time: str | None = None, sub_second: str | None = None) -> Image.Exif:
    """Return what a camera writes: make, model, exposure, and a time that differs from image to image.

    Args:
        number: which image of the camera it is; the time follows from it unless `time` is given.
        time: "YYYY:MM:DD hh:mm:ss".
        sub_second: its fraction, digits.
    """
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = CAMERAS[number % len(CAMERAS)]
    more = exif.get_ifd(0x8769)
    minutes, seconds = divmod(number * 97, 60)
    hours, minutes = divmod(minutes, 60)
    more[0x9003] = more[0x9004] = (
        time or f"2021:{1 + number % 12:02d}:15 {8 + hours % 12:02d}:{minutes:02d}:{seconds:02d}"
    )
    if sub_second:
        more[0x9291] = more[0x9292] = sub_second
    more[0x829A], more[0x829D], more[0x8827] = (1, 125), (56, 10), 200
    return exif


def photograph(path: Path, random: np.random.Generator, long_side: int | None = None) -> Image.Image:
    """Return a photograph, RGB, at its own size or as large as a camera makes them.

    A small photograph that is merely enlarged has no detail where a camera's file has some, and everything
    that looks at full size would have an easy time. So it gets texture of its own at every scale that the
    enlargement left empty: noise in octaves, stronger where the photograph has contrast, and a sensor's grain
    above it.
    """
    image = opened(path)
    if long_side is None or max(image.size) >= long_side:
        return image
    scale = long_side / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    large = np.asarray(image.resize(size, Image.Resampling.BICUBIC), np.float32)
    grey = image.convert("L").filter(ImageFilter.FIND_EDGES).filter(ImageFilter.GaussianBlur(2))
    contrast = np.asarray(grey.resize(size, Image.Resampling.BILINEAR), np.float32)[..., None] / 64
    texture = _octaves(size, scale, random)[..., None]
    grain = random.normal(0, 2.0, large.shape).astype(np.float32)
    return as_image(large + texture * (3 + 9 * np.clip(contrast, 0, 1)) + grain)


def _octaves(size: tuple[int, int], scale: float, random: np.random.Generator) -> NDArray[np.float32]:
    """Return (height, width) noise of deviation 1 whose waves are 2 to 2 x `scale` pixels long."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    step, octaves = 1.0, 0
    while step <= scale:
        small = random.normal(0, 1, (max(2, round(height / step)), max(2, round(width / step))))
        layer = Image.fromarray(small.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
        total += np.asarray(layer)
        step, octaves = step * 2, octaves + 1
    return np.asarray(total / max(1.0, octaves**0.5), np.float32)


def as_image(values: NDArray[np.floating] | NDArray[np.integer]) -> Image.Image:
    """Return (height, width[, 3]) values as an image, cut to 0-255."""
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def grainy(image: Image.Image, deviation: float, random: np.random.Generator) -> Image.Image:
    """Return the image with a sensor's noise of this deviation, drawn anew."""
    values = np.asarray(image, np.float32)
    return as_image(values + random.normal(0, deviation, values.shape))


def spread(paths: Sequence[Path], count: int, seed: int) -> list[Path]:
    """Return `count` of the paths, without repetition (all, if there are fewer), the same for one seed."""
    chosen = np.random.default_rng(seed).permutation(len(paths))[:count]
    return [paths[index] for index in sorted(chosen)]


def with_exif(jpeg: bytes, exif: Image.Exif | None) -> bytes:
    """Return a JPEG file with this EXIF block instead of its own (none: bare); its pixels are not touched."""
    parts, at = [jpeg[:2]], 2
    if exif is not None:
        block = exif.tobytes()
        parts.append(b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block)
    while jpeg[at] == 0xFF and 0xE0 <= jpeg[at + 1] <= 0xEF:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != 0xE1:
            parts.append(jpeg[at:end])
        at = end
    return b"".join([*parts, jpeg[at:]])
