from __future__ import annotations

import base64
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, DiskFull, PathNotFound
from neardup_cli.images.thumbnail import webp_thumbnail
from neardup_cli.pipeline import report
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.report import THUMBNAIL_BYTES, THUMBNAIL_SIDE, ReportOptions, write_report
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.reports.html import MARK

type Draw = Callable[[Path, int], Path]

OPTIONS = ReportOptions(DupsOptions(workers=2))


@pytest.fixture
def pictures(tmp_path: Path, catalog: Catalog, draw: Draw) -> Path:
    """Two groups: one picture three times, another one twice; scanned, hashes alone."""
    folder = tmp_path / "pictures"
    for seed, copies in ((1, 3), (2, 2)):
        first = draw(folder / f"{seed}.png", seed)
        for copy in range(1, copies):
            shutil.copy(first, folder / f"{seed}-{copy}.png")
    scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))
    return folder


def write(catalog: Catalog, path: Path, options: ReportOptions = OPTIONS) -> str:
    write_report(catalog, os.fsencode(path), options)
    return path.read_text(encoding="utf-8")


def data_of(page: str) -> Any:
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    return json.loads(block)


def thumbnails_of(page: str) -> list[bytes]:
    blocks = re.findall(r'<script type="text/plain" id="thumbnails-\d+">\n(.*?)\n</script>', page, re.DOTALL)
    return [base64.b64decode(line.removeprefix("!")) for block in blocks for line in block.split("\n")]


def test_a_report_holds_groups_reasons_and_pictures(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    page = write(catalog, tmp_path / "out.html")
    groups = data_of(page)["groups"]
    assert sorted(len(group["members"]) for group in groups) == [2, 3]
    assert all(group["why"] for group in groups)
    assert {member["presence"] for group in groups for member in group["members"]} == {"same"}
    thumbnails = thumbnails_of(page)
    assert len(thumbnails) == 2  # one a content
    for webp in thumbnails:
        assert len(webp) <= THUMBNAIL_BYTES
        with Image.open(BytesIO(webp)) as picture:
            assert max(picture.size) <= THUMBNAIL_SIDE
    assert not list(tmp_path.glob(".*"))


def test_under_and_limit_select(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    limited = replace(OPTIONS, dups=DupsOptions(limit=1))
    assert len(data_of(write(catalog, tmp_path / "out.html", limited))["groups"]) == 1
    elsewhere = replace(OPTIONS, dups=DupsOptions(under=[os.fsencode(tmp_path / "nowhere")]))
    page = write(catalog, tmp_path / "out.html", elsewhere)
    assert data_of(page)["groups"] == []
    assert thumbnails_of(page) == []


def test_what_is_gone_or_changed_is_said(
    catalog: Catalog, pictures: Path, tmp_path: Path, draw: Draw
) -> None:
    (pictures / "1-1.png").unlink()
    for name in ("2.png", "2-1.png"):
        draw(pictures / name, 77)
        os.utime(pictures / name, (1, 1))
    page = write(catalog, tmp_path / "out.html")
    shown = {member["name"]: member for group in data_of(page)["groups"] for member in group["members"]}
    presence = {name: member["presence"] for name, member in shown.items()}
    assert presence == {
        "1.png": "same",
        "1-1.png": "gone",
        "1-2.png": "same",
        "2.png": "changed",
        "2-1.png": "changed",
    }
    thumbnails = thumbnails_of(page)
    assert thumbnails[shown["2.png"]["thumbnail"]] == b"changed since the scan"
    assert thumbnails[shown["1-1.png"]["thumbnail"]][8:12] == b"WEBP"  # of a copy that is still there


def test_the_last_copy_is_gone(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    shutil.rmtree(pictures)
    assert thumbnails_of(write(catalog, tmp_path / "out.html")) == [b"gone", b"gone"]


def test_a_picture_that_cannot_be_decoded_any_more(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    page = write(catalog, tmp_path / "out.html", replace(OPTIONS, max_pixels=9))
    assert {reason[:15] for reason in thumbnails_of(page)} == {b"too many pixels"}


def test_a_report_is_replaced_and_nothing_else(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.html"
    write(catalog, out)
    write(catalog, out, replace(OPTIONS, dups=DupsOptions(limit=1)))
    assert len(data_of(out.read_text(encoding="utf-8"))["groups"]) == 1
    out.write_text("<!doctype html>\n<p>my diary")
    with pytest.raises(BadInput, match="--force"):
        write(catalog, out)
    assert out.read_text() == "<!doctype html>\n<p>my diary"
    assert len(data_of(write(catalog, out, replace(OPTIONS, force=True)))["groups"]) == 2


def test_a_picture_is_never_replaced(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    picture, link = pictures / "1.png", tmp_path / "link.html"
    link.symlink_to(picture)
    before = picture.read_bytes()
    for name in (picture, link):
        with pytest.raises(BadInput, match="one of your pictures"):
            write(catalog, name, replace(OPTIONS, force=True))
    assert picture.read_bytes() == before


def test_a_link_stays_and_its_target_is_written(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.html"
    link.symlink_to("real.html")
    write(catalog, link)
    assert link.is_symlink()
    assert data_of((tmp_path / "real.html").read_text(encoding="utf-8"))


def test_places_where_no_report_can_be(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place, error, word in (
        (tmp_path / "no" / "out.html", PathNotFound, "no such folder"),
        (tmp_path, BadInput, "is no file"),
        (tmp_path / "pipe", BadInput, "is no file"),
        (Path("/dev/null"), BadInput, "is no file"),
        (tmp_path / ("n" * 300), BadInput, "cannot be written"),
    ):
        with pytest.raises(error, match=word):
            write(catalog, place, replace(OPTIONS, force=True))
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.endswith(".partial")) == []


def test_a_folder_that_nothing_can_be_written_to(
    catalog: Catalog, pictures: Path, tmp_path: Path, bound_by_permissions: None
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(BadInput, match="permission denied"):
        write(catalog, closed / "out.html")


def test_a_full_disk_leaves_the_old_report(
    catalog: Catalog, pictures: Path, tmp_path: Path, mount: Callable[..., None], draw: Draw
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount(small, "-t", "tmpfs", "-o", "size=64k", "tmpfs")
    (small / "ballast").write_bytes(bytes(40_000))
    out = small / "out.html"
    out.write_bytes(MARK)
    with pytest.raises(DiskFull, match="no room"):
        write(catalog, out)
    assert out.read_bytes() == MARK
    assert sorted(os.listdir(small)) == ["ballast", "out.html"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_whatever_stops_it_leaves_nothing_behind(
    error: type[BaseException],
    catalog: Catalog,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> bytes:
        raise error

    monkeypatch.setattr(report, "webp_thumbnail", broken)
    out = tmp_path / "page" / "out.html"
    out.parent.mkdir()
    with pytest.raises(error):
        write(catalog, out)
    assert list(out.parent.iterdir()) == []


def test_what_came_into_the_place_meanwhile_stays(
    catalog: Catalog, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.html"
    make = webp_thumbnail

    def slow(*arguments: Any, **options: Any) -> bytes:
        out.write_text("saved by somebody else")
        return make(*arguments, **options)

    monkeypatch.setattr(report, "webp_thumbnail", slow)
    with pytest.raises(BadInput, match="--force"):
        write(catalog, out)
    assert out.read_text() == "saved by somebody else"


def test_a_name_that_is_not_text(catalog: Catalog, pictures: Path, tmp_path: Path) -> None:
    out = os.fsencode(tmp_path) + b"/\xff.html"
    write_report(catalog, out, OPTIONS)
    with open(out, "rb") as stream:
        assert stream.read().startswith(MARK)
