"""Scanning from the page: the catalog's own roots, one at a time, watched and stopped."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from neardup_cli import build_hash_db
from neardup_cli.web import scans
from neardup_cli.web.board import Watch

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve


@pytest.fixture
def folder(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    photographs["coffee"].save(folder / "coffee.png")
    return folder


@pytest.fixture
def server(folder: Path, start: Serve, tmp_path: Path) -> Running:
    return start(build_hash_db(folder, tmp_path / "catalog.db", workers=1))


def events(server: Running) -> list[Any]:
    with server.client.stream("GET", "/api/scan/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        return [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: ")]


def test_a_scan_finds_what_is_new(server: Running, folder: Path, photographs: dict[str, Image.Image]) -> None:
    assert server.client.get("/api/scan").json()["state"] == "idle"
    photographs["coffee"].save(folder / "new.jpg", quality=80)
    started = server.client.post("/api/scan", json={})
    assert started.status_code == 202
    last = events(server)[-1]
    assert last["state"] == "done"
    assert last["result"]["schema"] == "neardup.scan/1"
    assert (last["result"]["seen"], last["result"]["added"]) == (2, 1)
    server.service.board.refresh()
    server.settled()
    assert server.client.get("/api/groups").json()["total"] == 1


def test_the_result_has_every_field_of_the_command_line(server: Running) -> None:
    from neardup_cli.records.scans import ScanSummary
    from neardup_cli.reports.json_report import scan_document

    server.client.post("/api/scan", json={})
    assert events(server)[-1]["result"].keys() == scan_document(ScanSummary()).keys()


def test_progress_one_at_a_time_and_stop(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()

    def slow(_catalog: object, _paths: object, _options: object, watch: Watch) -> None:
        watch.start("Reading", 1000)
        while True:
            watch.advance()
            reached.set()
            threading.Event().wait(0.01)

    monkeypatch.setattr(scans, "scan", slow)
    assert server.client.post("/api/scan", json={}).status_code == 202
    assert reached.wait(10)
    view = server.client.get("/api/scan").json()
    assert (view["state"], view["progress"]["task"], view["progress"]["total"]) == (
        "running",
        "Reading",
        1000,
    )
    assert server.client.post("/api/scan", json={}).status_code == 409
    stopper = threading.Timer(0.6, lambda: server.client.delete("/api/scan"))
    stopper.start()
    seen = events(server)
    stopper.join()
    done = [event["progress"]["done"] for event in seen[:-1]]
    assert len(done) >= 2
    assert done == sorted(done)
    assert seen[-1]["state"] == "stopped"


def test_only_roots_of_the_catalog(server: Running, folder: Path, tmp_path: Path) -> None:
    (folder / "below").mkdir()
    for path in ("/", "/etc", str(tmp_path), str(folder / "below"), f"{folder}/", f"{folder}/../photos"):
        answer = server.client.post("/api/scan", json={"paths": [path]})
        assert answer.status_code == 422, path
    assert server.client.get("/api/scan").json()["state"] == "idle"
    assert server.client.post("/api/scan", json={"paths": [str(folder)]}).status_code == 202
    events(server)


def test_a_scan_that_fails_says_why(server: Running) -> None:
    from neardup_cli.catalog.database import writer_lock

    with writer_lock(server.service.catalog.path):
        server.client.post("/api/scan", json={})
        last = events(server)[-1]
    assert last["state"] == "failed"
    assert "another neardup" in last["error"]


def test_the_server_ends_during_a_scan(
    folder: Path, start: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_catalog: object, _paths: object, _options: object, watch: Watch) -> None:
        while True:
            watch.advance()

    monkeypatch.setattr(scans, "scan", endless)
    server = start(build_hash_db(folder, tmp_path / "other.db", workers=1))
    server.client.post("/api/scan", json={})
    server.service.close()
    assert server.service.scans.view().state is scans.ScanState.STOPPED


def test_stats(server: Running, folder: Path) -> None:
    stats = server.client.get("/api/stats").json()
    assert (stats["files"], stats["groups"], stats["model"]) == (1, 0, "sscd_distilled")
    assert stats["roots"] == [
        {"path": str(folder), "files": 1, "bytes": (folder / "coffee.png").stat().st_size, "online": True}
    ]
    assert server.client.get("/api/progress").json() == {"task": "", "done": 0, "total": None}
