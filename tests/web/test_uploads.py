"""Large uploads are decoded elsewhere, at the size that is needed, and their memory comes back."""

from __future__ import annotations

import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from neardup_cli.web import decoder, uploads
from tests.web.test_hostile import png

if TYPE_CHECKING:
    from tests.web.conftest import Running

MB = 1 << 20


def large(picture: Image.Image, side: int, kind: str) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").resize((side, side)).save(out, kind, compress_level=1, quality=80)
    return out.getvalue()


def resident() -> int:
    """Bytes of memory of this process, in which the server runs; Linux only."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def photograph(photographs: dict[str, Image.Image]) -> Image.Image:
    return photographs["coffee"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_copy_is_found(running: Running, photograph: Image.Image, kind: str) -> None:
    side = 4500
    assert side * side > uploads.IN_PROCESS_PIXELS
    data = large(photograph, side, kind)
    for fields in ({}, {"explain": "true"}):
        answer = running.client.post("/api/detect", files={"file": ("x", data)}, data=fields)
        assert answer.status_code == 200, answer.text
        assert answer.json()["is_duplicate"]
        assert "coffee" in answer.json()["match"]["path"]


def test_bombs_cost_little_and_nothing_for_good(running: Running, photograph: Image.Image) -> None:
    small = io.BytesIO()
    photograph.save(small, "JPEG")
    bombs = [small.getvalue(), *[packed(8_000, 8_000)] * 3]
    running.client.post("/api/detect", files={"file": ("x", bombs[0])})  # warmed up
    before, peak = resident(), 0
    with ThreadPoolExecutor(4) as pool:
        answers = [
            pool.submit(running.client.post, "/api/detect", files={"file": ("x", one)}) for one in bombs
        ]
        while not all(answer.done() for answer in answers):
            peak = max(peak, resident())
            asked = time.monotonic()
            assert running.client.get("/healthz").status_code == 200
            assert time.monotonic() - asked < 0.5
            time.sleep(0.05)
    assert answers[0].result().status_code == 200
    assert {answer.result().status_code for answer in answers[1:]} <= {200, 413, 422}
    assert peak - before < 150 * MB
    assert resident() - before < 50 * MB


def packed(width: int, height: int) -> bytes:
    """The bytes of an image without detail: a megabyte at most."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, 256)).resize((width, height), Image.Resampling.NEAREST).save(
        out, "PNG", compress_level=9
    )
    assert out.tell() < MB
    return out.getvalue()


def test_too_many_pixels_are_not_even_tried(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "__name__", "no.such.module")
    answer = running.client.post("/api/detect", files={"file": ("x", png(30_000, 30_000))})
    assert answer.status_code == 413
    assert "too many pixels" in answer.json()["message"]


def test_a_decoder_that_dies_is_an_answer(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "__name__", "no.such.module")
    answer = running.client.post("/api/detect", files={"file": ("x", packed(5_000, 5_000))})
    assert answer.status_code == 413
    assert "more memory or time" in answer.json()["message"]


def test_what_is_broken_is_named(running: Running) -> None:
    answer = running.client.post("/api/detect", files={"file": ("x", png(5_000, 5_000, bytes(1000)))})
    assert answer.status_code == 422
    assert answer.json()["error"] == "bad_input"


def test_the_decoder_has_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process of its own: with less memory than the pixels take, it says so and ends."""
    import json
    import subprocess
    import sys

    code = (
        "import sys; from neardup_cli.web import decoder; decoder.MEMORY_BYTES = 300 << 20; "
        "sys.argv = ['x', '100000000']; decoder.main(100_000_000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=packed(9_000, 9_000), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.partition(b"\n")[0])
    assert answer == {
        "error": "decoding it takes more memory or time than an upload is given",
        "too_large": True,
    }
