"""Shards are tar files of a bounded size, the same for the same samples, and WebDataset reads them."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from neardup_cli.records.rows import ImageRow
from neardup_cli.reports.shards import ShardWriter, ending


def written(folder: Path, most: int, labels: bool = True) -> ShardWriter:
    folder.mkdir()
    with ShardWriter(folder, most) as writer:
        for number in range(5):
            label = f"class {number % 2}" if labels else None
            writer.add(ImageRow(f"/photos/{number}.jpg", format="JPEG", label=label), bytes([number]) * 1000)
    return writer


def test_shards_are_of_a_bounded_size(tmp_path: Path) -> None:
    writer = written(tmp_path / "a", 12_000)
    shards = sorted((tmp_path / "a").iterdir())
    assert (writer.samples, writer.shards, len(shards)) == (5, 3, 3)
    assert [shard.name for shard in shards] == ["000000.tar", "000001.tar", "000002.tar"]
    assert all(shard.stat().st_size <= 12_000 + 10_240 for shard in shards)


def test_one_that_is_larger_has_a_shard_of_its_own(tmp_path: Path) -> None:
    assert written(tmp_path / "a", 1).shards == 5


def test_the_same_samples_give_the_same_bytes(tmp_path: Path) -> None:
    written(tmp_path / "a", 10**6)
    written(tmp_path / "b", 10**6)
    assert (tmp_path / "a/000000.tar").read_bytes() == (tmp_path / "b/000000.tar").read_bytes()


def test_the_files_of_a_sample_follow_each_other(tmp_path: Path) -> None:
    written(tmp_path / "a", 10**6)
    with tarfile.open(tmp_path / "a/000000.tar") as shard:
        names = shard.getnames()
        described = json.loads(shard.extractfile("000000001.json").read())  # type: ignore[union-attr]
    assert names[:4] == ["000000000.jpg", "000000000.json", "000000000.txt", "000000001.jpg"]
    assert (described["id"], described["label"]) == ("/photos/1.jpg", "class 1")


# It leaves its files to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_them(tmp_path: Path) -> None:
    import webdataset

    written(tmp_path / "a", 12_000)
    shards = [str(path) for path in sorted((tmp_path / "a").iterdir())]
    found = list(webdataset.WebDataset(shards, shardshuffle=False, empty_check=False))
    assert [sample["__key__"] for sample in found] == [f"{number:09d}" for number in range(5)]
    assert [sample["jpg"] for sample in found] == [bytes([number]) * 1000 for number in range(5)]
    assert [sample["txt"] for sample in found] == [f"class {number % 2}".encode() for number in range(5)]


@pytest.mark.parametrize(
    ("path", "format_name", "expected"),
    [
        ("/a.PNG", "JPEG", "jpg"),
        ("/a.png", "PNG", "png"),
        ("/a.tif", "TIFF", "tif"),
        ("/a.jpg", "JPEG2000", "jp2"),
        ("/a.HEIC", "HEIF", "heic"),
        ("/a.NEF", "NEF", "nef"),
        ("/a", "WEBP", "webp"),
        ("/a", None, "img"),
    ],
)
def test_a_member_ends_in_what_it_holds(path: str, format_name: str | None, expected: str) -> None:
    assert ending(ImageRow(path, format=format_name)) == expected
