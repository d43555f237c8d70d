"""End-to-end tests run the installed `neardup` as a process, as its users do."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from neardup_cli.evaluation.gallery import GallerySummary, render_gallery
from tests.e2e.forking import commands

if TYPE_CHECKING:
    from tests.conftest import Lacking

COMMAND = Path(sysconfig.get_path("scripts")) / "neardup"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT = 300


@dataclass(frozen=True)
class Neardup:
    """Runs `neardup` with a catalog and a home of its own.

    Attributes:
        command: the installed one, or that of `forking`, which spares the imports.
    """

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Path = COMMAND

    @property
    def catalog(self) -> Path:
        return self.home / "catalog.db"

    def variables(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NEARDUP_")}
        own = {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / "config"), "COLUMNS": "100"}
        return {**kept, **own, "NEARDUP_CATALOG": str(self.catalog), **self.environment}

    def finding_first(self, folder: Path) -> Neardup:
        """Return the installed one, with a folder before all others that Python imports from."""
        folders = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        return Neardup(self.home, {**self.environment, "PYTHONPATH": os.pathsep.join(folders)})

    def started(self) -> Neardup:
        """Return the installed one: for what is decided while Python starts."""
        return Neardup(self.home, self.environment)

    def run(
        self, *arguments: str | bytes | Path, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end; a traceback is a failure whatever the test is about."""
        done = subprocess.run(
            [self.command, *arguments],
            env=self.variables(),
            cwd=cwd or self.home,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
        return done

    def succeed(self, *arguments: str | bytes | Path) -> bytes:
        """Run a command that has to exit with 0; return its stdout."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout

    def json(self, *arguments: str | bytes | Path) -> Any:
        """Run a command with --json; return the document."""
        return json.loads(self.succeed(*arguments, "--json"))

    def fail(self, code: int, *arguments: str | bytes | Path, cwd: Path | None = None) -> str:
        """Run a command that has to exit with `code` and say why in one line; return that line."""
        done = self.run(*arguments, cwd=cwd)
        said = done.stderr.decode()
        assert done.returncode == code, said
        assert said.startswith("neardup: "), said
        assert said.count("\n") == 1, said
        assert said.endswith("\n"), said
        assert not done.stdout
        return said.removeprefix("neardup: ").rstrip("\n")

    def start(self, *arguments: str | bytes | Path) -> subprocess.Popen[bytes]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=self.variables(),
            cwd=self.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


class Proxy:
    """A proxy that fetches nothing and notes what it is asked for."""

    def __init__(self, visited: list[str]) -> None:
        self._visited = visited
        self._listening = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> dict[str, str]:
        """Return the variables that send a program here."""
        threading.Thread(target=self._note, daemon=True).start()
        address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        names = ("http_proxy", "https_proxy", "all_proxy")
        return {**{spelt: address for name in names for spelt in (name, name.upper())}, "NO_PROXY": ""}

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _note(self) -> None:
        while True:
            try:
                asking = self._listening.accept()[0]
            except OSError:
                return
            with asking:
                self._visited.append(asking.recv(1000).decode("latin-1").split("\r\n")[0])


@pytest.fixture
def neardup(tmp_path: Path, request: pytest.FixtureRequest) -> Neardup:
    """The installed command; in a module that says `FORKED = True`, what comes out is all that counts."""
    home = tmp_path / "home"
    home.mkdir()
    if getattr(request.module, "FORKED", False):
        return Neardup(home, command=request.getfixturevalue("forked") / "neardup")
    return Neardup(home)


@pytest.fixture(scope="session")
def forked() -> Iterator[Path]:
    """A folder with `neardup` and `python` as `forking` has them; a socket's path has to be short."""
    with tempfile.TemporaryDirectory(prefix="neardup-forking-", dir="/tmp") as folder, commands(Path(folder)):
        yield Path(folder)


@pytest.fixture(scope="module")
def browser(lacking: Lacking) -> Iterator[Browser]:
    """Chromium without a window; each test opens a context or page of its own.

    One a module: while Playwright runs, so does its event loop, and nobody else can start one.
    """
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        lacking("Chromium (Debian's package chromium)")
    with sync_playwright() as playwright:
        # Chromium's own sandbox does not start as root.
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        opened = playwright.chromium.launch(executable_path=program, args=flags)
        yield opened
        opened.close()


@dataclass(frozen=True)
class Scanned:
    """A gallery with its truth, scanned at the default settings."""

    folder: Path
    truth: GallerySummary
    neardup: Neardup
    summary: Any


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory, forked: Path) -> Scanned:
    """A scanned gallery for tests that only read."""
    base = tmp_path_factory.mktemp("scanned")
    folder, home = base / "gallery", base / "home"
    home.mkdir()
    truth = render_gallery(folder, photos=24)
    neardup = Neardup(home, command=forked / "neardup")
    return Scanned(folder, truth, neardup, neardup.json("scan", folder))
