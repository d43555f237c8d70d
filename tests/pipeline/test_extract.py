from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.pipeline.extract import IN_MEMORY_BYTES, chunked
from neardup_cli.pipeline.work import ToRead

sizes = st.lists(st.sampled_from([1, 1000, IN_MEMORY_BYTES // 3, IN_MEMORY_BYTES + 1]), max_size=60)


def files(some: list[int]) -> list[ToRead]:
    return [ToRead(b"/%d" % number, b"/", size) for number, size in enumerate(some)]


@given(sizes, st.integers(1, 9), st.integers(1, 4))
def test_chunks_hold_every_file_once_in_order_and_are_bounded(
    some: list[int], count: int, workers: int
) -> None:
    chunks = list(chunked(files(some), count, workers))
    assert [file for chunk in chunks for file in chunk] == files(some)
    for chunk in chunks:
        assert 1 <= len(chunk) <= count
        assert len(chunk) == 1 or sum(file.size for file in chunk) <= IN_MEMORY_BYTES


def test_the_last_chunks_are_small() -> None:
    lengths = [len(chunk) for chunk in chunked(files([1] * 100), 8, 2)]
    assert lengths[:8] == [8] * 8
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-4:] == [1] * 4
    assert [len(chunk) for chunk in chunked(files([1] * 3), 8, 2)] == [1, 1, 1]
