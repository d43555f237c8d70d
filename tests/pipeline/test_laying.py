"""Pictures laid on each other."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.errors import UnreadableImage
from neardup_cli.pipeline.laying import lay
from neardup_cli.pipeline.picture import Picture, decode_named


def picture_at(path: Path) -> Picture:
    return Picture(os.fsencode(path), partial(decode_named, os.fsencode(path)))


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, photographs: dict[str, Image.Image]) -> None:
    photograph, text = tmp_path / "astronaut.png", tmp_path / "text.jpg"
    photographs["astronaut"].save(photograph)
    text.write_text("no picture")
    good = picture_at(photograph)
    for path in (text, tmp_path / "nowhere.jpg", tmp_path):
        for pair in ((good, picture_at(path)), (picture_at(path), good)):
            with pytest.raises(UnreadableImage, match=f"^{path}: "):
                lay(*pair, 0.9)
    assert lay(good, good, 0.9).laid.alignment.matched
