"""A map on a Ray cluster: actors that hold a model, or vectors to compare.

The driver alone writes the catalog. An actor that dies is started again, and what it was at is done again;
results are handed on in the order of the work, so that the catalog comes out as from one machine.

These are plain actors, not Ray Data: there, what a step raised came as "UDF failed", a map that was stopped
in its middle sometimes took the process with it without a word, and the first result needed twice the time.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import warnings
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from typing import Any

from neardup_cli.engines.keeper import Keeper
from neardup_cli.errors import ClusterFailed, NeardupError
from neardup_cli.installation import missing_extra
from neardup_cli.records.scans import Cluster

type MakeStep[T, R] = Callable[[], Callable[[T, Keeper], R]]
"""Makes the step on the machine that runs it, where it loads what it needs (a model). It gets pickled."""

type _Make[T, R] = Callable[[], Callable[[int, T], R]]
"""What an actor makes its step with, which is given the number of each chunk too."""

# With whole ones, the actors would hold every CPU: those of a machine that is lost would find no other one.
_CPU_OF_AN_ACTOR = 0.5

# Calls that an actor has beside those it is at, so that it need not wait for the driver.
_AHEAD = 1
# Calls under way or waiting for their turn, for each that all actors have room for: none has to wait for a
# slow one, and nothing is done long before its turn either.
_EARLY = 2
# Actors for each chunk of a call of a scan: a chunk takes an actor 50 ms, and a call the driver one.
_ACTORS_A_CHUNK = 8

_DIGEST = 32  # bytes
_KNOCK_SECONDS = 10


class RayEngine:
    """A cluster, for the time of one map."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def map[T, R](self, step: Callable[[T], R], chunks: Iterable[T]) -> Generator[R]:
        """Yield `step(chunk)` for each chunk, in order, with a few chunks under way at any time.

        Args:
            step: goes to each machine once, where all workers look into the arrays that it holds.
            chunks: anything that can be pickled.

        Raises:
            MissingExtra: Ray is not installed.
            ClusterFailed: the cluster cannot be reached, or gave up.
            NeardupError: what a step raised.
        """
        with self._running() as ray:
            make = _Fetched(ray.put(step))
            del step
            yield from self._run(ray, make, batched(enumerate(chunks), 1))

    def map_made[T, R](
        self, make_step: MakeStep[T, R], chunks: Iterable[T], known: bytes = b""
    ) -> Generator[R]:
        """Yield what a step gives for each chunk; each worker makes its own, which learns what others are at.

        This is for scans: a chunk is a few paths, and its result a few vectors. The workers read the
        pictures themselves, from storage that all of them reach under the same paths.

        Args:
            make_step: called once on each worker.
            chunks: anything that can be pickled.
            known: digests of contents that nobody has to compute: sorted, one right after the other.
        """
        with self._running() as ray:
            keeper = ray.remote(num_cpus=0)(_KeeperActor).remote(known)
            at_once = max(1, _pool(ray, self._cluster)[0] // _ACTORS_A_CHUNK)
            yield from self._run(ray, _Made(make_step, keeper), batched(enumerate(chunks), at_once))

    @contextmanager
    def _running(self) -> Iterator[Any]:
        ray = _started(self._cluster)
        try:
            with _translated(ray):
                yield ray
        finally:
            ray.shutdown()

    def _run[T, R](
        self,
        ray: Any,  # noqa: ANN401 - an extra, whose types are not here
        make: _Make[T, R],
        calls: Iterable[tuple[tuple[int, T], ...]],
    ) -> Iterator[R]:
        """Start actors, and have them do the chunks of all calls, which come with their numbers."""
        actors, threads = _pool(ray, self._cluster)
        actor = ray.remote(
            num_cpus=threads * _CPU_OF_AN_ACTOR,
            num_gpus=1 if self._cluster.gpu else 0,
            max_concurrency=threads,
            max_restarts=-1,
            max_task_retries=-1,
        )(MapWorker)
        workers = [actor.remote(make) for _ in range(actors)]
        for results in _in_order(ray, workers, threads + _AHEAD, calls):
            if isinstance(results, _Raised):
                raise results.error
            yield from results


def _in_order(ray: Any, workers: Sequence[Any], rooms: int, calls: Iterable[Any]) -> Iterator[Any]:  # noqa: ANN401
    """Make calls, each to a worker that has room for one more; yield their results in order."""
    # A worker for which the cluster has no place yet never says that it is ready, and gets nothing to do.
    starting = {worker.ready.remote(): worker for worker in workers for _ in range(rooms)}
    busy, free = dict(starting), deque[Any]()
    turns = deque[Any]()
    for call in calls:
        while not free or len(turns) >= _EARLY * rooms * len(workers):
            if turns and turns[0] not in busy:
                yield ray.get(turns.popleft())
                continue
            done, _ = ray.wait(list(busy), num_returns=1)
            ray.get([reference for reference in done if reference in starting])  # it may be dead instead
            free.extend(busy.pop(reference) for reference in done)
        worker = free.popleft()
        turns.append(worker.work.remote(call))
        busy[turns[-1]] = worker
    while turns:
        yield ray.get(turns.popleft())


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Makes the step of an actor from what lies in the cluster's memory."""

    step: Any

    def __call__(self) -> Callable[[int, Any], Any]:
        import ray

        step = ray.get(self.step)
        return lambda _, chunk: step(chunk)


@dataclass(frozen=True, slots=True)
class _Made[T, R]:
    """Makes the step of an actor there, and lets it ask the keeper."""

    make_step: MakeStep[T, R]
    keeper: Any

    def __call__(self) -> Callable[[int, T], R]:
        step = self.make_step()
        return lambda number, chunk: step(chunk, _KeeperOfOne(self.keeper, number))


@dataclass(frozen=True, slots=True)
class _Raised:
    """What went wrong in a call, in the place of its results: Ray's errors are lines and lines of its own."""

    error: NeardupError


class MapWorker:
    """An actor: lives on a node of the cluster and does what it is called for."""

    def __init__(self, make: _Make[Any, Any]) -> None:
        self._make = make
        self._step: Callable[[int, Any], Any] | None = None
        self._making = threading.Lock()

    def ready(self) -> None:
        """Say that there is a place for it, by an answer."""

    def work(self, chunks: Sequence[tuple[int, Any]]) -> list[Any] | _Raised:
        """Return the results of some chunks, which come with their numbers."""
        try:
            step = self._made()
            return [step(number, chunk) for number, chunk in chunks]
        except NeardupError as exc:
            return _Raised(exc)
        except Exception as exc:
            reason = f"{type(exc).__name__}: {_first_line(exc)}"
            return _Raised(ClusterFailed(f"a worker of the Ray cluster failed: {reason}"))

    def _made(self) -> Callable[[int, Any], Any]:
        with self._making:
            # Not earlier: what is raised while an actor is made is its death to Ray.
            if self._step is None:
                self._step = self._make()
            return self._step


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
    except ModuleNotFoundError as exc:
        raise missing_extra("`--engine ray` needs Ray", "ray") from exc
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
    logging.getLogger("ray").setLevel(logging.CRITICAL)
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
    """Raise what befell the cluster as one line."""
    try:
        yield
    except ray.exceptions.RayError as exc:
        cause = getattr(exc, "cause", None)
        raise ClusterFailed(f"the Ray cluster gave up: {_first_line(cause or exc)}") from exc


def _first_line(exc: BaseException) -> str:
    return next((line.strip() for line in str(exc).splitlines() if line.strip()), type(exc).__name__)
