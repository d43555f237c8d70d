from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.leaks import find_leaks
from neardup_cli.pipeline.scan import ScanOptions
from neardup_cli.pipeline.splits import Split
from neardup_cli.records.leaks import LeakKind, LeaksReport
from neardup_cli.records.matches import Stage


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, photographs: dict[str, Image.Image]) -> Path:
    """Two splits with class folders.

    Across the splits: astronaut (exact, the same class), coffee (grey, another class). Within train: chelsea
    in two classes, and a harmless second copy of the astronaut in its class.
    """
    root = tmp_path_factory.mktemp("dataset")
    files = {
        "train/people/astronaut.jpg": ("astronaut", "RGB", 90),
        "train/people/again.jpg": ("astronaut", "RGB", 70),
        "train/cats/chelsea.jpg": ("chelsea", "RGB", 90),
        "train/dogs/chelsea.jpg": ("chelsea", "RGB", 75),
        "train/drinks/coffee.jpg": ("coffee", "RGB", 90),
        "test/cups/coffee.jpg": ("coffee", "L", 80),
        "test/machines/rocket.jpg": ("rocket", "RGB", 90),
    }
    for name, (picture, mode, quality) in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        photographs[picture].convert(mode).save(root / name, quality=quality)
    (root / "test/people").mkdir()
    (root / "test/people/copied.jpg").write_bytes((root / "train/people/astronaut.jpg").read_bytes())
    (root / "test/machines/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 broken")
    return root


def splits(root: Path, *names: str) -> list[Split]:
    return [Split(name, bytes(root / name)) for name in names]


def look(catalog: Catalog, wanted: list[Split], *, labels: bool = True) -> LeaksReport:
    return find_leaks(catalog, wanted, DupsOptions(workers=2), ScanOptions(workers=2), labels=labels)


def found(report: LeaksReport, root: Path) -> dict[tuple[str, str], LeakKind]:
    return {
        (
            os.path.relpath(os.fsdecode(leak.a.path), root),
            os.path.relpath(os.fsdecode(leak.b.path), root),
        ): leak.kind
        for leak in report.leaks
    }


def test_copies_across_splits_and_across_labels_are_found(dataset: Path, catalog: Catalog) -> None:
    report = look(catalog, splits(dataset, "train", "test"))
    assert found(report, dataset) == {
        ("test/people/copied.jpg", "train/people/astronaut.jpg"): LeakKind.SPLIT,
        ("test/people/copied.jpg", "train/people/again.jpg"): LeakKind.SPLIT,
        ("test/cups/coffee.jpg", "train/drinks/coffee.jpg"): LeakKind.BOTH,
        ("train/cats/chelsea.jpg", "train/dogs/chelsea.jpg"): LeakKind.LABEL,
    }
    stages = {
        leak.a.path: leak.match.stage for leak in report.leaks if leak.b.path.endswith(b"astronaut.jpg")
    }
    assert set(stages.values()) == {Stage.EXACT}
    assert all(leak.match.a == leak.a.path and leak.match.b == leak.b.path for leak in report.leaks)
    assert [skipped.path for skipped in report.unreadable] == [bytes(dataset / "test/machines/broken.jpg")]


def test_the_last_split_is_protected_and_doubtful_labels_go(dataset: Path, catalog: Catalog) -> None:
    report = look(catalog, splits(dataset, "train", "test"))
    clean = {
        split.name: [os.path.relpath(os.fsdecode(path), dataset) for path in split.clean]
        for split in report.splits
    }
    assert clean == {"train": [], "test": ["test/machines/rocket.jpg", "test/people/copied.jpg"]}
    assert [split.images for split in report.splits] == [5, 3]
    turned = look(catalog, splits(dataset, "test", "train"))
    clean = {split.name: [os.path.basename(path).decode() for path in split.clean] for split in turned.splits}
    assert clean == {"test": ["rocket.jpg"], "train": ["again.jpg", "astronaut.jpg"]}


def test_labels_can_be_left_out(dataset: Path, catalog: Catalog) -> None:
    report = look(catalog, splits(dataset, "train", "test"), labels=False)
    assert set(found(report, dataset).values()) == {LeakKind.SPLIT}
    assert len(report.leaks) == 3
    assert all(leak.a.label is None for leak in report.leaks)


def test_one_split_can_be_asked_about_its_labels(dataset: Path, catalog: Catalog) -> None:
    report = look(catalog, splits(dataset, "train"))
    assert set(found(report, dataset)) == {("train/cats/chelsea.jpg", "train/dogs/chelsea.jpg")}
    with pytest.raises(BadInput, match="two splits"):
        look(catalog, splits(dataset, "train"), labels=False)


def test_other_files_of_the_catalog_do_not_matter(dataset: Path, catalog: Catalog, photos: Path) -> None:
    from neardup_cli.pipeline.scan import scan

    scan(catalog, [bytes(photos)], ScanOptions(workers=2))
    report = look(catalog, splits(dataset, "train", "test"))
    assert len(report.leaks) == 4


def test_files_outside_class_folders_have_no_label(
    tmp_path: Path, photographs: dict[str, Image.Image], catalog: Catalog
) -> None:
    for name in ("cats/a.jpg", "b.jpg"):
        (tmp_path / "train" / name).parent.mkdir(parents=True, exist_ok=True)
        photographs["chelsea"].save(tmp_path / "train" / name)
    assert look(catalog, splits(tmp_path, "train")).leaks == ()


def test_splits_that_make_no_sense_are_refused(dataset: Path, catalog: Catalog) -> None:
    with pytest.raises(BadInput, match="lie in each other"):
        look(catalog, [Split("all", bytes(dataset)), Split("train", bytes(dataset / "train"))])
    with pytest.raises(BadInput, match="lie in each other"):
        look(catalog, [Split("a", bytes(dataset / "train")), Split("b", bytes(dataset / "train"))])
    with pytest.raises(BadInput, match="same name"):
        look(catalog, [Split("a", bytes(dataset / "train")), Split("a", bytes(dataset / "test"))])
    with pytest.raises(BadInput, match="is a file"):
        look(catalog, [Split("a", bytes(dataset / "train/cats/chelsea.jpg"))])
    with pytest.raises(PathNotFound):
        look(catalog, [Split("a", bytes(dataset / "nowhere"))])
