"""What files cost beside each other."""

from __future__ import annotations

from neardup_cli.pipeline.effort import effort
from neardup_cli.pipeline.work import ToRead


def cost(name: bytes, size: int, *, embeds: bool = True, thorough: bool = False) -> float:
    return effort([ToRead(b"/p/" + name, b"/p", size)], embeds=embeds, thorough=thorough)


def test_large_files_cost_more_and_a_heic_most() -> None:
    small, large = cost(b"a.jpg", 100_000), cost(b"a.JPG", 5_000_000)
    heic = cost(b"a.HEIC", 2_000_000)
    assert small < large < heic
    assert heic > 10 * large / 2


def test_each_file_costs_something_and_what_is_asked_of_it_more() -> None:
    assert 0 < cost(b"a.jpg", 0, embeds=False) < cost(b"a.jpg", 0) < cost(b"a.jpg", 0, thorough=True)


def test_the_cost_of_all_is_that_of_each() -> None:
    files = [ToRead(b"/a.jpg", b"/", 10), ToRead(b"/a.png", b"/", 10)]
    assert effort(files, embeds=True, thorough=False) == sum(
        effort([file], embeds=True, thorough=False) for file in files
    )
