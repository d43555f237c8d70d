"""A plan being made: one at a time, watched and stopped by whoever likes.

To prove that nothing is lost, files are compared at full size: that may take minutes or hours. The request
that asks for the plan waits in a thread of its own; two at a time would only be slower.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus

from neardup_cli.web.board import Stopped, Watch
from neardup_cli.web.problems import Refusal


class Planning:
    """Runs what makes a plan."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._stopping = False
        self._closing = False
        self._watch: Watch | None = None

    def run[T](self, work: Callable[[Watch], T]) -> T:
        """Run work that makes a plan, unless another plan is being made.

        Raises:
            Refusal: one is, or this one was stopped.
        """
        if not self._busy.acquire(blocking=False):
            raise Refusal(HTTPStatus.CONFLICT, "another plan is being made: wait for it, or stop it")
        try:
            self._stopping = False
            watch = self._watch = Watch(lambda: self._stopping or self._closing)
            return work(watch)
        except Stopped:
            message = "the plan was stopped; what was compared until then is kept"
            raise Refusal(HTTPStatus.CONFLICT, message) from None
        finally:
            self._watch = None
            self._busy.release()

    def view(self) -> Watch | None:
        """Return how far the plan is that is being made; None where none is."""
        return self._watch

    def stop(self) -> None:
        """End it; what was compared is in the catalog, and the next plan goes on from there."""
        self._stopping = True

    def close(self) -> None:
        """End it, and wait until it has; no other one is made any more."""
        self._closing = True
        with self._busy:
            pass
