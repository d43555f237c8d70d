"""Camera raw files in a library: one unit with their JPEG, else images of their own, and never removed."""

from __future__ import annotations

import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Action, KeepKey, Loss
from neardup_cli.errors import BadInput
from neardup_cli.images.walk import RAW_BESIDE
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.clean import CleanOptions, find_groups, make_plan
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.plans import FileState, Plan, PlannedAct, Policy
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.records.scans import ScanSummary
from neardup_cli.reports.lines import redundant_paths
from neardup_cli.reports.summary import scan_lines
from tests.photographed import photographed
from tests.raws import dng


def photograph(width: int = 900, height: int = 600) -> Image.Image:
    return photographed("coffee").resize((width, height))


def jpeg(image: Image.Image, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def scanned(catalog: Catalog, folder: Path) -> ScanSummary:
    return scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))


def files(catalog: Catalog, folder: Path) -> set[str]:
    with catalog.read() as connection:
        known = queries.files_at(connection, [os.fsencode(path) for path in folder.rglob("*")])
    return {os.fsdecode(os.path.relpath(path, os.fsencode(folder))) for path in known}


def acts(plan: Plan) -> list[PlannedAct]:
    return [act for group in plan.groups for act in group.acts]


def whole_group(catalog: Catalog) -> DuplicateGroup:
    [group] = find_groups(catalog, CleanOptions())
    return group


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A lone raw file, an exact copy of it, and in another folder two exports of it, which are one file."""
    folder = (tmp_path / "photos").resolve()
    (folder / "raw" / "again").mkdir(parents=True)
    (folder / "exports").mkdir()
    picture = photograph()
    content = dng(picture, preview=picture)
    (folder / "raw" / "IMG_1.dng").write_bytes(content)
    (folder / "raw" / "again" / "IMG_1.DNG").write_bytes(content)
    export = jpeg(picture.resize((600, 400)), quality=90)
    (folder / "exports" / "web.jpg").write_bytes(export)
    (folder / "exports" / "web (1).jpg").write_bytes(export)
    return folder


def test_a_lone_raw_file_is_found_in_its_exports_and_stays_before_them(
    catalog: Catalog, library: Path
) -> None:
    assert scanned(catalog, library).seen == 4
    group = whole_group(catalog)
    assert len(group.members) == 4
    assert group.keep.endswith((b".dng", b".DNG"))
    assert {member.format for member in group.members} == {"DNG", "JPEG"}


def test_a_cameras_own_jpeg_elsewhere_does_not_come_before_the_raw_file(
    catalog: Catalog, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0132] = "Testcam", "Testcam One", "2024:05:31 18:02:59"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:31 18:02:59", 0x9291: "50", 0x927C: b"Testcam notes 01"})
    picture, folder = photograph(), (tmp_path / "photos").resolve()
    (folder / "raw").mkdir(parents=True)
    (folder / "jpeg").mkdir()
    (folder / "raw" / "IMG_1.dng").write_bytes(dng(picture, preview=picture))
    (folder / "jpeg" / "IMG_1.jpg").write_bytes(jpeg(picture, quality=92, exif=exif))
    scanned(catalog, folder)
    assert whole_group(catalog).keep == os.fsencode(folder / "raw" / "IMG_1.dng")


@pytest.mark.parametrize("policy", [Policy(), Policy(accept=frozenset(Loss)), Policy(keep=(KeepKey.NEWEST,))])
@pytest.mark.parametrize("action", [Action.TRASH, Action.DELETE, Action.HARDLINK, Action.LIST])
def test_no_plan_touches_a_raw_file(catalog: Catalog, library: Path, action: Action, policy: Policy) -> None:
    for path in (library / "exports").iterdir():  # the exports are wanted, and newer
        os.utime(path, (2_000_000_000, 2_000_000_000))
    scanned(catalog, library)
    wanted = replace(policy, prefer=(os.fsencode(library / "exports"),))
    for chosen in (policy, wanted):
        plan = make_plan(catalog, CleanOptions(action=action, policy=chosen))
        acted = {act.file.path for act in acts(plan)}
        assert not [path for path in acted if path.lower().endswith(b".dng")]
        left = {left.path: left.reason for group in plan.groups for left in group.left}
        raws = {path: why for path, why in left.items() if path.lower().endswith(b".dng")}
        assert raws
        assert all("raw file" in why for why in raws.values())
        assert len(acted) == 1  # of the two exports with the same bytes one goes, as without the raw files


def test_no_list_of_what_may_go_names_one(catalog: Catalog, library: Path) -> None:
    scanned(catalog, library)
    groups = find_groups(catalog, CleanOptions())
    assert not [path for path in redundant_paths(groups) if path.lower().endswith(b".dng")]


def test_a_plan_by_hand_that_removes_one_is_refused(catalog: Catalog, library: Path) -> None:
    scanned(catalog, library)
    plan = make_plan(catalog, CleanOptions(action=Action.DELETE))
    members = {member.path: member for member in whole_group(catalog).members}
    keep, copy = (os.fsencode(library / "raw" / name) for name in ("IMG_1.dng", "again/IMG_1.DNG"))

    def state(path: bytes) -> FileState:
        file = members[path]
        return FileState(path, file.stamp.size, file.stamp.mtime_ns, file.digest)

    [any_act] = acts(plan)
    act = replace(any_act, file=state(copy))
    forged = replace(plan, groups=(replace(plan.groups[0], keep=state(keep), acts=(act,), left=()),))
    with pytest.raises(BadInput, match="raw file, which stays"):
        apply_plan(catalog, forged, permanently=True)
    assert (library / "raw" / "again" / "IMG_1.DNG").exists()


def test_a_raw_file_and_its_jpeg_are_one_unit(catalog: Catalog, tmp_path: Path) -> None:
    folder = (tmp_path / "photos").resolve()
    folder.mkdir()
    picture = photograph()
    for stem in ("IMG_1", "IMG_2"):
        (folder / f"{stem}.dng").write_bytes(dng(picture, preview=picture))
    (folder / "IMG_1.JPG").write_bytes(jpeg(picture))
    summary = scanned(catalog, folder)
    assert files(catalog, folder) == {"IMG_1.JPG", "IMG_2.dng"}
    assert [(one.path, one.reason) for one in summary.skipped] == [
        (os.fsencode(folder / "IMG_1.dng"), RAW_BESIDE)
    ]
    assert f"  skipped 1: {RAW_BESIDE} (.dng)" in list(scan_lines(summary))


def test_a_raw_file_becomes_part_of_a_unit_and_an_image_again(catalog: Catalog, tmp_path: Path) -> None:
    folder = (tmp_path / "photos").resolve()
    folder.mkdir()
    picture = photograph()
    (folder / "IMG_1.dng").write_bytes(dng(picture, preview=picture))
    scanned(catalog, folder)
    assert files(catalog, folder) == {"IMG_1.dng"}
    (folder / "IMG_1.jpg").write_bytes(jpeg(picture))
    scanned(catalog, folder)
    assert files(catalog, folder) == {"IMG_1.jpg"}
    (folder / "IMG_1.jpg").unlink()
    assert scanned(catalog, folder).missing == 1
    assert files(catalog, folder) == {"IMG_1.dng"}


def test_a_raw_file_that_is_an_image_still_goes_with_no_other_one(catalog: Catalog, tmp_path: Path) -> None:
    """Between two scans: the catalog has a raw file as an image, and a JPEG beside it is scanned alone."""
    folder = (tmp_path / "photos").resolve()
    (folder / "other").mkdir(parents=True)
    picture = photograph()
    (folder / "IMG_1.dng").write_bytes(dng(picture, preview=picture))
    scanned(catalog, folder)
    copy = jpeg(picture)
    (folder / "IMG_1.jpg").write_bytes(copy)
    (folder / "other" / "kept.jpg").write_bytes(copy)
    scan(
        catalog,
        [os.fsencode(folder / "IMG_1.jpg"), os.fsencode(folder / "other")],
        ScanOptions(hash_only=True),
    )
    policy = Policy(prefer=(os.fsencode(folder / "other"),))
    plan = make_plan(catalog, CleanOptions(action=Action.TRASH, policy=policy))
    [left] = [one for group in plan.groups for one in group.left if one.path.endswith(b"IMG_1.jpg")]
    assert "an image of its own: scan again" in left.reason
    assert not acts(plan)
