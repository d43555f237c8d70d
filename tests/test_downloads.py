"""Downloads against a server on this machine that does everything wrong that servers do."""

from __future__ import annotations

import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neardup_cli.downloads import Checksum, Patience, download
from neardup_cli.errors import DiskFull, DownloadCorrupt, DownloadFailed
from neardup_cli.system.handles import try_lock

BODY = np.random.default_rng(6).bytes(300_000)
OTHER = np.random.default_rng(7).bytes(300_000)
SHA = Checksum("sha256", hashlib.sha256(BODY).hexdigest())
QUICK = Patience(attempts=3, first_wait=0.0, timeout=5.0)


@dataclass
class Script:
    """What the server does, request by request; the last entry answers all further ones.

    Each entry takes the handler and answers. `asked` keeps the headers of every request.
    """

    answers: list[Callable[[BaseHTTPRequestHandler], None]]
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        place = min(len(self.asked), len(self.answers) - 1)
        self.asked.append(dict(handler.headers))
        self.answers[place](handler)

    @property
    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.asked]


type Serve = Callable[..., tuple[str, Script]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A function that starts a server with a script: `url, script = serve(answer, answer, ...)`."""
    servers: list[ThreadingHTTPServer] = []

    def start(*answers: Callable[[BaseHTTPRequestHandler], None]) -> tuple[str, Script]:
        script = Script(list(answers))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                script.answer(self)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/set.tar", script

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def range_start(handler: BaseHTTPRequestHandler) -> int:
    wanted = handler.headers.get("Range")
    return 0 if wanted is None else int(wanted.removeprefix("bytes=").rstrip("-"))


def good(
    body: bytes = BODY,
    *,
    etag: str | None = '"one"',
    stop: int | None = None,
    honest: bool = True,
    ranges: bool = True,
    conditions: bool = True,
) -> Callable[[BaseHTTPRequestHandler], None]:
    """A file server; at byte `stop` it breaks off, or ends quietly if it is not `honest` about the length."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        first = range_start(handler) if ranges else 0
        condition = handler.headers.get("If-Range")
        if conditions and condition is not None and condition != etag:
            first = 0
        if first >= len(body):
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(body)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if first else 200)
        if first:
            handler.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        if etag is not None:
            handler.send_header("ETag", etag)
        if honest:
            handler.send_header("Content-Length", str(len(body) - first))
        handler.end_headers()
        handler.wfile.write(body[first : len(body) if stop is None else max(stop, first)])

    return answer


def status(code: int, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def leftovers(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file_comes_whole_and_leaves_nothing_else(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good())
    seen: list[tuple[int, int | None]] = []
    done = download(
        url, tmp_path / "new" / "set.tar", checksum=SHA, watch=lambda *now: seen.append(now), patience=QUICK
    )
    assert done.path.read_bytes() == BODY
    assert (done.size, done.received) == (len(BODY), len(BODY))
    assert leftovers(tmp_path / "new") == {"set.tar"}
    assert seen[0] == (0, len(BODY))
    assert seen[-1] == (len(BODY), len(BODY))
    assert script.asked[0]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "checksum",
    [
        SHA,
        Checksum("md5", hashlib.md5(BODY, usedforsecurity=False).hexdigest().upper()),
        None,
    ],
)
def test_what_is_there_is_not_fetched_again(serve: Serve, tmp_path: Path, checksum: Checksum | None) -> None:
    url, script = serve(good())
    for received in (len(BODY), 0):
        assert download(url, tmp_path / "set.tar", checksum=checksum, patience=QUICK).received == received
    assert len(script.asked) == 1


def test_blake3_is_a_checksum_too(serve: Serve, tmp_path: Path) -> None:
    from blake3 import blake3

    url, _ = serve(good())
    download(url, tmp_path / "a", checksum=Checksum("blake3", blake3(BODY).hexdigest()), patience=QUICK)
    with pytest.raises(DownloadCorrupt):
        download(url, tmp_path / "b", checksum=Checksum("blake3", blake3(OTHER).hexdigest()), patience=QUICK)


def test_a_wrong_file_in_its_place_is_replaced_when_the_right_one_is_whole(
    serve: Serve, tmp_path: Path
) -> None:
    target = tmp_path / "set.tar"
    target.write_bytes(OTHER)
    url, _ = serve(status(404), good())
    with pytest.raises(DownloadFailed):
        download(url, target, checksum=SHA, patience=QUICK)
    assert target.read_bytes() == OTHER
    download(url, target, checksum=SHA, patience=QUICK)
    assert target.read_bytes() == BODY


def test_a_broken_line_is_taken_up_where_it_broke(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(stop=100_000), good(stop=200_000), good())
    done = download(url, tmp_path / "set.tar", patience=QUICK)
    assert done.path.read_bytes() == BODY
    assert done.received == len(BODY)
    assert script.ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert script.asked[1]["If-Range"] == '"one"'


def test_a_later_call_goes_on(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(stop=120_000), status(503), status(503), status(503), good())
    with pytest.raises(DownloadFailed, match="again to go on"):
        download(url, tmp_path / "set.tar", patience=QUICK)
    done = download(url, tmp_path / "set.tar", patience=QUICK)
    assert done.path.read_bytes() == BODY
    assert done.received == len(BODY) - 120_000
    assert script.ranges[-1] == "bytes=120000-"
    assert leftovers(tmp_path) == {"set.tar"}


def test_it_gives_up_on_a_server_that_sends_nothing_more(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(stop=50_000))
    with pytest.raises(DownloadFailed, match="the connection"):
        download(url, tmp_path / "set.tar", patience=QUICK)
    assert len(script.asked) == 3
    assert leftovers(tmp_path) >= {"set.tar.part"}
    assert "set.tar" not in leftovers(tmp_path)


def test_two_broken_answers_in_turns_do_not_go_on_for_ever(serve: Serve, tmp_path: Path) -> None:
    broken = [good(stop=stop, ranges=False) for stop in (80_000, 50_000) * 20]
    url, script = serve(*broken)
    with pytest.raises(DownloadFailed):
        download(url, tmp_path / "set.tar", patience=QUICK)
    assert len(script.asked) == 3


def test_a_server_that_ignores_ranges_is_read_from_the_start(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(stop=100_000), good(ranges=False))
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY
    assert script.ranges == [None, "bytes=100000-"]


@pytest.mark.parametrize("conditions", [True, False])
def test_a_file_that_changed_between_the_parts_is_fetched_anew(
    serve: Serve, tmp_path: Path, conditions: bool
) -> None:
    url, _ = serve(good(OTHER, etag='"old"', stop=100_000), good(etag='"new"', conditions=conditions))
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY


def test_a_weak_etag_joins_no_parts(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(etag='W/"one"', stop=100_000), good(etag='W/"one"'))
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY
    assert script.ranges == [None, None]


def test_without_an_etag_the_checksum_lets_it_go_on_and_finds_the_mixture(
    serve: Serve, tmp_path: Path
) -> None:
    url, script = serve(good(OTHER, etag=None, stop=100_000), good(etag=None))
    assert download(url, tmp_path / "set.tar", checksum=SHA, patience=QUICK).path.read_bytes() == BODY
    assert script.ranges == [None, "bytes=100000-", None]


def test_a_mirror_goes_on_with_the_part_of_another_address_only_if_a_checksum_watches(
    serve: Serve, tmp_path: Path
) -> None:
    for name, checksum, asked in (("a", SHA, "bytes=100000-"), ("b", None, None)):
        first, _ = serve(good(stop=100_000), status(404))
        with pytest.raises(DownloadFailed):
            download(first, tmp_path / name, checksum=checksum, patience=QUICK)
        mirror, script = serve(good(etag='"mirror"'))
        assert download(mirror, tmp_path / name, checksum=checksum, patience=QUICK).path.read_bytes() == BODY
        assert script.ranges == [asked]


def test_wrong_bytes_are_thrown_away(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(OTHER))
    with pytest.raises(DownloadCorrupt, match="not what was expected"):
        download(url, tmp_path / "set.tar", checksum=SHA, patience=QUICK)
    assert len(script.asked) == 1
    assert leftovers(tmp_path) <= {"set.tar.lock"}


def test_wrong_bytes_in_pieces_are_asked_for_once_more_and_then_refused(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(OTHER, stop=100_000), good(OTHER), good(OTHER, stop=150_000), good(OTHER))
    with pytest.raises(DownloadCorrupt):
        download(url, tmp_path / "set.tar", checksum=SHA, patience=QUICK)
    assert len(script.asked) == 4


def test_an_announced_size_that_is_not_the_known_one_is_refused_before_a_byte_is_read(
    serve: Serve, tmp_path: Path
) -> None:
    url, _ = serve(good())
    with pytest.raises(DownloadCorrupt, match=r"has 300,000 bytes where 299,999"):
        download(url, tmp_path / "set.tar", size=len(BODY) - 1, patience=QUICK)
    assert "set.tar" not in leftovers(tmp_path)


def test_a_quiet_end_is_no_end_where_the_size_is_known(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(good(honest=False, stop=70_000), good(honest=False))
    assert download(url, tmp_path / "set.tar", size=len(BODY), patience=QUICK).path.read_bytes() == BODY
    assert script.ranges == [None, "bytes=70000-"]


def test_more_than_the_known_size_is_not_written(serve: Serve, tmp_path: Path) -> None:
    url, _ = serve(good(honest=False))
    with pytest.raises(DownloadCorrupt, match="more came"):
        download(url, tmp_path / "set.tar", size=1000, patience=QUICK)
    assert leftovers(tmp_path) <= {"set.tar.lock"}


def test_a_length_that_promises_too_much_is_found_out(serve: Serve, tmp_path: Path) -> None:
    def boast(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(2 * len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY)

    url, _ = serve(boast)
    with pytest.raises(DownloadFailed):
        download(url, tmp_path / "set.tar", patience=QUICK)
    assert "set.tar" not in leftovers(tmp_path)


def test_a_break_after_the_last_byte_is_settled_by_the_refused_range(serve: Serve, tmp_path: Path) -> None:
    part, note = tmp_path / "set.tar.part", tmp_path / "set.tar.part.json"
    url, script = serve(good())
    part.write_bytes(BODY)
    note.write_text(f'{{"url": "{url}", "validator": "\\"one\\""}}')
    assert download(url, tmp_path / "set.tar", patience=QUICK).received == 0
    assert script.ranges == [f"bytes={len(BODY)}-"]


def test_a_part_longer_than_the_file_is_started_over(serve: Serve, tmp_path: Path) -> None:
    part, note = tmp_path / "set.tar.part", tmp_path / "set.tar.part.json"
    url, _ = serve(good())
    part.write_bytes(BODY + b"more")
    note.write_text(f'{{"url": "{url}", "validator": "\\"one\\""}}')
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY


@pytest.mark.parametrize("note", ["", "[]", '{"url": 3}', None])
def test_a_part_of_unknown_origin_is_started_over(serve: Serve, tmp_path: Path, note: str | None) -> None:
    (tmp_path / "set.tar.part").write_bytes(OTHER[:100_000])
    if note is not None:
        (tmp_path / "set.tar.part.json").write_text(note)
    url, _ = serve(good())
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY


def test_a_range_that_was_not_asked_for_is_not_taken(serve: Serve, tmp_path: Path) -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes 10-{len(BODY) - 1}/{len(BODY)}")
        handler.send_header("ETag", '"one"')
        handler.send_header("Content-Length", str(len(BODY) - 10))
        handler.end_headers()
        handler.wfile.write(BODY[10:])

    url, script = serve(good(stop=100_000), elsewhere, good())
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY
    assert script.ranges == [None, "bytes=100000-", None]


def test_a_busy_server_is_asked_again(serve: Serve, tmp_path: Path) -> None:
    url, script = serve(status(503, Retry_After="0"), status(429, Retry_After="0"), good())
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY
    assert len(script.asked) == 3


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_refusal_is_final(serve: Serve, tmp_path: Path, code: int) -> None:
    url, script = serve(status(code))
    with pytest.raises(DownloadFailed, match=str(code)):
        download(url, tmp_path / "set.tar", patience=QUICK)
    assert len(script.asked) == 1


def test_redirections_are_followed_and_circles_are_named(serve: Serve, tmp_path: Path) -> None:
    there, _ = serve(good())
    url, _ = serve(status(302, Location=there))
    assert download(url, tmp_path / "set.tar", patience=QUICK).path.read_bytes() == BODY
    circle, _ = serve(status(302, Location="/set.tar"))
    with pytest.raises(DownloadFailed, match="circle"):
        download(circle, tmp_path / "other.tar", patience=QUICK)


@pytest.mark.parametrize("url", ["ftp://example.org/a", "nonsense", "http://", "file:///etc/passwd"])
def test_what_is_no_http_address_is_said_so(tmp_path: Path, url: str) -> None:
    with pytest.raises(DownloadFailed):
        download(url, tmp_path / "a", patience=Patience(1, 0.0, 1.0))


def test_nobody_listening_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(DownloadFailed, match="connection failed") as caught:
        download("http://127.0.0.1:9/a", tmp_path / "a", patience=QUICK)
    assert "\n" not in str(caught.value)


def test_a_silent_server_is_given_up(serve: Serve, tmp_path: Path) -> None:
    enough = threading.Event()
    url, _ = serve(lambda _handler: enough.wait(10) and None)
    with pytest.raises(DownloadFailed, match="does not answer"):
        download(url, tmp_path / "a", patience=Patience(2, 0.0, 0.2))
    enough.set()


def test_a_disk_without_room_is_named_before_anything_comes(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = serve(good())
    usage = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage)
    with pytest.raises(DiskFull, match="no room"):
        download(url, tmp_path / "a", patience=QUICK)


def test_a_disk_that_fills_up_is_named(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    url, _ = serve(good())
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(DiskFull):
        download(url, tmp_path / "a", patience=QUICK)


def test_a_target_that_cannot_be_written_is_named(serve: Serve, tmp_path: Path) -> None:
    url, _ = serve(good())
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadFailed, match="cannot be written"):
        download(url, tmp_path / "file" / "set.tar", patience=QUICK)


@contextmanager
def held(place: Path) -> Iterator[None]:
    with place.open("wb") as stream:
        try_lock(stream.fileno(), alone=True)
        yield


def test_two_downloads_of_one_file_do_not_mix(serve: Serve, tmp_path: Path) -> None:
    url, _ = serve(good())
    with held(tmp_path / "set.tar.lock"), pytest.raises(DownloadFailed, match="another process"):
        download(url, tmp_path / "set.tar", patience=QUICK)
