"""Files of which one holds more than the other, or is sound where the other is damaged."""

from __future__ import annotations

import io
import os

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from benchmarks._attempts import Attempt, Maker, Must
from benchmarks._files import as_image, encoded
from neardup_cli.evaluation.edits.lettering import font

SECTOR = 512
OLD, NEW = 1_400_000_000, 1_600_000_000
MOTION = (
    b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
    b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
    b"xmlns:GCamera='http://ns.google.com/photos/1.0/camera/' GCamera:MotionPhoto='1' "
    b"GCamera:MotionPhotoVersion='1' GCamera:MicroVideo='1' "
    b"GCamera:MicroVideoOffset='%d'/></rdf:RDF></x:xmpmeta>"
)


def damaged(attempt: Attempt) -> None:
    """A sound file and a damaged copy, often older or larger: flipped, zeroed, cut off."""
    suffix = ".png" if attempt.number % 4 == 3 else ".jpg"
    good = encoded(attempt.image(), suffix, int(attempt.random.integers(80, 96)))
    bad = bytearray(good)
    how = ("flipped", "zeroed", "cut")[attempt.number % 3]
    at = int(len(good) * attempt.uniform(0.25, 0.95))
    if how == "flipped":
        for place in range(at, min(at + int(attempt.random.integers(1, 9)), len(bad) - 16)):
            bad[place] ^= 0x5A
    elif how == "zeroed":
        start, sectors = at // SECTOR * SECTOR, int(attempt.random.integers(1, 8))
        end = min(start + sectors * SECTOR, len(bad) - 16)
        bad[start:end] = bytes(max(0, end - start))
    else:
        del bad[at:]
    padding = bytes(64) if how != "cut" else b""
    when = {"sound": NEW, "damaged": OLD} if attempt.number % 2 else {"sound": OLD, "damaged": NEW}
    sound = attempt.write("sound", Must.STAY, suffix, good)
    broken = attempt.write(f"{how} {suffix[1:]}", Must.EITHER, suffix, bytes(bad) + padding)
    os.utime(sound, (when["sound"],) * 2)
    os.utime(broken, (when["damaged"],) * 2)


def frames(attempt: Attempt) -> None:
    """Files with more than their first image: animations, TIFFs, motion photos, MPO."""
    (animations, documents, motion_photos, stereo)[attempt.number % 4](attempt)


def animations(attempt: Attempt) -> None:
    """Two animations that begin alike and end otherwise, and a still of the beginning."""
    image = ImageOps.fit(attempt.image(), (400, 300))
    suffix, kind = attempt.one_of((".gif", "GIF"), (".webp", "WEBP"), (".png", "PNG"))
    count = int(attempt.random.integers(3, 10))
    for colour in ((210, 40, 40), (40, 60, 210)):
        shown = [image]
        for step in range(1, count):
            frame = image.copy()
            x = 40 + 300 * step / count
            ImageDraw.Draw(frame).ellipse((x, 120, x + 50, 170), fill=colour)
            shown.append(frame)
        buffer = io.BytesIO()
        shown[0].save(buffer, kind, save_all=True, append_images=shown[1:], duration=100, loop=0)
        attempt.write(f"animation {suffix[1:]}", Must.STAY, suffix, buffer.getvalue())
    attempt.write("still of it", Must.EITHER, ".jpg", encoded(image, ".jpg", 95))


def documents(attempt: Attempt) -> None:
    """Two TIFFs with one cover page and other pages after it, and the cover alone."""
    cover = ImageOps.fit(attempt.image(), (600, 800))
    for _ in range(2):
        pages = []
        for page in range(int(attempt.random.integers(1, 4))):
            sheet = Image.new("RGB", cover.size, "white")
            number = str(attempt.random.integers(10**9))
            ImageDraw.Draw(sheet).text(
                (60, 80), f"Page {page + 2}: {number}", fill=(20, 20, 20), font=font(36)
            )
            pages.append(sheet)
        buffer = io.BytesIO()
        cover.save(buffer, "TIFF", save_all=True, append_images=pages, compression="tiff_deflate")
        attempt.write("TIFF of pages", Must.STAY, ".tif", buffer.getvalue())
    attempt.write("its cover", Must.EITHER, ".jpg", encoded(cover, ".jpg", 95))


def motion_photos(attempt: Attempt) -> None:
    """A JPEG with a film behind it, its marker in the XMP, and the still saved again with more bytes."""
    image = attempt.image()
    still = encoded(image, ".jpg", int(attempt.random.integers(70, 92)))
    film = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + attempt.random.bytes(
        int(attempt.random.integers(20_000, 90_000))
    )
    packet = MOTION % len(film)
    marked = still[:2] + b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet + still[2:]
    attempt.write("motion photo", Must.STAY, ".jpg", marked + film)
    attempt.write("its still", Must.EITHER, ".jpg", encoded(image, ".jpg", 100))


def stereo(attempt: Attempt) -> None:
    """Two MPO files with one first image and another second one, and the first image alone."""
    image = attempt.image()
    for _ in range(2):
        shift = int(attempt.random.integers(5, 40))
        second = Image.fromarray(np.roll(np.asarray(image), shift, axis=1))
        buffer = io.BytesIO()
        image.save(buffer, "MPO", save_all=True, append_images=[second], quality=90)
        attempt.write("MPO", Must.STAY, attempt.one_of(".mpo", ".jpg"), buffer.getvalue())
    attempt.write("its first image", Must.EITHER, ".jpg", encoded(image, ".jpg", 96))


def transparency(attempt: Attempt) -> None:
    """A cut-out on a transparent ground, and what a program without transparency made of it."""
    image = attempt.image().convert("RGBA")
    mask = Image.new("L", image.size, 0)
    width, height = image.size
    x, y = attempt.uniform(0.02, 0.25), attempt.uniform(0.02, 0.25)
    if attempt.number % 2:
        ImageDraw.Draw(mask).ellipse((x * width, y * height, (1 - x) * width, (1 - y) * height), fill=255)
    else:  # half-transparent all over, stronger to one side
        ramp = np.linspace(255 * (1 - y), 80, width)[None].repeat(height, 0)
        mask = as_image(ramp)
    image.putalpha(mask)
    suffix = attempt.one_of(".png", ".webp")
    attempt.write("transparent", Must.STAY, suffix, encoded(image, suffix, 92))
    ground = attempt.one_of((0, 0, 0), (255, 255, 255), (128, 128, 128))
    flat = Image.new("RGB", image.size, ground)
    flat.paste(image, mask=mask)
    attempt.write("flattened", Must.EITHER, ".jpg", encoded(flat, ".jpg", 97))


FILE_KINDS: dict[str, Maker] = {"damaged": damaged, "frames": frames, "transparency": transparency}
