from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from neardup_cli.engines.local import LocalEngine


def running() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("map")]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_results_come_in_order(workers: int) -> None:
    def slowest_first(number: int) -> int:
        time.sleep(0.02 if number % 5 == 0 else 0)
        return number * number

    found = list(LocalEngine(workers).map(slowest_first, range(40)))
    assert found == [number * number for number in range(40)]
    assert running() == []


def test_nothing_to_do() -> None:
    def never(_: object) -> None:
        pytest.fail("called")

    assert list(LocalEngine(2).map(never, [])) == []


def test_nothing_starts_before_it_is_asked_for() -> None:
    begun: list[int] = []
    LocalEngine(2).map(begun.append, range(10))
    time.sleep(0.02)
    assert begun == []


def test_all_workers_work_at_once() -> None:
    together = threading.Barrier(3)
    assert list(LocalEngine(3).map(lambda _: together.wait(timeout=5) >= 0, range(6))) == [True] * 6


def test_slow_picture_at_the_head_does_not_stop_the_others() -> None:
    done = threading.Semaphore(0)

    def step(number: int) -> int:
        if number == 0:  # waits for four others, which one thread alone has to have done meanwhile
            assert all(done.acquire(timeout=5) for _ in range(4))
        done.release()
        return number

    assert list(LocalEngine(2).map(step, range(30))) == list(range(30))


@pytest.mark.parametrize("workers", [1, 3])
def test_few_chunks_are_taken_ahead_of_the_consumer(workers: int) -> None:
    taken = 0

    def chunks() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    ahead = []
    for consumed, _ in enumerate(LocalEngine(workers).map(lambda number: number, chunks())):
        ahead.append(taken - consumed)
        if consumed == 100:
            break
    assert max(ahead) <= 4 * workers + 1
    assert min(ahead) > workers


def test_exception_in_a_step_stops_the_work() -> None:
    begun: list[int] = []

    def step(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise KeyError("three")
        time.sleep(0.001)
        return number

    found: list[int] = []

    def consume() -> None:
        for number in LocalEngine(2).map(step, range(1000)):
            found.append(number)

    with pytest.raises(KeyError, match="three"):
        consume()
    assert found == [0, 1, 2]
    assert len(begun) <= 13
    assert running() == []


def test_interrupt_of_the_consumer_drops_what_has_not_begun() -> None:
    begun: list[int] = []

    def step(number: int) -> int:
        begun.append(number)
        time.sleep(0.05)
        return number

    def consume() -> None:
        for _ in LocalEngine(1).map(step, range(1000)):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        consume()
    count = len(begun)
    assert count <= 3  # of the five that were waiting
    assert running() == []
    time.sleep(0.06)
    assert len(begun) == count


def test_exception_of_the_chunks_stops_the_work() -> None:
    def chunks() -> Iterator[int]:
        yield 1
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        list(LocalEngine(2).map(lambda number: number, chunks()))
    assert running() == []
