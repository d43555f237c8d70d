"""Exports of one image in other colour spaces: the same image, by what is seen and not by its numbers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.models import Pair, Preview
from neardup_cli.choices import Kind
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.geometry import algorithm_name
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.previews import PREVIEW_VERSION
from tests.photographed import photographed
from tests.profiles import WIDE, exported

MODEL = "sscd_distilled"


@pytest.mark.parametrize("name", ["coffee", "retina", "chelsea"])
def test_no_export_in_another_colour_space_is_recoloured(catalog: Catalog, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    image = photographed(name).convert("RGB")
    image.save(folder / "srgb.jpg", quality=92, subsampling=0)
    for space, icc in WIDE.items():
        exported(image, icc).save(folder / f"{space}.jpg", quality=92, subsampling=0, icc_profile=icc)
    scan(catalog, [os.fsencode(folder)], ScanOptions(model=MODEL))
    report = find_duplicates(catalog, DupsOptions(model=MODEL, every_pair=True))
    [group] = report.groups
    assert len(group.members) == 4
    kinds = {match.kind for match in group.matches}
    assert len(group.matches) == 6
    assert kinds <= {Kind.RE_ENCODED, Kind.SAME_PIXELS}


def test_what_was_decided_on_older_previews_is_not_asked(catalog: Catalog, tmp_path: Path) -> None:
    """A verdict is of the previews it was made of: both are made anew where these have changed."""
    folder = tmp_path / "photos"
    folder.mkdir()
    image = photographed("coffee")
    image.save(folder / "a.jpg", quality=92)
    image.resize((300, 200)).save(folder / "b.jpg", quality=70)
    scan(catalog, [os.fsencode(folder)], ScanOptions(model=MODEL))
    find_duplicates(catalog, DupsOptions(model=MODEL))
    with catalog.read() as connection:
        names = set(connection.execute(select(Pair.c.algorithm)).scalars())
    assert names
    assert names == {algorithm_name()}
    assert algorithm_name().endswith(f".{PREVIEW_VERSION}")
    with catalog.write() as connection:
        connection.execute(Preview.update().values(version=PREVIEW_VERSION - 1))
    assert scan(catalog, [os.fsencode(folder)], ScanOptions(model=MODEL)).previews == 2
