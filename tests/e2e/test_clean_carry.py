"""`neardup clean --carry-metadata`, `--min-copies` and `--min-disks`, as their users run them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Draw
    from tests.e2e.conftest import Neardup

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmp:Rating="4"/></x:xmpmeta>'

FORKED = True


@pytest.fixture
def photos(tmp_path: Path, neardup: Neardup, draw: Draw) -> Path:
    """An original and two exact copies; the first copy has a sidecar with a rating."""
    for place in ("files", "info"):
        (neardup.home / ".local/share/Trash" / place).mkdir(parents=True)
    folder = tmp_path / "photos"
    original = draw(folder / "kept" / "a.png", 1)
    (folder / "copies").mkdir()
    for name in ("b", "c"):
        shutil.copy(original, folder / "copies" / f"{name}.png")
    (folder / "copies" / "b.xmp").write_text(XMP)
    neardup.succeed("scan", folder, "--hash-only")
    return folder


def test_a_rating_is_carried_by_a_saved_plan_and_taken_back(photos: Path, neardup: Neardup) -> None:
    prefer, saved = ("--prefer", photos / "kept"), neardup.home / "plan.json"
    before = sorted(photos.rglob("*"))
    assert "loses companions" in neardup.succeed("clean", *prefer).decode()
    neardup.succeed("clean", *prefer, "--carry-metadata", "--plan-out", saved)
    shown = neardup.succeed("clean", "--plan", saved).decode()
    assert f"carry\t{photos / 'kept' / 'a.png.xmp'}\t\trating 4" in shown
    assert sorted(photos.rglob("*")) == before
    said = neardup.succeed("clean", "--plan", saved, "--apply").decode()
    assert ", 1 sidecar written (batch 1)" in said
    assert 'xmp:Rating="4"' in (photos / "kept" / "a.png.xmp").read_text()
    neardup.succeed("undo")
    assert sorted(photos.rglob("*")) == before


def test_as_many_stay_as_were_asked_for(photos: Path, neardup: Neardup) -> None:
    prefer = ("--prefer", photos / "kept", "--carry-metadata")
    plan = neardup.json("clean", *prefer, "--min-copies", "2")
    (group,) = plan["groups"]
    assert (plan["summary"]["acts"], plan["policy"]["min_copies"]) == (1, 2)
    assert [left["reason"] for left in group["left"]] == ["one of 2 copies to be left (--min-copies)"]
    assert neardup.json("clean", *prefer, "--min-disks", "2")["summary"]["acts"] == 0
    refused = neardup.run("clean", "--min-copies", "0")
    assert refused.returncode == 2


def test_a_quarantine_comes_back_though_the_catalog_is_gone(photos: Path, neardup: Neardup) -> None:
    before, away = sorted(photos.rglob("*")), neardup.home / "away"
    said = neardup.succeed(
        "clean",
        "--prefer",
        photos / "kept",
        "--carry-metadata",
        "--action",
        "quarantine",
        "--to",
        away,
        "--apply",
    )
    assert b"3 files moved to quarantine" in said
    (photos / "kept" / "a.png.xmp").unlink()
    for path in neardup.home.glob("catalog.db*"):
        path.unlink()
    refused = neardup.run("undo", "--from", away, "--list")
    assert refused.returncode == 2
    assert neardup.succeed("undo", "--from", away) == b"Restored 3 files\n"
    assert sorted(photos.rglob("*")) == before
    assert b"has no journal" in neardup.run("undo", "--from", away).stderr
    assert not neardup.catalog.exists()
