"""`neardup models pull` of free weights from a server on this machine, to a scan that uses them."""

from __future__ import annotations

import hashlib
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neardup_cli.embedders import weights
from neardup_cli.embedders.painted import painted_images
from neardup_cli.embedders.weights import PUBLISHED, find_weights
from neardup_cli.pipeline import convert as story
from tests.cli.conftest import Command, complaint
from tests.networks import DIMENSION

NAME = "sscd_disc_mixup"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and writes no log."""

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def published(archives: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server that publishes a small network in the place of Meta's, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(story, "MOST_IMAGES", story.LEAST_IMAGES)
    folder = tmp_path / "published"
    folder.mkdir()
    data = archives["traced"].read_bytes()
    (folder / f"{NAME}.torchscript.pt").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    mine = replace(find_weights(NAME), size=len(data), sha256=digest, dimension=DIMENSION)
    monkeypatch.setattr(weights, "PUBLISHED", tuple(mine if one.name == NAME else one for one in PUBLISHED))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(weights, "_PUBLISHED", f"http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()


def test_pull_convert_scan(published: Path, command: Command, tmp_path: Path) -> None:
    done = command("models", "pull", NAME)
    assert done.code == 0, done.said
    places = [Path(line) for line in done.out.splitlines()]
    assert [place.name for place in places] == [
        f"{NAME}.torchscript.pt",
        f"{NAME}_fp32.onnx",
        f"{NAME}_int8.onnx",
    ]
    assert all(place.is_file() for place in places)
    assert "the same vectors as PyTorch's: cosine 1.000000 at least" in done.said
    assert "in eight bits nearly the same: cosine 0.9" in done.said
    assert f"`neardup scan --model {NAME}_int8 FOLDER` takes it" in done.said
    found = json.loads(command("models", "list", "--json").out)
    (mine,) = [one for one in found["published"] if one["name"] == NAME]
    assert mine["converted"] == [f"{NAME}_fp32", f"{NAME}_int8"]
    assert f"{NAME}_int8       64  made of it: " in command("models").out
    assert command("models", "path", f"{NAME}_int8").out == f"{places[2]}\n"
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, image in enumerate(painted_images(3, seed=1)):
        image.save(photos / f"{number}.png")
    scanned = json.loads(command("scan", photos, "--model", f"{NAME}_int8", "--json").out)
    assert (scanned["model"], scanned["embedded"]) == (f"{NAME}_int8", 3)
    again = json.loads(command("scan", photos, "--json").out)  # the catalog's model, by its name
    assert (again["model"], again["unchanged"]) == (f"{NAME}_int8", 3)


def test_as_it_is(published: Path, command: Command) -> None:
    done = command("models", "pull", NAME, "--as-is")
    assert done.code == 0, done.said
    assert len(done.out.splitlines()) == 1
    assert "is not on this machine" in complaint(command("models", "path", f"{NAME}_int8"), 8)
    assert len(command("models", "convert", NAME).out.splitlines()) == 2


def test_without_the_extra(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert "fetching a file needs httpx: run" in complaint_at_end(command("models", "pull", NAME, "--as-is"))


def complaint_at_end(outcome: Any) -> str:
    assert outcome.code == 13, outcome
    return str(outcome.said.splitlines()[-1])
