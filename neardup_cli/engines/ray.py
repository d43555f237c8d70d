"""The map step of a scan on a Ray cluster: actors that hold the model, fed by Ray Data.

The driver alone writes the catalog. An actor that dies is started again, and what it was at is done again;
results are handed on in the order of the work, so that the catalog comes out as from one machine.
"""

from __future__ import annotations

import heapq
import logging
import os
import pickle
import socket
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from neardup_cli.engines.keeper import Keeper
from neardup_cli.engines.local import LocalEngine
from neardup_cli.errors import ClusterFailed, MissingExtra, NeardupError
from neardup_cli.records import Cluster

type MakeStep[T, R] = Callable[[], Callable[[T, Keeper], R]]
"""Makes the step on the machine that runs it, where it loads what it needs (a model). It gets pickled."""

# With whole ones, the actors would hold every CPU of a small cluster, and the tasks that feed them none.
_CPU_OF_AN_ACTOR = 0.5

# Ray Data hands an actor a block at a time: many of them level the work out, few cost less to manage.
_BLOCKS_OF_AN_ACTOR = 16
_LARGEST_BLOCK = 16  # chunks
_WAVE = 100_000  # chunks in one data set: what the driver plans at once

_DIGEST = 32  # bytes
_KNOCK_SECONDS = 10


class RayEngine:
    """A cluster, for the time of one map.

    A chunk is a few paths and its result a few vectors. The workers read the pictures themselves, from
    storage that all of them reach under the same paths.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def map[T, R](self, make_step: MakeStep[T, R], chunks: Iterable[T], known: bytes = b"") -> Iterator[R]:
        """Yield the step's result for each chunk, in order.

        Args:
            make_step: called once on each worker.
            chunks: anything that can be pickled.
            known: digests of contents that nobody has to compute: sorted, one right after the other.

        Raises:
            MissingExtra: Ray is not installed.
            ClusterFailed: the cluster cannot be reached, or gave up.
            NeardupError: what a step raised.
        """
        ray = _started(self._cluster)
        try:
            with _translated(ray):
                keeper = ray.remote(num_cpus=0)(_KeeperActor).remote(known)
                rest = enumerate(chunks)
                while wave := list(islice(rest, _WAVE)):
                    yield from self._run(ray, make_step, wave, keeper)
        finally:
            ray.shutdown()

    def _run[T, R](
        self,
        ray: Any,  # noqa: ANN401 - an extra, whose types are not here
        make_step: MakeStep[T, R],
        wave: Sequence[tuple[int, T]],
        keeper: Any,  # noqa: ANN401
    ) -> Iterator[R]:
        """Run one data set through a pool of actors."""
        actors, threads = _pool(ray, self._cluster)
        rows = [{"number": number, "work": pickle.dumps(chunk)} for number, chunk in wave]
        blocks = max(min(len(rows), actors * _BLOCKS_OF_AN_ACTOR), -(-len(rows) // _LARGEST_BLOCK))
        done = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            _Worker,
            fn_constructor_args=(pickle.dumps(make_step), keeper, threads),
            batch_size=None,
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=threads * _CPU_OF_AN_ACTOR,
            num_gpus=1 if self._cluster.gpu else None,
        )
        for result in _in_order(done.iter_rows(), wave[0][0]):
            yield pickle.loads(result)


class _Worker:
    """Lives on a node of the cluster and works through blocks of chunks."""

    def __init__(self, make_step: bytes, keeper: Any, threads: int) -> None:  # noqa: ANN401 - an actor
        self._step = pickle.loads(make_step)()
        self._keeper = keeper
        self._threads = threads

    def __call__(self, block: dict[str, Any]) -> dict[str, list[Any]]:
        def work(row: tuple[int, bytes]) -> bytes:
            number, chunk = row
            return pickle.dumps(self._step(pickle.loads(chunk), _KeeperOfOne(self._keeper, int(number))))

        rows = list(zip(block["number"], block["work"], strict=True))
        results = list(LocalEngine(self._threads).map(work, rows))
        return {"number": [number for number, _ in rows], "result": results}


class _KeeperActor:
    """Claims of the whole cluster, by the chunk that holds each: a chunk that is done again has its own."""

    def __init__(self, known: bytes) -> None:
        self._known = known
        self._owners: dict[bytes, int] = {}

    def take_some(self, owner: int, digests: Sequence[bytes]) -> list[bytes]:
        wanted = [digest for digest in dict.fromkeys(digests) if not self._is_known(digest)]
        return [digest for digest in wanted if self._owners.setdefault(digest, owner) == owner]

    def _is_known(self, digest: bytes) -> bool:
        count = len(self._known) // _DIGEST
        place = bisect_left(range(count), digest, key=self._digest)
        return place < count and self._digest(place) == digest

    def _digest(self, place: int) -> bytes:
        return self._known[place * _DIGEST : (place + 1) * _DIGEST]


@dataclass(frozen=True, slots=True)
class _KeeperOfOne:
    """The keeper as one chunk sees it. Nothing is released: what a scan has done needs no second time."""

    actor: Any
    chunk: int

    def take_some(self, digests: Sequence[bytes]) -> list[bytes]:
        import ray

        taken: list[bytes] = ray.get(self.actor.take_some.remote(self.chunk, list(digests)))
        return taken

    def release(self, digests: Iterable[bytes]) -> None:
        pass


def _in_order(rows: Iterable[dict[str, Any]], first: int) -> Iterator[bytes]:
    """Yield results by number; what comes before its turn waits."""
    waiting: list[tuple[int, bytes]] = []
    for row in rows:
        heapq.heappush(waiting, (int(row["number"]), row["result"]))
        while waiting and waiting[0][0] == first:
            yield heapq.heappop(waiting)[1]
            first += 1


def _pool(ray: Any, cluster: Cluster) -> tuple[int, int]:  # noqa: ANN401
    """Return how many actors to start, and with how many threads each."""
    resources = ray.cluster_resources()
    cpus = max(int(resources.get("CPU", 1)), 1)
    if not cluster.gpu:
        return cluster.workers or cpus, 1
    gpus = int(resources.get("GPU", 0))
    if gpus == 0:
        raise ClusterFailed("the Ray cluster has no GPU: leave --device out, or add a node that has one")
    return cluster.workers or gpus, max(cpus // gpus, 1)


def _started(cluster: Cluster) -> Any:  # noqa: ANN401
    """Import Ray, join or start a cluster, and keep it quiet: stderr belongs to the progress bar."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing about a user leaves the machine
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as exc:
        raise MissingExtra("`--engine ray` needs Ray: run `pip install 'neardup-cli[ray]'` first") from exc
    _knock(cluster)
    local = {"address": "local", "num_cpus": cluster.workers, "include_dashboard": False}
    with warnings.catch_warnings(), _silenced_stderr():
        warnings.simplefilter("ignore")
        try:
            ray.init(
                **(local if cluster.address is None else {"address": cluster.address}),
                log_to_driver=False,
                logging_level=logging.CRITICAL,
            )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as exc:
            where = "here" if cluster.address is None else f"at {cluster.address}"
            raise ClusterFailed(f"no Ray cluster can be used {where}: {_first_line(exc)}") from exc
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    return ray


def _knock(cluster: Cluster) -> None:
    """See whether anyone listens at a cluster's address: Ray itself would try for many minutes.

    Raises:
        ClusterFailed: nobody does.
    """
    host, colon, port = (cluster.address or "").removeprefix("ray://").rpartition(":")
    if not colon:  # `auto`, for which Ray knows where to look
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_SECONDS).close()
    except (OSError, ValueError, OverflowError) as exc:
        raise ClusterFailed(
            f"no Ray cluster answers at {cluster.address}: start one with `ray start --head`, "
            "or leave --ray-address out"
        ) from exc


@contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Let what Ray's C++ side says of itself at its start go nowhere; errors come as exceptions."""
    try:
        kept = os.dup(2)
    except OSError:  # it was closed by who started us
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _translated(ray: Any) -> Iterator[None]:  # noqa: ANN401
    """Raise what a step raised as itself, and what befell the cluster as one line."""
    try:
        yield
    except ray.exceptions.RayError as exc:
        cause = getattr(exc, "cause", None)
        if isinstance(cause, NeardupError):
            raise cause from exc
        raise ClusterFailed(f"the Ray cluster gave up: {_first_line(cause or exc)}") from exc


def _first_line(exc: BaseException) -> str:
    return next((line.strip() for line in str(exc).splitlines() if line.strip()), type(exc).__name__)
