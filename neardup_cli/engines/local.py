"""A map on this machine's cores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor


class LocalEngine:
    """Threads that each take a whole chunk of work.

    Decoding and inference leave Python's lock, so threads use all cores; one thread does all steps of
    its chunk, so that nothing waits in queues between them.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def map[T, R](self, step: Callable[[T], R], chunks: Iterable[T]) -> Generator[R]:
        """Yield `step(chunk)` for each chunk, in order, with a few chunks under way at any time.

        An exception in a step, or in the consumer (Ctrl-C), drops the chunks that have not begun.
        """
        executor = ThreadPoolExecutor(self._workers, thread_name_prefix="map")
        under_way: deque[Future[R]] = deque()
        try:
            for chunk in chunks:
                under_way.append(executor.submit(step, chunk))
                # A slow picture at the head must not leave the other workers without work.
                if len(under_way) > 4 * self._workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            executor.shutdown(wait=True, cancel_futures=True)
