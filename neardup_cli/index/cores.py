"""How many cores FAISS takes: what asks it from several threads at once gives each of them one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


@contextmanager
def on_this_core() -> Iterator[None]:
    """Keep FAISS from sharing work among the cores: the callers are threads that use them all.

    OpenMP's threads wait for each other by spinning. Where other work has the cores, a search of 0.2 ms
    burns a millisecond.
    """
    cores = faiss.omp_get_max_threads()  # OpenMP keeps this number per calling thread
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(cores)
