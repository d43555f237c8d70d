from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.conftest import Neardup

FORKED = True


@pytest.fixture
def dataset(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    """A training and a test split that share one photograph."""
    for split, name, picture in (
        ("train", "cat.jpg", "chelsea"),
        ("train", "cup.jpg", "coffee"),
        ("test", "cup again.png", "coffee"),
        ("test", "rocket.jpg", "rocket"),
    ):
        (tmp_path / "data" / split).mkdir(parents=True, exist_ok=True)
        photographs[picture].save(tmp_path / "data" / split / name)
    return tmp_path / "data"


def arguments(dataset: Path) -> list[str]:
    return ["leaks", "--split", f"train={dataset / 'train'}", "--split", f"test={dataset / 'test'}"]


def test_leaks_are_printed_and_fail_a_pipeline_on_demand(neardup: Neardup, dataset: Path) -> None:
    done = neardup.run(*arguments(dataset))
    assert done.returncode == 0
    kind, split, a, other, b, stage, _ = done.stdout.decode().rstrip("\n").split("\t")
    assert (kind, split, other) == ("split", "test", "train")
    assert (a, b) == (str(dataset / "test/cup again.png"), str(dataset / "train/cup.jpg"))
    assert stage in {"sieve", "verifier", "geometry"}
    assert b"1 leak (1 split); clean: train 1 of 2, test 2 of 2" in done.stderr
    failed = neardup.run(*arguments(dataset), "--fail-on-match")
    assert failed.returncode == 15
    assert failed.stdout == done.stdout
    assert failed.stderr.decode().splitlines()[-1] == "neardup: 1 leak between the splits or labels"


def test_without_a_leak_the_pipeline_goes_on(neardup: Neardup, dataset: Path) -> None:
    (dataset / "train" / "cup.jpg").unlink()
    done = neardup.run(*arguments(dataset), "--fail-on-match")
    assert (done.returncode, done.stdout) == (0, b"")


def test_json_and_csv_and_clean_lists(neardup: Neardup, dataset: Path, tmp_path: Path) -> None:
    document = neardup.json(*arguments(dataset), "--write-clean-lists", tmp_path / "lists")
    assert document["schema"] == "neardup.leaks/1"
    assert document["summary"] == {"leaks": 1, "split": 1, "cannot_tell": 0}
    (leak,) = document["leaks"]
    assert (leak["leak"], leak["split_a"], leak["split_b"]) == ("split", "test", "train")
    assert [(split["name"], split["images"], split["clean"]) for split in document["splits"]] == [
        ("train", 2, 1),
        ("test", 2, 2),
    ]
    assert (tmp_path / "lists/train.txt").read_text() == "cat.jpg\n"
    assert (tmp_path / "lists/test.txt").read_text() == "cup again.png\nrocket.jpg\n"
    rows = list(csv.DictReader(io.StringIO(neardup.succeed(*arguments(dataset), "--csv").decode())))
    assert [(row["leak"], row["a"]) for row in rows] == [("split", leak["a"])]


@pytest.mark.parametrize(
    ("code", "given", "reason"),
    [
        (2, ["--split", "train"], "NAME=DIR"),
        (2, ["--split", "=x"], "NAME=DIR"),
        (3, ["--split", "train=/nowhere/at/all"], "no such file or folder"),
        (2, ["--split", "a=/tmp", "--split", "b=/tmp/x", "--json", "--csv"], "exclude each other"),
        (2, [], "Missing option '--split'"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_catalog(
    neardup: Neardup, code: int, given: list[str], reason: str
) -> None:
    assert reason in neardup.fail(code, "leaks", *given)
    assert not neardup.catalog.exists()
