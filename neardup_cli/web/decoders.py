"""The processes that read uploads, from the side of the server: see `decoder`.

There are as many as workers, each led by a thread. One that dies is an answer; one that has grown is ended,
and so are those that have nothing to do, but for one.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO

from neardup_cli.errors import ImageTooLarge, UnreadableImage
from neardup_cli.web import decoder
from neardup_cli.web.decoder import Answer, Asked, read_answer, write_request

WALL_SECONDS = 45.0
"""For one upload; the process itself may take `decoder.SECONDS` of a core."""
_IDLE_SECONDS = 2.0
_GROWN_AT_REST = 4_000_000
_GONE = "decoding it takes more memory or time than an upload is given"


@dataclass(eq=False, slots=True)
class Reading:
    """A file that is read, or waits for that."""

    asked: Asked
    source: BinaryIO
    answer: Future[Answer] = field(default_factory=Future)
    process: subprocess.Popen[bytes] | None = None
    is_unwanted: bool = False

    def stop(self) -> None:
        """Have it end soon: nobody waits for the answer any more."""
        self.is_unwanted = True
        if not self.answer.cancel() and (process := self.process) is not None:
            _kill(process)


class Decoders:
    """Reads files in processes; threads may share it."""

    def __init__(self, most: int) -> None:
        """Begin; a process is started for the first file."""
        self._queue: queue.SimpleQueue[Reading | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(number == 0,), name=f"decoder-{number}", daemon=True)
            for number in range(most)
        ]
        for thread in self._threads:
            thread.start()

    def read(self, asked: Asked, source: BinaryIO) -> Reading:
        """Put a file, which has to stay open until the answer is there.

        The answer raises ImageTooLarge or UnreadableImage.
        """
        reading = Reading(asked, source)
        self._queue.put(reading)
        return reading

    def close(self) -> None:
        """Read what was asked for, and end all processes."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self, stays: bool) -> None:
        """Read what there is; where nothing has come for a while, let the process go unless it is to stay."""
        process = _Process()
        try:
            while (reading := self._next(process, stays=stays)) is not None:
                if not reading.answer.set_running_or_notify_cancel():
                    continue
                try:
                    answer = process.read(reading)
                except Exception as exc:  # whatever it is, somebody waits for it
                    reading.answer.set_exception(exc)
                else:
                    reading.answer.set_result(answer)
                del reading
        finally:
            process.end()

    def _next(self, process: _Process, *, stays: bool) -> Reading | None:
        try:
            return self._queue.get(timeout=_IDLE_SECONDS if process.is_there else None)
        except queue.Empty:
            process.rest(stays=stays)
        return self._queue.get()


class _Process:
    """A process that reads uploads, or none; for one thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._grown = 0
        self._has_read = False

    @property
    def is_there(self) -> bool:
        return self._process is not None

    def read(self, reading: Reading) -> Answer:
        """Have a file read.

        Raises:
            ImageTooLarge: the process has died of it, or would have.
            UnreadableImage: it is no image, or its source is closed.
        """
        try:
            answer = self._asked(reading)
        except (EOFError, OSError, ValueError) as exc:
            self.end()
            if reading.source.closed or reading.is_unwanted:
                raise UnreadableImage("cannot be read") from exc
            raise ImageTooLarge(_GONE) from exc
        if answer.told["last"]:
            self.end()
        if "error" in answer.told:
            raise (ImageTooLarge if answer.told["too_large"] else UnreadableImage)(answer.told["error"])
        return answer

    def _asked(self, reading: Reading) -> Answer:
        again = self._has_read
        try:
            return self._exchange(reading)
        except (EOFError, OSError):
            self.end()
            if not again or reading.is_unwanted:  # it may have died meanwhile, of nothing of this file's
                raise
            return self._exchange(reading)

    def _exchange(self, reading: Reading) -> Answer:
        process = self._started()
        reading.process = process
        if reading.is_unwanted:
            raise EOFError("nobody waits for it")
        assert process.stdin is not None
        assert process.stdout is not None
        watch = threading.Timer(WALL_SECONDS, _kill, (process,))
        watch.daemon = True
        watch.start()
        try:
            write_request(process.stdin, reading.asked, reading.source)
            answer = read_answer(process.stdout)
        finally:
            watch.cancel()
        reading.process = None
        self._has_read = True
        self._grown = int(answer.told["grown"])
        return answer

    def rest(self, *, stays: bool) -> None:
        """Keep no memory of uploads: end it, and where one is to stay, begin a fresh one."""
        if stays and self._grown <= _GROWN_AT_REST:
            return
        self.end()
        if stays:
            with suppress(OSError):
                self._started()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        process, self._process = self._process, None
        self._grown, self._has_read = 0, False
        if process is None:
            return
        _kill(process)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # what was not written yet
                    stream.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", decoder.__name__],  # the working folder has no modules of ours
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Each arena of glibc's, and each thread of a library that computes, takes memory by itself.
                env={**os.environ, "MALLOC_ARENA_MAX": "2", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,  # with its child
            )
        return self._process


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process at once, and the child that it has."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
