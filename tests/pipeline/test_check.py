"""New files against the catalog."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import PathNotFound
from neardup_cli.pipeline.check import CheckOptions, check
from neardup_cli.pipeline.query import QueryOptions
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.answers import CheckReport
from neardup_cli.records.matches import Stage

type Draw = Callable[[Path, int], Path]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path_factory.mktemp("embedded") / "catalog.db", create=True) as opened:
        scan(opened, [os.fsencode(photos)], ScanOptions(model="sscd_distilled"))
        yield opened


def found(report: CheckReport) -> dict[str, list[str]]:
    """The catalogued names that each new file matches, by its name."""
    return {
        os.path.basename(os.fsdecode(result.path)): [
            os.path.basename(os.fsdecode(match.path)) for match in result.matches
        ]
        for result in report.results
    }


def test_new_files_and_folders(
    embedded: Catalog, tmp_path: Path, photographs: dict[str, Image.Image]
) -> None:
    new = tmp_path / "new"
    (new / "below").mkdir(parents=True)
    photographs["chelsea"].crop((10, 10, 300, 190)).save(new / "below" / "crop.jpg", quality=85)
    photographs["rocket"].rotate(90, expand=True).save(new / "turned.png")
    Image.effect_noise((300, 200), 90).save(new / "stranger.png")
    (new / "notes.txt").write_text("no picture")
    (new / "broken.jpg").write_bytes(b"no picture")
    alone = tmp_path / "alone.dat"  # named by the user, so looked at whatever its extension
    photographs["coffee"].save(alone, "PNG")
    report = check(embedded, [os.fsencode(new), os.fsencode(alone)], CheckOptions(workers=2))
    assert found(report) == {
        "alone.dat": ["coffee.png", "coffee-grey.jpg"],
        "crop.jpg": ["chelsea.jpg"],
        "broken.jpg": [],
        "stranger.png": [],
        "turned.png": ["rocket.png"],
    }
    assert [result.path for result in report.results] == sorted(result.path for result in report.results)
    assert len(report.matched) == 3
    assert [os.path.basename(entry.path) for entry in report.unreadable] == [b"broken.jpg"]
    assert [os.path.basename(entry.path) for entry in report.skipped] == [b"notes.txt"]


def test_a_catalogued_file_does_not_match_itself(embedded: Catalog, photos: Path) -> None:
    before = os.stat(embedded.path).st_mtime_ns
    report = check(embedded, [os.fsencode(photos)], CheckOptions())
    names = found(report)
    assert names["chelsea.jpg"] == names["rocket.png"] == []
    assert set(names["astronaut.jpg"]) == {"astronaut-again.jpg", "astronaut-small.jpg"}
    again = next(r for r in report.results if r.path.endswith(b"astronaut-again.jpg"))
    assert again.matches[0].stage is Stage.EXACT
    with embedded.read() as connection:
        assert queries.counts(connection)["files"] == 7
    assert os.stat(embedded.path).st_mtime_ns == before


def test_many_files_are_checked_in_order(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    known, new = tmp_path / "known", tmp_path / "new"
    for seed in range(5):
        draw(known / f"{seed}.png", seed)
    scan(catalog, [os.fsencode(known)], ScanOptions(hash_only=True))
    for seed in range(40):
        draw(new / f"{seed:02}.png", seed)
    report = check(catalog, [os.fsencode(new)], CheckOptions(workers=3))
    assert [int(os.path.basename(result.path)[:2]) for result in report.results] == list(range(40))
    assert [len(result.matches) for result in report.results] == [1] * 5 + [0] * 35


def test_options_of_the_walk(catalog: Catalog, tmp_path: Path, draw: Draw) -> None:
    scan(catalog, [os.fsencode(draw(tmp_path / "known" / "a.png", 1))], ScanOptions(hash_only=True))
    new = tmp_path / "new"
    for name in ("a.png", ".hidden.png", "x-thumb.png"):
        shutil.copy(tmp_path / "known" / "a.png", draw(new / name, 1))
    assert set(found(check(catalog, [os.fsencode(new)], CheckOptions()))) == {"a.png", "x-thumb.png"}
    options = CheckOptions(exclude=["*-thumb.png"], hidden=True)
    assert set(found(check(catalog, [os.fsencode(new)], options))) == {"a.png", ".hidden.png"}
    elsewhere = QueryOptions(under=[os.fsencode(tmp_path / "nowhere")])
    assert check(catalog, [os.fsencode(new)], CheckOptions(elsewhere)).matched == ()


def test_a_path_that_is_not_there(catalog: Catalog, tmp_path: Path) -> None:
    with pytest.raises(PathNotFound, match="nowhere"):
        check(catalog, [os.fsencode(tmp_path / "nowhere")], CheckOptions())


def test_nothing_new(catalog: Catalog, tmp_path: Path) -> None:
    report = check(catalog, [os.fsencode(tmp_path / "catalog.db")[: -len(b"/catalog.db")]], CheckOptions())
    assert report.results == ()
