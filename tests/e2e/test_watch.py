"""`neardup watch` as a process: images come, change, move and go, and it is stopped as services are."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import COMMAND, Neardup

if TYPE_CHECKING:
    from tests.conftest import Draw

_SOON = 120.0


class Watching:
    """A running `neardup watch`, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], out: Path) -> None:
        self.process = process
        self._out = out

    @property
    def printed(self) -> str:
        return self._out.read_text(encoding="utf-8")

    def wait_for(self, pattern: str) -> str:
        end = time.monotonic() + _SOON
        while time.monotonic() < end:
            if (found := re.search(pattern, self.printed)) is not None:
                return found[0]
            assert self.process.poll() is None, self.printed
            time.sleep(0.1)
        raise AssertionError(f"{pattern} did not come: {self.printed}")

    def stopped_by(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        assert self.process.wait(_SOON) == 0
        return self.printed.splitlines()[-1]


@contextmanager
def watching(neardup: Neardup, *arguments: str | Path) -> Iterator[Watching]:
    pytest.importorskip("watchfiles")
    out = neardup.home / "out.txt"
    with (
        out.open("wb") as stream,
        subprocess.Popen(
            [COMMAND, "watch", *arguments, "--hash-only", "--settle", "0.3"],
            env=neardup.variables(),
            cwd=neardup.home,
            stdout=stream,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Watching(process, out)
        finally:
            if process.poll() is None:
                process.kill()


def test_what_comes_is_taken_in(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    photos = tmp_path / "photos"
    draw(photos / "0.png", 0)
    with watching(neardup, photos) as seen:
        seen.wait_for("1 new, of 1 image")
        draw(photos / "below" / "1.png", 1)
        (photos / "notes.txt").write_text("none")
        seen.wait_for("1 new, of 2 images")
        assert neardup.json("status")["files"] == 2  # the catalog is free for others in between
        os.rename(photos / "0.png", photos / "below" / "moved.png")
        seen.wait_for("1 moved, of 2 images")
        shutil.copy(photos / "below" / "1.png", photos / "2.png")
        (photos / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
        seen.wait_for(r"1 new, (.*, )?1 unreadable, of 4 images")
        (photos / "2.png").unlink()
        seen.wait_for(r"1 missing, (.*, )?of 3 images|1 missing, 1 unreadable, of 3 images")
        last = seen.stopped_by(signal.SIGTERM)
    assert re.fullmatch(r"watched for .*, \d+ scans: 3 new, 0 changed, 1 moved, 1 missing", last), last
    assert len(neardup.json("dups")["groups"]) == 0


def test_a_quiet_folder_is_left_alone_and_a_catalog_in_it_too(
    neardup: Neardup, tmp_path: Path, draw: Draw
) -> None:
    photos = tmp_path / "photos"
    draw(photos / "0.png", 0)
    with watching(neardup, photos, "--catalog", photos / "catalog.db") as seen:
        seen.wait_for("1 new, of 1 image")
        time.sleep(4)
        last = seen.stopped_by(signal.SIGINT)
    assert re.search(r", 1 scan: 1 new", last), last


def test_what_cannot_be_watched(neardup: Neardup, tmp_path: Path) -> None:
    assert "no such file or folder" in neardup.fail(3, "watch", tmp_path / "nope")
    assert "tells of no changes" in neardup.fail(2, "watch", "s3://bucket/photos")
    assert not neardup.catalog.exists()


def test_the_watcher_is_an_extra(neardup: Neardup, tmp_path: Path) -> None:
    (tmp_path / "watchfiles.py").write_text("raise ModuleNotFoundError('No module named watchfiles')\n")
    said = neardup.finding_first(tmp_path).fail(13, "watch", tmp_path, "--hash-only")
    assert said.startswith("`neardup watch` needs watchfiles")
    assert said.endswith("[watch]'`")
