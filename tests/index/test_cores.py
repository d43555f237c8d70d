from __future__ import annotations

import faiss
import pytest

from neardup_cli.index.cores import on_this_core


def test_one_thread_within_and_as_many_as_before_after() -> None:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        with on_this_core():
            assert faiss.omp_get_max_threads() == 1
        assert faiss.omp_get_max_threads() == 3
        with pytest.raises(ZeroDivisionError), on_this_core():
            raise ZeroDivisionError
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)
