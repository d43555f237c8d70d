"""What a name promises and what the first bytes tell."""

from __future__ import annotations

import pytest

from neardup_cli.images.formats import (
    IMAGE_EXTENSIONS,
    has_image_extension,
    looks_like_image,
    reason_not_to_read,
    sniff,
)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (b"a.cr2", "raw file: not read"),
        (b"a.MOV", "film: not read"),
        (b"a.cbz", "archive: not read"),
        (b"a.pdf", "document: not read"),
        (b"a.psd", "image of a format that is not read"),
        (b"a.txt", "not an image file"),
        (b"a", None),
        (b"a.jpg_large", None),
        (b"a.jpg ", None),
        (b"a.bak", None),
    ],
)
def test_names(name: bytes, reason: str | None) -> None:
    assert reason_not_to_read(name) == reason
    assert not has_image_extension(name)


def test_no_image_extension_has_a_reason() -> None:
    assert not [name for name in IMAGE_EXTENSIONS if reason_not_to_read(b"x." + name)]


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"BMW and other cars, a text that begins like a bitmap",
        b"P1 is the name of a rocket, not a bitmap of ones",
        b"\0" * 64,
        b"\x0a\x05\x01\x08" + bytes(60),  # as a PCX begins, and much else
        b"GIF is an old format",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(60),
        b"\0\0\0\x18ftypmp42" + bytes(52),
        b"\0\0\1\0\0\0" + bytes(58),  # no icon without a picture
    ],
)
def test_what_is_not_worth_being_read_under_any_name(head: bytes) -> None:
    assert not looks_like_image(head)


@pytest.mark.parametrize(
    ("head", "format_name"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(60), "JPEG"),
        (b"P6\n# by hand\n640 480\n255\n", "PPM"),
        (b"P4 8 8\n", "PPM"),
        (b"qoif" + bytes(10), "QOI"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WEBP"),
    ],
)
def test_formats_with_a_signature(head: bytes, format_name: str) -> None:
    assert sniff(head) == format_name
    assert looks_like_image(head)
