"""Plain copies: nothing is lost when one goes and the original stays, so the default plan has to act."""

from __future__ import annotations

from PIL import Image

from benchmarks._attempts import Attempt, Maker, Must
from benchmarks._files import camera_exif, encoded, with_exif
from benchmarks._pictures import opened

QUALITIES = (95, 85, 75, 60, 45, 30)
FORMATS = ((".webp", 80), (".webp", 50), (".avif", 60), (".heic", 60))
SCALES = (0.25, 0.35, 0.5, 0.75, 1.2, 1.5)
SAMPLERS = (
    *(Image.Resampling.BILINEAR, Image.Resampling.BOX, Image.Resampling.HAMMING, Image.Resampling.LANCZOS),
    Image.Resampling.BICUBIC,
)
ENLARGERS = tuple(sampler for sampler in SAMPLERS if sampler is not Image.Resampling.BOX)
"""Where it enlarges, BOX repeats pixels, as NEAREST does: no program enlarges photographs so."""


def _original(attempt: Attempt) -> tuple[Image.Image, Image.Exif | None]:
    """Write the original, JPEG of a camera's quality with its EXIF, or bare; return its pixels and EXIF."""
    image = attempt.image()
    exif = camera_exif(attempt.number) if attempt.number % 2 else None
    quality = int(attempt.random.integers(88, 98))
    path = attempt.write("original", Must.STAY, ".jpg", encoded(image, ".jpg", quality, exif))
    return opened(path), exif


def jpegs(attempt: Attempt) -> None:
    """The original saved again as JPEG, quality 95 to 30."""
    image, exif = _original(attempt)
    for quality in QUALITIES:
        kept = exif if attempt.random.random() < 0.5 else None
        attempt.write(f"JPEG {quality}", Must.GO, ".jpg", encoded(image, ".jpg", quality, kept))


def formats(attempt: Attempt) -> None:
    """The original in other lossy formats."""
    image, _ = _original(attempt)
    for suffix, quality in FORMATS:
        attempt.write(f"{suffix[1:]} {quality}", Must.GO, suffix, encoded(image, suffix, quality))


def sizes(attempt: Attempt) -> None:
    """The original at 25 to 150 %, by programs that resample in other ways; an enlargement goes as well."""
    image, exif = _original(attempt)
    for scale in SCALES:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        sampler = attempt.one_of(*(SAMPLERS if scale < 1 else ENLARGERS))
        copy = image.resize(size, sampler)
        kept = exif if attempt.random.random() < 0.5 else None
        quality = int(attempt.random.integers(75, 96))
        attempt.write(f"{scale:.0%}", Must.GO, ".jpg", encoded(copy, ".jpg", quality, kept))


def metadata(attempt: Attempt) -> None:
    """The same pixels, byte for byte, with less metadata; and the same file again."""
    image = attempt.image()
    quality = int(attempt.random.integers(80, 98))
    exif = camera_exif(attempt.number)
    data = encoded(image, ".jpg", quality, exif)
    attempt.write("original", Must.STAY, ".jpg", data)
    attempt.write("metadata stripped", Must.GO, ".jpg", with_exif(data, None))
    del exif[0x0110]
    attempt.write("metadata cut", Must.GO, ".jpg", with_exif(data, exif))


def chains(attempt: Attempt) -> None:
    """Two or three messengers after one another: each makes the image smaller and saves it as JPEG."""
    image, _ = _original(attempt)
    for steps in (2, 3):
        copy = image
        for _ in range(steps):
            scale = attempt.uniform(0.6, 0.95)
            size = (max(1, round(copy.width * scale)), max(1, round(copy.height * scale)))
            smaller = copy.resize(size, attempt.one_of(*SAMPLERS[:4]))
            data = encoded(smaller, ".jpg", int(attempt.random.integers(55, 88)))
            path = attempt.folder / "step.jpg"
            path.write_bytes(data)
            with Image.open(path) as saved:
                copy = saved.convert("RGB")
            path.unlink()
        attempt.write(f"{steps} messengers", Must.GO, ".jpg", data)


COPY_KINDS: dict[str, Maker] = {
    "jpegs": jpegs,
    "formats": formats,
    "sizes": sizes,
    "metadata": metadata,
    "chains": chains,
}
