"""Who may ask, and what every answer carries: Host, Origin, token; headers that a browser obeys.

A server on the loopback address is within reach of every web page that its user opens. A page of another
origin must neither make it act (CSRF: Origin and Sec-Fetch-Site), nor read from it under a name of its own
that resolves to 127.0.0.1 (DNS rebinding: Host). And within reach of every other user and program of this
machine, who know neither token nor ticket.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neardup_cli.web.options import Access
from neardup_cli.web.problems import problem
from neardup_cli.web.tokens import Tokens, same

COOKIE = "neardup"
_HOST = re.compile(r"(?:\[(?P<address>[\w.:%-]+)\]|(?P<name>[\w.-]+))(?::\d{0,5})?", re.ASCII)
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_OWN_PAGES = {"same-origin", "none"}  # `none`: typed, or opened from a bookmark

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

_SIGN_IN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in · neardup</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css"></head><body>
<main class="signin"><h1>neardup</h1><p>Open the address that the command printed last, which works once,
or enter the token. Signed in already? <a href="/">Open the page.</a></p>{wrong}
<form method="get" action="/"><label>Token
<input name="token" type="password" autocomplete="current-password" autofocus required></label>
<button class="main">Sign in</button></form></main></body></html>"""
_WRONG = '<p class="warning" role="alert">That is not the token.</p>'

# A redirect belongs to whoever led the browser here, and takes no strict cookie along; our page's link does.
_WELCOME = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>neardup</title>
<meta http-equiv="refresh" content="0; url=/"></head><body><a href="/">neardup</a></body></html>"""


class Gate:
    """ASGI middleware: lets in whom `Access` admits, and puts the security headers on every answer.

    Args:
        app: what is behind it.
        access: whom to admit.
        headers: what an answer carries that does not say so itself.
        websockets: whether what is behind it speaks WebSocket.
    """

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        headers: Mapping[str, str] = HEADERS,
        *,
        websockets: bool = False,
    ) -> None:
        self._app = app
        self._access = access
        self._headers = headers
        self._websockets = websockets
        self._names = {"localhost", *(name.lower() for name in access.names)}
        if not access.loopback:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            if self._websockets and self._refusal(scope) is None and self._may_speak(scope):
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self._signing_in(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that comes from another site, None if it does not."""
        headers, safe = Headers(scope=scope), scope.get("method") in _SAFE_METHODS
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.answers_to(hosts[0]):
            return problem(
                HTTPStatus.FORBIDDEN, "this server does not go by that name: see `neardup serve --allow-host`"
            )
        origin = headers.get("origin")
        if origin is not None and origin != "null":
            foreign = origin.partition("://")[2].lower() != hosts[0].lower()
        else:
            foreign = origin == "null" and not safe
        site = headers.get("sec-fetch-site", "none")
        visit = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
        if foreign or (site not in _OWN_PAGES and not (visit and safe)):
            return problem(HTTPStatus.FORBIDDEN, "requests of other sites are not answered")
        return None

    def answers_to(self, host: str) -> bool:
        """Return True if a Host header names this server.

        Beyond loopback every address will do: DNS rebinding needs a name.
        """
        if (match := _HOST.fullmatch(host)) is None:
            return False
        name = (match["address"] or match["name"]).lower().rstrip(".")
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._access.loopback

    def _may_speak(self, scope: Scope) -> bool:
        """Return True if a WebSocket may be opened: by our own page, with the cookie, or with the token."""
        tokens = self._access.tokens
        return tokens is None or _is_known(scope, tokens)

    def _signing_in(self, scope: Scope) -> Response | None:
        """Return the answer to a request of somebody unknown, None if it may pass."""
        tokens, path = self._access.tokens, scope["path"]
        if tokens is None or path == "/healthz" or path.startswith("/static/") or _is_known(scope, tokens):
            return None
        if path != "/":
            return problem(
                HTTPStatus.UNAUTHORIZED,
                "a token is needed: Authorization: Bearer …",
                {"WWW-Authenticate": "Bearer"},
            )
        offered = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        # Whoever only asks what there is (a preview of a link) must not use a ticket up.
        if scope["method"] != "GET" or not offered or not tokens.opens(offered):
            page = _SIGN_IN.format(wrong=_WRONG if offered else "")
            return HTMLResponse(page, HTTPStatus.UNAUTHORIZED, {"Cache-Control": "no-store"})
        return _welcome(scope, tokens)


def _is_known(scope: Scope, tokens: Tokens) -> bool:
    headers = Headers(scope=scope)
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    cookie = cookie_parser(headers.get("cookie", "")).get(_cookie_name(headers), "")
    return (scheme.lower() == "bearer" and same(bearer, tokens.token)) or same(cookie, tokens.session)


def _welcome(scope: Scope, tokens: Tokens) -> Response:
    """Give the cookie, and lead to the page without the ticket in its address."""
    headers = Headers(scope=scope)
    answer: Response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    if headers.get("sec-fetch-site", "none") not in _OWN_PAGES:
        answer = HTMLResponse(_WELCOME)
    answer.headers["Cache-Control"] = "no-store"
    secure = scope["scheme"] == "https"
    answer.set_cookie(
        _cookie_name(headers), tokens.session, httponly=True, samesite="strict", secure=secure, path="/"
    )
    return answer


def _cookie_name(headers: Headers) -> str:
    """Return a name with the port in it: browsers keep one jar for all ports of a host."""
    port = headers.get("host", "").rpartition(":")[2]
    return f"{COOKIE}_{port if port.isdecimal() else 80}"
