"""What `dups` found, as files of other programs, read with those programs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from PIL import Image

from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.export import Exported, ExportOptions, export
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.splits import Split

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = {"astronaut.jpg", "chelsea.jpg", "coffee.png", "rocket.png"}
UNCLOSED = "ignore::pytest.PytestUnraisableExceptionWarning"  # WebDataset leaves its files to the collector
DROPPED = {"astronaut-again.jpg", "astronaut-small.jpg", "coffee-grey.jpg"}


@pytest.fixture(scope="module")
def scanned(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """A catalog of `photos`, and of a file that is no image."""
    folder = tmp_path_factory.mktemp("scanned")
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 torn")
    with Catalog.open(folder / "catalog.db", create=True) as catalog:
        scan(catalog, [photos, folder], ScanOptions(workers=2))
        yield catalog


def names(paths: Any) -> set[str]:
    return {Path(path).name for path in paths}


def exported(catalog: Catalog, **options: Any) -> Exported:
    raw: Any = {name: os.fsencode(one) if isinstance(one, Path) else one for name, one in options.items()}
    return export(catalog, ExportOptions(**raw))


# --- tables ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv", "jsonl"])
def test_pandas_and_polars_read_each_table_in_a_line(scanned: Catalog, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"images.{ending}"
    exported(scanned, images=file)
    read = {"parquet": pd.read_parquet, "arrow": pd.read_feather, "csv": pd.read_csv}
    frame = pd.read_json(file, lines=True) if ending == "jsonl" else read[ending](file)
    scan_by = {"parquet": pl.read_parquet, "arrow": pl.read_ipc, "csv": pl.read_csv, "jsonl": pl.read_ndjson}
    other = scan_by[ending](file)
    assert len(frame) == len(other) == 8
    assert names(frame[frame.keep & frame.error.isna()].id) == KEPT
    assert names(other.filter(~pl.col("keep"))["id"]) == DROPPED
    assert names(other.filter(pl.col("error").is_not_null())["id"]) == {"torn.jpg"}
    assert frame.family.nunique() == other["family"].drop_nulls().n_unique() == 2
    assert list(frame.columns) == other.columns


def test_the_groups_and_pairs_are_those_of_dups(scanned: Catalog, tmp_path: Path) -> None:
    done = exported(scanned, groups=tmp_path / "g.parquet", pairs=tmp_path / "p.parquet")
    report = find_duplicates(scanned, DupsOptions(every_pair=True))
    groups, pairs = pl.read_parquet(tmp_path / "g.parquet"), pl.read_parquet(tmp_path / "p.parquet")
    assert groups["id"].to_list() == [group.id for group in report.groups]
    assert [names(members) for members in groups["members"].to_list()] == [
        names(os.fsdecode(member.path) for member in group.members) for group in report.groups
    ]
    assert len(pairs) == sum(len(group.matches) for group in report.groups) + len(report.links)
    assert set(pairs["family"]) == set(groups["id"])
    assert [(one.what, one.entries) for one in done.written] == [("pairs", len(pairs)), ("groups", 2)]


def test_issues_are_columns_of_theirs(scanned: Catalog, tmp_path: Path) -> None:
    exported(scanned, issues=tmp_path / "issues.csv")
    frame = pd.read_csv(tmp_path / "issues.csv", index_col="path")
    assert names(frame.query("is_exact_duplicates_issue").index) == {"astronaut.jpg", "astronaut-again.jpg"}
    near = {"astronaut.jpg", "astronaut-again.jpg", "astronaut-small.jpg", "coffee.png", "coffee-grey.jpg"}
    assert names(frame.query("is_near_duplicates_issue").index) == near
    assert names(frame.query("is_near_duplicate_issue and not is_kept").index) == DROPPED
    assert frame.near_duplicate_score.between(0, 1).all()


def test_splits_and_labels(scanned: Catalog, photos: Path, tmp_path: Path) -> None:
    exported(scanned, images=tmp_path / "i.parquet", splits=[Split("all", os.fsencode(photos))])
    frame = pl.read_parquet(tmp_path / "i.parquet")
    told = {Path(row["id"]).name: (row["split"], row["label"]) for row in frame.to_dicts()}
    assert told["rocket.png"] == ("all", "below")
    assert told["coffee.png"] == ("all", None)
    assert told["torn.jpg"] == (None, None)
    exported(scanned, images=tmp_path / "n.csv", splits=[Split("all", os.fsencode(photos))], labels=False)
    assert pl.read_csv(tmp_path / "n.csv")["label"].drop_nulls().to_list() == []


# --- lists ----------------------------------------------------------------------------------------------


def test_lists_of_what_goes_and_what_stays(scanned: Catalog, tmp_path: Path) -> None:
    exported(scanned, drop_list=tmp_path / "drop.txt", keep_list=tmp_path / "keep.txt")
    assert names((tmp_path / "drop.txt").read_text().splitlines()) == DROPPED
    assert names((tmp_path / "keep.txt").read_text().splitlines()) == KEPT


def test_a_path_is_a_line_whatever_is_in_it(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    odd = [b"two\nlines.png", b"stray\xff.png", "grüße.png".encode()]
    for name in odd:
        Image.new("RGB", (40, 30), "red").save(os.fsdecode(os.path.join(os.fsencode(folder), name)))
    scan(catalog, folder, ScanOptions(hash_only=True))
    exported(catalog, keep_list=tmp_path / "keep.txt", drop_list=tmp_path / "drop.txt")
    lines = (tmp_path / "keep.txt").read_text().splitlines() + (
        tmp_path / "drop.txt"
    ).read_text().splitlines()
    assert len(lines) == 3
    ends = {line.rpartition("/")[2] for line in lines}
    assert ends == {"two%0Alines.png", "stray%FF.png", "grüße.png"}


# --- folders --------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings(UNCLOSED)
def test_shards_hold_what_stays(scanned: Catalog, photos: Path, tmp_path: Path) -> None:
    import webdataset

    done = exported(scanned, webdataset=tmp_path / "shards", splits=[Split("all", os.fsencode(photos))])
    assert [(one.what, one.entries) for one in done.written] == [("webdataset", 4)]
    shards = [str(path) for path in (tmp_path / "shards").iterdir()]
    found = list(webdataset.WebDataset(shards, shardshuffle=False).decode("pil"))
    assert names(sample["json"]["id"] for sample in found) == KEPT
    for sample in found:
        picture = sample.get("jpg") or sample["png"]
        assert picture.size == (sample["json"]["width"], sample["json"]["height"])
    assert [sample["txt"] for sample in found if "txt" in sample] == ["below"]


def test_what_has_changed_is_in_no_shard(
    catalog: Catalog, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("coffee", "chelsea", "rocket"):
        photographs[name].save(folder / f"{name}.png")
    scan(catalog, folder, ScanOptions())
    (folder / "coffee.png").unlink()
    photographs["astronaut"].save(folder / "chelsea.png")
    done = exported(catalog, webdataset=tmp_path / "shards")
    assert names(map(os.fsdecode, done.left_out)) == {"coffee.png", "chelsea.png"}
    assert done.written[0].entries == 1


def test_a_data_set_for_fiftyone(scanned: Catalog, photos: Path, tmp_path: Path) -> None:
    """By its documented form: samples with a path, tags, metadata and fields, and no `version`."""
    exported(scanned, fiftyone=tmp_path / "fo", splits=[Split("all", os.fsencode(photos))])
    metadata = json.loads((tmp_path / "fo" / "metadata.json").read_text())
    assert metadata["media_type"] == "image"
    assert "version" not in metadata  # or FiftyOne would take it for a dump of its database
    samples = json.loads((tmp_path / "fo" / "samples.json").read_text())["samples"]
    by_name = {Path(sample["filepath"]).name: sample for sample in samples}
    assert by_name.keys() == KEPT | DROPPED
    small = by_name["astronaut-small.jpg"]
    assert small["tags"] == ["all", "drop"]
    assert small["metadata"] == {
        "_cls": "ImageMetadata",
        "size_bytes": small["metadata"]["size_bytes"],
        "width": 200,
        "height": 200,
    }
    assert small["neardup_family"] == by_name["astronaut.jpg"]["neardup_family"]
    assert small["neardup_role"]["_cls"] == "Classification"
    assert (small["neardup_kind"]["label"], small["neardup_keep"]) == ("resized", False)
    assert by_name["rocket.png"]["ground_truth"]["label"] == "below"
    assert "neardup_family" not in by_name["rocket.png"]


# --- where it goes --------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_replaced_by_force_only(scanned: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "drop.txt"
    file.write_text("mine")
    with pytest.raises(BadInput, match="is there already"):
        exported(scanned, drop_list=file)
    assert file.read_text() == "mine"
    exported(scanned, drop_list=file, force=True)
    assert len(file.read_text().splitlines()) == 3
    assert list(tmp_path.iterdir()) == [file]


def test_an_image_is_never_written_over(scanned: Catalog, photos: Path) -> None:
    with pytest.raises(BadInput, match="one of your pictures"):
        exported(scanned, drop_list=photos / "coffee.png", force=True)


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({}, BadInput, "name what to write"),
        ({"images": "x.txt"}, BadInput, r"has to end in one of \.parquet, \.arrow, \.csv, \.jsonl"),
        ({"images": "nowhere/x.csv"}, PathNotFound, "no such folder"),
        ({"drop_list": "x", "keep_list": "x"}, BadInput, "named twice"),
        ({"webdataset": "full"}, BadInput, "not an empty folder"),
        ({"fiftyone": "full"}, BadInput, "not an empty folder"),
        (
            {"images": "full/x.csv", "splits": [Split("a", b"full"), Split("a", b"full")]},
            BadInput,
            "same name",
        ),
    ],
)
def test_what_cannot_be_written_is_said_first(
    scanned: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any],
    error: type[Exception], reason: str,
) -> None:  # fmt: skip
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=reason):
        exported(scanned, **{name: Path(v) if isinstance(v, str) else v for name, v in options.items()})
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_an_empty_folder_will_do(scanned: Catalog, tmp_path: Path) -> None:
    (tmp_path / "fo").mkdir()
    exported(scanned, fiftyone=tmp_path / "fo")
    assert {path.name for path in (tmp_path / "fo").iterdir()} == {"metadata.json", "samples.json"}
