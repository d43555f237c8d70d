"""`neardup serve` under load, against a catalog of 100,000 pictures.

The catalog is synthetic but for the real photographs: its rows are written through its own functions
(random unit vectors and hashes, every tenth content in two files, which makes the groups), then every other
one of the photographs is scanned into it. The server is a process of its own; so is the client (this one), on
loopback, and both share the cores.

- detect: photographs uploaded over 100 connections, against the model alone in a loop (one image a call,
  one thread, no decoding, no search): what a caller without a server would do. Once with pictures that the
  catalog does not have, once with copies of such as it has: the geometric stage looks at each of those, and
  from the second time on the server still has the catalogued picture at hand. The CPU time of the server for
  each upload is printed too, and that of the model: on a busy machine their ratio says more than the clock.
- groups: random pages, filters and orders of `/api/groups`, two at a time; the 99th percentile.
- storm: 100 uploads of several megabytes at once: each has to be answered, and the server must not hold them
  all: its memory may grow by less than they weigh together.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched, islice
from pathlib import Path
from statistics import median, quantiles

import httpx

from benchmarks import _bench
from benchmarks._bench import Figure

CONNECTIONS = 100
LEAST_THROUGHPUT = 0.8
MOST_MILLISECONDS = 50.0
MOST_GROWTH = 1.0
COPIED = 10
FILTERS: list[dict[str, str | int]] = [{}, {"kind": "exact"}, {"min_bytes": 1_050_000}]
BATCH = 2000
START_SECONDS = 1200
STORM_SIDE = 1600  # pixels of noise: about 5 MB as a JPEG

SYNTHETIC = """
import sys
from benchmarks.web_load import write_catalog
write_catalog(sys.argv[1], int(sys.argv[2]))
"""
UPLOADS = """
import sys
from benchmarks.web_load import write_uploads
write_uploads(sys.argv[1], sys.argv[2], int(sys.argv[3]))
"""
MODEL_ALONE = """
import sys
from benchmarks.web_load import model_alone
model_alone(sys.argv[1])
"""


def write_catalog(location: str, contents: int) -> None:
    """Fill a new catalog with contents that nobody has."""
    import numpy as np
    from blake3 import blake3

    from neardup_cli.catalog import scanning
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.catalog.scanning import FileRow
    from neardup_cli.embedders.registry import DEFAULT_MODEL, load_embedder
    from neardup_cli.records.files import Features, FileStamp

    identity = load_embedder(DEFAULT_MODEL).identity
    noise = np.random.default_rng(0)
    root = b"/nowhere/photos"
    with Catalog.open(Path(location), create=True) as catalog:
        with catalog.write() as connection:
            scan_id = scanning.begin_scan(connection)
            roots = {root: scanning.store_root(connection, root, 0, scan_id)}
            model_id = scanning.store_model(connection, identity, scan_id)
        for numbers in batched(range(contents), BATCH):
            vectors = noise.standard_normal((len(numbers), identity.dimension))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            hashes = noise.integers(-(2**63), 2**63, len(numbers), dtype=np.int64)
            outcomes, rows = {}, []
            for place, number in enumerate(numbers):
                digest = blake3(number.to_bytes(8)).digest()
                size = 1_000_000 + number
                features = Features(
                    "JPEG", 4000, 3000, int(hashes[place]), 0.0, None, vectors[place].astype("<f2").tobytes()
                )
                outcomes[digest] = size, features
                for copy in range(2 if number % COPIED == 0 else 1):
                    path = b"%s/%04d/IMG_%06d_%d.jpg" % (root, number // 250, number, copy)
                    rows.append(
                        FileRow(path, FileStamp(size, number, 0, 2 * number + copy + 1), digest, root)
                    )
            with catalog.write() as connection:
                scanning.store_contents(connection, outcomes, model_id)
                scanning.store_files(connection, rows, roots, scan_id)
        with catalog.write() as connection:
            scanning.finish_scan(connection, scan_id)


def write_uploads(photographs: str, folder: str, count: int) -> None:
    """Copy every other photograph to `known`; encode those again in `copies`, the others in `new`."""
    import numpy as np
    from PIL import Image

    for name in ("known", "copies", "new"):
        (Path(folder) / name).mkdir()
    for number, path in enumerate(islice(_photographs(Path(photographs)), 2 * count)):
        if number % 2:
            shutil.copy(path, Path(folder) / "known")
        with Image.open(path) as picture:
            name = "copies" if number % 2 else "new"
            picture.convert("RGB").save(Path(folder) / name / f"{number:04d}.jpg", quality=70)
    noise = np.random.default_rng(0).integers(0, 256, (STORM_SIDE, STORM_SIDE, 3), dtype=np.uint8)
    Image.fromarray(noise).save(Path(folder) / "large.jpeg", quality=95)


def model_alone(folder: str) -> None:
    """Print how many images a second the model embeds, one a call, and the CPU milliseconds of each."""
    from neardup_cli.embedders.registry import DEFAULT_MODEL, load_embedder
    from neardup_cli.images.decode import decode

    embedder = load_embedder(DEFAULT_MODEL)
    prepared = []
    for path in sorted(Path(folder).glob("*.jpg")):
        decoded = decode(path.read_bytes())
        prepared.append(embedder.prepare(decoded.colour or decoded.luma))
    embedder.embed(prepared[:1])
    started, busy = time.perf_counter(), time.process_time()
    for pixels in prepared:
        embedder.embed([pixels])
    print(len(prepared) / (time.perf_counter() - started))
    print((time.process_time() - busy) * 1000 / len(prepared))


def _photographs(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


@dataclass(frozen=True, slots=True)
class Server:
    """A running `neardup serve`."""

    url: str
    pid: int

    def peak_mb(self) -> float:
        """Peak memory so far; Linux only."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6

    def cpu_ms(self) -> float:
        """CPU time so far; Linux only."""
        user, system = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) * 1000 / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(catalog: Path) -> Iterator[Server]:
    """Serve a catalog; ready when its groups are."""
    process = subprocess.Popen(
        [_bench.neardup(), "serve", "--no-token", "--port", "0", "--catalog", catalog],
        stderr=subprocess.PIPE,
        text=True,
        cwd=catalog.parent,
    )
    assert process.stderr is not None
    try:
        process.stderr.readline()  # what it means to ask for no token
        server = Server(process.stderr.readline().split()[3], process.pid)
        started = time.perf_counter()
        with httpx.Client(
            base_url=server.url, transport=httpx.HTTPTransport(retries=20), timeout=60
        ) as client:
            while client.get("/api/stats").status_code != 200:
                if time.perf_counter() - started > START_SECONDS or process.poll() is not None:
                    sys.exit("the server did not get ready")
                time.sleep(1)
            groups = client.get("/api/stats").json()["groups"]
        _bench.note(f"{groups:,} groups after {time.perf_counter() - started:.0f} s")
        yield server
    finally:
        process.terminate()
        process.wait()


async def upload(server: Server, pictures: Sequence[bytes]) -> list[int]:
    """Upload pictures over 100 connections at once; return the statuses.

    Requests are written as they go over the wire: a client library would take a third of what the server
    takes to answer, from the same cores.
    """
    waiting = list(pictures)
    address = httpx.URL(server.url)

    async def connection() -> list[int]:
        reader, writer = await asyncio.open_connection(address.host, address.port)
        statuses = []
        while waiting:
            writer.write(request(waiting.pop(), address))
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split()[0]))
            statuses.append(int(head.split()[1]))
        writer.close()
        await writer.wait_closed()
        return statuses

    return [
        status for one in await asyncio.gather(*(connection() for _ in range(CONNECTIONS))) for status in one
    ]


def request(picture: bytes, address: httpx.URL) -> bytes:
    """Return an upload as it goes over the wire."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n%b\r\n--x--\r\n' % picture
    )
    head = (
        f"POST /api/detect HTTP/1.1\r\nHost: {address.netloc.decode()}\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def browse(client: httpx.AsyncClient, requests: int, seed: int) -> list[float]:
    """Ask for random pages of groups; return the milliseconds that each took."""
    choose = random.Random(seed)
    taken = []
    for _ in range(requests):
        parameters: dict[str, str | int] = {
            "offset": choose.randrange(0, 10_000, 60),
            "limit": 60,
            "order": choose.choice(["saving", "files", "doubt", "path"]),
            **choose.choice(FILTERS),
        }
        if choose.random() < 0.5:
            parameters["folder"] = f"/nowhere/photos/{choose.randrange(400):04d}"
        started = time.perf_counter()
        answer = await client.get("/api/groups", params=parameters)
        taken.append((time.perf_counter() - started) * 1000)
        if answer.status_code != 200:
            sys.exit(f"/api/groups answered {answer.status_code}: {answer.text}")
    return taken


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the load gave."""

    new_a_second: float
    copies_a_second: float
    new_cpu_ms: float
    copies_cpu_ms: float
    p50: float
    p99: float
    storm_seconds: float
    lost: int
    growth_mb: float


async def load(
    server: Server, new: Sequence[bytes], copies: Sequence[bytes], large: bytes, requests: int
) -> Load:
    """Put all loads on the server, one after the other."""
    async with httpx.AsyncClient(base_url=server.url, timeout=600) as client:
        await upload(server, new[:10])
        rates, busy, lost = [], [], 0
        for pictures in (new, copies):
            started, before = time.perf_counter(), server.cpu_ms()
            statuses = await upload(server, pictures)
            rates.append(len(pictures) / (time.perf_counter() - started))
            busy.append((server.cpu_ms() - before) / len(pictures))
            lost += sum(status != 200 for status in statuses)
        both = await asyncio.gather(*(browse(client, requests // 2, seed) for seed in (1, 2)))
        taken = [milliseconds for one in both for milliseconds in one]
        before = server.peak_mb()
        started = time.perf_counter()
        statuses = await upload(server, [large] * CONNECTIONS)
        seconds = time.perf_counter() - started
    return Load(
        new_a_second=rates[0],
        copies_a_second=rates[1],
        new_cpu_ms=busy[0],
        copies_cpu_ms=busy[1],
        p50=median(taken),
        p99=quantiles(taken, n=100)[98],
        storm_seconds=seconds,
        lost=lost + sum(status != 200 for status in statuses),
        growth_mb=server.peak_mb() - before,
    )


def _uploads(folder: Path, count: int) -> list[bytes]:
    pictures = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    return [pictures[place % len(pictures)] for place in range(count)]


def main() -> None:
    """Measure all of it."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--contents", type=int, default=100_000, help="pictures in the catalog (100,000)")
    parser.add_argument("--uploads", type=int, default=400, help="uploads a run (400)")
    parser.add_argument("--requests", type=int, default=2000, help="requests for groups a run (2,000)")
    options = _bench.parse(parser)
    os.environ["PYTHONPATH"] = str(_bench.ROOT)
    with _bench.workspace() as work:
        catalog, uploads = work / "catalog.db", work / "uploads"
        uploads.mkdir()
        _bench.note(f"writing {options.contents:,} pictures into a catalog")
        _bench.run([sys.executable, "-c", SYNTHETIC, catalog, str(options.contents)], work)
        _bench.run([sys.executable, "-c", UPLOADS, options.folder, uploads, str(options.uploads)], work)
        _bench.scan(uploads / "known", catalog)
        new, copies = (_uploads(uploads / name, options.uploads) for name in ("new", "copies"))
        large = (uploads / "large.jpeg").read_bytes()
        alone, loads = [], []
        with served(catalog) as server:
            idle = server.peak_mb()
            for run in range(options.runs):
                told = _bench.run([sys.executable, "-c", MODEL_ALONE, uploads / "new"], work).stdout
                a_second, cpu_ms = map(float, told.split())
                alone.append(a_second)
                loads.append(asyncio.run(load(server, new, copies, large, options.requests)))
                _bench.note(f"run {run + 1}: alone {a_second:.1f}/s, {cpu_ms:.1f} ms of CPU, {loads[-1]}")
            peak = server.peak_mb()
    _bench.print_table(
        (
            "run",
            "model alone /s",
            "new /s",
            "CPU ms",
            "copies /s",
            "CPU ms",
            "groups p50 ms",
            "p99 ms",
            "storm s",
            "growth MB",
        ),
        [
            [
                str(run),
                one,
                it.new_a_second,
                it.new_cpu_ms,
                it.copies_a_second,
                it.copies_cpu_ms,
                it.p50,
                it.p99,
                it.storm_seconds,
                it.growth_mb,
            ]
            for run, (one, it) in enumerate(zip(alone, loads, strict=True), 1)
        ],
    )
    print(f"\npeak memory: {idle:.0f} MB when ready, {peak:.0f} MB at the end")
    weight = len(large) * CONNECTIONS / 1e6
    _bench.finish(
        [
            *(
                Figure(name, _bench.median_ratio(rates, alone), LEAST_THROUGHPUT, at_least=True)
                for name, rates in (
                    ("detect, new pictures / model alone", [it.new_a_second for it in loads]),
                    ("detect, copies / model alone", [it.copies_a_second for it in loads]),
                )
            ),
            Figure("p99 of /api/groups", median(it.p99 for it in loads), MOST_MILLISECONDS, unit=" ms"),
            Figure("uploads lost", sum(it.lost for it in loads), 0),
            Figure("growth / weight of 100 uploads", loads[0].growth_mb / weight, MOST_GROWTH),
        ]
    )


if __name__ == "__main__":
    main()
