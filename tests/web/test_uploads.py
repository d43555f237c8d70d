"""Uploads are decoded elsewhere, at the size that is needed, and their memory comes back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from neardup_cli.embedders.registry import load_embedder
from neardup_cli.errors import UnreadableImage
from neardup_cli.pipeline.probe import Prepared, Probe, probe_images
from neardup_cli.pipeline.query import Wanted
from neardup_cli.web import decoder, uploads
from neardup_cli.web import decoders as decoders_module
from neardup_cli.web.decoder import Answer, Asked
from neardup_cli.web.decoders import Decoders, Reading
from tests.web.test_hostile import png

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve

MB = 1 << 20


def large(picture: Image.Image, side: int, kind: str) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").resize((side, side)).save(out, kind, compress_level=1, quality=80)
    return out.getvalue()


def resident(process: int | str = "self") -> int:
    """Bytes of memory of a process, as a rule this one, in which the server runs; Linux only."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def photograph(photographs: dict[str, Image.Image]) -> Image.Image:
    return photographs["coffee"]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_large_copy_is_found(running: Running, photograph: Image.Image, kind: str) -> None:
    side = 4500
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


def test_too_many_pixels_are_not_even_tried(running: Running) -> None:
    began = time.process_time()
    answer = running.client.post("/api/detect", files={"file": ("x", png(30_000, 30_000))})
    assert answer.status_code == 413
    assert "too many pixels" in answer.json()["message"]
    assert time.process_time() - began < 5


def test_a_decoder_that_dies_is_an_answer(
    start: Serve, scanned_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "__name__", "no.such.module")
    running = start(scanned_photos)
    answer = running.client.post("/api/detect", files={"file": ("x", packed(5_000, 5_000))})
    assert answer.status_code == 413
    assert "more memory or time" in answer.json()["message"]


def test_what_is_broken_is_named(running: Running) -> None:
    answer = running.client.post("/api/detect", files={"file": ("x", png(5_000, 5_000, bytes(1000)))})
    assert answer.status_code == 422
    assert answer.json()["error"] == "bad_input"


def processes() -> set[int]:
    """The ids of those that read uploads for this process; Linux only."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # threads and processes end meanwhile
            for child in (task / "children").read_text().split():
                if b"neardup_cli.web.decoder" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.add(int(child))
    return found


def test_who_reads_takes_nothing_for_good(photograph: Image.Image) -> None:
    """All that a child took goes back to the system, whatever its decoder has done with it."""
    with closing(Decoders(1)) as decoders:
        before = processes()
        small = io.BytesIO(large(photograph, 600, "JPEG"))
        ask(decoders, small).answer.result(60)
        (first,) = processes() - before
        at_rest = resident(first)
        bomb = io.BytesIO(packed(6_000, 6_000))
        assert ask(decoders, bomb).answer.result(60).told["wants"] == 36_000_000 * 12
        answer = ask(decoders, bomb, granted=500_000_000).answer.result(60)
        assert answer.told["width"] == 6_000
        ask(decoders, io.BytesIO(bytes(60_000_000))).answer.exception(60)
        assert processes() - before == {first}
        assert resident(first) - at_rest < 24 * MB
    assert processes() <= before


def test_who_has_grown_is_replaced(photograph: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once where it is much, and as soon as there is nothing to do where it is little."""
    monkeypatch.setattr(decoders_module, "_IDLE_SECONDS", 0.3)
    monkeypatch.setattr(decoders_module, "_GROWN_AT_REST", -1)
    with closing(Decoders(1)) as decoders:
        before = processes()
        ask(decoders, io.BytesIO(large(photograph, 600, "JPEG"))).answer.result(60)
        (first,) = processes() - before
        until = time.monotonic() + 30
        while first in processes() and time.monotonic() < until:
            time.sleep(0.05)
        assert first not in processes()
        while not processes() - before and time.monotonic() < until:
            time.sleep(0.05)
        assert len(processes() - before) == 1


def test_a_process_that_is_gone_is_replaced(photograph: Image.Image) -> None:
    with closing(Decoders(1)) as decoders:
        before = processes()
        small = io.BytesIO(large(photograph, 600, "JPEG"))
        ask(decoders, small).answer.result(60)
        (first,) = processes() - before
        os.kill(first, signal.SIGKILL)
        assert ask(decoders, small).answer.result(60).told["width"] == 600
        (second,) = processes() - before
        assert second != first


def test_what_nobody_waits_for_is_ended(photograph: Image.Image) -> None:
    with closing(Decoders(1)) as decoders:
        ask(decoders, io.BytesIO(large(photograph, 600, "JPEG"))).answer.result(60)
        reading = ask(decoders, io.BytesIO(packed(9_900, 9_900)), granted=800_000_000)
        while reading.process is None:
            time.sleep(0.001)
        began = time.monotonic()
        reading.stop()
        with pytest.raises(UnreadableImage):
            reading.answer.result(60)
        assert time.monotonic() - began < 1
        queued = ask(decoders, io.BytesIO(packed(9_900, 9_900)), granted=800_000_000)
        waiting = ask(decoders, io.BytesIO(packed(9_900, 9_900)), granted=800_000_000)
        waiting.stop()
        assert waiting.answer.cancelled()
        queued.stop()


def test_a_client_that_gives_up_leaves_nothing_behind(
    photograph: Image.Image, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a process that goes on, nor memory that stays lent, nor a line in the log."""

    async def give_up(stream: io.BytesIO) -> None:
        async with all_uploads.underway() as upload:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await upload.prepared(stream, Wanted(288, regions=True))

    async def go_on() -> None:
        async with all_uploads.underway() as upload, asyncio.timeout(60):
            small = io.BytesIO(large(photograph, 600, "JPEG"))
            assert (await upload.prepared(small, Wanted(288, regions=True))).features.width == 600

    async def both() -> None:
        await go_on()  # a process is there
        await give_up(io.BytesIO(packed(9_900, 9_900)))
        await go_on()
        gc.collect()

    with closing(uploads.Uploads(100_000_000, 1)) as all_uploads:
        asyncio.run(both())
        assert all_uploads._room._free == uploads.ALL_BYTES
    assert caplog.records == []


def test_a_decoder_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A header may lie: what was granted is what there is, and nobody's word for it."""
    monkeypatch.setattr(decoder, "_needed", lambda *_: 1)
    monkeypatch.setattr(decoder, "MEMORY_BYTES", decoder.LITTLE_BYTES)
    bomb = packed(9_900, 9_900)
    answer = in_a_child(lambda: limited(bomb))
    assert answer.told == {"error": decoder._TOO_MUCH, "too_large": True}
    monkeypatch.setattr(decoder, "MEMORY_BYTES", 800_000_000)
    assert in_a_child(lambda: limited(bomb)).told == {"wants": 800_000_000}
    assert in_a_child(lambda: limited(bomb, 800_000_000)).told["width"] == 9_900


def limited(data: bytes, granted: int = decoder.LITTLE_BYTES) -> Answer:
    with decoder._limited(asked(data, granted)):
        return decoder._answered(asked(data, granted), data)


def in_a_child(work: Callable[[], Answer]) -> Answer:
    """The limits are those of a process."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(work()))
    child.start()
    theirs.close()
    try:
        answer: Answer = ours.recv()
    finally:
        child.join()
    return answer


def asked(data: bytes, granted: int = decoder.LITTLE_BYTES) -> Asked:
    return Asked(len(data), granted, 100_000_000, 288, regions=True)


def ask(decoders: Decoders, source: io.BytesIO, granted: int = decoder.LITTLE_BYTES) -> Reading:
    return decoders.read(asked(source.getbuffer().tobytes(), granted), source)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_upload_is_seen_as_a_file_is(photograph: Image.Image, kind: str) -> None:
    """Hashes, preview and what the network takes are the very same, to the bit."""
    out = io.BytesIO()
    photograph.convert("RGBA" if kind in ("PNG", "WEBP") else "RGB").resize((1500, 1100)).save(out, kind)
    embedder = load_embedder("sscd_distilled")
    (here,) = probe_images([out], embedder, 10_000_000, thorough=True)

    async def elsewhere() -> Prepared:
        async with all_uploads.underway() as upload:
            return await upload.prepared(out, Wanted(288, regions=True))

    with closing(uploads.Uploads(10_000_000, 1)) as all_uploads:
        prepared = asyncio.run(elsewhere())
        (there,) = probe_images([prepared], embedder, 10_000_000, thorough=True)
        assert isinstance(here, Probe)
        assert isinstance(there, Probe)
        assert replace(there.features, preview=None) == here.features
        assert there.digest == here.digest
        for a, b in ((there.vector, here.vector), (there.regions, here.regions)):
            assert a is not None
            assert b is not None
            assert np.array_equal(a, b)
        assert there.picture.small().luma.tobytes() == here.picture.small().luma.tobytes()
        assert there.picture.small().pixels_digest == here.picture.small().pixels_digest
        assert there.picture.holdings == here.picture.holdings


def test_the_working_folder_has_no_modules_of_ours(
    start: Serve,
    scanned_photos: Path,
    photograph: Image.Image,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("json", "numpy", "neardup_cli", "PIL", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("open('was-here', 'w').close(); raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    running = start(scanned_photos)
    answer = running.client.post("/api/detect", files={"file": ("x", large(photograph, 600, "JPEG"))})
    assert answer.status_code == 200, answer.text
    assert not (tmp_path / "was-here").exists()
