"""A Ray cluster of these tests' own, with two workers on this machine; run as a program, this is its head."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

WORKERS = 2
_MEMORY = 200_000_000  # bytes for what its workers share


def missing() -> str | None:
    """Say what a cluster needs and is not here."""
    return None if find_spec("ray") else "the ray extra: pip install 'neardup-cli[ray]'"


@contextmanager
def cluster() -> Iterator[str]:
    """Run a cluster; give its address."""
    # The token that it would demand lies in the home folder, and tests have homes of their own.
    os.environ["RAY_AUTH_MODE"] = "disabled"
    with subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as head:
        assert head.stdout is not None
        assert head.stdin is not None
        address = head.stdout.readline().strip()
        assert address, "no cluster could be started"
        yield address
        head.stdin.close()
    del os.environ["RAY_AUTH_MODE"]


def workers_below(pid: int) -> list[int]:
    """Return the processes of the actors that descend from a process; Ray names them after what they do."""
    parents: dict[int, int] = {}
    actors = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if (entry / "cmdline").read_bytes().startswith(b"ray::MapWorker"):
                actors.append(int(entry.name))
        except (OSError, ValueError):
            continue  # it has just ended

    def descends(child: int) -> bool:
        while child in parents and child != pid:
            child = parents[child]
        return child == pid

    return [actor for actor in actors if descends(actor)]


def _main() -> None:
    """Be the head of a cluster until nobody holds the other end of stdin any more."""
    import ray

    ray.init(
        address="local",
        num_cpus=WORKERS,
        object_store_memory=_MEMORY,
        include_dashboard=False,
        log_to_driver=False,
    )
    print(ray.get_runtime_context().gcs_address, flush=True)  # noqa: T201 - what it is run for
    sys.stdin.read()
    ray.shutdown()


if __name__ == "__main__":
    _main()
