"""What stands behind an image, on files as programs and cameras write them."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.images.behind import end_of_jpeg, unaccounted
from tests.photographed import photographed

PHOTO = photographed("chelsea").resize((120, 80))
SECRET = b"PK\x03\x04 grandmother's voice " + random.Random(3).randbytes(500) + b"."


def encoded(kind: str, **how: object) -> bytes:
    stream = io.BytesIO()
    PHOTO.save(stream, kind, **how)
    return stream.getvalue()


WRITTEN = [
    ("JPEG", encoded("JPEG")),
    ("JPEG", encoded("JPEG", progressive=True, quality=95)),
    ("JPEG", encoded("JPEG", restart_marker_blocks=2, comment=b"\xff\xd9 no end")),
    ("JPEG", encoded("MPO", save_all=True, append_images=[PHOTO.rotate(90), PHOTO.rotate(180)])),
    ("PNG", encoded("PNG")),
    ("WEBP", encoded("WEBP")),
    ("WEBP", encoded("WEBP", lossless=True)),
]


@pytest.mark.parametrize(("kind", "data"), WRITTEN)
def test_what_was_appended_is_found_and_nothing_else(kind: str, data: bytes) -> None:
    assert unaccounted(data, kind, 0) == b""
    assert unaccounted(data + bytes(64), kind, 0) == b"", "padding"
    assert unaccounted(data + SECRET, kind, 0) == SECRET
    assert unaccounted(data + SECRET, kind, len(SECRET)) == b"", "a film is accounted for elsewhere"


@given(st.integers(2, len(WRITTEN[0][1]) - 1))
def test_an_image_that_was_cut_off_has_nothing_behind_it(at: int) -> None:
    data = WRITTEN[0][1][:at]
    assert end_of_jpeg(data, 0) >= len(data) or data[: end_of_jpeg(data, 0)].endswith(b"\xff\xd9")


@given(st.binary(max_size=200))
def test_any_bytes_have_an_end(junk: bytes) -> None:
    data = b"\xff\xd8" + junk
    assert 2 <= end_of_jpeg(data, 0) <= max(2, len(data))
