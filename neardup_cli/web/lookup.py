"""Looking uploads up: those that wait are taken through the model and the index together.

A worker takes its share of what is waiting when it becomes free. So nothing ever waits for a batch to
fill, and the busier the server is, the larger the batches.
"""

from __future__ import annotations

import gc
import math
import queue
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module

from neardup_cli.catalog.database import Catalog
from neardup_cli.embedders.base import Embedder
from neardup_cli.errors import NeardupError
from neardup_cli.pipeline.query import QueryOptions, Question, Searcher
from neardup_cli.records.answers import QueryResult
from neardup_cli.web.memory import trim
from neardup_cli.web.metrics import Metrics

_LARGEST_BATCH = 8
_TIDY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    answer: Future[QueryResult] = field(default_factory=Future)


class Lookup:
    """Answers questions in worker threads; the model is loaded once, the index whenever a scan has ended."""

    def __init__(self, catalog: Catalog, options: QueryOptions, workers: int, metrics: Metrics) -> None:
        self._catalog = catalog
        self._options = options
        self._metrics = metrics
        self._queue: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._loading = threading.Lock()
        self._searcher: Searcher | None = None
        self._embedder: Embedder | None = None
        self._workers = [
            threading.Thread(target=self._work, name=f"lookup-{number}", daemon=True)
            for number in range(workers)
        ]
        for worker in self._workers:
            worker.start()

    def ask(self, question: Question) -> Future[QueryResult]:
        """Put a question; its file has to stay until the answer is there."""
        asked = _Asked(question)
        self._queue.put(asked)
        self._metrics.waiting.set(self._queue.qsize())
        return asked.answer

    def searcher(self) -> Searcher:
        """Return what answers, loading it first where that has not happened; for threads that may wait.

        Raises:
            ModelMismatch, ModelMissing, ModelInvalid, CatalogError: it cannot be loaded.
        """
        if self._searcher is None:
            with self._loading:
                if self._searcher is None:
                    self._load()
        assert self._searcher is not None
        return self._searcher

    def refresh(self) -> None:
        """Load hashes and index anew: the catalog has changed. Until then the former ones answer."""
        with self._loading:
            self._load()

    def _load(self) -> None:
        self._searcher = Searcher(self._catalog, self._options, self._embedder)
        self._embedder = self._searcher.rules.embedder
        import_module("neardup_cli.pipeline.laying")  # OpenCV: not while the first copy waits

    def close(self) -> None:
        """Answer what was asked, and end the workers."""
        for _ in self._workers:
            self._queue.put(None)
        for worker in self._workers:
            worker.join()

    def _work(self) -> None:
        with suppress(NeardupError):  # whoever asks first is told
            self.searcher()
        while (first := self._next()) is not None:
            batch = [asked for asked in self._share(first) if asked.answer.set_running_or_notify_cancel()]
            self._metrics.waiting.set(self._queue.qsize())
            if batch:
                self._metrics.batches.observe(len(batch))
                self._answer(batch)
            del first, batch  # what they hold is not kept until somebody asks again

    def _next(self) -> _Asked | None:
        """Wait for a question; where none comes for a while after one, give memory back.

        A decoder's complaint holds pixels in a cycle, and whoever asked may have given up long ago.
        """
        timeout: float | None = _TIDY_SECONDS
        while True:
            try:
                return self._queue.get(timeout=timeout)
            except queue.Empty:
                timeout = None
                gc.collect()
                trim()

    def _share(self, first: _Asked) -> list[_Asked]:
        """Return a question with as many others as leave the same number to each worker."""
        batch = [first]
        fair = math.ceil((self._queue.qsize() + 1) / len(self._workers))
        while len(batch) < min(fair, _LARGEST_BATCH):
            try:
                asked = self._queue.get_nowait()
            except queue.Empty:
                break
            if asked is None:  # the end, for whichever worker sees it next
                self._queue.put(None)
                break
            batch.append(asked)
        return batch

    def _answer(self, batch: list[_Asked]) -> None:
        try:
            results = self.searcher().query_many([asked.question for asked in batch])
        except Exception as exc:  # whatever it is, somebody waits for it
            if len(batch) == 1:
                batch[0].answer.set_exception(exc)
                return
            for asked in batch:  # one picture must not spoil the answers to the others
                self._answer([asked])
            return
        for asked, result in zip(batch, results, strict=True):
            asked.answer.set_result(result)
