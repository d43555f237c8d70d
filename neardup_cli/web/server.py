"""Running an application on a socket, so that no client holds it up: connections and headers are bounded.

uvicorn bounds neither how many connections there are nor how long one may take to say what it wants. A
thousand half requests would take every file that the process may open, and `/healthz` with them.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from neardup_cli.system.limits import Limit, allow_at_least
from neardup_cli.web.memory import return_large_blocks

MOST_CONNECTIONS = 400
HEADER_SECONDS = 10.0
_FILES = 2048
_HEAD_BYTES = 1 << 19  # two paths, percent-encoded, fit into the address of a request
_MOST_LINES = 200
_END_OF_HEAD = b"\r\n\r\n"
_GRACE_SECONDS = 5
_SWITCH_SECONDS = 0.001  # after which who answers requests gets Python's lock from who looks images up


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 whose clients have to say what they want soon, or make room for others.

    Beyond `MOST_CONNECTIONS` the one that has been silent for longest goes, so that there is always room for
    one who asks.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._lines, self._before = 0, b""
        self._patience: asyncio.TimerHandle | None = None
        self._waits_since = 0.0
        self._watch()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take bytes; while they make no whole request, time goes on."""
        if self.waits and self._has_too_many_lines(data):
            self.send_400_response("Too many headers.")
            return
        super().data_received(data)
        self._watch()

    def _has_too_many_lines(self, data: bytes) -> bool:
        """Count the lines of a request's head: parsing a hundred thousand would hold up everybody."""
        head, end, _ = (self._before + data).partition(_END_OF_HEAD)
        self._lines += head.count(b"\n", len(self._before))
        self._before = b"" if end else head[1 - len(_END_OF_HEAD) :]
        too_many = self._lines > _MOST_LINES
        if end:
            self._lines = 0
        return too_many

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the middle of a body too; whoever works on that request is told to stop.

        uvicorn would let it answer as well, on a connection that is done, and put the traceback into the log.
        """
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn itself ends a connection on which none begins."""
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop()
        super().connection_lost(exc)

    @property
    def waits(self) -> bool:
        """Whether no request is being worked on."""
        return self.cycle is None or self.cycle.response_complete

    def _watch(self) -> None:
        # A connection that is a WebSocket now has another protocol.
        if self not in self.connections or self.transport.is_closing() or not self.waits:
            self._stop()
        elif self._patience is None:
            self._waits_since = self.loop.time()
            self._patience = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        # `their_state` is SEND_BODY once the headers are there; then `Intake` bounds the rest.
        if self.waits and self.conn.their_state in (h11.IDLE, h11.SEND_BODY, h11.DONE):
            self.transport.abort()

    def _make_room(self) -> None:
        others: list[Any] = [one for one in self.connections if getattr(one, "waits", False)]
        if others:
            min(others, key=lambda one: one._waits_since).transport.abort()


def serve_on(app: ASGIApp, listening: socket.socket) -> None:
    """Serve until the process is told to end.

    Raises:
        KeyboardInterrupt: the user has told it.
    """
    _allow_files()
    return_large_blocks()
    sys.setswitchinterval(_SWITCH_SECONDS)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        http=BoundedProtocol,
        h11_max_incomplete_event_size=_HEAD_BYTES,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        backlog=128,
    )
    uvicorn.Server(config).run(sockets=[listening])


def _allow_files() -> None:
    """Let the process open more files than connections alone may take, where the system lets it."""
    with suppress(ValueError, OSError):
        allow_at_least(Limit.FILES, _FILES)
