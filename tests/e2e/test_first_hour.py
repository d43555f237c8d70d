"""What somebody meets who has just installed it: each step names the next, nothing passes in silence."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.evaluation.gallery import GalleryEdit
from tests.e2e.conftest import Neardup, Scanned
from tests.e2e.terminal import on_terminal

if TYPE_CHECKING:
    from tests.conftest import Draw

FORKED = True


def plain(shown: bytes) -> str:
    """Return what a terminal shows, without colours."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode()).replace("\r", "")


def test_neardup_alone_leads_and_makes_nothing(neardup: Neardup) -> None:
    said = neardup.succeed().decode()
    assert said.startswith("neardup finds the copies")
    assert "neardup ~/Photos" in said
    assert max(map(len, said.splitlines())) <= 80
    assert not list(neardup.home.iterdir())


def test_a_path_alone_is_scanned_and_what_was_found_is_said(scanned: Scanned, neardup: Neardup) -> None:
    done = neardup.run(scanned.folder)
    assert done.returncode == 0
    said, talk = done.stdout.decode(), done.stderr.decode()
    found = neardup.json("dups")
    exact = [file for file in scanned.truth.files if file.edit is GalleryEdit.EXACT]
    assert f"exact       {len(exact)} copies, byte for byte" in said
    summary = found["summary"]
    near = summary["redundant_files"] + summary["doubtful_files"] - len(exact)
    assert f"near        {near} images made from others" in said
    assert f"series      {summary['similar_shots']} pairs" in said
    assert "unreadable  1 file" in said
    assert "no image is changed" in talk
    assert "neardup serve --open" in talk
    assert "neardup clean" in talk


def test_a_folder_without_copies_and_one_without_images(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "one" / "0.png", 0)
    (tmp_path / "none").mkdir()
    assert b"no copies: `neardup check FOLDER`" in neardup.run(tmp_path / "one").stderr
    assert b"no images there" in neardup.run(tmp_path / "none").stderr
    for word in ("one", "./one", "one/0.png"):
        assert neardup.run(word, cwd=tmp_path).returncode == 0


def test_a_command_goes_before_a_folder_of_its_name(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "dups" / "0.png", 0)
    assert neardup.run("dups", cwd=tmp_path).returncode == 4  # there is no catalog yet
    assert neardup.run("./dups", cwd=tmp_path).returncode == 0
    assert "dupz" in neardup.fail(2, "dupz", cwd=tmp_path)


def test_the_numbers_of_a_scan_add_up(scanned: Scanned, neardup: Neardup) -> None:
    found = scanned.summary
    assert found["seen"] == found["added"] + found["unreadable"]
    assert found["embedded"] == found["added"] - found["exact"]
    shown = neardup.succeed("demo", neardup.home / "gallery").decode()
    counted = [int(number) for number in re.findall(r"(\d+) (?:files|images|of them|text)", shown)]
    files, images, torn, texts = counted
    assert (files, images) == (len(scanned.truth.files), found["seen"])
    assert files == images + texts
    assert torn == found["unreadable"]
    assert f"neardup {neardup.home / 'gallery'}" in shown
    again = neardup.json("scan", neardup.home / "gallery")
    assert (again["exact"], again["embedded"]) == (found["exact"], found["embedded"])
    assert neardup.json("scan", neardup.home / "gallery")["exact"] == 0


def test_a_moved_file_is_no_copy(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    image = draw(tmp_path / "a" / "0.png", 0)
    assert neardup.json("scan", tmp_path / "a")["exact"] == 0
    image.rename(tmp_path / "a" / "1.png")
    found = neardup.json("scan", tmp_path / "a")
    assert (found["moved"], found["exact"]) == (1, 0)


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("command", ["dups", "clean"])
def test_a_terminal_of_any_width_shows_whole_words(scanned: Scanned, command: str, columns: int) -> None:
    lines = plain(on_terminal(scanned.neardup, command, columns=columns).terminal).splitlines()
    below = lines[0]
    assert below == f"Below {scanned.folder}:"  # the one line that is not cut, for nothing else has all of it
    assert max(map(len, lines[1:])) <= columns
    shown = "\n".join(lines)
    names = {file.path.name for file in scanned.truth.files}
    assert len([name for name in names if name in shown]) >= (10 if columns > 60 else 5)
    for word in ("IMG_4039.png", "to free" if command == "dups" else "to the trash"):
        assert word in shown


def test_a_table_can_be_piped(scanned: Scanned) -> None:
    lines = scanned.neardup.succeed("dups", "--format", "table").decode().splitlines()
    assert lines[1].split()[0] == "Path"
    assert not re.search(r"\x1b", "\n".join(lines))
    assert re.search(r"\d+ groups, \d+ copies", lines[-1])


def test_each_step_names_the_next_to_a_person_and_not_to_a_pipe(scanned: Scanned) -> None:
    steps: list[tuple[list[str | Path], str]] = [
        (["dups"], "neardup clean"),
        (["scan", scanned.folder], "neardup dups"),
    ]
    for arguments, step in steps:
        seen = on_terminal(scanned.neardup, *arguments, stream="stderr")
        assert f"Next: `{step}`" in plain(seen.terminal)
        assert b"Next" not in scanned.neardup.run(*arguments).stderr
    assert b"Add --apply to move them to the trash; `neardup undo`" in scanned.neardup.run("clean").stderr
    deleted = scanned.neardup.run("clean", "--action", "delete")
    assert b"Add --apply --permanently to delete them for good: nothing takes that back" in deleted.stderr


@pytest.mark.parametrize("command", ["dups", "clean", "report", "query", "check"])
def test_a_folder_that_nobody_knows_is_no_answer(command: str, scanned: Scanned, tmp_path: Path) -> None:
    image = scanned.truth.files[0].path
    wanted: dict[str, list[str | Path]] = {"report": ["x.html"], "query": [image], "check": [image]}
    more = wanted.get(command, [])
    said = scanned.neardup.fail(3, command, *more, "--under", "/nope")
    assert said == "--under: no such path, on the disk or in the catalog: /nope"
    (tmp_path / "new").mkdir()
    said = scanned.neardup.fail(2, command, *more, "--under", tmp_path / "new")
    assert said == f"--under: nothing in {tmp_path / 'new'} is in the catalog: run `neardup scan` on it first"


def test_a_folder_that_is_away_is_known(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "a" / "b" / "0.png", 0)
    neardup.succeed("scan", tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "away")
    assert neardup.json("dups", "--under", tmp_path / "a")["groups"] == []
    assert neardup.json("dups", "--under", tmp_path / "a" / "b")["groups"] == []
    assert neardup.json("dups", "--under", tmp_path)["groups"] == []


def test_what_is_no_image_is_neither_kept_nor_called_different(scanned: Scanned, tmp_path: Path) -> None:
    text = tmp_path / "passwd"
    text.write_text("root:x:0:0:root:/root:/bin/sh\n")
    image = scanned.truth.files[0].path
    assert scanned.neardup.fail(2, "keep", text) == f"{text} is no image: nothing is a copy of it"
    assert scanned.neardup.fail(2, "ignore", image, text) == f"{text} is no image: nothing is a copy of it"
    assert scanned.neardup.json("ignored")["decisions"] == []


def test_a_report_of_another_ending_has_to_be_asked_for(scanned: Scanned, tmp_path: Path) -> None:
    out = tmp_path / "x.pdf"
    assert scanned.neardup.fail(2, "report", out) == (
        f"a report is HTML: name it {tmp_path / 'x.html'}, or say --force"
    )
    assert not out.exists()
    scanned.neardup.succeed("report", out, "--force", "--limit", "1")
    assert out.read_bytes().startswith(b"<!")


def test_a_quarantine_on_another_disk_says_what_to_do(scanned: Scanned, tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == scanned.folder.stat().st_dev:
        pytest.skip("no second file system")
    done = scanned.neardup.run("clean", "--action", "quarantine", "--to", other / "put-away")
    assert done.returncode == 0
    said = done.stderr.decode()
    assert "nothing to do: all copies are left alone" in said
    assert f"10 copies on another disk than {other / 'put-away'}: --across-devices" in said
    assert not (other / "put-away").exists()


def test_what_a_shell_has_expanded_is_explained_and_a_quoted_pattern_works(scanned: Scanned) -> None:
    years = sorted(str(one) for one in scanned.folder.glob("20*"))
    assert len(years) == 2
    for arguments in (["clean", "--prefer", *years], ["dups", "--under", *years]):
        assert "where the shell made several paths of a pattern, quote it" in scanned.neardup.fail(
            2, *arguments
        )
    quoted = scanned.neardup.json("clean", "--prefer", f"{scanned.folder}/20*")
    named = scanned.neardup.json("clean", *(word for year in years for word in ("--prefer", year)))
    assert quoted["policy"] == named["policy"]
    assert len(quoted["policy"]["prefer"]) == 2
    assert "no such path" in scanned.neardup.fail(3, "clean", "--prefer", f"{scanned.folder}/19*")


def test_an_error_on_a_narrow_terminal_breaks_between_words(scanned: Scanned) -> None:
    seen = on_terminal(scanned.neardup, "clean", "photos", stream="stderr", columns=60)
    assert seen.code == 2
    lines = plain(seen.terminal).splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
    one = " ".join(line.strip() for line in lines)
    assert one.startswith("neardup: the only argument is -: `neardup dups --json | neardup clean -`")


def completed(neardup: Neardup, line: str) -> list[str]:
    """Return what a shell would offer behind a line."""
    words = line.split(" ")
    variables = {"_NEARDUP_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [neardup.command],
        env={**neardup.variables(), **variables},
        capture_output=True,
        check=True,
        cwd=os.fspath(neardup.home),
    )
    return done.stdout.decode().split()


def test_the_shell_completes_words_and_groups(scanned: Scanned) -> None:
    assert completed(scanned.neardup, "neardup dups --model ss")[:2] == ["sscd", "sscd_distilled"]
    assert completed(scanned.neardup, "neardup clean --only exact,re") == [
        "exact,resized",
        "exact,re-encoded",
    ]
    assert completed(scanned.neardup, "neardup clean --keep old") == ["oldest"]
    assert completed(scanned.neardup, "neardup clean --accept-loss ti") == ["time"]
    assert completed(scanned.neardup, "neardup dups --preset st") == ["strict"]
    ids = [group["id"] for group in scanned.neardup.json("dups")["groups"]]
    assert completed(scanned.neardup, f"neardup ignore --not-duplicates {ids[0][:4]}") == [ids[0]]
    assert sorted(completed(scanned.neardup, "neardup ignore --not-duplicates ")) == sorted(ids)
