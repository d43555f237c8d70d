"""A server on loopback in a thread of this process, over a catalog of real pictures."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
import uvicorn

from neardup_cli import ScanOptions, build_hash_db
from neardup_cli.web.app import create_app
from neardup_cli.web.options import ServeOptions
from neardup_cli.web.server import BoundedProtocol
from neardup_cli.web.service import Service

type Serve = Callable[..., Running]


@dataclass(frozen=True)
class Running:
    """A server that answers, and a client of it."""

    url: str
    client: httpx.Client
    service: Service

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def settled(self) -> None:
        """Wait until the groups are those of the catalog."""
        assert self.service.board.wait(60)


def serve(catalog: Path, options: ServeOptions) -> Generator[Running]:
    """Run a server until the generator is closed."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    app = create_app(catalog, options)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        http=BoundedProtocol,
        h11_max_incomplete_event_size=1 << 19,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            running = Running(url, client, app.state.service)
            running.settled()
            yield running
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def scanned_photos(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of `photos`; to be read only."""
    return build_hash_db(photos, tmp_path_factory.mktemp("web") / "photos.db", workers=2)


@pytest.fixture(scope="session")
def running(scanned_photos: Path) -> Iterator[Running]:
    """A server with default options for tests that only read."""
    yield from serve(scanned_photos, ServeOptions())


@pytest.fixture
def start() -> Iterator[Serve]:
    """A function that starts a server of a test's own: `start(catalog, limits=…)`."""
    with contextlib.ExitStack() as stack:

        def begin(catalog: Path, **changes: object) -> Running:
            options = replace(ServeOptions(scan=ScanOptions(workers=2)), **changes)  # type: ignore[arg-type]
            server = serve(catalog, options)
            stack.callback(server.close)
            return next(server)

        yield begin
