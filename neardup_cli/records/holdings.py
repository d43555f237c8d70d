"""What a file holds beside its first image: read from the file once, kept by its content."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

HOLDINGS_VERSION = 3
"""Raised whenever a holding may be read differently; stored ones of other versions are read again."""

# A JPEG shows one frame; a second picture in it (MPO) is another matter.
OF_SEVERAL_FRAMES = frozenset({"GIF", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"})
"""Formats whose files may hold several frames or pages."""


def table_name(table: tuple[int, ...]) -> str:
    """Return what a quantiser is called in the `bears` of files; empty for none."""
    return "-".join(map(str, table))


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything that could be lost with a file and is not a pixel of its first image.

    Attributes:
        frames: frames of an animation or pages of a document; 1 for an image.
        duration_ms: how long an animation plays once, in milliseconds; 0 for what does not play.
        film_bytes: size of a film (or sound) that is appended to the image or stored beside it in one file.
        pictures: further full images in the file (MPO, HEIC, AVIF), thumbnails and gain maps not counted.
        gain_map: whether it holds a gain map, which makes it brighter than white on an HDR display.
        has_alpha: whether any pixel is not opaque.
        depth: bits of each channel that carry data: 1 to 32.
        wide_gamut: whether its colour profile reaches beyond sRGB.
        lossless: whether its pixels are stored without loss (PNG, BMP, TIFF but for JPEG in it, lossless
            WebP …).
        quality: the step of the quantiser, averaged over the low frequencies of luma, 1 the finest; 0 where
            there is none or it is not known. Comparable between JPEGs only.
        captured_at: naive local time of the exposure, with its fraction of a second where it has one.
        offset: zone of that time as EXIF writes it ("+02:00"), empty without one.
        exposure: what tells one exposure from another, as (name, value) pairs in the order of names: seconds,
            aperture, iso, bias, sequence, unique id, focus distance … Only what the camera wrote.
        place: latitude and longitude in degrees; None without one.
        rating: 1 to 5; 0 without one, -1 for rejected.
        words: title, caption, keywords, people: each as it stands there.
        make, model: of the camera, empty without one.
        software: what last wrote the file, as far as it says so; empty where it does not.
        maker_note: whether the camera's own notes are still there.
        shown_frame: number of the frame that stands for an animation: the first one that is not flat.
        frame_views: of a file with several frames or pages, up to 12 of them, spread evenly, the first and
            the last one included, each as 24 x 24 grey bytes, upright; empty for a single image.
        detail: how long its long side would be, as a share of its length, if it held no more than can be seen
            in it: 0.5 for an image that was enlarged twice. 0 where nobody has measured it.
        table: the 64 steps of a JPEG's luma quantiser, as Pillow gives them; empty for other formats.
        bears: which quantisers have left their steps in its pixels: pairs of a table's name and the share of
            its noise that is left, about 1 for an image that it never quantised. As far as anybody asked.
        damage: why its decoder does not believe the file, in a few words; empty for a sound one.
    """

    frames: int = 1
    duration_ms: int = 0
    film_bytes: int = 0
    pictures: int = 0
    gain_map: bool = False
    has_alpha: bool = False
    depth: int = 8
    wide_gamut: bool = False
    lossless: bool = False
    quality: float = 0.0
    captured_at: datetime | None = None
    offset: str = ""
    exposure: tuple[tuple[str, str], ...] = ()
    place: tuple[float, float] | None = None
    rating: int = 0
    words: frozenset[str] = frozenset()
    make: str = ""
    model: str = ""
    software: str = ""
    maker_note: bool = False
    shown_frame: int = 0
    frame_views: tuple[bytes, ...] = ()
    detail: float = 0.0
    table: tuple[int, ...] = ()
    bears: tuple[tuple[str, float], ...] = ()
    damage: str = ""

    @property
    def table_name(self) -> str:
        """What its quantiser is called in the `bears` of others; empty without one."""
        return table_name(self.table)

    @property
    def from_camera(self) -> bool:
        """Whether it bears the signs of a camera's own file: its make, and nobody's editing software."""
        return bool(self.make or self.model)
