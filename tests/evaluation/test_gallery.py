import hashlib
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.gallery import (
    GalleryEdit,
    GalleryFile,
    GallerySummary,
    render_gallery,
    render_lookalike,
    render_photo,
)
from neardup_cli.evaluation.photos import PAINTERS
from neardup_cli.evaluation.scenes.canvas import Shot
from neardup_cli.evaluation.scenes.foregrounds import DISTANT, FLAT, SCATTERED, UPRIGHT, Foreground, nothing

SMALL = (240, 160)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> GallerySummary:
    return render_gallery(tmp_path_factory.mktemp("gallery"), photos=9, seed=3)


@cache
def photo(seed: int) -> Image.Image:
    return render_photo(seed, SMALL)


def shown(path: Path) -> Image.Image:
    """The picture as a viewer shows it: with its orientation applied."""
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def difference(first: Image.Image, second: Image.Image) -> float:
    """The mean difference of two pictures at thumbnail size, in grey levels."""
    small = [np.asarray(image.convert("L").resize((32, 32)), dtype=float) for image in (first, second)]
    return float(np.abs(small[0] - small[1]).mean())


def original_of(gallery: GallerySummary, file: GalleryFile) -> Image.Image:
    assert file.source is not None
    return shown(gallery.copies_of(file.source)[0].path)


def test_a_seed_gives_the_same_picture_in_every_process() -> None:
    code = (
        "import hashlib; from neardup_cli.evaluation.gallery import render_photo;"
        f"print(hashlib.sha256(render_photo(5, {SMALL}).tobytes()).hexdigest())"
    )
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert elsewhere.stdout.strip() == hashlib.sha256(render_photo(5, SMALL).tobytes()).hexdigest()


@pytest.mark.parametrize("size", [(200, 300), (64, 48), (700, 150)])
def test_any_size_can_be_rendered(size: tuple[int, int]) -> None:
    image = render_photo(7, size)
    assert (image.size, image.mode) == (size, "RGB")


def test_another_size_of_the_same_shape_shows_the_same_picture() -> None:
    assert difference(render_photo(11, (960, 640)), photo(11)) < 2


@pytest.mark.parametrize("seed", range(12, 12 + len(PAINTERS)))
def test_pictures_have_contrast_detail_and_colour(seed: int) -> None:
    pixels = np.asarray(photo(seed), dtype=float)
    assert pixels.std() > 12
    assert np.abs(np.diff(pixels.mean(axis=2))).mean() > 0.5
    assert np.ptp(pixels.mean(axis=(0, 1))) > 0.5


@pytest.mark.parametrize(
    "thing",
    [thing for thing in dict.fromkeys((*UPRIGHT, *DISTANT, *FLAT, *SCATTERED)) if thing is not nothing],
)
def test_whatever_stands_before_a_scene_can_be_seen(thing: Foreground) -> None:
    shot = Shot(300, 200, np.random.default_rng(5), np.random.default_rng(6))
    scene = np.full((3, *shot.shape), 0.5, np.float32)
    thing(scene, shot)
    assert np.isfinite(scene).all()
    assert 0.02 < (np.abs(scene - 0.5).max(axis=0) > 0.05).mean() < 1


def test_every_seed_is_another_picture() -> None:
    pictures = [photo(seed) for seed in range(12 + len(PAINTERS))]
    assert min(difference(first, second) for first, second in combinations(pictures, 2)) > 6


def test_a_lookalike_has_the_colours_of_the_photo_but_is_not_a_copy() -> None:
    closer = 0
    for seed in range(8):
        alike = render_lookalike(seed, SMALL)
        assert difference(photo(seed), alike) > 5, seed
        means = [
            np.asarray(image, dtype=float).mean(axis=(0, 1))
            for image in (photo(seed), alike, photo(seed + 1))
        ]
        closer += bool(np.linalg.norm(means[0] - means[1]) < np.linalg.norm(means[0] - means[2]))
    assert closer >= 6


def test_a_gallery_holds_every_kind_of_file(gallery: GallerySummary) -> None:
    kinds = Counter(file.edit for file in gallery.files)
    assert set(kinds) == set(GalleryEdit)
    assert kinds[GalleryEdit.ORIGINAL] == 9
    assert kinds[GalleryEdit.TRUNCATED] == kinds[GalleryEdit.BLANK] == kinds[GalleryEdit.TEXT] == 1


def test_what_is_returned_is_what_lies_there(gallery: GallerySummary) -> None:
    there = {path for path in gallery.folder.rglob("*") if path.is_file()}
    assert there == {file.path for file in gallery.files}
    assert len(there) == len(gallery.files)


def test_the_truth_about_sources_is_true(gallery: GallerySummary) -> None:
    for file in gallery.files:
        if file.source is None or not file.edit.readable:
            continue
        original, copy = original_of(gallery, file), shown(file.path)
        if file.edit is GalleryEdit.MIRRORED:
            copy = ImageOps.mirror(copy)
        limit = {GalleryEdit.CROPPED: 90, GalleryEdit.SCREENSHOT: 140, GalleryEdit.CAPTION: 12}.get(
            file.edit, 4
        )
        assert difference(original, copy) < limit, file


def test_what_is_no_copy_shows_no_photo(gallery: GallerySummary) -> None:
    originals = [shown(file.path) for file in gallery.files if file.edit is GalleryEdit.ORIGINAL]
    alone = [shown(file.path) for file in gallery.files if file.source is None and file.edit.readable]
    assert len(alone) > 2
    assert min(difference(original, other) for original in originals for other in alone) > 5


def test_groups_are_the_photos_with_copies(gallery: GallerySummary) -> None:
    groups = gallery.groups()
    assert groups
    assert len(groups) < 9
    for number, files in groups.items():
        assert files[0].edit is GalleryEdit.ORIGINAL
        assert {file.source for file in files} == {number}
        assert all(file.edit.readable for file in files)


def test_exact_copies_and_lossless_ones_are_exact(gallery: GallerySummary) -> None:
    for file in gallery.files:
        if file.edit is GalleryEdit.EXACT and file.source is not None:
            assert file.path.read_bytes() == gallery.copies_of(file.source)[0].path.read_bytes()
        if file.edit is GalleryEdit.PNG:
            assert shown(file.path).tobytes() == original_of(gallery, file).tobytes()


def test_originals_know_when_they_were_taken(gallery: GallerySummary) -> None:
    stamps = set()
    for file in gallery.files:
        if file.edit is GalleryEdit.ORIGINAL:
            with Image.open(file.path) as image:
                stamps.add(image.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal])
    assert len(stamps) == 9
    assert all(stamp.startswith("202") for stamp in stamps)


def test_a_turned_copy_needs_its_orientation_tag(gallery: GallerySummary) -> None:
    turned = next(file for file in gallery.files if file.edit is GalleryEdit.TURNED)
    with Image.open(turned.path) as image:
        assert image.getexif()[ExifTags.Base.Orientation] == 6
        assert image.size == original_of(gallery, turned).size[::-1]


def test_the_unreadable_files_are_unreadable(gallery: GallerySummary) -> None:
    for file in gallery.files:
        if not file.edit.readable:
            with pytest.raises((OSError, UnidentifiedImageError)), Image.open(file.path) as image:
                image.load()


def test_a_gallery_is_reproducible_down_to_bytes_and_times(tmp_path: Path) -> None:
    once, again = (render_gallery(tmp_path / name, photos=2, seed=3) for name in ("once", "again"))
    for first, second in zip(once.files, again.files, strict=True):
        assert first.path.relative_to(once.folder) == second.path.relative_to(again.folder)
        assert first.path.read_bytes() == second.path.read_bytes()
        assert first.path.stat().st_mtime_ns == second.path.stat().st_mtime_ns


def test_another_seed_is_another_gallery(tmp_path: Path) -> None:
    first, second = (render_gallery(tmp_path / str(seed), photos=1, seed=seed) for seed in (0, 1))
    assert first.files[0].path.read_bytes() != second.files[0].path.read_bytes()
    assert {file.edit for file in first.files} == set(GalleryEdit)


def test_an_empty_gallery_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="at least one"):
        render_gallery(tmp_path, photos=0)
