"""The Python API as its users see it."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import typing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import neardup_cli
from neardup_cli import (
    Catalog,
    Detection,
    DuplicateDetector,
    DupsOptions,
    QueryOptions,
    ScanOptions,
    build_hash_db,
    catalog_status,
    compare,
    examine,
    find_duplicates,
    load_rules,
    query,
    scan,
)
from neardup_cli.catalog.database import writer_lock
from neardup_cli.errors import (
    BadInput,
    CatalogBusy,
    CatalogMissing,
    ModelMismatch,
    ModelMissing,
    PathNotFound,
    UnreadableImage,
)
from neardup_cli.pipeline.detector import own_catalog
from neardup_cli.records.matches import Stage

if TYPE_CHECKING:
    from tests.conftest import Draw


@pytest.fixture(scope="module")
def database(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of `photos`; to be read only."""
    return build_hash_db(photos, tmp_path_factory.mktemp("database") / "photos.db", workers=2)


@pytest.fixture(scope="module")
def detector(database: Path) -> Iterator[DuplicateDetector]:
    with DuplicateDetector(hash_db=database) as opened:
        yield opened


def names(paths: typing.Iterable[bytes]) -> set[str]:
    return {Path(os.fsdecode(path)).name for path in paths}


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", neardup_cli.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(neardup_cli, name)
    assert name in dir(neardup_cli)
    if callable(value):
        assert value.__name__ == name
        assert (value.__doc__ or "").strip()


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'detect_all'"):
        neardup_cli.detect_all  # noqa: B018


def test_names_load_when_they_are_used() -> None:
    """What is exported at run time is what a type checker is told; nothing is imported before its time."""
    code = """
import sys
import neardup_cli
assert not any(name.startswith("neardup_cli.") for name in sys.modules)
from neardup_cli import *
assert set(neardup_cli.__all__) <= globals().keys() | {"__version__"}
assert scan is neardup_cli.scan is sys.modules["neardup_cli.pipeline.scan"].scan
import typing
typing.TYPE_CHECKING = True
lazy = {name: getattr(neardup_cli, name) for name in neardup_cli._HOMES}
del sys.modules["neardup_cli"]
import neardup_cli as checked
assert {name: vars(checked)[name] for name in lazy} == lazy
assert set(lazy) | {"__version__"} == set(checked.__all__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_package_is_typed() -> None:
    assert Path(neardup_cli.__file__).with_name("py.typed").exists()


# --- the detector ---------------------------------------------------------------------------------------


def test_an_edited_copy_is_found(
    detector: DuplicateDetector, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    edited = tmp_path / "edited.webp"
    photographs["chelsea"].convert("L").resize((240, 160)).save(edited, quality=60)
    found = detector.detect(edited)
    assert isinstance(found, Detection)
    assert found.is_duplicate
    assert found.match is not None
    assert names([found.match.path]) == {"chelsea.jpg"}
    assert (*found.sieve_matches, *found.verifier_matches) == (found.match,)
    assert found.stage == ("sieve" if found.sieve_matches else "verifier")
    assert found.match not in found.neighbours


def test_a_copy_that_only_sscd_sees(
    detector: DuplicateDetector, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    cropped = tmp_path / "cropped.png"
    photo = photographs["coffee"]
    photo.crop((photo.width // 5, photo.height // 6, photo.width, photo.height)).save(cropped)
    found = detector.detect(cropped)
    assert (found.is_duplicate, found.stage) == (True, "verifier")
    assert names(match.path for match in found.verifier_matches) == {"coffee.png", "coffee-grey.jpg"}
    assert found.match == found.verifier_matches[0]
    assert {match.stage for match in found.verifier_matches} <= {Stage.VERIFIER, Stage.GEOMETRY}


def test_a_threshold_for_one_image_overrules_the_detectors(
    detector: DuplicateDetector, tmp_path: Path, photographs: dict[str, Image.Image]
) -> None:
    path = tmp_path / "cropped.jpg"
    photographs["coffee"].crop((30, 20, 250, 180)).save(path, quality=80)
    assert detector.detect(path).stage == "verifier"
    assert not detector.detect(path, threshold=1.0).is_duplicate
    assert detector.detect(path).is_duplicate


def test_a_stranger_has_neighbours_and_no_match(
    detector: DuplicateDetector, draw: Draw, tmp_path: Path
) -> None:
    found = detector.detect(draw(tmp_path / "stranger.png", 99), top_k=3)
    assert (found.is_duplicate, found.stage, found.match) == (False, "unique", None)
    assert found.sieve_matches == found.verifier_matches == ()
    assert len(found.neighbours) == 3


def test_a_file_of_the_collection_is_not_its_own_copy(detector: DuplicateDetector, photos: Path) -> None:
    assert not detector.detect(photos / "chelsea.jpg").is_duplicate
    found = detector.detect(photos / "astronaut.jpg")
    matches = (*found.sieve_matches, *found.verifier_matches)
    assert names(match.path for match in matches) == {"astronaut-again.jpg", "astronaut-small.jpg"}
    assert found.match == found.sieve_matches[0]
    assert found.match is not None
    assert (found.stage, found.match.stage) == ("sieve", Stage.EXACT)
    assert names([found.match.path]) == {"astronaut-again.jpg"}


def test_paths_of_every_type_mean_the_same(detector: DuplicateDetector, photos: Path) -> None:
    path = photos / "astronaut.jpg"
    assert detector.detect(path) == detector.detect(str(path)) == detector.detect(os.fsencode(path))


def test_an_open_file_will_do(detector: DuplicateDetector, photos: Path) -> None:
    with (photos / "astronaut-small.jpg").open("rb") as stream:
        found = detector.detect(stream)  # without a path it is a copy of itself
        assert not stream.closed
    matches = (*found.sieve_matches, *found.verifier_matches)
    assert names(match.path for match in matches) == {
        "astronaut-again.jpg",
        "astronaut-small.jpg",
        "astronaut.jpg",
    }
    with pytest.raises(UnreadableImage, match=r"^not an image$"):
        detector.detect(io.BytesIO(b"no picture"))


def test_top_k_is_the_number_of_all_that_is_returned(detector: DuplicateDetector, photos: Path) -> None:
    for top_k in (1, 2, 4):
        found = detector.detect(photos / "astronaut.jpg", top_k)
        assert len(found.sieve_matches) + len(found.verifier_matches) + len(found.neighbours) == top_k


def test_threads_may_share_a_detector(detector: DuplicateDetector, photos: Path) -> None:
    paths = [path for path in sorted(photos.glob("*.jpg")) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.detect, paths))
    assert together == [detector.detect(path) for path in paths]


def test_a_folder_alone_has_a_catalog_of_its_own(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, draw: Draw
) -> None:
    """The user's own is neither written nor asked."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NEARDUP_CATALOG", str(tmp_path / "catalog.db"))
    elsewhere = draw(tmp_path / "elsewhere" / "0.png", 0).parent
    build_hash_db(elsewhere)
    with DuplicateDetector(photos) as detector:
        assert not detector.detect(elsewhere / "0.png").is_duplicate
        assert detector.detect(photos / "astronaut.jpg").is_duplicate
    with DuplicateDetector(image_dir=str(elsewhere), threshold=0.999, hamming=0) as detector:
        assert not detector.detect(photos / "astronaut.jpg").is_duplicate
    with Catalog.open(tmp_path / "catalog.db") as catalog:
        assert catalog_status(catalog).files == 1
    own = own_catalog(photos)
    assert own.is_relative_to(tmp_path / "cache")
    assert own != own_catalog(elsewhere)
    with Catalog.open(own) as catalog:
        assert catalog_status(catalog).files == 7


def test_a_slip_leaves_no_catalog_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(PathNotFound):
        DuplicateDetector(tmp_path / "nowhere")
    assert not (tmp_path / "cache").exists()


def test_an_image_of_any_kind_is_looked_up(
    detector: DuplicateDetector, photos: Path, photographs: dict[str, Image.Image]
) -> None:
    data, picture = (photos / "coffee.png").read_bytes(), photographs["coffee"]
    for image in (
        data,
        bytearray(data),
        memoryview(data),
        picture,
        np.asarray(picture),
        np.asarray(picture) / 255,
    ):
        found = detector.detect(image)
        assert found.match is not None
        assert names([found.match.path]) == {"coffee.png"}, type(image)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (None, "NoneType is no image"),
        (7, "int is no image"),
        (np.zeros((5, 6, 2), np.uint8), "5 × 6 × 2 numbers is no image"),
        (np.zeros((4, 4), np.int64), "an array of int64 is no image"),
        (np.full((4, 4), 1.5), r"floats is an image where they lie in \[0, 1\]"),
        (io.StringIO("x"), "a stream of text is no image"),
    ],
)
def test_what_is_no_image_is_named(detector: DuplicateDetector, image: typing.Any, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        detector.detect(image)


def test_detections_can_be_compared_and_pickled(detector: DuplicateDetector, photos: Path) -> None:
    found = detector.detect(photos / "astronaut.jpg")
    assert pickle.loads(pickle.dumps(found)) == found


# --- its errors -----------------------------------------------------------------------------------------


def test_what_cannot_be_detected(detector: DuplicateDetector, photos: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jpg"
    torn.write_bytes((photos / "astronaut.jpg").read_bytes()[:2000])
    with pytest.raises(UnreadableImage, match=r"torn\.jpg: truncated"):
        detector.detect(torn)
    with pytest.raises(UnreadableImage, match=r"gone\.jpg"):
        detector.detect(tmp_path / "gone.jpg")
    with pytest.raises(UnreadableImage, match="folder"):
        detector.detect(tmp_path)
    with pytest.raises(BadInput, match="top_k"):
        detector.detect(photos / "astronaut.jpg", top_k=0)
    with pytest.raises(BadInput, match="threshold: 5 is not between"):
        detector.detect(photos / "astronaut.jpg", threshold=5)


@pytest.mark.parametrize(
    ("option", "reason"),
    [({"threshold": 5}, "threshold: 5"), ({"preset": "foo"}, "preset"), ({"hamming": 65}, "hamming")],
)
def test_an_option_out_of_range_is_named_before_anything_is_scanned(
    photos: Path, tmp_path: Path, option: dict[str, typing.Any], reason: str
) -> None:
    with pytest.raises(BadInput, match=reason):
        DuplicateDetector(photos, tmp_path / "some.db", **option)
    assert not (tmp_path / "some.db").exists()


def test_a_detector_without_a_collection(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(CatalogMissing, match="neardup scan"):
        DuplicateDetector(hash_db=tmp_path / "none.db")
    with pytest.raises(PathNotFound, match="nowhere"):
        DuplicateDetector(tmp_path / "nowhere", tmp_path / "some.db")
    with pytest.raises(ModelMissing, match="resnet"):
        DuplicateDetector(photos, tmp_path / "some.db", model="resnet")


def test_a_detector_of_another_model(database: Path) -> None:
    with pytest.raises(ModelMismatch, match="scan --model sscd"):
        DuplicateDetector(hash_db=database, model="sscd")


def test_bad_settings_are_bad_input(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="workers"):
        build_hash_db(photos, tmp_path / "some.db", workers=0)


def test_the_model_runs_where_the_settings_say(
    database: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = "mps" if sys.platform != "darwin" else "cuda"
    monkeypatch.setenv("NEARDUP_DEVICE", absent)
    with pytest.raises(BadInput, match=absent):
        DuplicateDetector(hash_db=database)
    with pytest.raises(BadInput, match=absent):
        build_hash_db(photos, tmp_path / "new.db")


def test_one_scan_at_a_time(database: Path, photos: Path) -> None:
    with writer_lock(database), pytest.raises(CatalogBusy):
        build_hash_db(photos, database)


# --- build_hash_db and the functions of the command line --------------------------------------------------


def test_build_hash_db_takes_one_folder_or_several(photos: Path, tmp_path: Path, draw: Draw) -> None:
    other = draw(tmp_path / "other" / "0.png", 0).parent
    path = build_hash_db([photos, os.fsencode(other)], str(tmp_path / "new" / "own.db"), hash_only=True)
    assert path == tmp_path / "new" / "own.db"
    with Catalog.open(path) as catalog:
        status = catalog_status(catalog)
    assert (status.files, status.models) == (8, ())
    assert {root.path for root in status.roots} == {
        os.fsencode(photos.resolve()),
        os.fsencode(other.resolve()),
    }
    again = build_hash_db(photos, path)  # embeddings for what it has seen
    with Catalog.open(again) as catalog:
        assert catalog_status(catalog).models[0].vectors == 6


def test_the_functions_of_the_command_line(photos: Path, tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "catalog.db", create=True) as catalog:
        summary = scan(catalog, [os.fsencode(photos)], ScanOptions(workers=2))
        assert (summary.seen, summary.added, summary.embedded, summary.unreadable) == (7, 7, 6, ())
        report = find_duplicates(catalog, DupsOptions())
        assert [names(member.path for member in group.members) for group in report.groups] == [
            {"astronaut.jpg", "astronaut-again.jpg", "astronaut-small.jpg"},
            {"coffee.png", "coffee-grey.jpg"},
        ]
        (result,), criteria = query(catalog, [os.fsencode(photos / "coffee.png")], QueryOptions(top_k=1))
        assert names(match.path for match in result.matches) == {"coffee-grey.jpg"}
        assert criteria.parameters()["model"] == summary.model
        assert all(finding.ok for finding in examine(catalog))


def test_paths_are_of_any_type_and_may_be_relative(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    with Catalog.open(tmp_path / "catalog.db", create=True) as catalog:
        assert scan(catalog, photos.name, ScanOptions(workers=2)).seen == 7
        assert scan(catalog, [photos], ScanOptions()).unchanged == 7
        for under in (photos.name, [photos.name.encode()], [photos], Path(photos.name)):
            assert len(find_duplicates(catalog, DupsOptions(under=under)).groups) == 2
        assert find_duplicates(catalog, DupsOptions(under=photos / "below")).groups == ()
        options = QueryOptions(top_k=1, under=photos.name)
        (result,), _ = query(catalog, photos / "coffee.png", options)
        assert names(match.path for match in result.matches) == {"coffee-grey.jpg"}
        with pytest.raises(BadInput, match="int is no path"):
            scan(catalog, [1], ScanOptions())  # type: ignore[list-item]


def test_the_embeddings_of_a_catalog(database: Path) -> None:
    with Catalog.open(database) as catalog:
        ids, vectors = catalog.embeddings()
        by_name = {Path(os.fsdecode(file.path)).name: file.content_id for file in catalog.files()}
        with pytest.raises(ModelMismatch, match="no vectors of sscd "):
            catalog.embeddings("sscd")
    assert vectors.shape == (6, 512)
    assert vectors.dtype == np.float16
    assert len(by_name) == 7
    row_of = {content: row for row, content in enumerate(ids.tolist())}
    a, b, c = (
        vectors[row_of[by_name[name]]].astype(np.float32)
        for name in ("coffee.png", "coffee-grey.jpg", "chelsea.jpg")
    )
    assert a @ a == pytest.approx(1, abs=0.01)
    assert a @ b > a @ c + 0.3


def test_images_of_any_kind_are_compared(photos: Path, photographs: dict[str, Image.Image]) -> None:
    rules = load_rules(None)
    assert compare(photographs["coffee"], str(photos / "coffee-grey.jpg"), rules).is_match
    assert not compare(np.asarray(photographs["coffee"]), photos / "chelsea.jpg", rules).is_match


def test_compare_needs_no_catalog(photos: Path) -> None:
    a, b, c = (os.fsencode(photos / name) for name in ("coffee.png", "coffee-grey.jpg", "chelsea.jpg"))
    rules = load_rules(None)
    assert compare(a, b, rules).is_match
    assert not compare(a, c, rules).is_match
    assert compare(a, a, rules).stage is Stage.EXACT
    hashes = load_rules(None, hash_only=True)
    assert compare(a, b, hashes).similarity is None
    with pytest.raises(UnreadableImage, match=r"photos.*: a folder"):
        compare(a, os.fsencode(photos), hashes)
