"""Bombs and images mixed, uploaded to the installed `serve`: a small part of `benchmarks.upload_memory`."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks.upload_memory import EXPECTED, Watch, kind, settled_mb, upload_all
from benchmarks.web_load import Server
from tests.e2e.conftest import COMMAND

if TYPE_CHECKING:
    from tests.e2e.conftest import Scanned

MIX = {"bomb-64mp-rgb.png": 1, "below-16mp-rgba.png": 2, "padded.avif": 4, "padded.webp": 2, "no-image": 1}
SLACK_MB = 20.0


def test_a_server_gives_back_what_uploads_take(scanned: Scanned, tmp_path: Path) -> None:
    for name in MIX:
        (tmp_path / name).write_bytes(kind(name))
    photographs = [file.path for file in scanned.truth.files[:6]]
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--no-token"],
        env=scanned.neardup.variables(),
        cwd=scanned.neardup.home,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        process.stderr.readline()
        server = Server(process.stderr.readline().split()[3], process.pid)
        transport = httpx.HTTPTransport(retries=30)
        with httpx.Client(base_url=server.url, transport=transport, timeout=60, trust_env=False) as client:
            assert client.get("/healthz").status_code == 200
        for first in (photographs * 2, [tmp_path / "bomb-64mp-rgb.png"]):
            asyncio.run(upload_all(server, iter(first)))
        idle = settled_mb(server, 0.0, seconds=1)
        files = [tmp_path / name for name, count in MIX.items() for _ in range(count)] + photographs
        with Watch(server) as watch:
            statuses = asyncio.run(upload_all(server, iter(files)))
        after = settled_mb(server, 1.1 * idle, seconds=20)
    finally:
        process.terminate()
        process.communicate(timeout=60)
    assert statuses.total() == len(files)
    assert statuses.keys() <= EXPECTED
    assert watch.peak_mb - idle <= 1_000
    assert after <= 1.1 * idle + SLACK_MB
