from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import NoReturn

import numpy as np
import pytest

from neardup_cli.engines import ray as engine
from neardup_cli.engines.keeper import Keeper
from neardup_cli.engines.ray import RayEngine, _KeeperActor
from neardup_cli.errors import ClusterFailed, MissingExtra, ModelMismatch
from neardup_cli.records.scans import Cluster
from tests.ray_cluster import WORKERS


@pytest.fixture
def here(ray_address: str) -> RayEngine:
    return RayEngine(Cluster(ray_address, WORKERS))


# Steps are functions within functions: those of a module are imported by the workers, who have no tests.


def test_results_come_in_order_of_chunks_that_are_drawn_as_they_are_needed(here: RayEngine) -> None:
    table = np.arange(100_000, dtype=np.int64)
    drawn: list[int] = []

    def chunks() -> Iterator[int]:
        for number in range(60):
            drawn.append(number)
            yield number

    def step(chunk: int) -> tuple[int, bool]:
        import time

        time.sleep(0.1 if chunk % 7 == 0 else 0)  # these are overtaken
        return int(table[chunk]) ** 2, table.flags.writeable

    results = here.map(step, chunks())
    assert next(results) == (0, False)  # the table is read where it lies
    assert len(drawn) < 30
    assert [square for square, _ in results] == [number**2 for number in range(1, 60)]


def test_what_goes_wrong_comes_as_one_line(here: RayEngine) -> None:
    def step(chunk: int) -> int:
        from neardup_cli.errors import ModelMismatch

        if chunk == 7:
            raise ModelMismatch("not that one")
        return chunk

    results = here.map(step, range(20))
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(ModelMismatch, match=r"^not that one$"):
        next(results)

    def make() -> NoReturn:
        raise KeyError("a\nb")

    with pytest.raises(ClusterFailed, match=r"^a worker of the Ray cluster failed: KeyError: "):
        list(here.map_made(make, [1]))


def unused() -> Callable[[bytes, Keeper], bytes]:
    raise AssertionError("no worker makes a step where there is no Ray")


def digest(number: int) -> bytes:
    return number.to_bytes(32)


def test_a_chunk_that_is_done_again_keeps_its_claims() -> None:
    keeper = _KeeperActor(b"")
    assert keeper.take_some(1, [digest(5), digest(6), digest(5)]) == [digest(5), digest(6)]
    assert keeper.take_some(2, [digest(6), digest(7)]) == [digest(7)]
    assert keeper.take_some(1, [digest(5), digest(6)]) == [digest(5), digest(6)]


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_known_contents_are_claimed_by_nobody(count: int) -> None:
    keeper = _KeeperActor(b"".join(digest(2 * number) for number in range(1, count + 1)))
    asked = [digest(number) for number in range(20)]
    assert keeper.take_some(1, asked) == [
        digest(number) for number in range(20) if number % 2 or not 0 < number <= 2 * count
    ]


def test_without_ray_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"needs Ray: run `.* install .*\[ray\]'`$"):
        list(RayEngine(Cluster()).map_made(unused, [b"x"]))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "host:99999", "host:port"])
def test_nobody_at_the_address(address: str) -> None:
    with pytest.raises(ClusterFailed, match=f"no Ray cluster answers at {address}"):
        engine._knock(Cluster(address))
