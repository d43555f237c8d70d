"""The groups of copies, kept in memory: computed in a thread, anew only when the catalog has changed.

Requests read a finished snapshot and never wait for one. While a new one is being made they get the
former; before the first there is none, and the page says how far it is.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from neardup_cli.catalog.changes import ChangeStamp, change_stamp
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.proofs import count_proofs
from neardup_cli.catalog.queries import path_range
from neardup_cli.errors import NeardupError
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.status import catalog_status
from neardup_cli.records.health import CatalogStatus
from neardup_cli.records.matches import DuplicateGroup, DupsReport
from neardup_cli.web.facets import GroupFacets, facets
from neardup_cli.web.metrics import Metrics

log = logging.getLogger("neardup.web")

_POLL_SECONDS = 1.0
_FILTERS_KEPT = 32
_QUIET_SECONDS = 5.0  # that no proof came for, while another program may be making thousands


class Order(StrEnum):
    """How groups are listed."""

    SAVING = "saving"
    FILES = "files"
    DOUBT = "doubt"
    PATH = "path"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which groups are listed, and how.

    Attributes:
        kind: only groups with a match of this kind; None for all.
        folder: only groups with a member below it; empty for all.
        min_bytes: only groups that would free at least so much.
        confident: only groups of which nobody doubts a member.
    """

    kind: str | None = None
    folder: bytes = b""
    min_bytes: int = 0
    confident: bool = False
    order: Order = Order.SAVING


@dataclass(frozen=True)
class Snapshot:
    """The groups of one state of the catalog.

    Attributes:
        version: changes with each snapshot; a page of one never mixes with another's.
        proofs: how many there were.
        facets: of each group, in the order of the report.
    """

    version: int
    stamp: ChangeStamp
    proofs: int
    report: DupsReport
    status: CatalogStatus
    facets: tuple[GroupFacets, ...]
    _listed: dict[Filter, Sequence[GroupFacets]] = field(default_factory=dict, repr=False)

    @cached_property
    def by_id(self) -> dict[str, DuplicateGroup]:
        """Groups by their id."""
        return {group.id: group for group in self.report.groups}

    @cached_property
    def kinds(self) -> dict[str, int]:
        """How many groups have a match of each kind, the most frequent first."""
        counts = Counter(kind for one in self.facets for kind in one.kinds)
        return dict(sorted(counts.items(), key=lambda found: (-found[1], found[0])))

    def listed(self, wanted: Filter) -> Sequence[GroupFacets]:
        """Return the groups that pass a filter, in its order; the last few answers are kept."""
        found = self._listed.get(wanted)
        if found is None:
            some = self._below(wanted.folder) if wanted.folder else self.facets
            found = _ordered([one for one in some if _passes(one, wanted)], wanted.order)
            while len(self._listed) >= _FILTERS_KEPT:
                self._listed.pop(next(iter(self._listed), wanted), None)
            self._listed[wanted] = found
        return found

    @cached_property
    def folders(self) -> tuple[list[bytes], list[int]]:
        """The folders of all groups, sorted, and the place of the group that each belongs to."""
        rows = sorted((folder, place) for place, one in enumerate(self.facets) for folder in one.folders)
        return [folder for folder, _ in rows], [place for _, place in rows]

    def _below(self, folder: bytes) -> list[GroupFacets]:
        """Return the groups with a member in a folder or below it, without looking at all groups."""
        names, places = self.folders
        first, last = path_range(folder)
        found = {
            *places[bisect_left(names, folder) : bisect_right(names, folder)],
            *places[bisect_left(names, first) : bisect_left(names, last)],
        }
        return [self.facets[place] for place in sorted(found)]

    def prepared(self) -> Snapshot:
        """Work out now what requests would otherwise wait for."""
        for _ in (self.by_id, self.kinds, self.folders):
            pass
        return self


class Stopped(Exception):
    """The computation is not wanted any more."""


class Board:
    """Makes snapshots in a thread of its own whenever the catalog has changed."""

    def __init__(
        self,
        catalog: Catalog,
        options: DupsOptions,
        metrics: Metrics,
        on_change: Callable[[], None],
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        """Start watching.

        Args:
            catalog: stays open until `close`.
            options: what counts as a copy.
            metrics: to report to.
            on_change: called, in the thread, when a scan has ended since the last snapshot.
            poll_seconds: how often to look whether another process has changed the catalog.
        """
        self._catalog = catalog
        self._options = options
        self._metrics = metrics
        self._on_change = on_change
        self._poll_seconds = poll_seconds
        self._changed = threading.Condition()
        self._wake = threading.Event()
        self._ending = False
        self._forced = False
        self._all_proved = False
        self._proofs, self._proofs_since = 0, time.monotonic()
        self.snapshot: Snapshot | None = None
        self.computing = True
        self.error: str | None = None
        self.progress = Watch(lambda: self._ending)
        self._thread = threading.Thread(target=self._run, name="groups", daemon=True)
        self._thread.start()

    def refresh(self, *, forced: bool = False, proved: bool = False) -> None:
        """Look for changes now.

        Args:
            forced: make a new snapshot in any case.
            proved: all proofs were made that were asked for: no need to wait whether more come.
        """
        self._forced |= forced
        self._all_proved |= proved
        self.computing = True
        self._wake.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the snapshot is up to date; False if it still is not. For tests and start-up."""
        with self._changed:
            return self._changed.wait_for(lambda: not self.computing, seconds)

    def close(self) -> None:
        """End the thread, whatever it is at."""
        self._ending = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        self._wake.set()
        while not self._ending:
            self._wake.wait(self._poll_seconds)
            self._wake.clear()
            try:
                self._look()
                self.error = None
            except Stopped:
                return
            except NeardupError as exc:
                self.error = str(exc)
            except Exception:
                log.exception("the groups could not be computed")
                self.error = "the groups could not be computed: the server's log has more"
            with self._changed:
                self.computing = self._wake.is_set()
                self._changed.notify_all()

    def _look(self) -> None:
        with self._catalog.read() as connection:
            stamp = change_stamp(connection)
            proofs = count_proofs(connection)
        former = self.snapshot
        changed = former is None or former.stamp != stamp or self._proved(former, proofs)
        if not changed and not self._forced:
            return
        self.computing, self._forced = True, False
        if former is not None and former.stamp.scan != stamp.scan:
            self._on_change()
        started = time.monotonic()
        # What only a look at full size tells is asked when a plan is made, and known from then on.
        report = find_duplicates(self._catalog, self._options, self.progress)
        self.snapshot = Snapshot(
            version=1 if former is None else former.version + 1,
            stamp=stamp,
            proofs=proofs,
            report=report,
            status=catalog_status(self._catalog),
            facets=tuple(facets(group) for group in report.groups),
        ).prepared()
        self._metrics.groups.set(len(report.groups))
        self._metrics.group_seconds.set(time.monotonic() - started)

    def _proved(self, former: Snapshot, proofs: int) -> bool:
        """Return True if proofs were made, by whoever it was, and no more are being made right now."""
        if proofs != self._proofs:
            self._proofs, self._proofs_since = proofs, time.monotonic()
        quiet = self._all_proved or time.monotonic() - self._proofs_since >= _QUIET_SECONDS
        self._all_proved = False
        return proofs != former.proofs and quiet


class Watch:
    """A `Progress` that others may look at, and that ends the work when asked to."""

    def __init__(self, ended: Callable[[], bool]) -> None:
        self._ended = ended
        self.task = ""
        self.total: int | None = None
        self.done = 0

    def start(self, task: str, total: int | None) -> None:
        """Note a new piece of work."""
        self.task, self.total, self.done = task, total, 0
        self._stop_if_ended()

    def advance(self, steps: int = 1) -> None:
        """Note some steps."""
        self.done += steps
        self._stop_if_ended()

    def weigh(self, effort: float) -> None:
        """Do nothing: the page counts steps."""

    def worked(self, effort: float) -> None:
        """Do nothing, as above."""

    def spare(self, steps: int) -> None:
        """Note that some steps are not needed."""
        if self.total is not None:
            self.total -= steps

    def _stop_if_ended(self) -> None:
        if self._ended():
            raise Stopped


def _passes(one: GroupFacets, wanted: Filter) -> bool:
    """Return True if a group passes all of a filter but its folder."""
    return (
        one.reclaimable_bytes >= wanted.min_bytes
        and (wanted.kind is None or wanted.kind in one.kinds)
        and (one.confident or not wanted.confident)
    )


def _ordered(found: list[GroupFacets], order: Order) -> list[GroupFacets]:
    match order:
        case Order.SAVING:  # as the report has them
            return found
        case Order.FILES:
            return sorted(found, key=lambda one: -one.files)
        case Order.DOUBT:
            return sorted(found, key=lambda one: one.certainty)
        case Order.PATH:
            return sorted(found, key=lambda one: one.group.keep)
