"""The frozen records of a clean-up: what is planned, what the journal holds, and how it came out.

A `Plan` is what a dry run prints, what a plan file holds and what `apply_plan` executes: one object. Paths
are bytes, absolute and real; sizes are bytes, times nanoseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from neardup_cli.choices import SURE_KINDS, Action, KeepKey, Kind, Loss

DEFAULT_KEYS = (
    KeepKey.METADATA,
    KeepKey.RESOLUTION,
    KeepKey.OLDEST,
    KeepKey.SHORTEST_PATH,
    KeepKey.COMPANIONS,
)
"""What decides between equals where nobody asked for other keys: see `rules/keep.py` for what goes before."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which file of a group is kept, and which copies may be acted upon.

    Attributes:
        keep: compared in this order; the first difference decides, the path where there is none.
        prefer: files below these real paths are kept before all others, the first path foremost.
        protect: files below these real paths are never touched.
        only: the kinds of copies to act upon; None stands for copies whose kind is not known, because
            no pixels were compared.
        accept: what a person gives up: a file goes although it has these and the file that stays has not.
        across_drives: whether a copy on another drive than the file that stays, which is a backup, may go.
        carry_metadata: whether time, place, rating and words that the file that stays lacks are written into
            a sidecar beside it, and so are not lost.
        min_copies, min_disks: how many files, on how many drives, have to stay that hold all of what a file
            that goes holds; see `cleanup/reserve.py`.
    """

    keep: tuple[KeepKey, ...] = DEFAULT_KEYS
    prefer: tuple[bytes, ...] = ()
    protect: tuple[bytes, ...] = ()
    only: frozenset[Kind | None] = SURE_KINDS
    accept: frozenset[Loss] = frozenset()
    across_drives: bool = False
    carry_metadata: bool = False
    min_copies: int = 1
    min_disks: int = 1


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as the plan knows it; it is acted upon only while all of this is still so."""

    path: bytes
    size: int
    mtime_ns: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Companion:
    """A file that goes where its picture goes: the raw file, a sidecar, the film of a Live Photo.

    Attributes:
        target: where it goes, for actions with a folder.
        twin: a file with the same bytes that belongs to the file kept; without one it is never deleted.
    """

    path: bytes
    size: int
    mtime_ns: int
    target: bytes | None = None
    twin: FileState | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """What a file that goes says and the file that stays does not: it is written beside that one before.

    Attributes:
        sidecar: the file that it is written into, which is not there yet.
        captured_at: naive, as `Holdings` has it.
        offset: the zone of that time ("+02:00"), empty where it is not known.
        place: latitude and longitude in degrees.
        rating: 1 to 5; 0 without one, -1 for rejected.
        words: sorted, each once.
    """

    sidecar: bytes
    captured_at: datetime | None = None
    offset: str = ""
    place: tuple[float, float] | None = None
    rating: int = 0
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedAct:
    """One copy, with its companions: acted upon as a whole, or not at all.

    Attributes:
        kind: what was done to the picture, seen from the keeper; None where no pixels were compared.
        target: where the file goes, for actions with a folder.
        frees: what goes away with it, companions included; 0 for one of several hard links.
        warnings: what the copy has and the keeper lacks.
        losses: what is lost with it, all of it accepted by a person; empty where nothing is.
        carried: what is written beside the file that stays before this one goes; None where nothing is.
    """

    file: FileState
    kind: Kind | None
    target: bytes | None = None
    frees: int = 0
    companions: tuple[Companion, ...] = ()
    warnings: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    carried: Carried | None = None


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A member of a group that is not touched, and why.

    Attributes:
        losses: what would be lost with it; None where that is not why, or was not looked at.
    """

    path: bytes
    reason: str
    losses: tuple[Loss, ...] | None = None


@dataclass(frozen=True, slots=True)
class PlannedGroup:
    """What happens in favour of one file that stays. `reason` says why it does.

    A family has several of these where copies of an edited version go in favour of that one: the first has
    the family's id and names all that is left alone, the others' ids add a number to it (`a1b2c3.2`).
    """

    id: str
    keep: FileState
    reason: str
    acts: tuple[PlannedAct, ...]
    left: tuple[LeftAlone, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a clean-up will do, group by group.

    Attributes:
        to: the folder of `quarantine` and `move`.
        across_devices: files on another device than their target are copied, checked and then removed.
        undecided: groups of which no file can be kept, by id, with the reason: nothing is done there.
        remove_empty_folders: folders that hold nothing any more afterwards are removed, too.
        catalog: the uuid of the catalog that it was made from: it is carried out in no other.
    """

    action: Action
    policy: Policy
    groups: tuple[PlannedGroup, ...]
    to: bytes | None = None
    across_devices: bool = False
    undecided: tuple[tuple[str, str], ...] = ()
    remove_empty_folders: bool = False
    catalog: str = ""

    @property
    def acts(self) -> int:
        """How many copies are acted upon, companions not counted."""
        return sum(len(group.acts) for group in self.groups)

    @property
    def frees(self) -> int:
        """How many bytes go away."""
        return sum(act.frees for group in self.groups for act in group.acts)


class OperationState(StrEnum):
    """How far one file of a batch is. `BEGUN` and `UNDOING` may or may not have happened.

    A file that is found nowhere after a kill stays `BEGUN`.
    """

    PLANNED = "planned"
    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


class BatchState(StrEnum):
    """How far a batch is; the first and the third can be left behind by a kill."""

    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Intent:
    """What is written down right before a file is acted upon, so that it can be found and put back.

    Attributes:
        digest: BLAKE3 of the file.
        mode, uid, gid: as `stat` has them.
        device, inode: of the file before the act.
        target: where it goes: below a folder, or in the trash.
        note: the trash's `.trashinfo` file that goes with it.
        made: the topmost folder that has to be made for the target; taken away again by an undo.
    """

    digest: bytes
    mode: int
    uid: int
    gid: int
    device: int
    inode: int
    target: bytes | None = None
    note: bytes | None = None
    made: bytes | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One file of a batch in the journal.

    Attributes:
        unit: number within the batch of the copy and its companions, which go together.
        file: its path and what it has to be; the digest of a companion without a twin is empty until it is
            begun.
        keeper: the file kept instead; of a companion its twin, if it has to have one.
        target: where the plan sends it; None where the action chooses.
        intent: None until it is begun.
        reason: why it failed, or could not be undone.
        sidecar: what has to be written before it goes; None where nothing has.
    """

    id: int
    unit: int
    file: FileState
    keeper: FileState | None
    target: bytes | None
    state: OperationState
    intent: Intent | None = None
    reason: str | None = None
    sidecar: bytes | None = None


@dataclass(frozen=True, slots=True)
class WrittenSidecar:
    """A sidecar that a batch writes.

    Attributes:
        beside: the image that it is about, which stays.
        content: all of its bytes.
        state: begun when it may be there, done when it is; undone when it was removed again.
    """

    path: bytes
    beside: bytes
    content: bytes
    state: OperationState = OperationState.PLANNED


@dataclass(frozen=True, slots=True)
class EmptiedFolder:
    """A folder that a batch may empty and remove, as `stat` had it before."""

    path: bytes
    mode: int
    uid: int
    gid: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of `clean --apply` in the journal.

    Attributes:
        token: part of the names of its temporary files, different for each batch.
        started_at: UTC.
        to, across_devices: see `Plan`.
        counts: files by state; states without files are left out.
        size: bytes of the files that are done.
    """

    id: int
    token: str
    action: Action
    state: BatchState
    started_at: datetime
    to: bytes | None
    across_devices: bool
    counts: dict[OperationState, int] = field(default_factory=dict)
    size: int = 0

    @property
    def interrupted(self) -> bool:
        """Whether an apply or an undo of it did not come to its end."""
        return self.state in (BatchState.APPLYING, BatchState.UNDOING)

    @property
    def undoable(self) -> bool:
        """Whether there is something that an undo would do."""
        moved = (OperationState.DONE, OperationState.BEGUN, OperationState.UNDOING)
        done = any(state in self.counts for state in moved)
        return (done and self.action is not Action.DELETE) or self.interrupted


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was not acted upon or not put back, and why."""

    path: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an apply, a resume or an undo came out.

    Attributes:
        batch: its number in the journal; None where there was nothing to do.
        done: files acted upon, or put back, companions included.
        size: their bytes.
        refused: in the order of the batch.
        left: files not reached, because it was interrupted.
        folders: emptied folders that were removed.
        sidecars: files that were written beside what stays.
    """

    batch: int | None
    action: Action
    done: int = 0
    size: int = 0
    refused: tuple[Refusal, ...] = ()
    left: int = 0
    folders: int = 0
    sidecars: int = 0
