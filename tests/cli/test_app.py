"""How each mistake leaves the program; `main` runs in this process, see tests/e2e for the command itself."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli import build_hash_db
from neardup_cli.cli import app as app_module
from neardup_cli.cli.app import main
from tests.cli.conftest import Command, Outcome, complaint

if TYPE_CHECKING:
    from tests.conftest import Draw

READERS = ("dups", "query", "status", "doctor")


@pytest.fixture
def filled(command: Command, tmp_path: Path, draw: Draw) -> Command:
    """The same with a catalog of hashes alone."""
    draw(tmp_path / "pictures" / "0.png", 0)
    build_hash_db(tmp_path / "pictures", tmp_path / "home" / "catalog.db", hash_only=True)
    return command


@pytest.mark.parametrize(
    "arguments",
    [
        ["dups", "--limit", "0"],
        ["dups", "--limit", "few"],
        ["dups", "--threshold", "1.5"],
        ["dups", "--threshold", "nan"],
        ["dups", "--hamming", "65"],
        ["dups", "--format", "xml"],
        ["dups", "--no-such-option"],
        ["dups", "--limit"],
        ["dups", "-0"],
        ["dups", "surplus"],
        ["dupes"],
        ["query"],
        ["query", "--top-k", "0", "one.png"],
        ["compare", "one.png"],
        ["scan"],
        ["scan", ".", "--workers", "0"],
        ["scan", ".", "--max-pixels", "-1"],
        ["--catalogue", "x"],
        ["--"],
        ["dups", "--no-\x1b[31m\nsuch"],
    ],
    ids=lambda arguments: ascii(" ".join(arguments)),
)
def test_bad_arguments(arguments: list[str], filled: Command) -> None:
    complaint(filled(*arguments), 2)


@pytest.mark.parametrize(
    ("code", "arguments", "message"),
    [
        (2, ["clean", "--keep", "prettiest"], "'prettiest' is none of resolution"),
        (2, ["clean", "--only", "exact,blurred"], "'blurred' is none of exact"),
        (2, ["clean", "photos"], "the only argument is -"),
        (2, ["clean", "--resume"], "nothing to resume"),
        (2, ["clean", "--resume", "--keep", "oldest"], "takes no other"),
        (2, ["clean", "--plan", "plan.json", "--action", "move"], "no options that would make another"),
        (2, ["clean", "--plan", "plan.json"], "plan.json cannot be read: No such file"),
        (2, ["clean", "--action", "move"], "needs a folder"),
        (2, ["clean", "--to", "away"], "--to goes with"),
        (2, ["clean", "--interactive"], "needs a terminal"),
        (2, ["clean", "-0"], "goes with --action list"),
        (2, ["clean", "--action", "list", "--apply"], "only lists"),
        (3, ["clean", "--protect", "Fotos"], "--protect: no such path: Fotos"),
        (3, ["clean", "--prefer", "Fotos"], "--prefer: no such path: Fotos"),
        (2, ["undo", "--list", "--batch", "7"], "--list lists"),
        (2, ["undo", "--batch", "7"], "no batch 7"),
        (2, ["undo"], "nothing to undo"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_a_clean_up_cannot_be_asked(
    code: int, arguments: list[str], message: str, filled: Command
) -> None:
    assert message in complaint(filled(*arguments), code)


def test_a_usage_error_says_where_to_look(command: Command) -> None:
    said = complaint(command("dups", "--limit", "few"), 2)
    assert "'--limit'" in said
    assert said.endswith("(see `neardup dups --help`)")


@pytest.mark.parametrize("reader", READERS)
def test_no_catalog_yet(reader: str, command: Command) -> None:
    arguments = ["one.png"] if reader == "query" else []
    assert "neardup scan" in complaint(command(reader, *arguments), 4)


@pytest.mark.parametrize("reader", READERS)
def test_a_catalog_that_is_a_folder(reader: str, command: Command, tmp_path: Path) -> None:
    arguments = ["one.png"] if reader == "query" else []
    assert "is a folder" in complaint(command(reader, *arguments, "--catalog", tmp_path), 6)


def test_a_file_that_is_no_catalog_is_left_alone(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "home" / "catalog.db"
    content = b"SQLite format 3\x00" + b"?" * 5000
    path.write_bytes(content)
    complaint(command("scan", "--hash-only", tmp_path), 6)
    complaint(command("doctor"), 6)
    assert path.read_bytes() == content
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE song (title)")
        database.commit()
    content = path.read_bytes()
    assert "another program" in complaint(command("scan", "--hash-only", tmp_path), 6)
    assert path.read_bytes() == content


def test_a_damaged_first_page(filled: Command, tmp_path: Path) -> None:
    with (tmp_path / "home" / "catalog.db").open("r+b") as stream:
        stream.seek(100)  # behind the file's header
        stream.write(b"\xa5" * 2000)
    for arguments in (["dups"], ["doctor"], ["scan", "--hash-only", "--rehash", str(tmp_path)]):
        assert "damaged" in complaint(filled(*arguments), 6)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("threshold = ", "neardup.toml"),
        ("thresholds = 0.5\n", "thresholds"),
        ("threshold = 7\n", "threshold"),
        ("image_dirs = 3\n", "image_dirs"),
        ("model = 3\n", "model"),
        ("[threshold]\nvalue = 1\n", "threshold"),
    ],
)
def test_a_bad_settings_file(content: str, named: str, filled: Command) -> None:
    file = Path("config/neardup/neardup.toml")
    file.parent.mkdir(parents=True)
    file.write_text(content)
    said = complaint(filled("dups"), 2)
    assert named in said
    assert str(file) in said


def test_a_bad_variable(filled: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARDUP_HAMMING", "many")
    assert "hamming" in complaint(filled("dups"), 2)


def test_questions_that_need_vectors(filled: Command, tmp_path: Path) -> None:
    one = tmp_path / "pictures" / "0.png"
    complaint(filled("query", "--threshold", "0.5", one), 10)
    complaint(filled("query", "--model", "sscd", one), 10)
    complaint(filled("dups", "--model", "sscd"), 10)
    complaint(filled("compare", "--hash-only", "--threshold", "0.5", one, one), 2)


def test_compare_names_what_it_cannot_use(command: Command, tmp_path: Path, draw: Draw) -> None:
    one = draw(tmp_path / "one.png", 1)
    gone, folder = tmp_path / "gone.png", tmp_path / "folder"
    folder.mkdir()
    assert str(gone) in complaint(command("compare", "--hash-only", one, gone), 3)
    assert str(folder) in complaint(command("compare", "--hash-only", one, folder), 12)
    assert "resnet" in complaint(command("compare", "--model", "resnet", one, one), 8)
    assert "too many pixels" in complaint(
        command("compare", "--hash-only", "--max-pixels", "9", one, one), 12
    )


def test_help_and_version_are_data(command: Command) -> None:
    for arguments in (["--help"], ["-h"]):
        outcome = command(*arguments)
        assert (outcome.code, outcome.said) == (0, "")
        assert outcome.out.startswith("Usage: neardup ")
    outcome = command("--version")
    assert (outcome.code, outcome.said) == (0, "")
    assert outcome.out.startswith("neardup ")


def test_an_interrupt_anywhere_is_quiet(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neardup_cli.settings.load_settings", interrupted)
    assert command("dups") == Outcome(130, "", "")


def test_a_bug_is_not_hidden(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("neardup_cli.settings.load_settings", broken)
    monkeypatch.setattr(sys, "argv", ["neardup", "status"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_closed_streams_are_survived(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "argv", ["neardup", "status"])
    with pytest.raises(SystemExit) as left:
        app_module.main()
    assert left.value.code == 4
    sys.stdout.close()
    sys.stderr.close()
