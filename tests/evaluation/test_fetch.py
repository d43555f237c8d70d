"""Fetching data sets, from a server on this machine that has pictures of ours under the public names."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neardup_cli.downloads import Checksum, Patience
from neardup_cli.errors import BadInput, DownloadCorrupt, DownloadFailed
from neardup_cli.evaluation.datasets import COPYDAYS, DATA_SETS, GLDV2, Archive, DataSet
from neardup_cli.evaluation.fetch import FetchOptions, fetch
from neardup_cli.evaluation.fetch_report import fetch_document, fetch_lines

QUICK = Patience(attempts=3, first_wait=0.0, timeout=5.0)
NOISE = np.random.default_rng(1).bytes(200_000)


def archive(files: dict[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as packed:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@dataclass
class Shelf:
    """Files by path; those in `breaks` end early at their first request."""

    files: dict[str, bytes]
    breaks: set[str] = field(default_factory=set)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, wanted = handler.path.lstrip("/"), handler.headers.get("Range")
        self.asked.append((path, wanted))
        if path not in self.files:
            handler.send_error(404)
            return
        body = self.files[path]
        first = 0 if wanted is None else int(wanted.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if first else 200)
        if first:
            handler.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        handler.send_header("ETag", f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"')
        handler.send_header("Content-Length", str(len(body) - first))
        handler.end_headers()
        stop = first + (len(body) - first) // 2 if path in self.breaks else len(body)
        self.breaks.discard(path)
        handler.wfile.write(body[first:stop])


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    kept = Shelf({})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.answer(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    kept.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield kept
    server.shutdown()
    server.server_close()


@pytest.fixture
def landmarks(shelf: Shelf) -> Shelf:
    """Three archives of GLDv2's index with their MD5 files."""
    for number in range(3):
        body = archive({f"0/0/{number}/picture.jpg": NOISE[: 50_000 + number]})
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        shelf.files[f"index/images_{number:03d}.tar"] = body
        shelf.files[f"md5sum/index/md5.images_{number:03d}.txt"] = (
            f"{md5}  images_{number:03d}.tar\n".encode()
        )
    return shelf


def options(shelf: Shelf, **more: Any) -> FetchOptions:
    return FetchOptions(mirror=shelf.address, patience=QUICK, **more)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_archives_come_are_checked_and_unpacked(landmarks: Shelf, tmp_path: Path) -> None:
    landmarks.breaks = {"index/images_000.tar", "index/images_002.tar"}
    fetched = fetch(GLDV2, tmp_path, options(landmarks, limit=3))
    assert [one.files for one in fetched] == [1, 1, 1]
    assert {one.checked for one in fetched} == {"md5"}
    pictures = {f"gldv2/index/images_00{number}/0/0/{number}/picture.jpg" for number in range(3)}
    assert names(tmp_path) == pictures
    assert ("index/images_000.tar", None) in landmarks.asked
    assert sum(path == "index/images_000.tar" for path, _ in landmarks.asked) == 2
    again = fetch(GLDV2, tmp_path, options(landmarks, limit=3))
    assert [one.received for one in again] == [0, 0, 0]
    document = fetch_document("gldv2", fetched)
    assert document["schema"] == "neardup.eval-fetch/1"
    assert all("md5 is right" in line for line in fetch_lines(fetched))
    assert all(line.endswith("is here") for line in fetch_lines(again))


def test_the_limit_is_one_of_archives(landmarks: Shelf, tmp_path: Path) -> None:
    assert len(fetch(GLDV2, tmp_path, options(landmarks, limit=1))) == 1
    assert not any("images_001" in path for path, _ in landmarks.asked)


def test_archives_may_be_kept(landmarks: Shelf, tmp_path: Path) -> None:
    fetch(GLDV2, tmp_path, options(landmarks, limit=1, keep_archives=True))
    assert (tmp_path / "gldv2/archives/index/images_000.tar").is_file()


def test_wrong_bytes_are_refused_and_nothing_is_unpacked(landmarks: Shelf, tmp_path: Path) -> None:
    landmarks.files["index/images_001.tar"] = archive({"wrong.jpg": NOISE})
    with pytest.raises(DownloadCorrupt, match="images_001"):
        fetch(GLDV2, tmp_path, options(landmarks, limit=2, parallel=1))
    assert not (tmp_path / "gldv2/index/images_001").exists()
    # What was right stays, and the next call fetches only the rest.
    landmarks.files["index/images_001.tar"] = archive({"0/0/1/picture.jpg": NOISE[:50_001]})
    landmarks.asked.clear()
    assert len(fetch(GLDV2, tmp_path, options(landmarks, limit=2, parallel=1))) == 2
    assert not any("images_000.tar" in path for path, _ in landmarks.asked)


def test_an_md5_file_without_an_md5_is_refused(landmarks: Shelf, tmp_path: Path) -> None:
    landmarks.files["md5sum/index/md5.images_000.txt"] = b"<html>moved</html>"
    with pytest.raises(DownloadCorrupt, match="holds no MD5"):
        fetch(GLDV2, tmp_path, options(landmarks, limit=1))


def test_a_missing_archive_is_named(landmarks: Shelf, tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"images_003.*404"):
        fetch(GLDV2, tmp_path, options(landmarks, limit=4, parallel=1))


def copydays(body: bytes, *, right: bool = True) -> DataSet:
    """Copydays with one archive, whose checksum is that of `body`."""
    digest = hashlib.sha256(body if right else b"other").hexdigest()
    one = replace(COPYDAYS.archives[0], checksum=Checksum("sha256", digest))
    return replace(COPYDAYS, archives=(one,), usual=("original",))


def test_copydays_is_checked_by_what_is_known_of_it(shelf: Shelf, tmp_path: Path) -> None:
    body = archive({"200000.jpg": NOISE}, "w:gz")
    shelf.files["copydays_original.tar.gz"] = body
    shelf.breaks = {"copydays_original.tar.gz"}
    (one,) = fetch(copydays(body), tmp_path, options(shelf))
    assert one.checked == "sha256"
    assert (tmp_path / "copydays/original/200000.jpg").read_bytes() == NOISE
    with pytest.raises(DownloadCorrupt):
        fetch(copydays(body, right=False), tmp_path / "again", options(shelf))


def test_the_second_address_helps_where_the_first_has_nothing(shelf: Shelf, tmp_path: Path) -> None:
    body = archive({"200000.jpg": NOISE}, "w:gz")
    shelf.files["second/copydays_original.tar.gz"] = body
    known = copydays(body)
    bases = (f"{shelf.address}/first", f"{shelf.address}/second")
    moved = replace(known, archives=(replace(known.archives[0], bases=bases),))
    fetch(moved, tmp_path, FetchOptions(patience=QUICK))
    assert [path for path, _ in shelf.asked] == [
        "first/copydays_original.tar.gz",
        "second/copydays_original.tar.gz",
    ]


def test_what_is_no_archive_is_thrown_away(shelf: Shelf, tmp_path: Path) -> None:
    shelf.files["copydays_crop.tar.gz"] = b"<html>sorry</html>"
    with pytest.raises(DownloadCorrupt, match="is no archive"):
        fetch(COPYDAYS, tmp_path, options(shelf, parts=("crop",)))
    assert not (tmp_path / "copydays/archives/copydays_crop.tar.gz").exists()
    assert not (tmp_path / "copydays/crop").exists()


@pytest.mark.parametrize("name", ["../outside.jpg", "/tmp/neardup-outside.jpg"])
def test_an_archive_writes_nowhere_else(shelf: Shelf, tmp_path: Path, name: str) -> None:
    shelf.files["copydays_crop.tar.gz"] = archive({name: NOISE}, "w:gz")
    home = tmp_path / "home"
    with suppress(DownloadCorrupt):
        fetch(COPYDAYS, home, options(shelf, parts=("crop",)))
    assert not (home / "copydays" / "outside.jpg").exists()
    assert not Path("/tmp/neardup-outside.jpg").exists()


def test_a_part_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="original, strong, crop, jpeg"):
        fetch(COPYDAYS, tmp_path, FetchOptions(parts=("weak",)))


@pytest.mark.parametrize("data_set", DATA_SETS.values(), ids=DATA_SETS)
def test_what_is_known_of_the_data_sets_holds_together(data_set: DataSet) -> None:
    assert data_set.licence
    assert set(data_set.usual) <= set(data_set.parts)
    folders = [one.folder for one in data_set.archives]
    assert len(set(folders)) == len(folders)
    for one in data_set.archives:
        assert all(base.startswith("http") and not base.endswith("/") for base in one.bases)
        assert is_checked(one) or one.path in {"copydays_crop.tar.gz", "copydays_jpeg.tar.gz"}


def is_checked(one: Archive) -> bool:
    if one.checksum is not None:
        return len(one.checksum.hexdigest) == {"md5": 32, "sha256": 64}[one.checksum.algorithm]
    return one.checksum_path is not None
