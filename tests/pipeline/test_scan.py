from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, override

import numpy as np
import pytest
from PIL import Image

from neardup_cli.catalog import queries, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action, Device
from neardup_cli.embedders import registry
from neardup_cli.embedders.base import Pixels, Vectors, resize_to_input, unit_rows
from neardup_cli.embedders.shape import preprocessing
from neardup_cli.errors import BadInput, CatalogBusy, ModelMissing, PathNotFound
from neardup_cli.fingerprints.content import content_digest
from neardup_cli.images.decode import decode
from neardup_cli.pipeline import extract, store
from neardup_cli.pipeline import scan as scan_module
from neardup_cli.pipeline import survey as survey_module
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.survey import survey
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.pipeline.verify_files import verify_files
from neardup_cli.pipeline.work import Claims, ToRead, UnreadFile
from neardup_cli.plans import Policy
from neardup_cli.progress import Silent
from neardup_cli.records.files import ModelIdentity
from neardup_cli.records.scans import ScanSummary

type Draw = Callable[[Path, int], Path]

MODEL = "sscd_distilled"
SHOWN_DIGESTS = "SELECT digest FROM content JOIN file ON file.content_id = content.id"


class FakeEmbedder:
    """Real arrays without a network: a vector is the picture's 32 × 32 reduction, projected."""

    batch = 2

    def __init__(self, name: str, input_size: int) -> None:
        fingerprint = registry.fingerprint(registry.model_path(name))
        self.identity = ModelIdentity(name, fingerprint, 16, preprocessing(input_size))
        self._input_size = input_size

    def prepare(self, image: Image.Image) -> Pixels:
        return resize_to_input(image, self._input_size)

    def embed(self, batch: Sequence[Pixels]) -> Vectors:
        return unit_rows(np.stack([pixels.reshape(-1)[:: pixels.size // 16][:16] for pixels in batch]))


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, *, input_size: int = 288, device: Device = Device.AUTO) -> FakeEmbedder:
        return FakeEmbedder(name, input_size)

    monkeypatch.setattr(registry, "load_embedder", load)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    return made


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Grows by one with every decode."""
    calls: list[None] = []
    real = decode

    def counting(*args: Any, **options: Any) -> Any:
        calls.append(None)
        return real(*args, **options)

    monkeypatch.setattr(extract, "decode", counting)
    return calls


def hashes(catalog: Catalog, *paths: Path, **options: Any) -> ScanSummary:
    return scan(catalog, [os.fsencode(path) for path in paths], ScanOptions(hash_only=True, **options))


def vectors(catalog: Catalog, *paths: Path, **options: Any) -> ScanSummary:
    paths_given = [os.fsencode(path) for path in paths]
    return scan(catalog, paths_given, ScanOptions(model=MODEL, input_size=64, **options))


def counts(summary: ScanSummary) -> dict[str, int]:
    """The numbers that are not zero."""
    names = ("seen", "added", "changed", "unchanged", "moved", "missing", "offline", "embedded")
    numbers = {name: getattr(summary, name) for name in names}
    return {name: number for name, number in numbers.items() if number}


def adds_up(summary: ScanSummary) -> bool:
    parts = (summary.added, summary.changed, summary.unchanged, summary.moved, len(summary.unreadable))
    return min(parts) >= 0 and sum(parts) == summary.seen


def reasons(summary: ScanSummary) -> dict[bytes, str]:
    return {os.path.basename(entry.path): entry.reason for entry in summary.skipped}


def rows(catalog: Catalog, query: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(catalog.path)) as connection:
        found = connection.execute(query, values).fetchall()
        connection.commit()
    return found


def dump(catalog: Catalog) -> dict[str, set[Any]]:
    """What a catalog says, free of row numbers and of its history."""
    return {
        "files": set(
            rows(
                catalog,
                "SELECT f.path, f.size, f.mtime_ns, f.device, f.inode, c.digest, r.path, f.missing_scan_id "
                "IS NULL FROM file f JOIN content c ON c.id = f.content_id JOIN root r ON r.id = f.root_id",
            )
        ),
        "contents": set(
            rows(
                catalog,
                "SELECT digest, size, error, format, width, height, dhash, flatness, captured_at "
                "FROM content",
            )
        ),
        "vectors": set(
            rows(
                catalog,
                "SELECT c.digest, m.name, m.preprocessing, e.vector FROM embedding e "
                "JOIN content c ON c.id = e.content_id JOIN model m ON m.id = e.model_id",
            )
        ),
    }


def present(catalog: Catalog) -> list[bytes]:
    found = rows(catalog, "SELECT path FROM file WHERE missing_scan_id IS NULL ORDER BY path")
    return [os.path.basename(path) for (path,) in found]


# --- incremental ----------------------------------------------------------------------------------------


def test_first_scan_records_everything(catalog: Catalog, photos: Path) -> None:
    summary = vectors(catalog, photos)
    assert counts(summary) == {"seen": 7, "added": 7, "embedded": 6}
    assert summary.model == MODEL
    assert summary.skipped == ()
    assert 0 < summary.seconds < 60
    found = {os.path.basename(row[0]): row for row in dump(catalog)["files"]}
    astronaut = photos / "astronaut.jpg"
    status = astronaut.stat()
    assert found[b"astronaut.jpg"] == (
        os.fsencode(astronaut),
        status.st_size,
        status.st_mtime_ns,
        status.st_dev,
        status.st_ino,
        content_digest(astronaut.read_bytes()),
        os.fsencode(photos),
        1,
    )
    assert found[b"astronaut-again.jpg"][5] == found[b"astronaut.jpg"][5]
    stored = {row[0]: row[2:6] for row in dump(catalog)["contents"]}
    assert stored[content_digest((photos / "coffee.png").read_bytes())] == (None, "PNG", 320, 213)
    lengths = [np.linalg.norm(np.frombuffer(row[3], "<f2").astype(float)) for row in dump(catalog)["vectors"]]
    assert lengths == pytest.approx([1] * 6, abs=1e-3)


def test_unchanged_files_are_not_opened(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        draw(folder / f"{seed}.png", seed)
    hashes(catalog, folder)

    def refuse(*_: object) -> None:
        pytest.fail("an unchanged file was opened")

    monkeypatch.setattr(extract, "open_unchanged", refuse)
    assert counts(hashes(catalog, folder)) == {"seen": 3, "unchanged": 3}


@pytest.mark.parametrize("same", ["size", "mtime"])
def test_changed_files_are_read_again(catalog: Catalog, folder: Path, draw: Draw, same: str) -> None:
    path = draw(folder / "a.bmp", 1)
    draw(folder / "b.bmp", 2)
    hashes(catalog, folder)
    before = path.stat()
    draw(path, 3)  # a BMP of these dimensions has one size
    assert path.stat().st_size == before.st_size
    if same == "mtime":
        path.write_bytes(path.read_bytes() + b"\0")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert counts(hashes(catalog, folder)) == {"seen": 2, "changed": 1, "unchanged": 1}
    assert {row[5] for row in dump(catalog)["files"]} == {
        content_digest(file.read_bytes()) for file in folder.iterdir()
    }


def test_touched_file_costs_no_decode(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None]
) -> None:
    path = draw(folder / "a.png", 1)
    hashes(catalog, folder)
    os.utime(path, ns=(1, 1))
    assert counts(hashes(catalog, folder)) == {"seen": 1, "changed": 1}
    assert len(decoded) == 1
    assert counts(hashes(catalog, folder)) == {"seen": 1, "unchanged": 1}


def test_moved_and_renamed_files_are_recognised(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None]
) -> None:
    for seed in range(4):
        draw(folder / f"{seed}.png", seed)
    hashes(catalog, folder)
    (folder / "new").mkdir()
    (folder / "0.png").rename(folder / "new" / "0.png")
    (folder / "1.png").rename(folder / "renamed.png")
    assert counts(hashes(catalog, folder)) == {"seen": 4, "moved": 2, "unchanged": 2}
    assert len(decoded) == 4
    assert len(dump(catalog)["files"]) == 4
    assert present(catalog) == [b"2.png", b"3.png", b"0.png", b"renamed.png"]


def test_missing_and_returned(catalog: Catalog, folder: Path, tmp_path: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    gone = draw(folder / "b.png", 2)
    hashes(catalog, folder)
    gone.rename(tmp_path / "away.png")
    assert counts(hashes(catalog, folder)) == {"seen": 1, "unchanged": 1, "missing": 1}
    assert present(catalog) == [b"a.png"]
    assert counts(hashes(catalog, folder)) == {"seen": 1, "unchanged": 1}  # missing only once
    (tmp_path / "away.png").rename(gone)
    assert counts(hashes(catalog, folder)) == {"seen": 2, "unchanged": 2}
    assert present(catalog) == [b"a.png", b"b.png"]


def test_returned_with_other_bytes(catalog: Catalog, folder: Path, draw: Draw) -> None:
    path = draw(folder / "a.png", 1)
    draw(folder / "b.png", 2)
    hashes(catalog, folder)
    path.unlink()
    hashes(catalog, folder)
    draw(path, 3)
    assert counts(hashes(catalog, folder)) == {"seen": 2, "changed": 1, "unchanged": 1}
    assert present(catalog) == [b"a.png", b"b.png"]


def test_moved_file_that_is_copied_too(catalog: Catalog, folder: Path, draw: Draw) -> None:
    path = draw(folder / "a.png", 1)
    hashes(catalog, folder)
    shutil.copy(path, folder / "b.png")
    path.rename(folder / "c.png")
    assert counts(hashes(catalog, folder)) == {"seen": 2, "added": 1, "moved": 1}


def test_unreadable_file_that_moved(catalog: Catalog, folder: Path) -> None:
    (folder / "a.png").write_bytes(b"no picture")
    hashes(catalog, folder)
    (folder / "a.png").rename(folder / "b.png")
    summary = hashes(catalog, folder)
    assert (counts(summary), reasons(summary)) == ({"seen": 1}, {b"b.png": "not an image"})
    assert len(dump(catalog)["files"]) == 1


def test_emptied_folder(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    hashes(catalog, folder)
    (folder / "a.png").unlink()
    assert counts(hashes(catalog, folder)) == {"missing": 1}


def test_rehash_reads_everything_again(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None]
) -> None:
    draw(folder / "a.png", 1)
    quiet = draw(folder / "b.bmp", 2)
    shutil.copy(folder / "a.png", folder / "copy.png")
    hashes(catalog, folder)
    status = quiet.stat()
    draw(quiet, 3)
    os.utime(quiet, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert counts(hashes(catalog, folder)) == {"seen": 3, "changed": 1, "unchanged": 2}  # by its ctime
    decoded.clear()
    assert adds_up(hashes(catalog, folder, rehash=True))
    assert len(decoded) == 2  # not the copy
    assert content_digest(quiet.read_bytes()) in {row[5] for row in dump(catalog)["files"]}


@pytest.mark.parametrize("rehash", [False, True])
def test_copies_in_many_batches_are_decoded_once(
    catalog: Catalog,
    folder: Path,
    draw: Draw,
    decoded: list[None],
    monkeypatch: pytest.MonkeyPatch,
    rehash: bool,
) -> None:
    monkeypatch.setattr(store, "_FLUSH_FILES", 3)
    monkeypatch.setattr(scan_module, "_CHUNK_HASHING", 2)
    first = draw(folder / "a.png", 1)
    for number in range(30):
        shutil.copy(first, folder / f"b{number}.png")
    hashes(catalog, folder)
    assert len(decoded) == 1
    assert counts(hashes(catalog, folder, rehash=rehash)) == {"seen": 31, "unchanged": 31}
    assert len(decoded) == 1 + rehash


def test_what_is_stored_is_not_held_in_memory(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = Claims()
    monkeypatch.setattr(store, "Claims", lambda: claims)
    first = draw(folder / "a.png", 1)
    for number in range(40):
        shutil.copy(first, folder / f"b{number}.png")
    draw(folder / "c.png", 2)
    hashes(catalog, folder)
    shutil.copy(first, folder / "d.png")  # of a content that the catalog has
    hashes(catalog, folder)
    for path in (first, folder / "c.png"):
        assert claims.take(content_digest(path.read_bytes()))


@pytest.mark.usefixtures("fake_model")
def test_rehash_replaces_what_was_computed(catalog: Catalog, folder: Path, draw: Draw) -> None:
    for seed in range(2):
        draw(folder / f"{seed}.png", seed)
    vectors(catalog, folder)
    good = dump(catalog)
    rows(catalog, "UPDATE content SET dhash = 0, width = 1")
    rows(catalog, "UPDATE embedding SET vector = zeroblob(32)")
    assert dump(catalog) != good
    assert counts(vectors(catalog, folder, rehash=True)) == {"seen": 2, "unchanged": 2, "embedded": 2}
    assert dump(catalog) == good
    assert rows(catalog, "SELECT generation > 0 FROM model") == [(1,)]


def test_excluded_later_is_not_missing(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    draw(folder / "skip" / "b.png", 2)
    draw(folder / ".c.png", 3)
    hashes(catalog, folder, hidden=True)
    summary = hashes(catalog, folder, exclude=["skip"])
    assert counts(summary) == {"seen": 1, "unchanged": 1}
    assert reasons(summary) == {b"skip": "excluded", b".c.png": "hidden"}
    assert len(present(catalog)) == 3


def test_folders_of_applications(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    library = folder / "L.photoslibrary"
    inside = draw(library / "originals" / "b.png", 2)
    first = scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))
    assert (first.seen, first.app_folders) == (1, (os.fsencode(library),))
    second = scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True, app_folders=True))
    assert (second.seen, second.added, second.app_folders) == (2, 1, ())
    # What was taken once stays known as long as it is there.
    third = scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))
    assert (third.seen, third.missing) == (1, 0)
    inside.unlink()
    assert scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True)).missing == 1


def test_a_library_that_is_named_is_refused_unless_it_is_wanted(
    catalog: Catalog, folder: Path, draw: Draw
) -> None:
    library = folder / "L.photoslibrary"
    draw(library / "originals" / "b.png", 2)
    for named in (library, library / "originals"):
        with pytest.raises(BadInput, match=r"L\.photoslibrary is an application's own .* --app-folders"):
            scan(catalog, [os.fsencode(named)], ScanOptions(hash_only=True))
    assert scan(catalog, [os.fsencode(library)], ScanOptions(hash_only=True, app_folders=True)).added == 1


def test_only_special_files_are_named(catalog: Catalog, folder: Path, draw: Draw) -> None:
    os.mkfifo(folder / "pipe")
    for paths in ([b"/dev/null"], [b"/dev/null", os.fsencode(folder / "pipe")]):
        with pytest.raises(BadInput, match="is a device, neither a file nor a folder"):
            scan(catalog, paths, ScanOptions(hash_only=True))
    draw(folder / "a.png", 1)
    assert scan(catalog, [b"/dev/null", os.fsencode(folder)], ScanOptions(hash_only=True)).added == 1


def test_images_under_any_name(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(folder / "a.png", 1).rename(folder / "a.png_large")
    (folder / "notes").write_text("no image")
    first = scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))
    assert (first.seen, first.added, len(first.unreadable)) == (1, 1, 0)
    assert [(entry.path, entry.reason) for entry in first.skipped] == [
        (os.fsencode(folder / "notes"), "not an image file")
    ]
    asked: list[bytes] = []

    def ask(path: bytes) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(survey_module, "is_image_inside", ask)
    second = scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))
    assert (second.seen, second.unchanged) == (1, 1)
    assert asked == [os.fsencode(folder / "notes")]  # what is known is not opened
    named = scan(catalog, [os.fsencode(folder / "notes")], ScanOptions(hash_only=True))
    assert [entry.reason for entry in named.unreadable] == ["not an image"]


def test_deep_folders_are_scanned_and_planned(catalog: Catalog, folder: Path, draw: Draw) -> None:
    deep = folder.joinpath(*["d"] * 1_200)
    picture = draw(folder / "a.png", 1)
    path = os.fsencode(folder)
    for _ in range(1_200):
        path += b"/d"
        os.mkdir(path)
    shutil.copy(picture, deep / "b.png")
    assert scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True)).added == 2
    target = os.fsencode(folder.parent / "away")
    options = CleanOptions(
        Action.QUARANTINE,
        Policy(prefer=(os.fsencode(picture),), protect=(b"/nowhere",)),
        to=target,
        remove_empty_folders=True,
        dups=DupsOptions(hamming=0),
    )
    outcome = apply_plan(catalog, make_plan(catalog, options))
    assert (outcome.done, outcome.refused, outcome.folders) == (1, (), 1_200)
    assert os.path.isfile(target + os.fsencode(deep / "b.png"))
    assert not undo_batch(catalog).refused
    assert deep.joinpath("b.png").read_bytes() == picture.read_bytes()
    subprocess.run(["rm", "-rf", folder / "d", folder.parent / "away"], check=True)


def test_beyond_the_longest_path_files_are_read_and_left_alone(
    catalog: Catalog, folder: Path, draw: Draw
) -> None:
    """What the system takes no path of is there all the same: nothing is called gone, or unreadable."""
    picture = draw(folder / "a.png", 1)
    status, name = picture.stat(), b"d" * 200
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(30):
        os.mkdir(name, dir_fd=descriptor)
        above, descriptor = descriptor, os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(above)
    copy = os.open(b"b.png", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor)
    os.write(copy, picture.read_bytes())
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    os.close(copy)
    os.close(descriptor)
    try:
        assert scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True)).added == 2
        assert scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True)).unchanged == 2
        found = verify_files(catalog)
        assert (found.checked, found.sound, found.away) == (2, True, 0)
        plan = make_plan(catalog, CleanOptions(dups=DupsOptions(hamming=0)))
        assert plan.acts == 0
        (left,) = [one for group in plan.groups for one in group.left]
        assert left.reason.startswith("its path is longer than the system takes")
    finally:
        subprocess.run(["rm", "-rf", folder / os.fsdecode(name)], check=True)


def test_only_the_scanned_folder_is_judged(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    one, other = draw(tmp_path / "a" / "1.png", 1), draw(tmp_path / "a.b" / "2.png", 2)
    hashes(catalog, one.parent, other.parent)
    other.unlink()
    assert counts(hashes(catalog, one.parent)) == {"seen": 1, "unchanged": 1}
    assert len(present(catalog)) == 2
    assert counts(hashes(catalog, other.parent)) == {"missing": 1}


def test_file_replaced_by_a_link_is_no_longer_a_file(catalog: Catalog, folder: Path, draw: Draw) -> None:
    kept = draw(folder / "a.png", 1)
    copy = Path(shutil.copy(kept, folder / "b.png"))
    hashes(catalog, folder)
    copy.unlink()
    copy.symlink_to(kept)
    assert counts(hashes(catalog, folder)) == {"seen": 1, "unchanged": 1, "missing": 1}


def test_folder_replaced_by_a_link_to_where_it_went(
    catalog: Catalog, folder: Path, tmp_path: Path, draw: Draw
) -> None:
    draw(folder / "old" / "a.png", 1)
    hashes(catalog, folder)
    (folder / "old").rename(folder / "new")
    (folder / "old").symlink_to(folder / "new")
    assert counts(hashes(catalog, folder)) == {"seen": 1, "moved": 1}
    assert len(present(catalog)) == 1


# --- one content, once ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 4])
def test_same_bytes_are_decoded_once(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None], workers: int
) -> None:
    for seed in range(3):
        first = draw(folder / f"{seed}.png", seed)
        for copy in range(40):
            shutil.copy(first, folder / f"{seed}-{copy:02}.png")
    assert counts(hashes(catalog, folder, workers=workers)) == {"seen": 123, "added": 123}
    assert len(decoded) == 3
    assert len(dump(catalog)["contents"]) == 3
    assert len(dump(catalog)["files"]) == 123


def test_more_workers_make_the_same_catalog(
    tmp_path: Path, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_FLUSH_FILES", 3)
    monkeypatch.setattr(scan_module, "_CHUNK_HASHING", 2)
    for seed in range(12):
        draw(folder / f"{seed}.png", seed % 7)
    found = []
    for workers in (1, 5):
        with Catalog.open(tmp_path / f"{workers}.db", create=True) as opened:
            summary = hashes(opened, folder, workers=workers)
            assert adds_up(summary)
            found.append(dump(opened))
    assert found[0] == found[1]
    assert len(found[0]["contents"]) == 7


def test_large_files_are_streamed_and_come_out_the_same(
    tmp_path: Path, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        draw(folder / f"{seed}.png", seed)
    (folder / "bad.png").write_bytes(b"no picture")
    found = []
    for limit in (1 << 20, 0):
        monkeypatch.setattr(extract, "IN_MEMORY_BYTES", limit)
        with Catalog.open(tmp_path / f"{limit}.db", create=True) as opened:
            hashes(opened, folder)
            found.append(dump(opened))
    assert found[0] == found[1]
    assert len(found[0]["contents"]) == 4


# --- embeddings -----------------------------------------------------------------------------------------


def test_hashes_first_vectors_later(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None], fake_model: None
) -> None:
    for seed in range(3):
        draw(folder / f"{seed}.png", seed)
    shutil.copy(folder / "0.png", folder / "copy.png")
    (folder / "bad.png").write_bytes(b"no picture")
    first = hashes(catalog, folder)
    assert counts(first) == {"seen": 5, "added": 4}
    assert first.model is None
    assert dump(catalog)["vectors"] == set()
    decoded.clear()
    assert counts(vectors(catalog, folder)) == {"seen": 5, "unchanged": 4, "embedded": 3}
    assert len(decoded) == 3
    assert {row[0] for row in dump(catalog)["vectors"]} == {
        content_digest((folder / f"{seed}.png").read_bytes()) for seed in range(3)
    }
    # Now everything is there, and hashes alone ask for nothing more.
    assert counts(vectors(catalog, folder)) == {"seen": 5, "unchanged": 4}
    assert counts(hashes(catalog, folder)) == {"seen": 5, "unchanged": 4}
    assert len(decoded) == 3


@pytest.mark.usefixtures("fake_model")
def test_vectors_missing_since_a_scan_for_hashes_are_added(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None]
) -> None:
    draw(folder / "a.png", 1)
    vectors(catalog, folder)
    draw(folder / "b.png", 2)
    hashes(catalog, folder)
    decoded.clear()
    assert counts(vectors(catalog, folder)) == {"seen": 2, "unchanged": 2, "embedded": 1}
    assert len(decoded) == 1
    assert len(dump(catalog)["vectors"]) == 2


@pytest.mark.usefixtures("fake_model")
def test_two_preprocessings_are_two_models(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    vectors(catalog, folder)
    summary = scan(catalog, [os.fsencode(folder)], ScanOptions(model=MODEL, input_size=96))
    assert counts(summary) == {"seen": 1, "unchanged": 1, "embedded": 1}
    assert len({row[2] for row in dump(catalog)["vectors"]}) == 2


@pytest.mark.usefixtures("fake_model")
def test_last_model_is_taken_again(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    scan(catalog, [os.fsencode(folder)], ScanOptions(model="sscd", input_size=64))
    draw(folder / "b.png", 2)
    summary = scan(catalog, [os.fsencode(folder)], ScanOptions(input_size=64))
    assert summary.model == "sscd"
    assert {row[1] for row in dump(catalog)["vectors"]} == {"sscd"}


@pytest.mark.usefixtures("fake_model")
def test_model_that_has_nothing_to_do_is_used_last_all_the_same(
    catalog: Catalog, folder: Path, draw: Draw
) -> None:
    draw(folder / "a.png", 1)
    for model in ("sscd", MODEL, "sscd"):
        scan(catalog, [os.fsencode(folder)], ScanOptions(model=model, input_size=64))
    assert scan(catalog, [os.fsencode(folder)], ScanOptions(input_size=64)).model == "sscd"


def test_model_that_is_not_there(catalog: Catalog, folder: Path) -> None:
    with pytest.raises(ModelMissing, match="no-such-model"):
        scan(catalog, [os.fsencode(folder)], ScanOptions(model="no-such-model"))


# --- what cannot be read --------------------------------------------------------------------------------


def test_unreadable_files_are_counted_named_and_remembered(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None]
) -> None:
    draw(folder / "good.png", 1)
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("hello")
    (folder / "note.txt").write_text("hello")
    first = hashes(catalog, folder)
    assert counts(first) == {"seen": 3, "added": 1}
    assert reasons(first) == {
        b"empty.jpg": "empty file",
        b"text.png": "not an image",
        b"note.txt": "not an image file",
    }
    assert {os.path.basename(entry.path) for entry in first.unreadable} == {b"empty.jpg", b"text.png"}
    assert [entry.path for entry in first.skipped] == sorted(entry.path for entry in first.skipped)
    decoded.clear()
    second = hashes(catalog, folder)
    assert decoded == []
    assert (second.skipped, second.unchanged) == (first.skipped, 1)


def test_repaired_file_is_taken(catalog: Catalog, folder: Path, draw: Draw) -> None:
    path = folder / "a.png"
    path.write_bytes(b"half a file")
    hashes(catalog, folder)
    draw(path, 1)
    summary = hashes(catalog, folder)
    assert (counts(summary), summary.skipped) == ({"seen": 1, "changed": 1}, ())


def test_file_that_becomes_unreadable(catalog: Catalog, folder: Path, draw: Draw) -> None:
    path = draw(folder / "a.png", 1)
    hashes(catalog, folder)
    path.write_bytes(b"half a file")
    summary = hashes(catalog, folder)
    assert counts(summary) == {"seen": 1}
    assert reasons(summary) == {b"a.png": "not an image"}
    assert adds_up(summary)


def test_file_too_large_for_this_run_is_tried_in_the_next(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    first = hashes(catalog, folder, max_pixels=100)
    assert counts(first) == {"seen": 1}
    assert "too many pixels" in reasons(first)[b"a.png"]
    assert counts(hashes(catalog, folder)) == {"seen": 1, "added": 1}


def test_copies_of_a_file_too_large_are_each_named(catalog: Catalog, folder: Path, draw: Draw) -> None:
    first = draw(folder / "a.png", 1)
    for number in range(70):  # more than a chunk and more than a batch
        shutil.copy(first, folder / f"b{number}.png")
    summary = hashes(catalog, folder, max_pixels=100, workers=2)
    assert (len(summary.unreadable), summary.added) == (71, 0)
    assert adds_up(summary)
    assert counts(hashes(catalog, folder)) == {"seen": 71, "added": 71}


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_file(catalog: Catalog, folder: Path, draw: Draw) -> None:
    path = draw(folder / "a.png", 1)
    path.chmod(0)
    summary = hashes(catalog, folder)
    assert reasons(summary) == {b"a.png": "permission denied"}
    assert adds_up(summary)
    path.chmod(0o600)
    assert counts(hashes(catalog, folder)) == {"seen": 1, "added": 1}


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_folder_is_not_missing(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "below" / "a.png", 1)
    hashes(catalog, folder)
    (folder / "below").chmod(0)
    summary = hashes(catalog, folder)
    (folder / "below").chmod(0o700)
    assert reasons(summary) == {b"below": "permission denied"}
    assert summary.missing == 0
    assert present(catalog) == [b"a.png"]


def test_vanished_between_walk_and_read(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw(folder / "a.png", 1)
    real = survey

    def survey_then_delete(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        path.unlink()
        return found

    monkeypatch.setattr(scan_module, "survey", survey_then_delete)
    assert reasons(hashes(catalog, folder)) == {b"a.png": "no such file or directory"}


def writer(path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Have the file grow while it is being hashed, so many times."""
    left = [None] * times

    def grow_and_hash(data: bytes) -> bytes:
        if left:
            left.pop()
            with path.open("ab") as stream:
                stream.write(b"\0")
        return content_digest(data)

    monkeypatch.setattr(extract, "content_digest", grow_and_hash)


def test_file_that_changes_once_is_read_again(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw(folder / "a.png", 1)
    writer(path, monkeypatch, 1)
    assert counts(hashes(catalog, folder)) == {"seen": 1, "added": 1}
    [row] = dump(catalog)["files"]
    assert row[1] == path.stat().st_size
    assert row[5] == content_digest(path.read_bytes())


def test_file_that_keeps_changing_is_left_for_the_next_scan(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = draw(folder / "a.png", 1)
    writer(path, monkeypatch, 2)
    summary = hashes(catalog, folder)
    assert (counts(summary), reasons(summary)) == ({"seen": 1}, {b"a.png": "changed while it was read"})
    assert counts(hashes(catalog, folder)) == {"seen": 1, "added": 1}


def test_known_file_that_keeps_changing_is_forgotten(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old fingerprint is of bytes that are gone."""
    path = draw(folder / "a.png", 1)
    hashes(catalog, folder)
    path.write_bytes(path.read_bytes() + b"\0")
    writer(path, monkeypatch, 2)
    assert adds_up(hashes(catalog, folder))
    assert dump(catalog)["files"] == set()


@pytest.mark.parametrize("after", [b"\0" * 4000, b""], ids=["grown", "cut short"])
def test_large_file_that_changes_between_hash_and_decode(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch, after: bytes
) -> None:
    path = draw(folder / "a.png", 1)
    good = path.read_bytes()
    monkeypatch.setattr(extract, "IN_MEMORY_BYTES", 0)
    real = decode

    def change_then_decode(*args: Any, **options: Any) -> Any:
        path.write_bytes(good + after if after else after)
        return real(*args, **options)

    monkeypatch.setattr(extract, "decode", change_then_decode)
    summary = hashes(catalog, folder)
    assert reasons(summary) == {b"a.png": "changed while it was read"}
    assert dump(catalog)["contents"] == set()
    monkeypatch.setattr(extract, "decode", real)
    path.write_bytes(good)
    assert counts(hashes(catalog, folder)) == {"seen": 1, "added": 1}


def test_disk_that_fails_while_decoding_says_nothing_of_the_file(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(folder / "a.png", 1)
    monkeypatch.setattr(extract, "IN_MEMORY_BYTES", 0)
    real = decode

    class Failing:
        def seek(self, *_: int) -> int:
            return 0

        def read(self, *_: int) -> bytes:
            raise OSError(5, "Input/output error")

    def fail(_: object, **options: Any) -> Any:
        return real(Failing(), **options)  # type: ignore[arg-type]

    monkeypatch.setattr(extract, "decode", fail)
    assert reasons(hashes(catalog, folder)) == {b"a.png": "cannot be read: input/output error"}
    monkeypatch.setattr(extract, "decode", real)
    assert counts(hashes(catalog, folder)) == {"seen": 1, "added": 1}


def test_folder_or_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    handles = len(os.listdir("/proc/self/fd")) if sys.platform.startswith("linux") else 0
    for name in ("pipe.png", "folder.png"):
        source = ToRead(os.fsencode(tmp_path / name), b"/", 0)
        assert isinstance(extract.open_unchanged(source), UnreadFile)
    if handles:
        assert len(os.listdir("/proc/self/fd")) == handles


def test_odd_names_survive(catalog: Catalog, folder: Path, draw: Draw) -> None:
    names = [b"\xff\xfe.png", b"new\nline.png", b"quo'te\".png", "ünï.png".encode()]
    for seed, name in enumerate(names):
        draw(folder / f"{seed}.png", seed).rename(os.path.join(os.fsdecode(folder), os.fsdecode(name)))
    assert counts(hashes(catalog, folder)) == {"seen": 4, "added": 4}
    assert present(catalog) == sorted(names)
    assert counts(hashes(catalog, folder)) == {"seen": 4, "unchanged": 4}


# --- roots ----------------------------------------------------------------------------------------------


def test_no_such_path(catalog: Catalog, folder: Path) -> None:
    with pytest.raises(PathNotFound, match="nowhere"):
        hashes(catalog, folder, folder / "nowhere")
    assert rows(catalog, "SELECT * FROM scan") == []


def test_single_file(catalog: Catalog, folder: Path, draw: Draw) -> None:
    path = draw(folder / "a.png", 1)
    draw(folder / "b.png", 2)
    assert counts(hashes(catalog, path)) == {"seen": 1, "added": 1}
    assert counts(hashes(catalog, path)) == {"seen": 1, "unchanged": 1}
    assert counts(hashes(catalog, folder)) == {"seen": 2, "added": 1, "unchanged": 1}


def test_overlapping_roots_are_scanned_once(catalog: Catalog, folder: Path, draw: Draw) -> None:
    path = draw(folder / "below" / "a.png", 1)
    summary = hashes(catalog, path, folder / "below", folder, folder / "below" / "..")
    assert counts(summary) == {"seen": 1, "added": 1}
    assert {row[6] for row in dump(catalog)["files"]} == {os.fsencode(folder)}


def test_folder_scanned_through_a_link_is_the_same_folder(
    catalog: Catalog, folder: Path, tmp_path: Path, draw: Draw
) -> None:
    draw(folder / "a.png", 1)
    hashes(catalog, folder)
    (tmp_path / "link").symlink_to(folder)
    assert counts(hashes(catalog, tmp_path / "link")) == {"seen": 1, "unchanged": 1}


def test_links_are_followed_once(catalog: Catalog, folder: Path, tmp_path: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    draw(tmp_path / "elsewhere" / "b.png", 2)
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    (folder / "again").symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    (tmp_path / "elsewhere" / "back").symlink_to(folder)
    (folder / "dead").symlink_to(tmp_path / "nowhere")
    assert counts(hashes(catalog, folder)) == {"seen": 1, "added": 1}
    for _ in range(2):
        assert hashes(catalog, folder, follow_links=True).seen == 2
    assert present(catalog) == [b"b.png", b"a.png"]


def test_link_to_a_folder_above_does_not_count_anything_twice(
    catalog: Catalog, folder: Path, draw: Draw
) -> None:
    draw(folder / "below" / "a.png", 1)
    draw(folder / "b.png", 2)
    (folder / "below" / "up").symlink_to(folder)
    summary = hashes(catalog, folder / "below", follow_links=True)
    assert counts(summary) == {"seen": 2, "added": 2}
    assert [entry.path for entry in summary.skipped] == [os.fsencode(folder / "below" / "up")]
    again = hashes(catalog, folder / "below", follow_links=True)
    assert counts(again) == {"seen": 2, "unchanged": 2}


# --- disks that come and go -----------------------------------------------------------------------------


def test_root_whose_device_changed_and_that_is_empty_is_offline(
    catalog: Catalog, folder: Path, draw: Draw
) -> None:
    path = draw(folder / "a.png", 1)
    hashes(catalog, folder)
    path.unlink()
    rows(catalog, "UPDATE root SET device = device + 1")
    assert counts(hashes(catalog, folder)) == {"offline": 1}
    assert present(catalog) == [b"a.png"]


@pytest.mark.parametrize("scanned", ["mount point", "folder above"])
def test_unplugged_disk_is_offline_and_comes_back(
    catalog: Catalog, folder: Path, tmp_path: Path, draw: Draw, mount: Callable[..., None], scanned: str
) -> None:
    disk, place = tmp_path / "disk", folder / "usb"
    for made in (disk, place):
        made.mkdir()
    mount(disk, "-t", "tmpfs", "-o", "size=4m", "tmpfs")
    draw(disk / "a.png", 1)
    draw(disk / "b.png", 2)
    mount(place, "--bind", str(disk))
    root = place if scanned == "mount point" else folder
    assert counts(hashes(catalog, root)) == {"seen": 2, "added": 2}
    assert {row[6] for row in dump(catalog)["files"]} == {os.fsencode(place)}
    subprocess.run(["umount", str(place)], check=True)
    assert counts(hashes(catalog, root)) == {"offline": 2}
    assert len(present(catalog)) == 2
    (disk / "b.png").unlink()
    mount(place, "--bind", str(disk))
    assert counts(hashes(catalog, root)) == {"seen": 1, "unchanged": 1, "missing": 1}


# --- interruptions --------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(moment: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die at the so-and-so-many-th moment: before, in the middle of, or after a transaction."""
    passed = 0

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **options: Any) -> Any:
            nonlocal passed
            passed += 1
            if passed == moment:
                raise Killed
            return real(*args, **options)

        return step

    for name in ("store_contents", "store_files", "forget_paths", "mark_missing", "settle_moves"):
        monkeypatch.setattr(scanning, name, dying(getattr(scanning, name)))
    for name in ("use_model", "flush", "finish"):
        monkeypatch.setattr(store.ResultStore, name, dying(getattr(store.ResultStore, name)))


def prepare_history(folder: Path, baseline: Path, draw: Draw) -> None:
    """Catalogue a folder, then do to it all that can happen between two scans."""
    for seed in range(12):
        draw(folder / f"{seed:02}.png", seed)
    shutil.copy(folder / "08.png", folder / "08-copy.png")
    (folder / "was-bad.png").write_bytes(b"no picture")
    with Catalog.open(baseline, create=True) as opened:
        hashes(opened, folder)
        vectors(opened, folder)
        (folder / "11.png").rename(folder.parent / "11.png")
        vectors(opened, folder)
    (folder.parent / "11.png").rename(folder / "11.png")  # back again
    (folder / "moved").mkdir()
    for name in ("00.png", "01.png", "02.png", "08.png"):
        (folder / name).rename(folder / "moved" / name)
    draw(folder / "03.png", 50)
    draw(folder / "was-bad.png", 51)
    (folder / "04.png").write_bytes(b"no picture any more")
    (folder / "05.png").unlink()
    for seed in range(20, 25):
        draw(folder / "new" / f"{seed}.png", seed)
        shutil.copy(folder / "new" / f"{seed}.png", folder / "new" / f"z{seed}.png")
    (folder / "new" / "bad.png").write_bytes(b"never was one")


@pytest.mark.usefixtures("fake_model")
def test_killed_at_any_moment_and_run_again(
    tmp_path: Path, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_FLUSH_FILES", 3)
    baseline = tmp_path / "baseline.db"
    prepare_history(folder, baseline, draw)
    expected = None
    for moment in range(200):  # moment 0 never comes: the undisturbed scan
        copy = Path(shutil.copy(baseline, tmp_path / "copy.db"))
        killed = False
        with Catalog.open(copy) as opened:
            with monkeypatch.context() as patch:
                kill_at(moment, patch)
                try:
                    summary = vectors(opened, folder, workers=2)
                except Killed:
                    killed = True
            if killed:
                summary = vectors(opened, folder, workers=2)
            assert adds_up(summary), (moment, counts(summary))
            found = dump(opened)
        for leftover in tmp_path.glob("copy.db*"):
            leftover.unlink()
        expected = expected or found
        assert found == expected, moment
        if moment and not killed:
            break
    assert moment > 20
    assert expected is not None
    assert len(expected["files"]) == 24 + 1  # present ones, and 05.png


def test_moves_seen_by_a_killed_scan_are_settled_by_the_next(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        draw(folder / f"{seed}.png", seed)
    hashes(catalog, folder)
    (folder / "0.png").rename(folder / "new-0.png")
    (folder / "1.png").rename(folder / "new-1.png")
    with monkeypatch.context() as patch:
        patch.setattr(store.ResultStore, "finish", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            hashes(catalog, folder)
    (folder / "2.png").rename(folder / "new-2.png")
    summary = hashes(catalog, folder)
    assert counts(summary) == {"seen": 3, "unchanged": 2, "moved": 1}
    assert len(dump(catalog)["files"]) == 3


def test_results_are_stored_while_the_scan_runs(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(scan_module, "_CHUNK_HASHING", 1)
    for seed in range(6):
        draw(folder / f"{seed}.png", seed)
    stored = []

    class Watch(Silent):
        @override
        def start(self, task: str, total: int | None) -> None:
            self.task = task

        @override
        def advance(self, steps: int = 1) -> None:
            if self.task == "Reading":
                stored.append(len(present(catalog)))

    scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True), Watch())
    assert stored == [1, 2, 3, 4, 5, 6]


def test_progress_adds_up(catalog: Catalog, folder: Path, draw: Draw) -> None:
    for seed in range(5):
        draw(folder / f"{seed}.png", seed)
    draw(folder / "below" / "a.png", 9)
    told: list[tuple[str, int | None, int]] = []

    class Watch(Silent):
        @override
        def start(self, task: str, total: int | None) -> None:
            told.append((task, total, 0))

        @override
        def advance(self, steps: int = 1) -> None:
            task, total, done = told[-1]
            told[-1] = (task, total, done + steps)

    scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True), Watch())
    assert told == [("Looking", None, 6), ("Reading", 6, 6)]


def test_interrupt_keeps_what_was_stored(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_FLUSH_SECONDS", 0.0)
    monkeypatch.setattr(scan_module, "_CHUNK_HASHING", 1)
    for seed in range(6):
        draw(folder / f"{seed}.png", seed)

    class Impatient(Silent):
        done = 0

        @override
        def start(self, task: str, total: int | None) -> None:
            self.task = task

        @override
        def advance(self, steps: int = 1) -> None:
            self.done += steps if self.task == "Reading" else 0
            if self.done == 3:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True), Impatient())
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("scan")] == []
    assert len(present(catalog)) == 3
    assert counts(hashes(catalog, folder)) == {"seen": 6, "added": 3, "unchanged": 3}


def test_two_scans_at_once(catalog: Catalog, folder: Path, draw: Draw) -> None:
    draw(folder / "a.png", 1)
    refused: list[CatalogBusy] = []

    class Meanwhile(Silent):
        @override
        def start(self, task: str, total: int | None) -> None:
            with Catalog.open(catalog.path) as second, pytest.raises(CatalogBusy) as caught:
                hashes(second, folder)
            refused.append(caught.value)

    scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True), Meanwhile())
    assert len(refused) == 2
    assert str(catalog.path) in str(refused[0])
    assert rows(catalog, "SELECT count(*), count(finished_at) FROM scan") == [(1, 1)]
    assert counts(hashes(catalog, folder)) == {"seen": 1, "unchanged": 1}


def test_damaged_files_are_named_by_every_scan_and_in_the_catalog(catalog: Catalog, folder: Path) -> None:
    image = Image.effect_noise((200, 150), 60)
    for name in ("good.jpg", "bad.jpg", "bad.png", "away.png"):
        image.save(folder / name)
    whole = (folder / "bad.jpg").read_bytes()
    middle = len(whole) // 2
    (folder / "bad.jpg").write_bytes(whole[:middle] + bytes(500) + whole[middle + 500 :])
    (folder / "bad.png").write_bytes((folder / "away.png").read_bytes()[:-4] + b"\0\0\0\0")
    shutil.copy(folder / "bad.png", folder / "same.png")
    expected = {
        b"bad.jpg": "corrupt data",
        b"bad.png": "wrong checksum of the data",
        b"same.png": "wrong checksum of the data",
    }
    for _ in range(2):
        summary = hashes(catalog, folder)
        assert {os.path.basename(one.path): one.reason for one in summary.damaged} == expected
        assert summary.unreadable == ()
    with catalog.read() as connection:
        paths = [os.fsencode(folder / name) for name in ("bad.jpg", "good.jpg")]
        found = queries.files_at(connection, paths)
    assert [found[path].damage for path in paths] == ["corrupt data", ""]
    (folder / "bad.jpg").write_bytes(whole)
    (folder / "bad.png").unlink()
    assert [os.path.basename(one.path) for one in hashes(catalog, folder).damaged] == [b"same.png"]
    elsewhere = folder / "deeper"
    elsewhere.mkdir()
    assert hashes(catalog, elsewhere).damaged == ()


# --- what keeps its size and time -------------------------------------------------------------------------


def swap_bytes(path: Path) -> None:
    """Change a file's bytes, and give it the size and time back that it had."""
    status, data = path.stat(), bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    path.write_bytes(bytes(data))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_a_change_that_keeps_size_and_time_is_seen(catalog: Catalog, folder: Path, draw: Draw) -> None:
    one, two = draw(folder / "a.bmp", 1), draw(folder / "b.bmp", 2)
    hashes(catalog, folder)
    swap_bytes(one)
    found = hashes(catalog, folder)
    assert (found.changed, found.unchanged) == (1, 1)
    digests = {content_digest(path.read_bytes()) for path in (one, two)}
    assert {digest for (digest,) in rows(catalog, SHOWN_DIGESTS)} == digests
    again = hashes(catalog, folder)
    assert (again.changed, again.unchanged) == (0, 2)


def test_a_file_put_in_the_place_of_another_is_seen(catalog: Catalog, folder: Path, draw: Draw) -> None:
    one, other = draw(folder / "a.bmp", 1), draw(folder.parent / "other.bmp", 3)
    hashes(catalog, folder)
    status = one.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(one)
    assert one.stat().st_size == status.st_size
    assert hashes(catalog, folder).changed == 1


def test_permissions_and_links_are_no_change(
    catalog: Catalog, folder: Path, draw: Draw, decoded: list[None]
) -> None:
    one = draw(folder / "a.bmp", 1)
    hashes(catalog, folder)
    decoded.clear()
    one.chmod(0o600)
    (folder.parent / "link").hardlink_to(one)
    for _ in range(2):
        found = hashes(catalog, folder)
        assert (found.changed, found.unchanged) == (0, 1)
    assert not decoded
    ((ctime,),) = rows(catalog, "SELECT ctime_ns FROM file")
    assert ctime == one.stat().st_ctime_ns


def test_an_older_catalog_learns_what_the_system_noted(
    catalog: Catalog, folder: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = draw(folder / "a.bmp", 1), draw(folder / "b.bmp", 2)
    hashes(catalog, folder)
    with closing(sqlite3.connect(catalog.path)) as connection, connection:
        connection.execute("UPDATE file SET ctime_ns = NULL")
        # Of the one, not even the number is the same any more: it has to be looked at.
        connection.execute("UPDATE file SET inode = 1 WHERE path = ?", (os.fsencode(one),))
    opened: list[bytes] = []
    really = extract.open_unchanged

    def watched(source: ToRead) -> extract.OpenedFile | UnreadFile:
        opened.append(source.path)
        return really(source)

    monkeypatch.setattr(extract, "open_unchanged", watched)
    assert hashes(catalog, folder).unchanged == 2
    assert opened == [os.fsencode(one)]
    wanted = {(path.stat().st_ctime_ns,) for path in (one, two)}
    assert set(rows(catalog, "SELECT ctime_ns FROM file")) == wanted
    assert hashes(catalog, folder).unchanged == 2
    assert opened == [os.fsencode(one)]


def test_what_cannot_be_looked_at_is_not_called_different(
    catalog: Catalog, folder: Path, draw: Draw, bound_by_permissions: None
) -> None:
    one = draw(folder / "a.bmp", 1)
    hashes(catalog, folder)
    one.chmod(0)
    assert reasons(hashes(catalog, folder)) == {b"a.bmp": "permission denied"}
    assert len(present(catalog)) == 1
    one.chmod(0o600)
    assert hashes(catalog, folder).unchanged == 1


def test_a_clean_up_sees_it_and_its_advice_works(catalog: Catalog, folder: Path, draw: Draw) -> None:
    one = draw(folder / "a.bmp", 1)
    two = folder / "b.bmp"
    shutil.copy2(one, two)
    hashes(catalog, folder)
    options = CleanOptions(Action.DELETE, dups=DupsOptions(hamming=0))
    two.chmod(0o600)  # nothing of its bytes
    assert make_plan(catalog, options).acts == 1
    swap_bytes(two)
    plan = make_plan(catalog, options)
    assert plan.acts == 0
    assert "though its size and time did not" in str(plan)
    assert hashes(catalog, folder).changed == 1  # "scan again" is what helps
    assert make_plan(catalog, options).acts == 0
    assert "changed since" not in str(make_plan(catalog, options))
