"""Who may ask, and what every answer carries: Host, Origin, token; headers that a browser obeys.

A server on the loopback address is within reach of every web page that its user opens. A page of another
origin must neither make it act (CSRF: Origin and Sec-Fetch-Site), nor read from it under a name of its own
that resolves to 127.0.0.1 (DNS rebinding: Host).
"""

from __future__ import annotations

import hmac
import ipaddress
import socket
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from neardup_cli.web.options import Access
from neardup_cli.web.problems import problem

COOKIE = "neardup_token"
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
<main class="signin"><h1>neardup</h1><p>Open the address that <code>neardup serve</code> printed,
or enter its token.</p>{wrong}<form method="get" action="/"><label>Token
<input name="token" type="password" autocomplete="current-password" autofocus required></label>
<button class="main">Sign in</button></form></main></body></html>"""
_WRONG = '<p class="warning" role="alert">That is not the token.</p>'


class Gate:
    """ASGI middleware: lets in whom `Access` admits, and puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access
        self._names = {"localhost", *(name.lower() for name in access.names)}
        if not access.loopback:
            self._names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self._signing_in(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that comes from another site, None if it does not."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self.answers_to(hosts[0]):
            return problem(
                HTTPStatus.FORBIDDEN, "this server does not go by that name: see `neardup serve --allow-host`"
            )
        origin = headers.get("origin")
        if origin is not None and origin != "null":
            foreign = urlsplit(origin).netloc.lower() != hosts[0].lower()
        else:
            foreign = origin == "null" and scope["method"] not in _SAFE_METHODS
        site = headers.get("sec-fetch-site", "none")
        visit = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
        if foreign or (site not in _OWN_PAGES and not (visit and scope["method"] in _SAFE_METHODS)):
            return problem(HTTPStatus.FORBIDDEN, "requests of other sites are not answered")
        return None

    def answers_to(self, host: str) -> bool:
        """Say whether a Host header names this server.

        Beyond loopback every address will do: DNS rebinding needs a name.
        """
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self._names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self._access.loopback

    def _signing_in(self, scope: Scope) -> Response | None:
        """Return the answer to a request without the token, None if it may pass."""
        token, path = self._access.token, scope["path"]
        if token is None or path == "/healthz" or path.startswith("/static/"):
            return None
        headers = Headers(scope=scope)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        if (scheme.lower() == "bearer" and _same(bearer, token)) or _same(cookie, token):
            return None
        offered = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if path == "/" and _same(offered, token):
            answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
            answer.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=scope["scheme"] == "https")
            return answer
        if path == "/":
            page = _SIGN_IN.format(wrong=_WRONG if offered else "")
            return HTMLResponse(page, HTTPStatus.UNAUTHORIZED)
        return problem(
            HTTPStatus.UNAUTHORIZED,
            "a token is needed: Authorization: Bearer …",
            {"WWW-Authenticate": "Bearer"},
        )


def _same(offered: str, token: str) -> bool:
    """Compare without telling by the time it takes how much was right."""
    return hmac.compare_digest(offered.encode("utf-8", "surrogateescape"), token.encode())
