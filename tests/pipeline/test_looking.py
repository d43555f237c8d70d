"""Pairs that follow from others are not looked at, and the answer is the same."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from neardup_cli.catalog.database import Catalog
from neardup_cli.pipeline import geometry
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.matches import DuplicateGroup, DupsReport


def versions(photo: Image.Image) -> dict[str, Image.Image]:
    """A photograph of some size, with plain copies and edits."""
    width, height = photo.size
    captioned = photo.copy()
    ImageDraw.Draw(captioned).rectangle((0, height - 40, width, height), fill="white")
    return {
        "a.jpg": photo,
        "half.jpg": photo.resize((width // 2, height // 2)),
        "small.jpg": photo.resize((width // 3, height // 3)),
        "three-quarters.jpg": photo.resize((3 * width // 4, 3 * height // 4)),
        "grey.jpg": photo.convert("L"),
        "caption.jpg": captioned,
        "mirrored.jpg": ImageOps.mirror(photo),
        "blurred.jpg": photo.filter(ImageFilter.GaussianBlur(1.5)),
        "crop.jpg": photo.crop((width // 8, height // 8, width, height)),
    }


@pytest.fixture
def folder(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    made = tmp_path / "in"
    for name in ("astronaut", "coffee"):
        (made / name).mkdir(parents=True)
        for file, image in versions(photographs[name].convert("RGB")).items():
            image.save(made / name / file, quality=88)
    return made


def of(groups: Sequence[DuplicateGroup]) -> list[tuple[str, bytes, dict[bytes, str]]]:
    return [
        (group.id, group.keep, {member.path: group.role_of(member).value for member in group.members})
        for group in groups
    ]


def scanned(catalog: Catalog, *folders: Path) -> DupsReport:
    for folder in folders:
        scan(catalog, [os.fsencode(folder)], ScanOptions(model="sscd_distilled"))
    return find_duplicates(catalog, DupsOptions())


def test_the_answer_is_that_of_all_pairs(
    folder: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = scanned(catalog, folder)
    again = find_duplicates(catalog, DupsOptions())
    with monkeypatch.context() as patched:
        patched.setattr(geometry, "verify_pair", None)  # what was looked at is stored
        assert find_duplicates(catalog, DupsOptions()).groups == found.groups
    everything = find_duplicates(catalog, DupsOptions(every_pair=True))
    assert of(found.groups) == of(everything.groups)
    assert (again.groups, again.summary["checked_pairs"]) == (found.groups, found.summary["checked_pairs"])
    spared = found.summary["pairs_not_needed"]
    assert found.summary["checked_pairs"] + spared == everything.summary["checked_pairs"]
    assert spared > found.summary["checked_pairs"] / 3
    assert everything.summary["pairs_not_needed"] == 0
    # What was stored by then is no argument: the same pairs follow.
    assert find_duplicates(catalog, DupsOptions()).groups == found.groups


def test_each_member_was_looked_at_beside_the_file_that_stays(folder: Path, catalog: Catalog) -> None:
    for group in scanned(catalog, folder).groups:
        looked_at = {match.b if match.a == group.keep else match.a for match in group.matches
                     if group.keep in (match.a, match.b) and not match.implied}  # fmt: skip
        assert len(looked_at) >= 7
        assert any(match.implied for match in group.matches)


def test_the_order_of_scans_decides_nothing(folder: Path, tmp_path: Path) -> None:
    answers = []
    for name, order in (("one", ("astronaut", "coffee")), ("other", ("coffee", "astronaut"))):
        with Catalog.open(tmp_path / f"{name}.db", create=True) as opened:
            found = scanned(opened, *(folder / part for part in order))
            answers.append((of(found.groups), found.summary["checked_pairs"]))
    assert answers[0] == answers[1]
