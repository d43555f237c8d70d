"""`neardup ui`: Streamlit started by the command, used in a real browser."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from neardup_cli.evaluation.gallery import GalleryEdit
from tests.e2e.conftest import COMMAND

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup, Scanned

TOKEN = "correct-horse-battery"
_PATIENCE = 60.0  # seconds: two busy cores import a great deal


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


def answers(port: int) -> bool:
    with closing(socket.socket()) as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def served(scanned: Scanned) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, running, and its port."""
    port = free_port()
    running = subprocess.Popen(
        [COMMAND, "ui", "--port", str(port), "--token", TOKEN],
        env=scanned.neardup.variables(),
        cwd=scanned.neardup.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + _PATIENCE
    while not answers(port) and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    yield running, port
    running.kill()
    running.communicate()


def test_look_an_image_up_and_browse(
    scanned: Scanned, served: tuple[subprocess.Popen[str], int], browser: Browser
) -> None:
    running, port = served
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: set[str | None] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).hostname))
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
    copy = next(file for file in scanned.truth.files if file.edit is GalleryEdit.CAPTION)
    page.locator("input[type=file]").set_input_files(copy.path)
    expect(page.get_by_test_id("stAlert")).to_contain_text("Duplicate", timeout=1000 * _PATIENCE)
    expect(page.get_by_text("Best match")).to_be_visible()
    page.get_by_role("tab", name="Browse the groups").click()
    keeper = Path(scanned.neardup.json("dups")["groups"][0]["keep"])
    expect(page.get_by_text(keeper.name).filter(visible=True).first).to_be_visible(timeout=1000 * _PATIENCE)
    page.close()
    assert asked <= {"127.0.0.1", None, ""}
    assert not [said for said in complaints if "Content Security Policy" in said], complaints
    running.send_signal(signal.SIGINT)
    out, said = running.communicate(timeout=_PATIENCE)
    assert running.returncode in (0, 130)
    assert said.splitlines()[0].startswith(f"neardup is at http://127.0.0.1:{port}/ (Ctrl-C stops it)")
    assert "Traceback" not in out + said


def test_it_listens_on_this_machine_alone(served: tuple[subprocess.Popen[str], int]) -> None:
    _, port = served
    addresses = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    ours = {address for address in addresses if address.endswith(f":{port:04X}")}
    assert ours
    assert {address.partition(":")[0] for address in ours} == {"0100007F"}  # 127.0.0.1


def test_what_is_wrong_is_one_line(neardup: Neardup, scanned: Scanned) -> None:
    assert "neardup scan" in neardup.fail(4, "ui")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert "--port" in scanned.neardup.fail(2, "ui", "--port", str(port))
