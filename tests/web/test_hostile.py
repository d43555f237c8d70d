"""Everything that may stand in `path` or come as an upload: none gets in, none crashes the server."""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_from_bytes

import pytest
from PIL import Image

from neardup_cli.web.options import Limits

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve

SECRET = b"root:x:0:0"
CATALOGUED = "@"  # stands for the folder of the catalogued photographs

TRAVERSALS = [
    "/etc/passwd",
    "/etc/shadow",
    "//etc/passwd",
    "///etc//passwd",
    "/etc/passwd/",
    "/etc/./passwd",
    "etc/passwd",
    "../etc/passwd",
    "../../../../../../../../etc/passwd",
    "..",
    ".",
    "/",
    "",
    " ",
    "~",
    "~root/.bashrc",
    "~/.ssh/id_rsa",
    "/..",
    "/../etc/passwd",
    "/proc/self/environ",
    "/proc/self/maps",
    "/proc/self/fd/0",
    "/proc/self/cwd/pyproject.toml",
    "/dev/zero",
    "/dev/stdin",
    "/dev/random",
    "/dev/tty",
    "/sys/kernel/notes",
    "/root",
    "/tmp",
    "/home",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "file:/etc/passwd",
    "FILE:///etc/passwd",
    "file://",
    "file:///%65tc/passwd",
    "file://%2Fetc%2Fpasswd",
    "file:///%2e%2e/etc/passwd",
    "file://%00",
    "file:///etc/passwd%00.jpg",
    "http://127.0.0.1/",
    "ftp://localhost/x",
    "data:image/png;base64,AAAA",
    "\\\\server\\share",
    "C:\\Windows\\win.ini",
    "..\\..\\etc\\passwd",
    "/etc\\passwd",
    "/etc/passwd\n",
    "\n/etc/passwd",
    "/etc/passwd\r\nX: y",
    "/etc/passwd\t",
    "/etc/passwd\x00",
    "\x00",
    "/etc/passwd\x00.jpg",
    "%2fetc%2fpasswd",
    "%252fetc%252fpasswd",
    "..%2f..%2fetc%2fpasswd",
    "..%252f..%252fetc/passwd",
    "%2e%2e/%2e%2e/etc/passwd",
    "..;/etc/passwd",
    "....//....//etc/passwd",
    "..././etc/passwd",
    "/etc/passwd?x",
    "/etc/passwd#x",
    "/etc/passwd;.jpg",
    "/var/log/syslog",
    "${HOME}",
    "$(id)",
    "`id`",
    "|id",
    ";id",
    "' OR '1'='1",
    "'; DROP TABLE file; --",
    "%",
    "_",
    "/%",
    "*",
    "/*",
    "[a-z]*",
    "\u202egpj.x",
    "\ufeff/etc/passwd",
    "/etc/pa\u0300sswd",
    "／etc／passwd",
    "‥/etc/passwd",
    "/etc/passwd".upper(),
    "A" * 16_000,
    f"{CATALOGUED}/..",
    f"{CATALOGUED}/../secret.jpg",
    f"{CATALOGUED}/./coffee.png",
    f"{CATALOGUED}//coffee.png",
    f"{CATALOGUED}/coffee.png/",
    f"{CATALOGUED}/coffee.png/.",
    f"{CATALOGUED}/below/../coffee.png",
    f"{CATALOGUED}/coffee.png\x00",
    f"{CATALOGUED}/coffee.png ",
    f" {CATALOGUED}/coffee.png",
    f"{CATALOGUED}/COFFEE.PNG",
    f"{CATALOGUED}/coffee.pn%67",
    f"{CATALOGUED}/coffee.*",
    f"{CATALOGUED}",
    f"{CATALOGUED}/",
    f"{CATALOGUED}/below",
    f"{CATALOGUED}/coffee.png%00.jpg",
    f"{CATALOGUED}/photos.db",
    f"{CATALOGUED}/coffee.png\n",
]


def png(width: int, height: int, data: bytes = b"", mode: int = 2) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, mode, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def bmp(size: int, side: int) -> bytes:
    header = struct.pack("<IiiHHI", 40, side, side, 1, 24, 0)
    return b"BM" + struct.pack("<IHHI", size, 0, 0, 54) + header + bytes(20)


def encoded(kind: str, size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(out, kind)
    return out.getvalue()


DECODABLE = "png with far more data than pixels"

UPLOADS = {
    "empty": b"",
    "one byte": b"x",
    "text": b"hello, world",
    "html": b"<html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "svg with entities": b'<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file\n",
    "pdf": b"%PDF-1.7\n1 0 obj",
    "zip": b"PK\x03\x04" + bytes(60),
    "elf": b"\x7fELF" + bytes(60),
    "script": b"#!/bin/sh\nid\n",
    "mvg": b"push graphic-context\nimage over 0,0 0,0 'https://x'\npop graphic-context",
    "jpeg, only its start": b"\xff\xd8\xff",
    "jpeg, cut": encoded("JPEG")[:200],
    "jpeg of zeros": b"\xff\xd8\xff\xe0" + bytes(5000),
    "png, cut": encoded("PNG")[:60],
    "png, wrong sum": encoded("PNG").replace(b"IHDR", b"IHDX"),
    "png without pixels": png(64, 64),
    "png of no size": png(0, 0),
    "png of 10 gigapixels": png(100_000, 100_000),
    "png of the largest sides": png(2**31 - 1, 2**31 - 1),
    "png bomb": png(20_000, 20_000, bytes(1000)),
    DECODABLE: png(16, 16, bytes(30_000_000)),
    "gif, cut": encoded("GIF")[:30],
    "gif of 65535": b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(40),
    "bmp with a size that lies": bmp(2**31, 2**30),
    "bmp, negative": bmp(100, -5),
    "tiff that points at itself": b"II*\0\x08\0\0\0\1\0\0\1\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0",
    "tiff beyond its end": b"MM\x00*\xff\xff\xff\xff",
    "big tiff": b"II+\x00" + bytes(40),
    "webp, cut": encoded("WEBP")[:40],
    "webp that lies": b"RIFF\xff\xff\xff\xffWEBPVP8L" + bytes(20),
    "heic, cut": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(40),
    "avif, cut": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1" + bytes(40),
    "jpeg 2000, cut": b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40),
    "a codestream of nothing": b"\xff\x4f\xff\x51" + bytes(40),
    "ico": b"\x00\x00\x01\x00\x01\x00" + bytes(40),
    "zeros": bytes(100_000),
    "noise": bytes(range(256)) * 400,
}

FORM = "multipart/form-data; boundary=x"
DISPOSITION = b"--x\r\nContent-Disposition: form-data"

BODIES = {
    "no body": (b"", FORM),
    "no boundary": (b"--x\r\n", "multipart/form-data"),
    "an endless boundary": (b"--x\r\n", "multipart/form-data; boundary=" + "x" * 5000),
    "another type": (b"{}", "application/json"),
    "urlencoded": (b"file=x", "application/x-www-form-urlencoded"),
    "no end": (DISPOSITION + b'; name="file"; filename="a"\r\n\r\nabc', FORM),
    "no name": (DISPOSITION + b"\r\n\r\nabc\r\n--x--\r\n", FORM),
    "file as text": (DISPOSITION + b'; name="file"\r\n\r\nabc\r\n--x--\r\n', FORM),
    "a thousand fields": (
        b"".join(DISPOSITION + b'; name="f%d"\r\n\r\n1\r\n' % number for number in range(2000))
        + b"--x--\r\n",
        FORM,
    ),
    "endless headers": (b"--x\r\n" + b"X: y\r\n" * 20_000, FORM),
}


def test_there_are_enough() -> None:
    assert len(set(TRAVERSALS)) + len(UPLOADS) + len(BODIES) >= 150
    assert len(set(TRAVERSALS)) >= 100


@pytest.fixture(scope="module")
def opened() -> Iterator[list[str]]:
    """Every file that this process opens, the server in it."""
    seen: list[str] = []
    watching = True

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event == "open" and isinstance(arguments[0], str | bytes):
            name = os.fsdecode(arguments[0])
            if not name.endswith(".py"):  # FastAPI looks up where an operation is written
                seen.append(name)

    sys.addaudithook(watch)  # for good; see `watching`
    yield seen
    watching = False


@pytest.mark.parametrize("path", TRAVERSALS, ids=lambda path: ascii(path)[:40])
def test_no_path_leads_out(running: Running, photos: Path, opened: list[str], path: str) -> None:
    (photos.parent / "secret.jpg").write_bytes(encoded("JPEG"))
    asked = path.replace(CATALOGUED, str(photos)).encode("utf-8", "surrogatepass")
    good = str(photos / "coffee.png")
    opened.clear()
    for query in (
        f"/preview?path={quote(asked, safe='')}",
        f"/preview?path={quote(asked)}",
        f"/api/compare?a={quote(asked, safe='')}&b={quote(good)}",
        f"/api/groups?folder={quote(asked, safe='')}",
    ):
        answer = running.client.get(query)
        assert answer.status_code in ({200, 404, 422} if "folder" in query else {404, 422}), (
            query,
            answer.text,
        )
        assert SECRET not in answer.content
        assert "Traceback" not in answer.text
    text = asked.decode("utf-8", "replace")
    decided = running.client.post("/api/decisions", json={"ruling": "keep", "paths": [text]})
    assert decided.status_code in {404, 422}
    if text != str(photos):  # which is the root, and may be scanned
        scanned = running.client.post("/api/scan", json={"paths": [text]})
        assert scanned.status_code in {404, 422}
    assert [path for path in opened if not re.search(r"\.db\.(seal$|.*\.faiss$)", str(path))] == []


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/....//app.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..\\app.py",
        "/static/style.css/..",
        "/static/style.css%00",
        "/static/",
        "/static",
        "/static/nowhere",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/etc/passwd",
        "//etc/passwd",
    ],
)
def test_the_static_files_end_at_their_folder(running: Running, path: str) -> None:
    answer = running.client.get(path)
    assert answer.status_code in {307, 404, 405}
    assert b"FastAPI" not in answer.content
    assert SECRET not in answer.content


@pytest.mark.parametrize("raw", [b"/etc/\xff\xfe", b"\xff", b"\xc0\xae\xc0\xae/etc/passwd", b"\xed\xa0\x80"])
def test_bytes_that_are_no_text(running: Running, raw: bytes) -> None:
    assert running.client.get(f"/preview?path={quote_from_bytes(raw)}").status_code == 404
    assert running.client.get(f"/preview?path=file://{quote_from_bytes(raw)}").status_code == 404


@pytest.mark.parametrize("name", UPLOADS)
def test_no_upload_does_harm(running: Running, name: str) -> None:
    answer = running.client.post("/api/detect", files={"file": (f"../../{name}\x00.jpg", UPLOADS[name])})
    if name == DECODABLE:
        assert answer.status_code == 200
        return
    assert answer.status_code in {413, 422}, answer.text
    problem = answer.json()
    assert problem["error"] in {"too_large", "bad_input"}
    assert "/tmp" not in problem["message"]


# Starlette leaves the file of a part that has no end to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", BODIES)
def test_no_body_does_harm(running: Running, name: str) -> None:
    body, kind = BODIES[name]
    answer = running.client.post("/api/detect", content=body, headers={"Content-Type": kind})
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.json()["error"] in {"bad_request", "too_large", "bad_input"}


def test_the_server_still_answers(running: Running, photos: Path) -> None:
    with (photos / "coffee.png").open("rb") as upload:
        assert running.client.post("/api/detect", files={"file": upload}).json()["is_duplicate"]
    assert running.client.get("/healthz").json() == {"status": "ok"}


@pytest.fixture
def strict(start: Serve, scanned_photos: Path) -> Running:
    limits = Limits(upload_bytes=20_000, upload_seconds=0.5, body_bytes=2_000, uploads_at_once=2)
    return start(scanned_photos, limits=limits)


def test_an_upload_that_says_it_is_too_large(strict: Running) -> None:
    answer = strict.client.post("/api/detect", files={"file": bytes(200_000)})
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


def test_an_upload_that_does_not_say_how_large_it_is(strict: Running) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(10_000)

    answer = strict.client.post(
        "/api/detect", content=chunks(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


def test_an_upload_that_never_ends(strict: Running) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", strict.port), 10) as slow:
        slow.sendall(
            b"POST /api/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        )
        assert slow.recv(100).startswith(b"HTTP/1.1 408 ")
    assert strict.client.get("/healthz").status_code == 200


def test_other_bodies_are_bounded_too(strict: Running) -> None:
    answer = strict.client.post("/api/decisions", json={"ruling": "keep", "paths": ["x" * 3000]})
    assert answer.status_code == 413


def test_beyond_the_queue_is_a_clear_no(start: Serve, scanned_photos: Path) -> None:
    busy = start(scanned_photos, limits=Limits(uploads_waiting=0))
    answer = busy.client.post("/api/detect", files={"file": b"x"})
    assert (answer.status_code, answer.json()["error"]) == (503, "not_ready")
    assert answer.headers["retry-after"]


def test_a_lookup_that_takes_too_long(
    start: Serve, scanned_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import Future

    hasty = start(scanned_photos, limits=Limits(answer_seconds=0.1))
    monkeypatch.setattr(hasty.service.lookup, "ask", lambda _: Future())
    answer = hasty.client.post("/api/detect", files={"file": encoded("PNG")})
    assert (answer.status_code, answer.json()["error"]) == (503, "not_ready")


def test_what_nobody_foresaw_shows_no_traceback(
    start: Serve, scanned_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = start(scanned_photos)

    def fail(*_: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(server.service.previews, "tag", fail)
    answer = server.client.get("/preview", params={"path": str(next(iter(_catalogued(server))))})
    assert (answer.status_code, answer.json()["error"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def _catalogued(server: Running) -> Iterator[str]:
    for group in server.client.get("/api/groups").json()["groups"]:
        yield group["keep"]
