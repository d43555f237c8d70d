"""Requests as bytes on a socket, to `serve` behind its gate: nobody gets in who does not hold the token."""

from __future__ import annotations

import logging
import random
import re
import socket
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from neardup_cli.web.app import create_app
from neardup_cli.web.options import Access
from neardup_cli.web.server import BoundedProtocol
from neardup_cli.web.tokens import Tokens
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.targets.upload import nested, options, scanned_folder

TOKEN = "fuzz-token-0123456789"
_OPEN = ("/healthz", "/static/")
_OWN_HOST = re.compile(
    rb"^host\s*:\s*(127\.[\d.]+|localhost\.?|\[::1\])(:\d*)?\s*\r?$", re.IGNORECASE | re.MULTILINE
)
_WORDS = (
    b"GET", b"POST", b"HEAD", b"OPTIONS", b"CONNECT", b"PUT", b" / ", b"/api/groups", b"/api/detect",
    b"/healthz", b"/static/x", b"//",
    b"/../", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"Host: 127.0.0.1", b"Host: evil.example",
    b"Host: 127.0.0.1.evil.example",
    b"Origin: http://evil.example", b"Origin: null", b"Origin: http://[", b"Cookie: \xff=;;",
    b"Authorization: Bearer ", b"Cookie: neardup_80=", b"Sec-Fetch-Site: cross-site",
    b"Content-Length: 5", b"Content-Length: 99999999999", b"Content-Length: -1",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: x",
    b"Upgrade: websocket", b"Connection: Upgrade", b"Expect: 100-continue", b"\r\n", b"\n", b"\r", b"\0",
    b"\t", b" ", b":", b"%00", b"%2f",
    b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"?token=", b"*", b"http://evil.example/", b"X: " + b"a" * 9000,
    b"\r\nX: y" * 300,
)  # fmt: skip


def _request(method: bytes, path: bytes, *lines: bytes, body: bytes = b"") -> bytes:
    head = b"\r\n".join((method + b" " + path + b" HTTP/1.1", b"Host: 127.0.0.1", *lines))
    return head + (b"\r\nContent-Length: %d" % len(body) if body else b"") + b"\r\n\r\n" + body


def _word(data: bytes, chance: random.Random) -> bytes:
    """Put a word of the protocol somewhere, in the place of another one or between two."""
    word = chance.choice(_WORDS)
    old = chance.choice(_WORDS)
    if (at := data.find(old)) >= 0 and chance.random() < 0.7:
        return data[:at] + word + data[at + len(old) :]
    at = chance.randrange(len(data) + 1)
    return data[:at] + word + data[at:]


class _Inside:
    """ASGI middleware behind the gate: notes what came through."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app, self._seen = app, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            self._seen.append(scope["path"])
        await self._app(scope, receive, send)


class Requests:
    """See above."""

    name = "request"
    seconds = 10.0
    inputs_a_child = 500

    def seeds(self) -> Sequence[bytes]:
        """Return sound requests of somebody known and of somebody unknown, and hostile ones."""
        bearer = b"Authorization: Bearer " + TOKEN.encode()
        kind, _, body = nested(3).partition(b"\n")
        socket_lines = (
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )
        return [
            _request(b"GET", b"/healthz"),
            _request(b"GET", b"/"),
            _request(b"GET", b"/?token=wrong"),
            _request(b"GET", b"/api/groups"),
            _request(b"GET", b"/api/groups", b"Origin: http://127.0.0.1"),
            _request(b"GET", b"/_stcore/stream", *socket_lines),
            _request(b"POST", b"/api/apply", b"Content-Type: application/json", body=b"{}"),
            _request(b"GET", b"/api/groups", bearer),
            _request(b"GET", b"/preview?path=/etc/passwd", bearer),
            _request(b"GET", b"/api/compare?a=%2fx&b=%00", bearer),
            _request(
                b"POST", b"/api/plan", bearer, b"Content-Type: application/json", body=b'{"confident": true}'
            ),
            _request(b"POST", b"/api/decisions", bearer, body=b'{"ruling": "keep", "paths": ["/x"]}'),
            _request(b"POST", b"/api/detect", bearer, b"Content-Type: " + kind, body=body),
            _request(b"POST", b"/api/detect", bearer, b"Transfer-Encoding: chunked")
            + b"3\r\nabc\r\n0\r\n\r\n",
            _request(b"DELETE", b"/api/decisions/1", bearer, b"Origin: http://127.0.0.1"),
        ]

    def mutators(self) -> Sequence[Mutator]:
        """Return the one that knows the protocol."""
        return (_word, _word, _word)

    def prepare(self) -> None:
        """Start the server on a socket."""
        self._seen: list[str] = []
        folder = Path(tempfile.mkdtemp())
        served = replace(options(), access=Access(tokens=Tokens(TOKEN)))
        app = create_app(scanned_folder(folder), served)
        app.user_middleware.append(Middleware(_Inside, seen=self._seen))
        listening = socket.create_server(("127.0.0.1", 0))
        self._port = listening.getsockname()[1]
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            http=BoundedProtocol,
            h11_max_incomplete_event_size=1 << 19,
        )
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
        while not server.started:
            time.sleep(0.01)
        app.state.service.board.wait(60)
        self._failed: list[str] = []
        for name in ("neardup.web", "uvicorn.error"):
            logging.getLogger(name).addHandler(_Failing(self._failed))

    def check(self, data: bytes) -> str:
        """Send a request; whoever does not hold the token, or names another host, gets nowhere."""
        self._seen.clear()
        answer = self._sent(data)
        status = answer[9:12].decode("latin-1") if answer.startswith(b"HTTP/1.") else "closed"
        inner = [path for path in self._seen if not path.startswith(_OPEN)]
        if inner and TOKEN.encode() not in data:
            raise WrongAnswer(f"somebody unknown has got in: {inner}")
        if self._seen and not _OWN_HOST.search(data.partition(b"\r\n\r\n")[0] + b"\r\n"):
            raise WrongAnswer(f"another host is answered: {self._seen}")
        if status == "500" or self._failed:
            failed = "\n".join(self._failed)
            self._failed.clear()
            raise WrongAnswer(f"the server failed: {status} {failed}")
        if not self._sent(_request(b"GET", b"/healthz")).endswith(b'{"status":"ok"}'):
            raise WrongAnswer("the server is not well afterwards")
        return status

    def _sent(self, data: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self._port), timeout=5) as sending:
            try:
                sending.sendall(data)
                sending.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: sending.recv(1 << 16), b""))
            except OSError:
                return b""


class _Failing(logging.Handler):
    """Notes what has a traceback."""

    def __init__(self, noted: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._noted = noted

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._noted.append(self.format(record))


TARGET = Requests()
