"""What a scan is told, and what it says at its end."""

from __future__ import annotations

from dataclasses import dataclass

from neardup_cli.records.files import Skipped


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which Ray cluster does the work of a scan or a join, and how much of it.

    Attributes:
        address: of a running cluster (`ray://host:10001`, `host:6379`, `auto`); None starts one here.
        workers: actors, each of which uses one core; None takes as many as the cluster has CPUs.
        gpu: an actor for each GPU instead, with a share of the CPUs that decodes for it.
    """

    address: str | None = None
    workers: int | None = None
    gpu: bool = False


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What one scan saw and did.

    Attributes:
        seen: image files found by the walk (those skipped as not images are not among them).
        added: new or changed files that were read; `changed` of them were known under the same path.
        exact: of the added files that were not known, those with the bytes of another file.
        moved: files that this scan found under a new path, recognised by content, their old path gone.
        offline: files not looked for because their root is not mounted.
        embedded: contents that got a vector of the model in this scan.
        regions: contents that got vectors of their regions.
        previews: contents that got a preview.
        damaged: files below the scanned folders that can be decoded, but not believed, and why.
        app_folders: folders of applications that were left out; they are among `skipped`, too.
    """

    seen: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    moved: int = 0
    missing: int = 0
    offline: int = 0
    embedded: int = 0
    skipped: tuple[Skipped, ...] = ()
    seconds: float = 0.0
    model: str | None = None
    regions: int = 0
    previews: int = 0
    damaged: tuple[Skipped, ...] = ()
    app_folders: tuple[bytes, ...] = ()
    exact: int = 0

    @property
    def unreadable(self) -> tuple[Skipped, ...]:
        """Only the skipped files that look like images and could not be read."""
        return tuple(entry for entry in self.skipped if entry.unreadable)


@dataclass(slots=True)
class Watched:
    """What came of watching folders, until now."""

    scans: int = 0
    added: int = 0
    changed: int = 0
    moved: int = 0
    missing: int = 0
    unreadable: int = 0
    seconds: float = 0.0

    def count(self, summary: ScanSummary) -> None:
        """Add what a scan has found."""
        self.scans += 1
        self.added += summary.added
        self.changed += summary.changed
        self.moved += summary.moved
        self.missing += summary.missing
