"""A scan of addresses: `file://` is read by fsspec as `s3://` is, and needs no store."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.reports.paths import data_path
from tests.conftest import Lacking
from tests.e2e.conftest import Neardup

FORKED = True


@pytest.fixture
def fsspec(lacking: Lacking) -> None:
    try:
        import fsspec  # noqa: F401
    except ModuleNotFoundError:
        lacking("the ray extra, which brings fsspec")


@pytest.mark.usefixtures("fsspec")
def test_addresses_are_answered_like_files(
    neardup: Neardup, photos: Path, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    folder = tmp_path / "store"
    shutil.copytree(photos, folder)
    local = replace(neardup, environment={"NEARDUP_CATALOG": str(neardup.home / "local.db")})
    address = f"file://{folder}"
    first, expected = neardup.json("scan", address), local.json("scan", folder)
    assert (first["added"], first["embedded"]) == (expected["added"], expected["embedded"]) == (7, 6)
    groups = neardup.json("dups")["groups"]
    wanted = local.json("dups")["groups"]
    expected_keepers = [data_path(b"file://" + os.fsencode(group["keep"])) for group in wanted]
    assert [group["keep"] for group in groups] == expected_keepers
    for group, same in zip(groups, wanted, strict=True):
        assert [member["content"] for member in group["members"]] == [
            member["content"] for member in same["members"]
        ]
        assert [match["stage"] for match in group["matches"]] == [match["stage"] for match in same["matches"]]
    crop = tmp_path / "crop.jpg"
    photographs["chelsea"].crop((10, 10, 300, 190)).save(crop, quality=85)
    asked, expected = (where.json("query", crop)["queries"][0]["matches"] for where in (neardup, local))
    assert [match["stage"] for match in asked] == [match["stage"] for match in expected]
    assert asked[0]["stage"] == "geometry"
    assert neardup.json("scan", address)["unchanged"] == 7
    (folder / "chelsea.jpg").unlink()
    assert neardup.json("scan", address)["missing"] == 1
    shutil.move(folder, tmp_path / "unplugged")
    assert "no such file or folder" in neardup.fail(3, "scan", address)
    assert not neardup.json("status")["roots"][0]["online"]


@pytest.mark.usefixtures("fsspec")
def test_no_such_kind_of_address(neardup: Neardup) -> None:
    assert "no such kind of place" in neardup.fail(3, "scan", "nowhere://bucket/photos")
    assert not neardup.catalog.exists()
