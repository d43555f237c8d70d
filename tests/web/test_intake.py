"""How fast a body has to come."""

from __future__ import annotations

import logging
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.web import intake
from neardup_cli.web.options import Limits

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve

HEAD = "POST /api/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"


@pytest.mark.parametrize("path", ["/api/detect", "/api/plan"])
def test_a_body_that_trickles_is_ended(
    path: str, start: Serve, scanned_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long before the time that one may take in all: it holds a place that others wait for."""
    monkeypatch.setattr(intake, "_GRACE_SECONDS", 0.5)
    running = start(scanned_photos, limits=Limits(upload_seconds=60.0, body_rate=1_000))
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as slow:
        slow.sendall(f"{HEAD}Content-Length: 100000\r\n\r\n".replace("/api/detect", path).encode())
        began, answer = time.monotonic(), b""
        slow.settimeout(0.1)
        slow.sendall(b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n')
        while not answer and time.monotonic() - began < 10:
            slow.sendall(b"aaaaa")
            try:
                answer = slow.recv(1000)
            except TimeoutError:
                continue
    assert answer.split()[1] == b"408"
    assert time.monotonic() - began < 5


def test_a_body_that_comes_as_it_should_may_take_its_time(
    start: Serve, scanned_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_GRACE_SECONDS", 0.5)
    running = start(scanned_photos, limits=Limits(body_rate=1_000))
    body = b'{"confident": true}'.ljust(4_000)
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as steady:
        head = "POST /api/plan HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        steady.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
        for place in range(0, len(body), 500):
            steady.sendall(body[place : place + 500])
            time.sleep(0.2)
        assert steady.recv(1000).split()[1] == b"200"


@pytest.mark.parametrize("head", ["", "Expect: 100-continue\r\n"])
def test_a_body_that_is_no_http_is_refused_and_leaves_no_traceback(
    head: str, start: Serve, scanned_photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its request is being worked on when the broken part comes."""
    running = start(scanned_photos)
    with caplog.at_level(logging.ERROR):
        for path in ("/api/detect", "/api/plan", "/healthz"):
            with socket.create_connection(("127.0.0.1", running.port), timeout=30) as broken:
                broken.sendall(
                    f"{HEAD}{head}Transfer-Encoding: chunked\r\n\r\n".replace("/api/detect", path).encode()
                )
                broken.sendall(b"3\r\nabc\r\nno length\r\n")
                answer = b"".join(iter(lambda: broken.recv(1000), b""))
                assert answer == b"" or answer.split()[1] in (b"100", b"400", b"405")
        assert running.client.get("/healthz").status_code == 200
    assert [record for record in caplog.records if record.exc_info] == []


def sent(running: Running, *parts: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as sending:
        for part in parts:
            sending.sendall(part)
            time.sleep(0.05)
        return sending.recv(1000)


def test_a_head_has_two_hundred_lines_at_most(start: Serve, scanned_photos: Path) -> None:
    """A hundred thousand fit into what the longest address may take, and hold everybody up."""
    running = start(scanned_photos)
    line, head = b"X: y\r\n", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    assert sent(running, head + 190 * line + b"\r\n").split()[1] == b"200"
    for parts in ([head + 90_000 * line], [head + 150 * line, 150 * line], [head + 300 * line + b"\r\n"]):
        began = time.monotonic()
        assert sent(running, *parts).split()[1] == b"400"
        assert time.monotonic() - began < 5
    body = b"\n" * 5_000
    post = b"POST /api/plan HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n"
    for cut in (0, 1, 2, 3):  # lines of a body are none of the head's, wherever the two come apart
        end = b"\r\n" + body
        assert sent(running, post + end[:cut], end[cut:]).split()[1] == b"422"
