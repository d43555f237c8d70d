"""Memory of `neardup serve` while a gigabyte of bombs and photographs is uploaded to it over 32 connections.

The server is a process of its own over a catalog of a few photographs; its memory is the resident memory of
it and of all its children together, twenty times a second. Idle is what it holds after the photographs were
uploaded over as many connections (the model is loaded then, for batches of several) and a bomb. The uploads
are, again and again and in the same order: photographs; bombs of 64 to 99 megapixels in a few hundred
kilobytes as PNG, JPEG, WebP, TIFF and GIF; just below the size that is decoded in the server itself, and as
dear as that can be (16 bits, see-through, animations whose first frame is flat); HEIC, AVIF and WebP files
with fifty megabytes of nothing behind them; large files that hold what they weigh; and what is no image.
`/healthz` is asked all the while.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING

import httpx

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks.web_load import Server, request, served

if TYPE_CHECKING:
    from PIL import Image

CONNECTIONS = 32
MOST_ABOVE_MB = 1_000.0
MOST_LEFT = 0.10
MOST_SECONDS = 0.5
SETTLE_SECONDS = 60
PADDING = 50_000_000
PHOTOGRAPHS = 12
EXPECTED = {200, 413, 422, 503}

WRITE = """
import sys
from benchmarks.upload_memory import write_uploads
write_uploads(sys.argv[1], sys.argv[2])
"""


# --- the uploads, made by another process -----------------------------------------------------------------


def write_uploads(photographs: str, folder: str) -> None:
    """Write a file of each kind, and a dozen photographs, of which every other one is to be scanned."""
    from benchmarks._pictures import photo_files

    place = Path(folder)
    (place / "known").mkdir()
    for number, path in enumerate(photo_files(Path(photographs))[:PHOTOGRAPHS]):
        data = path.read_bytes()
        (place / f"photograph-{number:02d}").write_bytes(data)
        if number % 2:
            (place / "known" / path.name).write_bytes(data)
    for name, make in _KINDS.items():
        (place / name).write_bytes(make())


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _flat(mode: str, width: int, height: int) -> Image.Image:
    """An image with hardly any detail, which packs to nearly nothing."""
    from PIL import Image

    return Image.linear_gradient("L").resize((width, height), Image.Resampling.NEAREST).convert(mode)


def _noise(side: int) -> Image.Image:
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8))


def _frames(side: int, count: int) -> dict[str, object]:
    from PIL import Image

    return {"save_all": True, "append_images": [Image.new("L", (side, side), n) for n in range(count)]}


def _padded(kind: str) -> bytes:
    """A small image with a great deal of nothing in a box or chunk behind it."""
    import pillow_heif

    image = _noise(200)
    if kind == "WEBP":
        whole = _saved(image, "WEBP") + b"JUNK" + PADDING.to_bytes(4, "little") + bytes(PADDING)
        return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]
    if kind == "AVIF":
        start = _saved(image, "AVIF")
    else:
        out = io.BytesIO()
        pillow_heif.from_pillow(image).save(out, quality=60)
        start = out.getvalue()
    return start + (PADDING + 8).to_bytes(4) + b"free" + bytes(PADDING)


def _deep() -> Image.Image:
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.tile(np.arange(3_900, dtype=np.uint16) * 16, (4_000, 1)))


_KINDS: dict[str, Callable[[], bytes]] = {
    "bomb-99mp.png": lambda: _saved(_flat("L", 9_949, 9_949), "PNG", compress_level=9),
    "bomb-64mp-rgb.png": lambda: _saved(_flat("RGB", 8_000, 8_000), "PNG", compress_level=9),
    "bomb-99mp.jpg": lambda: _saved(_flat("RGB", 9_949, 9_949), "JPEG", quality=20, progressive=True),
    "bomb-90mp.webp": lambda: _saved(_flat("RGB", 9_400, 9_500), "WEBP", quality=1, method=0),
    "bomb-64mp.tif": lambda: _saved(_flat("RGB", 8_000, 8_000), "TIFF", compression="tiff_adobe_deflate"),
    "bomb-64mp.gif": lambda: _saved(_flat("L", 8_000, 8_000), "GIF"),
    "below-16mp-rgba.png": lambda: _saved(_flat("RGBA", 4_000, 3_990), "PNG", compress_level=1),
    "below-16mp-16-bit.png": lambda: _saved(_deep(), "PNG", compress_level=1),
    "below-16mp-float.tif": lambda: _saved(_flat("F", 4_000, 3_990), "TIFF", compression="tiff_lzw"),
    "below-flat-first.gif": lambda: _saved(_flat("L", 3_900, 3_900), "GIF", **_frames(3_900, 12)),
    "below-flat-first.webp": lambda: _saved(_flat("L", 2_000, 2_000), "WEBP", **_frames(2_000, 20)),
    "padded.heic": lambda: _padded("HEIC"),
    "padded.avif": lambda: _padded("AVIF"),
    "padded.webp": lambda: _padded("WEBP"),
    "large.bmp": lambda: _saved(_noise(4_300), "BMP"),
    "large.png": lambda: _saved(_noise(3_900), "PNG", compress_level=0),
    "large.jpg": lambda: _saved(_noise(5_000), "JPEG", quality=95),
    "no-image": lambda: bytes(60_000_000),
}


def kind(name: str) -> bytes:
    """Return the content of one of the files."""
    return _KINDS[name]()


# --- the measure ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Watch:
    """Samples the memory of a process with all its children, and how long its health takes, in a thread."""

    server: Server
    peak_mb: float = 0.0
    health: list[float] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Watch:
        self._threads = [threading.Thread(target=one) for one in (self._sample, self._ask)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _sample(self) -> None:
        while not self._ends.wait(0.05):
            self.peak_mb = max(self.peak_mb, resident_mb(self.server.pid))

    def _ask(self) -> None:
        with httpx.Client(base_url=self.server.url, timeout=60, trust_env=False) as client:
            while not self._ends.wait(0.2):
                began = time.perf_counter()
                client.get("/healthz").raise_for_status()
                self.health.append(time.perf_counter() - began)


def resident_mb(pid: int) -> float:
    """Resident memory of a process and of all below it, megabytes; Linux only."""
    total, pids = 0, [pid]
    while pids:
        one = pids.pop()
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1])
            for task in Path(f"/proc/{one}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


async def upload_all(server: Server, files: Iterator[Path]) -> Counter[int]:
    """Upload files over so many connections at once; return how often which status came."""
    address = httpx.URL(server.url)
    statuses: Counter[int] = Counter()
    turn = asyncio.Lock()

    async def connection() -> None:
        for path in files:
            async with turn:  # who connects and then prepares for ten seconds what to say is cut off
                whole = request(path.read_bytes(), address)
                reader, writer = await asyncio.open_connection(address.host, address.port)
                writer.write(whole)
            try:
                await writer.drain()
                head = await reader.readuntil(b"\r\n")
                statuses[int(head.split()[1])] += 1
            except (OSError, asyncio.IncompleteReadError) as exc:
                _bench.note(f"no answer to {path.name}: {exc!r}")
                statuses[0] += 1
            finally:
                writer.close()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return statuses


def rounds(folder: Path, megabytes: float) -> Iterator[Path]:
    """Yield the files over and over, until they weigh enough."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    left = megabytes * 1e6
    for path in itertools.cycle(files):
        if left <= 0:
            return
        left -= path.stat().st_size
        yield path


def settled_mb(server: Server, bar_mb: float, seconds: float = SETTLE_SECONDS) -> float:
    """Return what it holds when it has come to rest: below the bar, or after some time."""
    until = time.monotonic() + seconds
    while (now := resident_mb(server.pid)) > bar_mb and time.monotonic() < until:
        time.sleep(0.5)
    return now


type Row = Sequence[str | float]


def measured(server: Server, uploads: Path, megabytes: float) -> tuple[list[Figure], Row]:
    """Upload, and return the figures and the row of a table."""
    photographs = sorted(uploads.glob("photograph-*"))
    for first in (photographs * 4, [uploads / "bomb-64mp-rgb.png"]):
        asyncio.run(upload_all(server, iter(first)))
    idle = settled_mb(server, 0.0, seconds=5)  # processes that have nothing to do are gone by then
    began = time.perf_counter()
    with Watch(server) as watch:
        statuses = asyncio.run(upload_all(server, rounds(uploads, megabytes)))
    seconds = time.perf_counter() - began
    after = settled_mb(server, idle * (1 + MOST_LEFT))
    if wrong := statuses.keys() - EXPECTED:
        sys.exit(f"answers that nobody expects: {wrong} of {statuses}")
    slowest = quantiles(watch.health, n=100)[98]
    figures = [
        Figure("peak memory above idle", watch.peak_mb - idle, MOST_ABOVE_MB, unit=" MB"),
        Figure("memory afterwards / idle, less 1", after / idle - 1, MOST_LEFT),
        Figure("99th percentile of /healthz", slowest, MOST_SECONDS, unit=" s"),
    ]
    counted = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    return figures, (f"{megabytes:,.0f} MB in {seconds:.0f} s", idle, watch.peak_mb, after, slowest, counted)


def main() -> None:
    """Measure it."""
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--megabytes", type=float, default=1_000.0, help="uploaded in all (1,000)")
    options = _bench.parse(parser)
    os.environ["PYTHONPATH"] = str(_bench.ROOT)
    with _bench.workspace() as work:
        uploads = work / "uploads"
        uploads.mkdir()
        _bench.run([sys.executable, "-c", WRITE, options.folder, uploads], work)
        _bench.scan(uploads / "known", work / "catalog.db")
        with served(work / "catalog.db") as server:
            figures, row = measured(server, uploads, options.megabytes)
    columns = ("uploads", "idle MB", "peak MB", "afterwards MB", "health p99 s", "answers")
    _bench.print_table(columns, [row])
    _bench.finish(figures)


if __name__ == "__main__":
    main()
