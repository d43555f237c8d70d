"""Who is let in: Host, Origin, token; and what every answer carries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from neardup_cli.web.gate import COOKIE, HEADERS, Gate
from neardup_cli.web.options import Access
from neardup_cli.web.tokens import Tokens

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve

TOKEN = "a-token-of-some-length"
TOKENS = Tokens(TOKEN)


async def nothing(*_: object) -> None:
    """An application that is never asked."""


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8420",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.9.9.9",
        "[::1]",
        "[::1]:8420",
        "LOCALHOST",
        "localhost.",
    ],
)
def test_loopback_answers_to_its_own_names(host: str) -> None:
    assert Gate(nothing, Access()).answers_to(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.1.5", "0.0.0.0", "",
        ":8420", "[::1", "localhost:x@evil.example", "user@evil.example", "evil.example#localhost",
        "2130706433", "0x7f.1", "127.1", "127.0.0\t.1", "local\nhost", " localhost", "localhost\x85",
        "127.0.0.1?", "127.0.0.1/x", "localhost#", "localhost\\", "localhost:8420:1", "localhost:x",
    ],
)  # fmt: skip
def test_loopback_answers_to_no_other(host: str) -> None:
    assert not Gate(nothing, Access()).answers_to(host)


def test_beyond_loopback_addresses_and_allowed_names_will_do() -> None:
    gate = Gate(nothing, Access(loopback=False, tokens=Tokens(TOKEN), names=frozenset({"Photos.lan"})))
    assert gate.answers_to("192.168.1.5:8420")
    assert gate.answers_to("photos.lan:8420")
    assert not gate.answers_to("evil.example")


@pytest.mark.parametrize("path", ["/", "/api/groups", "/healthz", "/static/main.js", "/metrics", "/nowhere"])
def test_dns_rebinding(running: Running, path: str) -> None:
    answer = running.client.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 403
    assert answer.json()["error"] == "forbidden"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": "x"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_other_sites_can_do_nothing(running: Running, headers: dict[str, str]) -> None:
    for method, path in (
        ("POST", "/api/decisions"), ("POST", "/api/apply"), ("POST", "/api/undo"), ("POST", "/api/scan"),
        ("DELETE", "/api/decisions/1"), ("POST", "/api/detect"), ("POST", "/api/plan"),
    ):  # fmt: skip
        assert running.client.request(method, path, headers=headers, json={}).status_code == 403


def test_other_sites_cannot_read(running: Running) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/api/groups", "/preview?path=/x", "/api/stats"):
            assert running.client.get(path, headers=headers).status_code == 403
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert running.client.get("/", headers=linked).status_code == 200  # a link to the page may be followed


def test_the_page_itself_may(running: Running) -> None:
    own = {"Origin": running.url, "Sec-Fetch-Site": "same-origin"}
    assert running.client.get("/api/groups", headers=own).status_code == 200
    assert running.client.post("/api/plan", headers=own, json={"confident": True}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/groups", "/nowhere", "/static/style.css", "/api/groups/x", "/metrics"]
)
def test_every_answer_carries_the_headers(running: Running, path: str) -> None:
    answer = running.client.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "server" not in answer.headers or "uvicorn" in answer.headers["server"]
    assert "access-control-allow-origin" not in answer.headers


def test_the_policy_allows_no_inline_script() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy


def test_the_page_asks_no_other_host(running: Running) -> None:
    from neardup_cli.web.routes.page import STATIC

    for file in Path(STATIC).iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text.replace('"file://"', ""), file.name
        assert "innerHTML" not in text, file.name
        assert " style=" not in text, file.name
    assert "<script>" not in running.client.get("/").text


@pytest.fixture
def guarded(start: Serve, scanned_photos: Path) -> Running:
    return start(scanned_photos, access=Access(tokens=TOKENS))


def test_without_the_token_nothing(guarded: Running) -> None:
    for path in ("/api/groups", "/preview?path=/x", "/metrics", "/openapi.json", "/api/stats", "/nowhere"):
        answer = guarded.client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (401, "token_needed")
    assert guarded.client.post("/api/scan", json={}).status_code == 401
    page = guarded.client.get("/")
    assert page.status_code == 401
    assert "token" in page.text
    assert guarded.client.get("/healthz").json() == {"status": "ok"}


def test_the_token_as_a_header(guarded: Running) -> None:
    assert guarded.client.get("/api/groups", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for wrong in (f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer", f"Basic {TOKEN}", "Bearer \u00e9"):
        answer = guarded.client.get("/api/groups", headers={b"Authorization": wrong.encode()})
        assert answer.status_code == 401


def test_the_token_in_the_address_becomes_a_cookie(guarded: Running) -> None:
    with httpx.Client(base_url=guarded.url, trust_env=False) as browser:
        assert "That is not the token" not in browser.get("/").text
        refused = browser.get("/", params={"token": "wrong"})
        assert refused.status_code == 401
        assert "That is not the token" in refused.text
        answer = browser.get("/", params={"token": TOKEN})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}_{guarded.port}=")  # browsers keep one jar for all ports of a host
        assert "httponly" in cookie.lower()
        assert "samesite=strict" in cookie.lower()
        assert TOKEN not in cookie
        assert answer.headers["cache-control"] == "no-store"
        assert browser.get("/").status_code == 200
        assert browser.get("/api/groups").status_code == 200
        # The cookie is no licence for other sites.
        refused = browser.post("/api/scan", json={}, headers={"Origin": "http://evil.example"})
        assert refused.status_code == 403


def test_a_ticket_opens_the_page_once(guarded: Running) -> None:
    told: list[str] = []
    TOKENS.on_used = told.append
    ticket = TOKENS.ticket
    for _ in range(2):  # whoever only looks what is there uses nothing up
        assert guarded.client.head("/", params={"token": ticket}).status_code == 401
        assert guarded.client.get("/api/groups", params={"token": ticket}).status_code == 401
    with httpx.Client(base_url=guarded.url, trust_env=False) as browser:
        assert browser.get("/", params={"token": ticket}).status_code == 303
        assert browser.get("/api/groups").status_code == 200
        assert ticket not in str(browser.cookies.jar)
    with httpx.Client(base_url=guarded.url, trust_env=False) as somebody_else:
        assert somebody_else.get("/", params={"token": ticket}).status_code == 401
        assert somebody_else.get("/api/groups").status_code == 401
        assert somebody_else.get("/", params={"token": TOKENS.ticket}).status_code == 303
    assert told == [told[0], TOKENS.ticket]
    for unused in (ticket, TOKENS.ticket):
        bearer = {"Authorization": f"Bearer {unused}"}
        assert guarded.client.get("/api/groups", headers=bearer).status_code == 401


def test_who_comes_by_a_link_is_led_on_by_a_page_of_ours(guarded: Running) -> None:
    """A strict cookie does not go with the redirect of a visit that another page began."""
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = guarded.client.get("/", params={"token": TOKENS.ticket}, headers=linked)
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0; url=/"' in answer.text
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    guarded.client.cookies.clear()


def test_a_cookie_of_another_port_or_server_opens_nothing(guarded: Running) -> None:
    for name in (COOKIE, f"{COOKIE}_1", f"{COOKIE}_{guarded.port}"):
        cookie = {"Cookie": f"{name}={TOKEN}"}
        assert guarded.client.get("/api/groups", headers=cookie).status_code == 401


def test_a_token_in_the_address_opens_nothing_but_the_page(guarded: Running) -> None:
    assert guarded.client.get("/api/groups", params={"token": TOKEN}).status_code == 401
