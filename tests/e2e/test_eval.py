"""The commands of `neardup eval` as processes: what they print, what they leave, how they fail."""

from __future__ import annotations

import csv
import io
import os
import pty
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Lacking
from tests.e2e.conftest import COMMAND, Neardup

FORKED = True


@pytest.fixture
def originals(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    folder = tmp_path / "originals"
    folder.mkdir()
    for name, photograph in photographs.items():
        photograph.save(folder / f"{name}.jpg", quality=92)
    return folder


@pytest.fixture
def copies(neardup: Neardup, originals: Path, tmp_path: Path) -> Path:
    chosen = ("--attack", "exact", "--attack", "jpeg-30", "--attack", "crop-50")
    said = neardup.succeed("eval", "attacks", originals, tmp_path / "copies", *chosen)
    assert said.startswith(b"12 copies of 4 pictures by 3 attacks: ")
    return tmp_path / "copies"


def both(copies: Path, originals: Path) -> list[str | Path]:
    return ["--queries", copies, "--references", originals]


def test_attacks_name_what_they_made(neardup: Neardup, originals: Path, tmp_path: Path) -> None:
    document = neardup.json(
        "eval", "attacks", originals, tmp_path / "out", "--suite", "mild", "--sample", "2"
    )
    assert document["schema"] == "neardup.eval-attacks/1"
    assert len(document["sources"]) == 2
    assert set(document["attacks"].values()) == {2}
    assert Path(document["manifest"]).is_file()
    again = neardup.fail(2, "eval", "attacks", originals, tmp_path / "out")
    assert "not empty" in again


def test_a_run_prints_figures_in_every_form(
    neardup: Neardup, copies: Path, originals: Path, tmp_path: Path
) -> None:
    command = ("eval", "run", *both(copies, originals), "--catalog", tmp_path / "eval.db")
    document = neardup.json(*command)
    assert document["schema"] == "neardup.eval-run/1"
    assert document["overall"]["queries"] == 12
    assert document["attacks"]["exact"]["recall"] == 1
    assert document["attacks"]["jpeg-30"]["micro_ap"] == 1
    assert [cost["stage"] for cost in document["costs"]] == [
        *("scan references", "scan queries", "load", "sieve", "verifier", "geometry"),
    ]
    rows = csv.DictReader(io.StringIO(neardup.succeed(*command, "--csv").decode()))
    by_name = {row["set"]: row for row in rows}
    assert float(by_name["all"]["µAP"]) == pytest.approx(document["overall"]["micro_ap"], abs=1e-4)
    plain = neardup.succeed(*command, "--submission", tmp_path / "answers.csv").decode()
    assert "crop-50\t4 queries\trecall" in plain
    assert (tmp_path / "answers.csv").read_text().startswith("query_id,reference_id,score\n")
    assert not neardup.catalog.exists()


def test_plots_are_drawn(
    neardup: Neardup, copies: Path, originals: Path, tmp_path: Path, lacking: Lacking
) -> None:
    if find_spec("matplotlib") is None:
        lacking("matplotlib, of the extra eval")
    neardup.succeed("eval", "run", *both(copies, originals), "--hash-only", "--plots", tmp_path / "plots")
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [
        *("precision-recall.svg", "recall-by-attack.svg", "scores.svg"),
    ]


def test_a_terminal_gets_tables(neardup: Neardup, copies: Path, originals: Path) -> None:
    master, terminal = pty.openpty()
    done = subprocess.Popen(
        [COMMAND, "eval", "run", *both(copies, originals), "--hash-only"],
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={**neardup.variables(), "TERM": "xterm", "COLUMNS": "120"},
        cwd=neardup.home,
    )
    os.close(terminal)
    shown = b""
    try:
        while block := os.read(master, 4096):
            shown += block
    except OSError:  # Linux says so when the last writer has gone
        pass
    os.close(master)
    assert done.wait() == 0
    text = shown.decode()
    assert "Attack" in text
    assert "µAP" in text
    assert "the sieve spared" in text


def test_tuning_writes_settings_that_are_used(neardup: Neardup, originals: Path) -> None:
    (neardup.home / "neardup.toml").write_text("# mine\nworkers = 2\n")
    document = neardup.json(
        *("eval", "tune", "--attacks", originals, "--attack", "jpeg-30", "--attack", "exact"),
        *("--precision", "0.9", "--apply"),
    )
    assert document["schema"] == "neardup.eval-tune/1"
    assert [dial["dial"] for dial in document["dials"]] == [
        *("hamming", "threshold (SSCD alone)", "threshold (with geometry)"),
    ]
    written = (neardup.home / "neardup.toml").read_text()
    assert written.startswith("# mine\nworkers = 2\n")
    funnel = document["dials"][2]
    assert f"threshold = {funnel['setting']}" in written
    neardup.succeed("scan", originals)
    assert neardup.json("dups")["parameters"]["threshold"] == funnel["setting"]


def test_a_comparison_names_what_is_not_there(neardup: Neardup, copies: Path, originals: Path) -> None:
    document = neardup.json("eval", "compare", *both(copies, originals), "--peer", "pdqhash")
    by_name = {one["name"]: one for one in document["programs"]}
    assert by_name["neardup"]["recall"] == 1
    assert by_name["PDQ"]["state"] in {"not installed", "measured"}


def test_a_licence_has_to_be_accepted(neardup: Neardup, tmp_path: Path) -> None:
    done = neardup.run("eval", "fetch", "copydays", "--into", tmp_path / "data")
    assert done.returncode == 2
    assert b"INRIA is the copyright holder" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(b"neardup: the licence has to be accepted")
    assert not (tmp_path / "data").exists()


def test_a_server_that_is_not_there_is_one_line(neardup: Neardup, tmp_path: Path) -> None:
    done = neardup.run(
        *("eval", "fetch", "copydays", "--part", "strong", "--accept-licence"),
        *("--into", tmp_path / "data", "--mirror", "ftp://nowhere"),
    )
    assert done.returncode == 16
    assert b"is no http address" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("code", "given", "reason"),
    [
        (2, ["run", "--queries", "."], "--references"),
        (
            3,
            ["run", "--queries", "/nowhere", "--references", "/nowhere", "--truth", "copydays"],
            "no such file",
        ),
        (2, ["run", "--queries", ".", "--references", "."], "manifest.csv"),
        (2, ["run", "--queries", ".", "--references", ".", "--json", "--csv"], "exclude each other"),
        (2, ["tune"], "one of --attacks, --pairs and --decisions"),
        (2, ["tune", "--pairs", "x.csv", "--decisions"], "one of --attacks, --pairs and --decisions"),
        (4, ["tune", "--decisions"], "no catalog"),
        (2, ["tune", "--pairs", "nowhere.csv"], "cannot be read"),
        (2, ["attacks", "/usr/share", "/tmp/neardup-never", "--attack", "nonsense"], "no attack is called"),
        (2, ["compare", "--queries", ".", "--references", ".", "--peer-python", "x"], "PACKAGE=PYTHON"),
        (2, ["nonsense"], "No such command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_mistakes_are_one_clear_line(neardup: Neardup, code: int, given: list[str], reason: str) -> None:
    assert reason in neardup.fail(code, "eval", *given)
    assert not neardup.catalog.exists()
