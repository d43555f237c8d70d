"""`neardup export`, and the tables of `neardup dups`."""

from __future__ import annotations

import io
import os
import pty
import shutil
import subprocess
import tarfile
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from tests.e2e.conftest import Neardup

FORKED = True


@pytest.fixture
def collection(neardup: Neardup, photos: Path, tmp_path: Path) -> Path:
    """A folder of photographs, scanned."""
    shutil.copytree(photos, tmp_path / "photos")
    neardup.succeed("scan", tmp_path / "photos")
    return tmp_path / "photos"


@pytest.mark.usefixtures("collection")
def test_tables_go_through_a_pipe(neardup: Neardup) -> None:
    images = pd.read_parquet(io.BytesIO(neardup.succeed("dups", "--format", "parquet")))
    assert (len(images), int(images.keep.sum()), images.family.nunique()) == (7, 4, 2)
    arrow = pl.read_ipc(io.BytesIO(neardup.succeed("dups", "--format", "arrow", "--rows", "pairs")))
    assert set(arrow.columns) >= {"a", "b", "family", "stage", "confidence"}
    groups = pl.read_ndjson(io.BytesIO(neardup.succeed("dups", "--format", "jsonl", "--rows", "groups")))
    assert sorted(map(len, groups["members"].to_list())) == [2, 3]
    rows = pl.read_csv(io.BytesIO(neardup.succeed("dups", "--format", "csv", "--rows", "images")))
    assert rows["id"].sort().to_list() == sorted(images.id)


@pytest.mark.usefixtures("collection")
def test_what_went_without_rows_is_as_it_was(neardup: Neardup) -> None:
    assert neardup.succeed("dups", "--format", "csv").startswith(b"group,keep,path,bytes,")
    assert neardup.succeed("dups", "--format", "jsonl").count(b'"members"') == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--rows", "images"), "--rows goes with --format parquet, arrow, csv or jsonl"),
        (("--format", "parquet", "--limit", "1"), "--limit would leave copies without their groups"),
    ],
)
def test_options_that_do_not_go_together(
    neardup: Neardup, collection: Path, options: tuple[str, ...], reason: str
) -> None:
    assert reason in neardup.fail(2, "dups", *options)


def test_a_terminal_gets_no_parquet(neardup: Neardup, collection: Path) -> None:
    ours, theirs = pty.openpty()
    command = [str(neardup.command), "dups", "--format", "parquet"]
    done = subprocess.run(
        command, env=neardup.variables(), stdout=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"parquet is no text: send it to a file, as in `> groups.parquet`" in done.stderr


def test_all_files_at_once(neardup: Neardup, collection: Path) -> None:
    home = neardup.home
    done = neardup.run(
        "export", "--images", "i.parquet", "--pairs", "p.csv", "--issues", "s.csv",
        "--drop-list", "drop.txt", "--keep-list", "keep.txt", "--webdataset", "shards", "--fiftyone", "fo",
        "--split", f"all={collection}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"written: {home / 'i.parquet'} (7 images)" in done.stderr.decode()
    frame = pd.read_parquet(home / "i.parquet")
    assert set(frame.split) == {"all"}
    assert (home / "drop.txt").read_text().splitlines() == sorted(frame[~frame.keep].id)
    assert len((home / "keep.txt").read_text().splitlines()) == 4
    assert len(pd.read_csv(home / "s.csv")) == 7
    with tarfile.open(home / "shards" / "000000.tar") as shard:
        assert len(shard.getnames()) == 9
    assert (home / "fo" / "samples.json").exists()
    assert "is there already" in neardup.fail(2, "export", "--drop-list", "drop.txt")
    neardup.succeed("export", "--drop-list", "drop.txt", "--force")


def test_what_is_away_is_in_no_shard_and_said(neardup: Neardup, collection: Path) -> None:
    (collection / "chelsea.jpg").unlink()
    done = neardup.run("export", "--webdataset", "shards")
    assert done.returncode == 12
    assert done.stderr.decode().splitlines()[-1] == "neardup: 1 image could not be put into a shard"
    with tarfile.open(neardup.home / "shards" / "000000.tar") as shard:
        assert len(shard.getnames()) == 6


def test_nothing_to_write(neardup: Neardup, collection: Path) -> None:
    assert "name what to write: --images FILE" in neardup.fail(2, "export")
