"""Previews: made with the rest of a content, made up for where they lack, removed with what they show."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli import DupsOptions, find_duplicates
from neardup_cli.catalog import previews
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.holdings import stored_holdings
from neardup_cli.catalog.models import Preview as Table
from neardup_cli.embedders.onnx import OnnxEmbedder
from neardup_cli.images.decode import decode
from neardup_cli.pipeline.doctor import examine
from neardup_cli.pipeline.picture import preview_of
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.status import catalog_status
from neardup_cli.records.previews import Preview
from neardup_cli.records.scans import ScanSummary
from neardup_cli.reports.text import status_lines

MODEL = "sscd_distilled"


@pytest.fixture
def folder(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    made = tmp_path / "photos"
    made.mkdir()
    photographs["astronaut"].resize((640, 600)).save(made / "astronaut.jpg", quality=90)
    photographs["coffee"].save(made / "coffee.png")
    photographs["rocket"].save(made / "rocket.webp")
    (made / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    return made


def scanned(catalog: Catalog, folder: Path, *, previews: bool = True, **options: object) -> ScanSummary:
    return scan(
        catalog,
        [os.fsencode(folder)],
        ScanOptions(model=MODEL, previews=previews, **options),  # type: ignore[arg-type]
    )


def stored(catalog: Catalog) -> dict[int, Preview]:
    with catalog.read() as connection:
        every = range(1, 20)
        return dict(previews.stored_previews(connection, every))


def kept(catalog: Catalog) -> int:
    with catalog.read() as connection:
        return previews.kept_previews(connection).number


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many inputs the network was given, call by call."""
    calls: list[int] = []
    real = OnnxEmbedder.embed

    def counting(self: OnnxEmbedder, images: Collection[object]) -> object:
        calls.append(len(images))
        return real(self, images)  # type: ignore[arg-type]

    monkeypatch.setattr(OnnxEmbedder, "embed", counting)
    return calls


def test_a_scan_keeps_one_of_each_content(catalog: Catalog, folder: Path) -> None:
    (folder / "again.jpg").write_bytes((folder / "astronaut.jpg").read_bytes())
    assert scanned(catalog, folder).previews == 3
    made = {preview_of(decode(file.read_bytes())) for file in folder.glob("*o*.*") if file.name[0] != "b"}
    assert set(stored(catalog).values()) == made
    with catalog.read() as connection:
        total = previews.kept_previews(connection)
    assert total == (3, sum(preview.size for preview in made))


def test_a_second_scan_has_nothing_to_do(catalog: Catalog, folder: Path) -> None:
    scanned(catalog, folder)
    again = scanned(catalog, folder)
    assert (again.previews, again.unchanged) == (0, 3)


def test_what_lacks_is_made_up_for_and_nothing_else_is_done_again(
    catalog: Catalog, folder: Path, embedded: list[int]
) -> None:
    assert scanned(catalog, folder, previews=False).previews == 0
    before = sum(embedded)
    assert scanned(catalog, folder).previews == 3
    assert sum(embedded) == before
    assert len(stored(catalog)) == 3


def test_regions_come_alone_where_previews_are_there(
    catalog: Catalog, folder: Path, embedded: list[int]
) -> None:
    scanned(catalog, folder)
    before = sum(embedded)
    found = scanned(catalog, folder, thorough=True)
    assert (found.previews, found.regions) == (0, 3)
    assert sum(embedded) == before + 3 * 5


def test_those_of_another_version_are_made_anew(catalog: Catalog, folder: Path) -> None:
    scanned(catalog, folder)
    with catalog.write() as connection:
        connection.execute(Table.update().values(version=0, pixels=b"old"))
    assert stored(catalog) == {}
    assert scanned(catalog, folder).previews == 3
    assert len(stored(catalog)) == 3


def test_hashes_alone_bring_none(catalog: Catalog, folder: Path) -> None:
    assert scanned(catalog, folder, hash_only=True).previews == 0
    assert scanned(catalog, folder).previews == 3


def test_hashes_alone_leave_those_that_are_there(catalog: Catalog, folder: Path) -> None:
    scanned(catalog, folder)
    scanned(catalog, folder, hash_only=True)
    assert kept(catalog) == 3


def test_without_previews_those_of_the_folder_go(
    catalog: Catalog, folder: Path, tmp_path: Path, photographs: dict[str, Image.Image]
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    photographs["chelsea"].save(other / "chelsea.jpg")
    scanned(catalog, folder)
    scanned(catalog, other)
    wanted = stored(catalog)
    scanned(catalog, folder, previews=False)
    left = stored(catalog)
    assert len(left) == 1
    assert left.items() <= wanted.items()


def test_what_was_removed_is_nowhere_in_the_files(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Catalog.open(path, create=True) as catalog:
        scanned(catalog, folder)
        parts = [preview.pixels[-2000:-1000] for preview in stored(catalog).values()]
    assert any(part in path.read_bytes() for part in parts)
    with Catalog.open(path) as catalog:
        scanned(catalog, folder, previews=False)
    for file in tmp_path.glob("c.db*"):
        assert not any(part[:400] in file.read_bytes() for part in parts), file
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_that_of_a_file_that_is_gone_goes_with_the_next_scan(catalog: Catalog, folder: Path) -> None:
    scanned(catalog, folder)
    (folder / "coffee.png").unlink()
    assert scanned(catalog, folder).missing == 1
    assert kept(catalog) == 2
    (folder / "astronaut.jpg").write_bytes((folder / "rocket.webp").read_bytes())
    scanned(catalog, folder)
    assert kept(catalog) == 1


def test_that_of_a_file_that_moved_stays(catalog: Catalog, folder: Path) -> None:
    scanned(catalog, folder)
    (folder / "coffee.png").rename(folder / "tea.png")
    found = scanned(catalog, folder)
    assert (found.moved, found.previews) == (1, 0)
    assert kept(catalog) == 3


def test_a_file_that_comes_back_gets_one_again(catalog: Catalog, folder: Path, tmp_path: Path) -> None:
    scanned(catalog, folder)
    (folder / "coffee.png").rename(tmp_path / "coffee.png")
    scanned(catalog, folder)
    (tmp_path / "coffee.png").rename(folder / "coffee.png")
    assert scanned(catalog, folder).previews == 1
    assert kept(catalog) == 3


def test_rehash_makes_them_anew(catalog: Catalog, folder: Path) -> None:
    scanned(catalog, folder)
    assert scanned(catalog, folder, rehash=True).previews == 3


def test_what_tells_animations_and_exposures_apart_is_read_at_the_scan(
    catalog: Catalog, tmp_path: Path, photographs: dict[str, Image.Image]
) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    frames = [photographs[name].resize((200, 200)) for name in ("coffee", "rocket")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 10:00:00"
    photographs["chelsea"].save(folder / "exposed.jpg", exif=exif)
    photographs["chelsea"].save(folder / "bare.jpg")
    scanned(catalog, folder)
    with catalog.read() as connection:
        held = stored_holdings(connection, range(1, 20))
    assert sorted(one.frames for one in held.values()) == [1, 2]
    assert sum(one.captured_at is not None for one in held.values()) == 1


def damage(catalog: Catalog, content: int, pixels: bytes) -> None:
    with catalog.write() as connection:
        changed = Table.update().where(Table.c.content_id == content)
        connection.execute(changed.values(pixels=pixels, alpha=None, size=len(pixels)))


@pytest.mark.parametrize("pixels", [b"", b"no picture", b"\xff\xd8\xff"])
def test_doctor_finds_damaged_ones_and_the_next_scan_makes_them_anew(
    catalog: Catalog, folder: Path, pixels: bytes
) -> None:
    scanned(catalog, folder)
    wanted = stored(catalog)
    damage(catalog, next(iter(wanted)), pixels)
    assert [finding.ok for finding in examine(catalog) if finding.check == "previews"] == [False]
    [repaired] = [finding for finding in examine(catalog, repair=True) if finding.check == "previews"]
    assert (repaired.ok, repaired.repaired) == (True, True)
    assert scanned(catalog, folder).previews == 1
    assert stored(catalog) == wanted
    assert [finding.ok for finding in examine(catalog) if finding.check == "previews"] == [True]


def test_a_damaged_one_is_made_of_the_file_again(catalog: Catalog, folder: Path) -> None:
    with Image.open(folder / "coffee.png") as coffee:
        coffee.crop((30, 20, 250, 200)).save(folder / "crop.jpg", quality=75)
    scanned(catalog, folder)
    for content in stored(catalog):
        damage(catalog, content, b"no picture")
    report = find_duplicates(catalog, DupsOptions())
    assert len(report.groups) == 1
    assert report.summary["cannot_tell"] == 0


def test_status_says_what_they_take(catalog: Catalog, folder: Path) -> None:
    scanned(catalog, folder)
    status = catalog_status(catalog)
    assert status.previews == 3
    assert status.preview_bytes == sum(preview.size for preview in stored(catalog).values())
    assert any(line.startswith("previews  of 3 images, ") for line in status_lines(status))


def test_a_backup_has_them(catalog: Catalog, folder: Path, tmp_path: Path) -> None:
    scanned(catalog, folder)
    catalog.backup(tmp_path / "copy.db")
    with Catalog.open(tmp_path / "copy.db") as copy:
        assert stored(copy) == stored(catalog)
