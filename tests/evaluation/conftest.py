"""Small collections with a known truth; rendered, so that nobody's photographs are needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from neardup_cli.choices import Suite
from neardup_cli.evaluation.copies import CopyOptions, make_copies
from neardup_cli.evaluation.gallery import render_photo
from neardup_cli.evaluation.suites import suite_attacks

PHOTOS = 8


def make_originals(folder: Path, photos: int) -> None:
    """Render different pictures, the last of them in a folder below."""
    (folder / "below").mkdir(parents=True)
    for seed in range(photos):
        place = folder / "below" if seed == photos - 1 else folder
        render_photo(seed + 40, (480, 320)).save(place / f"photo-{seed}.jpg", quality=92)


def make_edits(originals: Path, folder: Path) -> None:
    """Make copies with a manifest: exact, easy, middling and impossible ones."""
    only = ["exact", "jpeg-50", "grey", "crop-50", "overlay-40", "crop-centre-10"]
    attacks = suite_attacks(Suite.ALL, only)
    make_copies(bytes(originals), bytes(folder), CopyOptions(attacks, workers=2))


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of eight different pictures, one of them in a folder below; to be read only."""
    folder = tmp_path_factory.mktemp("originals")
    make_originals(folder, PHOTOS)
    return folder


@pytest.fixture(scope="session")
def copies(tmp_path_factory: pytest.TempPathFactory, originals: Path) -> Path:
    """A folder of copies with a manifest: exact, easy, middling and impossible ones."""
    folder = tmp_path_factory.mktemp("copies") / "out"
    make_edits(originals, folder)
    return folder
