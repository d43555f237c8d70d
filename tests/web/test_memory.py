"""Memory is lent to uploads in turn, and what they have all together comes back."""

from __future__ import annotations

import asyncio

import pytest

from neardup_cli.web.memory import Room, return_large_blocks, trim


def test_what_is_lent_is_never_more_than_there_is() -> None:
    lent, most, order = 0, 0, []

    async def borrow(room: Room, number: int, size: int) -> None:
        nonlocal lent, most
        async with room.lent(size):
            lent += min(size, 100)
            most = max(most, lent)
            order.append(number)
            await asyncio.sleep(0.001)
            lent -= min(size, 100)

    async def all_of_them() -> None:
        room = Room(100)
        sizes = [30, 30, 30, 30, 100, 5, 5, 1_000, 1, 0]
        async with asyncio.timeout(30):
            await asyncio.gather(*(borrow(room, *one) for one in enumerate(sizes)))

    asyncio.run(all_of_them())
    assert (lent, most) == (0, 100)
    assert order == list(range(10))  # whoever wants much waits no longer than others


def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    async def give_up() -> None:
        room = Room(10)
        async with room.lent(10):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01), room.lent(5):
                    raise AssertionError("lent twice")
        async with asyncio.timeout(1), room.lent(10):
            pass

    asyncio.run(give_up())


def test_the_system_is_asked_where_it_can_be() -> None:
    return_large_blocks()
    trim()
