"""The parts of the Ray engine that need no cluster; tests/e2e/test_ray.py runs one."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from neardup_cli.engines import ray as engine
from neardup_cli.engines.keeper import Keeper
from neardup_cli.engines.ray import RayEngine, _in_order, _KeeperActor
from neardup_cli.errors import ClusterFailed, MissingExtra
from neardup_cli.records import Cluster


def unused() -> Callable[[bytes, Keeper], bytes]:
    raise AssertionError("no worker makes a step where there is no Ray")


def digest(number: int) -> bytes:
    return number.to_bytes(32)


def test_results_come_in_order_whatever_order_they_are_done_in() -> None:
    rows = [{"number": number, "result": bytes([number])} for number in (12, 10, 14, 13, 11)]
    assert list(_in_order(rows, 10)) == [bytes([number]) for number in range(10, 15)]


def test_a_result_is_handed_on_as_soon_as_its_turn_has_come() -> None:
    rows = iter([{"number": 0, "result": b"0"}, {"number": 1, "result": b"1"}])
    results = _in_order(rows, 0)
    assert next(results) == b"0"
    assert next(rows) == {"number": 1, "result": b"1"}


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
    with pytest.raises(MissingExtra, match=r"pip install 'neardup-cli\[ray\]'"):
        list(RayEngine(Cluster()).map(unused, [b"x"]))


@pytest.mark.parametrize("address", ["127.0.0.1:9", "ray://127.0.0.1:9", "host:99999", "host:port"])
def test_nobody_at_the_address(address: str) -> None:
    with pytest.raises(ClusterFailed, match=f"no Ray cluster answers at {address}"):
        engine._knock(Cluster(address))
