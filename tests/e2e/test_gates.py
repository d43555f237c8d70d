"""The gate of `serve` and of `ui`, as processes: every test against both, from a hostile working folder."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from neardup_cli.web.server import HEADER_SECONDS
from tests.e2e.conftest import COMMAND, Proxy

if TYPE_CHECKING:
    from tests.e2e.conftest import Scanned

PATHS = {
    "serve": ("/", "/api/groups", "/preview?path=/x", "/metrics", "/openapi.json", "/nowhere"),
    "ui": ("/", "/_stcore/host-config", "/_stcore/health", "/media/x.webp", "/_stcore/metrics", "/nowhere"),
}
ACTS = {
    "serve": (("POST", "/api/apply"), ("POST", "/api/scan"), ("DELETE", "/api/decisions/1")),
    "ui": (("PUT", "/_stcore/upload_file/a/b"), ("DELETE", "/_stcore/upload_file/a/b"), ("POST", "/")),
}
STREAM = "/_stcore/stream"
SLACK = 4  # several programs on two cores
HOSTILE = """
[server]
enableCORS = false
enableXsrfProtection = false
address = "0.0.0.0"
[browser]
gatherUsageStats = true
serverAddress = "evil.example"
[theme]
font = "https://evil.example/font.css"
[secrets]
files = ["/etc/passwd"]
"""


@dataclass(frozen=True)
class Door:
    """A running command, and what there is to knock at."""

    name: str
    url: str
    token: str
    visited: list[str]

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://").rstrip("/")

    def ask(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask with headers, whose `_` stand for `-`, as somebody new."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with httpx.Client(base_url=self.url, trust_env=False, timeout=60) as client:
            return client.request(method, path, headers=named)

    @property
    def port(self) -> int:
        return int(self.host.rpartition(":")[2])

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def bearer(self) -> str:
        return f"Bearer {self.token}"


@pytest.fixture(scope="module", params=list(PATHS))
def door(
    request: pytest.FixtureRequest, scanned: Scanned, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """The command in a working folder that belongs to somebody hostile; a proxy notes whom it asks."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "config.toml").write_text(HOSTILE)
    (folder / ".streamlit" / "secrets.toml").write_text('a = "b"\n')
    visited: list[str] = []
    with Proxy(visited) as proxies:
        process = subprocess.Popen(
            [COMMAND, request.param, "--port", "0", "--token-file", folder / "token"],
            env=replace(scanned.neardup, environment=proxies).variables(),
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("neardup is at http://127.0.0.1:"), line
        url = line.split()[3]
        transport = httpx.HTTPTransport(retries=30)
        with httpx.Client(base_url=url, transport=transport, timeout=60, trust_env=False) as client:
            assert client.get("/healthz").status_code == 200
        try:
            yield Door(request.param, url, (folder / "token").read_text().strip(), visited)
        finally:
            process.terminate()
            said = process.communicate(timeout=60)[1]
    assert "Traceback" not in said
    assert visited == []


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.5", "", "[::1"])
def test_dns_rebinding(door: Door, host: str) -> None:
    for path in (*PATHS[door.name], "/healthz", "/static/x.js"):
        assert door.ask(path, Host=host, Authorization=door.bearer).status_code in (400, 403), path


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
    ],
)
def test_other_sites_can_do_nothing(door: Door, headers: dict[str, str]) -> None:
    for method, path in ACTS[door.name]:
        assert door.ask(path, method, Authorization=door.bearer, **headers).status_code == 403, path


def test_other_sites_cannot_read(door: Door) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
        for path in PATHS[door.name]:
            assert door.ask(path, Authorization=door.bearer, **headers).status_code == 403, path


def test_other_users_of_this_machine_get_nothing(door: Door) -> None:
    wrong = ("", f"Bearer {door.token}x", f"Bearer {door.token[:-1]}", f"Basic {door.token}", "Bearer")
    for path in PATHS[door.name]:
        for offered in wrong:
            assert door.ask(path, Authorization=offered).status_code == 401, path
    for method, path in ACTS[door.name]:
        assert door.ask(path, method).status_code == 401, path
    assert "Sign in" in door.ask("/").text


def test_who_has_the_token_comes_in(door: Door) -> None:
    own = {"Origin": door.url.rstrip("/"), "Sec_Fetch_Site": "same-origin"}
    assert door.ask("/", Authorization=door.bearer, **own).status_code == 200
    assert door.ask(PATHS[door.name][1], Authorization=door.bearer, **own).status_code in (200, 503)


def test_the_token_in_the_address_becomes_a_strict_cookie(door: Door) -> None:
    with httpx.Client(base_url=door.url, trust_env=False, timeout=60) as browser:
        assert browser.get("/", params={"token": "wrong"}).status_code == 401
        answer = browser.get("/", params={"token": door.token})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert door.token.lower() not in cookie
        assert browser.get("/").status_code == 200
        evil = {"Origin": "http://evil.example"}
        for method, path in ACTS[door.name]:
            assert browser.request(method, path, headers=evil).status_code == 403


def test_every_answer_says_what_a_browser_must_not_do(door: Door) -> None:
    for path in PATHS[door.name]:
        for headers in ({}, {"Authorization": door.bearer}, {"Host": "evil.example"}):
            answer = door.ask(path, **headers)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "http:" not in policy
            assert "https:" not in policy
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            assert "access-control-allow-origin" not in answer.headers


def speaks(door: Door, **headers: str) -> bool:
    """Return True if a WebSocket is accepted."""

    async def knock() -> bool:
        address = f"ws://{door.host}{STREAM}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        origin = named.pop("Origin", None)
        host = named.pop("Host", None)
        place = {} if host is None else dict(zip(("host", "port"), door.host.split(":"), strict=True))
        try:
            async with connect(
                address if host is None else f"ws://{host}{STREAM}",
                origin=origin,  # type: ignore[arg-type]
                additional_headers=named,
                subprotocols=["streamlit"],  # type: ignore[list-item]
                proxy=None,
                **place,  # type: ignore[arg-type]
            ):
                return True
        except (WebSocketException, OSError):
            return False

    return asyncio.run(knock())


def test_a_websocket_is_for_our_own_page_alone(door: Door) -> None:
    own = door.url.rstrip("/")
    assert speaks(door, Origin=own, Authorization=door.bearer) == (door.name == "ui")
    with httpx.Client(base_url=door.url, trust_env=False, timeout=60) as browser:
        browser.get("/", params={"token": door.token})
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
    assert speaks(door, Origin=own, Cookie=cookie) == (door.name == "ui")
    for wrong in (
        {"Origin": own},
        {},
        {"Origin": "http://evil.example", "Cookie": cookie},
        {"Origin": "http://localhost:1", "Cookie": cookie},
        {"Origin": own, "Cookie": cookie, "Sec_Fetch_Site": "cross-site"},
        {"Origin": own, "Cookie": cookie.replace("=", "=x", 1)},
        {"Origin": "http://evil.example", "Host": "evil.example", "Cookie": cookie},
        {"Host": "evil.example", "Authorization": door.bearer},
    ):
        assert not speaks(door, **wrong), wrong


def test_it_listens_on_this_machine_alone(door: Door) -> None:
    addresses = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    ours = {address for address in addresses if address.endswith(f":{door.port:04X}")}
    assert {address.partition(":")[0] for address in ours} == {"0100007F"}  # 127.0.0.1


def test_the_folder_has_no_say(door: Door) -> None:
    """Its protections stay, and nothing of its theme is told to the browser."""
    own = {"Origin": door.url.rstrip("/"), "Authorization": door.bearer}
    told = [door.ask(path, **own).text for path in PATHS[door.name]]
    assert not [text for text in told if "evil" in text]
    for path in PATHS[door.name]:  # no other site is told that it may
        answer = door.ask(path, "OPTIONS", Authorization=door.bearer, Access_Control_Request_Method="PUT")
        assert "access-control-allow-origin" not in answer.headers
    if door.name == "ui":  # Streamlit's own check, which the folder turns off
        assert door.ask("/_stcore/upload_file/a/b", "PUT", **own).status_code == 403


def test_a_ticket_or_a_cookie_of_elsewhere_opens_nothing(door: Door) -> None:
    for path in PATHS[door.name]:
        for name in ("neardup", "neardup_1", f"neardup_{door.port}"):
            assert door.ask(path, Cookie=f"{name}={door.token}").status_code == 401, path
        if path != "/":
            assert door.ask(f"{path}{'&' if '?' in path else '?'}token={door.token}").status_code == 401, path


BEGUN = (
    b"",
    b"GET /api/groups HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    b"GET /_stcore/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
    b"POST /api/apply HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n\r\n{",
)


def test_half_requests_do_not_keep_health_waiting(door: Door) -> None:
    """Nor does what is beyond the first thousand: who has been silent for longest makes room."""
    held: list[socket.socket] = []
    taken: list[float] = []
    try:
        for number in range(1_100):
            held.append(socket.create_connection(door.address, timeout=30))
            with contextlib.suppress(OSError):
                held[-1].sendall(BEGUN[number % len(BEGUN)])
            if number % 50 == 49:
                asked = time.monotonic()
                assert healthy(door)
                taken.append(time.monotonic() - asked)
    finally:
        for one in held:
            one.close()
    assert median(taken) < 0.5, taken
    assert max(taken) < 0.5 * SLACK, taken


def healthy(door: Door) -> bool:
    """Ask as a balancer does: a connection, a request, an answer."""
    with socket.create_connection(door.address, timeout=30) as asking:
        asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return asking.recv(100).startswith(b"HTTP/1.1 200 ")


def test_what_is_never_whole_is_ended(door: Door) -> None:
    """A byte now and then makes no request; and a body of somebody unknown is not waited for."""
    _, path = ACTS[door.name][0]
    body = f"POST {path} HTTP/1.1\r\nHost: {door.host}\r\nContent-Length: 1000000\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(door.address, 60)) for _ in range(3)]
        for one, begun in zip(slow, (*BEGUN[1:3], body), strict=True):
            one.sendall(begun)
        assert slow[-1].recv(1000).split()[1] == b"401"
        ended = seconds_until_they_end(slow)
    assert len(ended) == len(slow)
    assert all(HEADER_SECONDS - 2 < seconds < HEADER_SECONDS + 5 for seconds in ended.values()), ended


def seconds_until_they_end(slow: Sequence[socket.socket]) -> dict[int, float]:
    """Send a byte to each now and then; return when each is ended."""
    began, ended = time.monotonic(), dict[int, float]()
    while len(ended) < len(slow) and (now := time.monotonic() - began) < 2 * HEADER_SECONDS:
        for number, one in enumerate(slow):
            if number not in ended and is_ended(one):
                ended[number] = now
        time.sleep(0.5)
    return ended


def is_ended(slow: socket.socket) -> bool:
    slow.setblocking(False)
    try:
        slow.sendall(b"X")
        while slow.recv(1000):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("header", [b"X: " + b"a" * (1 << 20), b"X: y\r\n" * 200_000], ids=["long", "many"])
@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"GET /_stcore/stream HTTP/1.1\r\nUpgrade: websocket"])
def test_a_flood_of_headers_is_refused(door: Door, line: bytes, header: bytes) -> None:
    with socket.create_connection(door.address, timeout=30) as flood:
        with contextlib.suppress(OSError):
            flood.sendall(line + b"\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n" + header)
        answer = b""
        with contextlib.suppress(OSError):
            answer = flood.recv(100)
        assert answer == b"" or answer.split()[1] in (b"400", b"431")
    assert healthy(door)
