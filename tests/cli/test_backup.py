"""`neardup backup`: a copy that can take the catalog's place, or none."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog.database import Catalog
from tests.cli.conftest import complaint

if TYPE_CHECKING:
    from tests.cli.conftest import Command
    from tests.conftest import Draw


@pytest.fixture
def filled(command: Command, draw: Draw, tmp_path: Path) -> Command:
    for number in range(3):
        draw(tmp_path / "images" / f"{number}.png", number // 2)
    assert command("scan", "--hash-only", tmp_path / "images").code == 0
    return command


def test_a_copy_takes_the_catalogs_place(filled: Command, tmp_path: Path) -> None:
    before = json.loads(filled("dups", "--json").out)["groups"]
    # A writer has a transaction open, and what it has not committed is not in the copy.
    with closing(sqlite3.connect("catalog.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM file")
        done = filled("backup", "copy.db")
        writer.execute("ROLLBACK")
    assert done.code == 0
    assert done.said.startswith("copy.db: ")
    assert done.said.endswith("checked\n")
    assert Path("copy.db").stat().st_mode == Path("catalog.db").stat().st_mode
    for file in Path().glob("catalog.db*"):
        file.unlink()
    shutil.copy("copy.db", "catalog.db")
    assert json.loads(filled("dups", "--json").out)["groups"] == before
    assert filled("doctor").code == 0
    assert not list(Path().glob("*.part*"))


def test_a_copy_that_is_taken_away_at_once_was_made(filled: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def close(catalog: Catalog) -> None:
        Path("copy.db").rename("taken.db")
        closing_for_real(catalog)

    closing_for_real = Catalog.close
    monkeypatch.setattr(Catalog, "close", close)
    done = filled("backup", "copy.db")
    assert (done.code, done.said.endswith("checked\n")) == (0, True)


def test_nothing_is_replaced(filled: Command) -> None:
    Path("copy.db").write_text("mine")
    assert "is there already" in complaint(filled("backup", "copy.db"), 2)
    assert Path("copy.db").read_text() == "mine"
    Path("link.db").symlink_to("nowhere")
    assert "is there already" in complaint(filled("backup", "link.db"), 2)


def test_what_cannot_be_copied(filled: Command, command: Command, tmp_path: Path) -> None:
    assert "cannot be written" in complaint(filled("backup", "no/folder.db"), 2)
    assert "no catalog" in complaint(command("backup", "x.db", "--catalog", tmp_path / "none.db"), 4)
    with open("catalog.db", "r+b") as stream:
        stream.seek(3 * 4096)
        stream.write(b"\xa5" * 8192)
    assert "damaged" in complaint(filled("backup", "copy.db"), 6)
    assert not list(Path().glob("copy.db*"))
