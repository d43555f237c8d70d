"""The Ray cluster that the settings ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neardup_cli.records.scans import Cluster

if TYPE_CHECKING:
    from neardup_cli.settings import Settings


def chosen_cluster(settings: Settings, *, gpu: bool = False) -> Cluster | None:
    """Return which cluster does the work, None where this machine does; `gpu` asks for workers with one."""
    if settings.engine == "local":
        return None
    # In a cluster that is there, the cores of this machine say nothing.
    workers = settings.workers if settings.ray_address else settings.worker_count
    return Cluster(settings.ray_address, workers, gpu=gpu)
