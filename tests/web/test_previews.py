"""Previews: upright, small, without metadata, cached; and only of what was scanned."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from PIL import Image

from neardup_cli import Catalog, ScanOptions, build_hash_db, scan
from neardup_cli.errors import PathNotFound
from neardup_cli.fingerprints.content import content_digest
from neardup_cli.reports.paths import data_path
from neardup_cli.web import previews
from neardup_cli.web.options import Limits

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve

ROTATED = 6  # EXIF: the camera was turned


def preview(running: Running, path: Path | str, **parameters: str | int) -> httpx.Response:
    return running.client.get("/preview", params={"path": str(path), **parameters})


def picture(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/jpeg"
    return Image.open(io.BytesIO(answer.content))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photographs: dict[str, Image.Image]) -> Path:
    """Pictures with something special about each; their catalog beside them."""
    base = tmp_path_factory.mktemp("previews")
    folder = base / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[0x0112] = ROTATED
    exif[0x010E] = "a secret"
    photographs["coffee"].save(folder / "turned.jpg", exif=exif, quality=95)
    photographs["rocket"].resize((3000, 2000)).save(folder / "large.jpg", quality=80)
    photographs["chelsea"].convert("RGBA").save(folder / "clear.png")
    photographs["chelsea"].rotate(90, expand=True).save(os.fsencode(folder) + b"/\xff\xfe odd.jpg", "JPEG")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    build_hash_db(folder, base / "catalog.db", hash_only=True, workers=1)
    return folder


@pytest.fixture
def server(folder: Path, start: Serve) -> Running:
    return start(folder.parent / "catalog.db")


def test_upright_without_metadata(server: Running, folder: Path, photographs: dict[str, Image.Image]) -> None:
    shown = picture(preview(server, folder / "turned.jpg"))
    expected = photographs["coffee"].transpose(Image.Transpose.ROTATE_270)
    assert shown.size == expected.size
    assert not shown.getexif()
    assert b"secret" not in preview(server, folder / "turned.jpg").content
    difference = np.abs(np.asarray(shown, np.int16) - np.asarray(expected, np.int16))
    assert difference.mean() < 6


@pytest.mark.parametrize("side", [320, 1280, 2560])
def test_sides(server: Running, folder: Path, side: int) -> None:
    assert max(picture(preview(server, folder / "large.jpg", side=side)).size) == side
    assert max(picture(preview(server, folder / "clear.png", side=side)).size) <= 320  # never enlarged


def test_no_other_side(server: Running, folder: Path) -> None:
    assert preview(server, folder / "large.jpg", side=100_000).status_code == 422


def test_a_name_that_is_not_utf8(server: Running, folder: Path) -> None:
    path = data_path(os.fsencode(folder) + b"/\xff\xfe odd.jpg")
    assert path.startswith("file://")
    assert picture(preview(server, path)).format == "JPEG"


def test_an_undecodable_file_is_not_there(server: Running, folder: Path) -> None:
    assert preview(server, folder / "broken.jpg").status_code == 404


def test_the_etag_is_the_contents(server: Running, folder: Path) -> None:
    first = preview(server, folder / "large.jpg")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    again = server.client.get(
        "/preview", params={"path": str(folder / "large.jpg")}, headers={"If-None-Match": tag}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert preview(server, folder / "large.jpg", side=1280).headers["etag"] != tag
    digest = content_digest((folder / "large.jpg").read_bytes()).hex()
    assert tag.strip('"') == f"{digest[:24]}-320"
    named = preview(server, folder / "large.jpg", content=digest[:24])
    assert "immutable" in named.headers["cache-control"]
    assert "immutable" not in preview(server, folder / "large.jpg", content="0" * 24).headers["cache-control"]


def test_a_preview_is_made_once(server: Running, folder: Path) -> None:
    for _ in range(3):
        preview(server, folder / "large.jpg")
    text = server.client.get("/metrics").text
    assert 'neardup_previews_total{source="file"} 1.0' in text
    assert 'neardup_previews_total{source="memory"} 2.0' in text


def test_memory_for_previews_is_bounded(folder: Path, start: Serve) -> None:
    server = start(folder.parent / "catalog.db", limits=Limits(preview_bytes=30_000))
    for side in (320, 1280, 2560):
        for name in ("large.jpg", "turned.jpg", "clear.png"):
            assert preview(server, folder / name, side=side).status_code == 200
    kept = server.service.previews._kept
    assert sum(map(len, kept._pictures.values())) == kept._bytes <= 30_000


def test_what_was_replaced_since_the_scan_is_not_shown(
    start: Serve, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    folder, secret = tmp_path / "photos", tmp_path / "secret.png"
    folder.mkdir()
    photographs["coffee"].save(secret)
    photographs["rocket"].save(folder / "a.png")
    photographs["rocket"].save(folder / "b.png", compress_level=1)
    (folder / "c").mkdir()
    photographs["chelsea"].save(folder / "c" / "c.png")
    photographs["astronaut"].save(folder / "d.png")
    server = start(build_hash_db(folder, tmp_path / "catalog.db", hash_only=True, workers=1))
    (folder / "a.png").unlink()
    (folder / "a.png").symlink_to(secret)  # a link to a picture elsewhere
    photographs["coffee"].save(folder / "b.png")  # another picture
    (folder / "c" / "c.png").rename(tmp_path / "moved.png")
    (folder / "c").rmdir()
    (tmp_path / "elsewhere").mkdir()
    photographs["coffee"].save(tmp_path / "elsewhere" / "c.png")
    (folder / "c").symlink_to(tmp_path / "elsewhere")  # a folder on the way became a link
    (folder / "d.png").unlink()
    os.mkfifo(folder / "d.png")  # nothing that a reader would wait for
    for name in ("a.png", "b.png", "c/c.png", "d.png"):
        answer = preview(server, folder / name)
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found"), name


def test_a_link_with_the_same_size_and_time_is_not_followed(
    start: Serve, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    folder, secret = tmp_path / "photos", tmp_path / "secret.png"
    folder.mkdir()
    photographs["rocket"].save(folder / "a.png")
    server = start(build_hash_db(folder, tmp_path / "catalog.db", hash_only=True, workers=1))
    status = (folder / "a.png").stat()
    secret.write_bytes((folder / "a.png").read_bytes())
    os.utime(secret, ns=(status.st_atime_ns, status.st_mtime_ns))
    (folder / "a.png").unlink()
    (folder / "a.png").symlink_to(secret)
    assert preview(server, folder / "a.png").status_code == 404


def test_a_link_to_the_very_file_that_was_scanned_is(
    start: Serve, photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photographs["rocket"].save(folder / "a.png")
    server = start(build_hash_db(folder, tmp_path / "catalog.db", hash_only=True, workers=1))
    folder.rename(tmp_path / "disk")
    folder.symlink_to(tmp_path / "disk")
    assert preview(server, folder / "a.png").status_code == 200


# --- what a scan has kept -------------------------------------------------------------------------------


@pytest.fixture
def kept(start: Serve, photographs: dict[str, Image.Image], tmp_path: Path) -> tuple[Running, Path]:
    """A server over a catalog with previews, and the folder that was scanned."""
    folder = tmp_path / "photos"
    folder.mkdir()
    photographs["rocket"].resize((1500, 1000)).save(folder / "large.jpg", quality=90)
    photographs["chelsea"].save(folder / "small.png")
    with Catalog.open(tmp_path / "kept.db", create=True) as catalog:
        scan(catalog, [os.fsencode(folder)], ScanOptions(model="sscd_distilled"))
    return start(tmp_path / "kept.db"), folder


def test_thumbnails_open_no_file(kept: tuple[Running, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    server, folder = kept
    monkeypatch.setattr(previews, "open_as_scanned", None)
    for name in ("large.jpg", "small.png"):
        assert max(picture(preview(server, folder / name)).size) == 320
    assert 'neardup_previews_total{source="catalog"} 2.0' in server.client.get("/metrics").text


def test_what_is_larger_comes_from_the_file(kept: tuple[Running, Path]) -> None:
    server, folder = kept
    answer = preview(server, folder / "large.jpg", side=1280)
    assert max(picture(answer).size) == 1280
    assert answer.headers["cache-control"] == "private, no-cache"


def test_of_what_is_away_the_small_version_is_shown_until_it_is_back(kept: tuple[Running, Path]) -> None:
    server, folder = kept
    folder.rename(folder.parent / "drawer")
    for side in (320, 1280):
        assert max(picture(preview(server, folder / "large.jpg", side=side)).size) == min(side, 416)
    answer = preview(server, folder / "large.jpg", side=1280, content="0" * 12)
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    (folder.parent / "drawer").rename(folder)
    assert max(picture(preview(server, folder / "large.jpg", side=1280)).size) == 1280


def test_what_has_changed_is_not_shown_as_it_was(
    kept: tuple[Running, Path], photographs: dict[str, Image.Image]
) -> None:
    server, folder = kept
    photographs["coffee"].save(folder / "small.png")
    assert preview(server, folder / "small.png").status_code == 404


def test_two_that_are_away_are_compared(kept: tuple[Running, Path]) -> None:
    server, folder = kept
    folder.rename(folder.parent / "drawer")
    pair = {"a": str(folder / "large.jpg"), "b": str(folder / "small.png")}
    answer = server.client.get("/api/compare", params=pair)
    assert answer.status_code == 200, answer.text
    assert answer.json()["is_duplicate"] is False


def test_a_member_of_a_container_is_shown_and_compared(
    photographs: dict[str, Image.Image], start: Serve, tmp_path: Path
) -> None:
    shard = tmp_path / "shard.tar"
    with tarfile.open(shard, "w") as target:
        for name in ("rocket", "coffee"):
            data = io.BytesIO()
            photographs[name].resize((1500, 1000)).save(data, "JPEG", quality=85)
            member = tarfile.TarInfo(f"{name}.jpg")
            member.size = len(data.getvalue())
            data.seek(0)
            target.addfile(member, data)
    with Catalog.open(tmp_path / "catalog.db", create=True) as catalog:
        scan(catalog, shard, ScanOptions(hash_only=True, workers=1))
    server = start(tmp_path / "catalog.db")
    path = f"{shard}!rocket.jpg"
    assert max(picture(preview(server, path)).size) < 500
    assert max(picture(preview(server, path, side=1280)).size) == 1280
    answer = server.client.get("/api/compare", params={"a": path, "b": f"{shard}!coffee.jpg"})
    assert answer.json()["is_duplicate"] is False
    shard.write_bytes(b"something else")
    with pytest.raises(PathNotFound, match="gone"), Catalog.open(tmp_path / "catalog.db") as catalog:
        previews.open_as_scanned(next(f for f in catalog.files() if f.path.endswith(b"rocket.jpg")))
