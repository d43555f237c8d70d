"""What a process may take and has taken, where the system counts it; elsewhere nothing is limited."""

from __future__ import annotations

import sys
from enum import Enum, auto

try:
    import resource
except ImportError:  # Windows
    _COUNTS = False
else:
    _COUNTS = True


class Limit(Enum):
    """What can be limited: seconds of a core, bytes of a dump, bytes of data, open files."""

    CPU = auto()
    CORE = auto()
    DATA = auto()
    FILES = auto()


def allow(what: Limit, most: int | None) -> None:
    """Limit this process, as far as it may; None takes the limit away again.

    Raises:
        OSError, ValueError: the system does not let it.
    """
    if not _COUNTS:
        return
    kind = _kind(what)
    hard = resource.getrlimit(kind)[1]
    if most is None or (hard != resource.RLIM_INFINITY and most > hard):
        most = hard
    resource.setrlimit(kind, (most, hard))


def allow_at_least(what: Limit, wanted: int) -> None:
    """Raise a limit of this process where it is lower, as far as it may be raised.

    Raises:
        OSError, ValueError: the system does not let it.
    """
    if _COUNTS:
        soft = resource.getrlimit(_kind(what))[0]
        if soft != resource.RLIM_INFINITY and soft < wanted:
            allow(what, wanted)


def _kind(what: Limit) -> int:
    return {
        Limit.CPU: resource.RLIMIT_CPU,
        Limit.CORE: resource.RLIMIT_CORE,
        Limit.DATA: resource.RLIMIT_DATA,
        Limit.FILES: resource.RLIMIT_NOFILE,
    }[what]


def cpu_seconds() -> float:
    """Return the seconds of a core that this process has taken."""
    if not _COUNTS:
        import time

        return time.process_time()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """Return the most memory that was resident since the process began, MB; 0 where nobody counts it."""
    if not _COUNTS:
        return 0.0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most * 1024 / 1e6
