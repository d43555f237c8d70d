from __future__ import annotations

import faiss
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neardup_cli.index.descriptors import two_nearest


@settings(max_examples=40, deadline=None)
@given(
    queries=st.integers(1, 60), stored=st.integers(2, 60), width=st.sampled_from([8, 32]), seed=st.integers(0)
)
def test_as_a_count_of_all_bits_says(queries: int, stored: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    a = random.integers(0, 256, (queries, width), dtype=np.uint8)
    b = random.integers(0, 256, (stored, width), dtype=np.uint8)
    rows, distances = two_nearest(a, b)
    bits = np.bitwise_count(a[:, None] ^ b).sum(axis=-1)
    assert np.array_equal(distances, np.sort(bits, axis=1)[:, :2])
    assert np.array_equal(np.take_along_axis(bits, rows, axis=1), distances)


def test_the_number_of_threads_is_as_before() -> None:
    before = faiss.omp_get_max_threads()
    two_nearest(np.zeros((3, 32), np.uint8), np.ones((2, 32), np.uint8))
    assert faiss.omp_get_max_threads() == before
