"""What may come in: bodies of bounded size, in bounded time, and not too many uploads at once."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neardup_cli.web.options import Limits
from neardup_cli.web.problems import problem

UPLOAD_PATH = "/api/detect"
_GRACE_SECONDS = 5.0

# What is wrong with a form is said to whoever sent it; without a handler it would be on stderr, too.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())
_FORM_BYTES = 1 << 16  # what a form adds to its file


class Intake:
    """ASGI middleware: bounds what a request's body may cost before anything looks at it.

    An upload beyond those that are worked on waits unread: the client's socket fills, not our memory.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._places = asyncio.Semaphore(limits.uploads_at_once)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its body watched."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["path"] == UPLOAD_PATH
        limit = self._limits.upload_bytes + _FORM_BYTES if upload else self._limits.body_bytes
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared) > limit:
            await _too_large(limit)(scope, receive, send)
        elif upload and self._waiting >= self._limits.uploads_waiting:
            busy = "too many uploads at once: try again"
            answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, busy, {"Retry-After": "2"})
            await answer(scope, receive, send)
        elif upload:
            self._waiting += 1
            try:
                await self._places.acquire()
            finally:
                self._waiting -= 1
            try:
                await self._app(scope, self._watched(receive, limit), send)
            finally:
                self._places.release()
        else:
            await self._app(scope, self._watched(receive, limit), send)

    def _watched(self, receive: Receive, limit: int) -> Receive:
        """Return a `receive` that ends a body which is too large or too slow."""
        clock = asyncio.get_running_loop().time
        started = clock()
        deadline = started + self._limits.upload_seconds
        received, complete = 0, False

        async def watched() -> Message:
            nonlocal received, complete
            if complete:  # what comes now is the end of the connection, whenever that is
                return await receive()
            try:
                # The next byte is due when what has come would be too little for the time that it took.
                due = started + _GRACE_SECONDS + received / self._limits.body_rate
                async with asyncio.timeout_at(min(deadline, due)):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, "the upload took too long") from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large_message(limit))
            return message

        return watched


def _too_large(limit: int) -> ASGIApp:
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _too_large_message(limit), {"Connection": "close"})


def _too_large_message(limit: int) -> str:
    return f"the request is larger than {limit / 1e6:,.1f} MB"
