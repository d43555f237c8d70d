"""`neardup serve` as a process: what it says, what it refuses, how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from neardup_cli.installation import install_command
from tests.e2e.conftest import COMMAND

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup, Scanned


@contextmanager
def serving(neardup: Neardup, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve until the end of the block; gives the address that was printed."""
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
        assert line.endswith(" (Ctrl-C stops it)\n")
        yield line.split()[3], process
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()  # type: ignore[union-attr]
        process.stderr.close()


def client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, transport=httpx.HTTPTransport(retries=20), timeout=60)


def test_it_says_where_it_is_and_ends_on_ctrl_c(scanned: Scanned) -> None:
    with serving(scanned.neardup) as (url, process):
        assert url.startswith("http://127.0.0.1:")
        with client(url) as asked:
            assert asked.get("/healthz").json() == {"status": "ok"}
            assert "neardup" in asked.get("/").text
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=30)
        assert (process.returncode, out) == (0, "")
        assert said == "stopped\n"


def test_every_interface_demands_a_token(scanned: Scanned) -> None:
    with serving(scanned.neardup, "--host", "0.0.0.0") as (url, _), client(url.partition("?")[0]) as asked:
        address, _, token = url.partition("?token=")
        assert len(token) >= 24
        here = address.replace("0.0.0.0", "127.0.0.1")
        assert asked.get(f"{here}api/decisions").status_code == 401
        allowed = asked.get(f"{here}api/decisions", headers={"Authorization": f"Bearer {token}"})
        assert allowed.status_code == 200


def test_a_token_of_ones_own(scanned: Scanned) -> None:
    with serving(scanned.neardup, "--token", "correct-horse-battery") as (url, _), client(url) as asked:
        assert url.endswith("?token=correct-horse-battery")
        page = httpx.URL(url).copy_with(query=None)
        assert asked.get(page).status_code == 401


def test_what_it_refuses(scanned: Scanned, neardup: Neardup) -> None:
    assert "no catalog" in neardup.fail(4, "serve")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert f"127.0.0.1:{port}" in scanned.neardup.fail(2, "serve", "--port", port)
    assert "cannot listen" in scanned.neardup.fail(2, "serve", "--host", "no.such.host.invalid")
    assert "at least 12" in scanned.neardup.fail(2, "serve", "--port", "0", "--token", "short")


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
