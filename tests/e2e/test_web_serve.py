"""`neardup serve`, and `ui` by the same doors, as processes: what they say and refuse, how they end."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import httpx
import pytest

from neardup_cli.installation import install_command
from tests.e2e.conftest import COMMAND

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup, Scanned


TOKEN = "correct-horse-battery"
INSIDE = {"serve": "/api/decisions", "ui": "/_stcore/host-config"}
BOTH = pytest.mark.parametrize("command", list(INSIDE))


@contextmanager
def serving(neardup: Neardup, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve until the end of the block, as a service does; gives the address that was printed."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", *options],
        env=neardup.variables(),
        cwd=neardup.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert line.startswith("neardup is at http://"), line + process.stderr.read()
        assert " (Ctrl-C stops it)" in line
        assert "token=" not in line
        yield line.split()[3], process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()


@contextmanager
def on_a_terminal(neardup: Neardup, command: str) -> Iterator[Iterator[str]]:
    """Serve with a terminal for stderr until the end of the block; gives the lines that appear on it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [COMMAND, command, "--port", "0"], env=neardup.variables(), cwd=neardup.home, stderr=theirs
    )
    os.close(theirs)
    with open(ours, encoding="utf-8", newline="\n") as terminal:
        try:
            yield iter(terminal.readline, "")
        finally:
            process.terminate()
            process.wait(30)


def client(url: str, token: str | None = None) -> httpx.Client:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    transport = httpx.HTTPTransport(retries=20)
    return httpx.Client(base_url=url, transport=transport, timeout=60, headers=headers)


def test_it_says_where_it_is_and_ends_on_ctrl_c(scanned: Scanned) -> None:
    with serving(scanned.neardup, "--token", TOKEN) as (url, process):
        assert url.startswith("http://127.0.0.1:")
        with client(url, TOKEN) as asked:
            assert asked.get("/healthz").json() == {"status": "ok"}
            assert "neardup" in asked.get("/").text
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, "")
        assert said == "stopped\n"


def test_every_interface_demands_a_token(scanned: Scanned, tmp_path: Path) -> None:
    file = tmp_path / "token"
    with serving(scanned.neardup, "--host", "0.0.0.0", "--token-file", str(file)) as (url, _):
        here = url.replace("0.0.0.0", "127.0.0.1")
        with client(here) as nobody:
            assert nobody.get("/api/decisions").status_code == 401
        with client(here, file.read_text().strip()) as asked:
            assert asked.get("/api/decisions").status_code == 200


def test_this_machine_alone_demands_a_token_too(scanned: Scanned, tmp_path: Path) -> None:
    """Every other user of the machine reaches it as well. What only logs read names a file, and no token."""
    with serving(replace(scanned.neardup, environment={"XDG_STATE_HOME": str(tmp_path)})) as (url, _):
        (file,) = tmp_path.rglob("token-*")
        assert file.name == f"token-{httpx.URL(url).port}"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        token = file.read_text().strip()
        assert len(token) >= 24
        with client(url) as nobody:
            for path in ("/api/decisions", "/api/groups", "/preview?path=/x", "/metrics", "/"):
                assert nobody.get(path).status_code == 401
        with client(url, token) as asked:
            assert asked.get("/api/decisions").status_code == 200
    assert not file.exists()


@BOTH
def test_on_a_terminal_the_address_opens_the_page_once(scanned: Scanned, command: str) -> None:
    with on_a_terminal(scanned.neardup, command) as lines:
        line = next(lines)
        assert line.startswith("neardup is at http://127.0.0.1:")
        address = httpx.URL(line.split()[3])
        home = address.copy_with(query=None)
        with client(str(home)) as browser:
            assert browser.get(address).status_code == 303
            assert browser.get(home).status_code == 200
        with client(str(home)) as somebody_else:
            assert somebody_else.get(address).status_code == 401
            # A terminal of 80 columns breaks lines, but never an address.
            said = ""
            while "browser: http://127.0.0.1:" not in said:
                said += next(lines).strip() + " "
            assert "to open it in another browser: " in said
            assert somebody_else.get(said.split()[-1]).status_code == 303


def test_the_browser_is_led_there_by_a_file(scanned: Scanned, tmp_path: Path) -> None:
    """A command line is there for every user of the machine to read, and has no ticket in it."""
    noted, browser = tmp_path / "noted", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {noted}.part && mv {noted}.part {noted}\n')
    browser.chmod(0o700)
    environment = {"BROWSER": str(browser), "XDG_STATE_HOME": str(tmp_path)}
    with serving(replace(scanned.neardup, environment=environment), "--open") as (url, _):
        deadline = time.monotonic() + 30
        while not noted.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        asked = noted.read_text().strip()
        assert asked.startswith("file:///")
        assert "token=" not in asked
        page = Path(url_path(asked))
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        address = re.findall(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+", page.read_text())[0]
        linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        with client(url) as visitor:
            assert visitor.get(address, headers=linked).status_code == 200
            assert visitor.get("/").status_code == 200
    assert not page.exists()


def url_path(address: str) -> str:
    return unquote(urlsplit(address).path)


@BOTH
def test_no_token_says_what_that_means(scanned: Scanned, command: str) -> None:
    process = subprocess.Popen(
        [COMMAND, command, "--port", "0", "--no-token"],
        env=scanned.neardup.variables(),
        cwd=scanned.neardup.home,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "every user and program of this machine" in process.stderr.readline()
    with client(process.stderr.readline().split()[3]) as asked:
        assert asked.get(INSIDE[command]).status_code == 200
        assert asked.get("/", headers={"Host": "evil.example"}).status_code == 403
        assert asked.get("/", headers={"Origin": "http://evil.example"}).status_code == 403
    process.terminate()
    process.communicate()


def test_a_token_of_ones_own(scanned: Scanned, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    for options in (["--token", TOKEN], ["--token-file", str(file)]):
        with serving(scanned.neardup, *options) as (url, _), client(url) as asked:
            assert asked.get("/").status_code == 401
            assert asked.get("/", params={"token": TOKEN}).status_code == 303
    assert file.read_text() == TOKEN + "\n"


@BOTH
def test_what_it_refuses(scanned: Scanned, neardup: Neardup, tmp_path: Path, command: str) -> None:
    assert "no catalog" in neardup.fail(4, command)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"127.0.0.1:{port}" in scanned.neardup.fail(2, command, "--port", port)
    serve = (command, "--port", "0")
    assert "at least 12" in scanned.neardup.fail(2, *serve, "--token", "short")
    assert "one of the two" in scanned.neardup.fail(2, *serve, "--token", TOKEN, "--no-token")
    if command == "serve":  # `ui` is there for this machine alone, and has no --host
        assert "cannot listen" in scanned.neardup.fail(2, *serve, "--host", "no.such.host.invalid")
        assert "everybody" in scanned.neardup.fail(2, *serve, "--host", "0.0.0.0", "--no-token")
    file = tmp_path / "token"
    file.write_text("short")
    file.chmod(0o600)
    assert "at least 12" in scanned.neardup.fail(2, *serve, "--token-file", file)
    file.write_text(TOKEN)
    file.chmod(0o640)
    assert "others can read" in scanned.neardup.fail(2, *serve, "--token-file", file)
    assert "cannot be written" in scanned.neardup.fail(2, *serve, "--token-file", tmp_path / "no" / "token")
    assert "no file that holds" in scanned.neardup.fail(2, *serve, "--token-file", "/dev/null")


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "prometheus_client", "python_multipart"])
def test_without_the_extra_it_names_the_install_command(missing: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\nfrom neardup_cli.cli.app import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", code, "serve", "--catalog", str(tmp_path / "none.db")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 13, done.stderr
    assert done.stderr == f"neardup: `neardup serve` needs {missing}: run {install_command('web')}\n"


def test_its_page_begins_with_the_rules_that_it_was_started_with(scanned: Scanned) -> None:
    folder = scanned.folder
    options = ("--accept-loss", "colour,time", "--prefer", str(folder), "--protect", str(folder))
    with (
        serving(scanned.neardup, "--token", TOKEN, *options) as (url, _),
        client(url, TOKEN) as asked,
    ):
        usual = asked.get("/api/rules").json()["usual"]
    assert usual["accept"] == ["colour", "time"]
    assert "colour" in usual["only"]
    assert usual["prefer"] == usual["protect"] == [str(folder.resolve())]
    assert "--accept-loss: 'colours' is none of" in scanned.neardup.fail(
        2, "serve", "--accept-loss", "colours"
    )
