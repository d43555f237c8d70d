"""The documents of the API: those of the command line's `--json`, with what a page needs besides."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema

from neardup_cli.choices import KeepKey, Kind, Loss, Role
from neardup_cli.records.decisions import Ruling
from neardup_cli.records.matches import Stage
from neardup_cli.rules.words import UNKNOWN_KIND
from neardup_cli.web import examples
from neardup_cli.web.scans import ScanState

type Share = tuple[float, float]

DataPath = Annotated[
    str,
    Field(
        description="A path as in all JSON of neardup: absolute; a `file:` URI where it is not UTF-8.",
        max_length=12_300,
        examples=[examples.ORIGINAL],
    ),
]

GroupId = Annotated[str, Field(pattern="^[0-9a-f]{12}$", examples=[examples.GROUP_ID])]
PlanDigest = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=[examples.PLAN_DIGEST])]


def _answer(example: examples.Document) -> ConfigDict:
    return ConfigDict(populate_by_name=True, json_schema_extra={"examples": [example]})


def _request(*shown: examples.Document) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [*shown]})


class Aligned(BaseModel):
    """What the geometric stage measured; null where it was not asked."""

    kind: Kind | None = None
    inliers: int | None = None
    agreement: float | None = None
    coverage: tuple[float, float] | None = None
    mirrored: bool | None = None
    transform: list[list[float]] | None = None


class Member(BaseModel):
    """A catalogued file."""

    path: DataPath
    bytes: int
    width: int
    height: int
    format: str
    content: str = Field(description="BLAKE3 of the bytes, hexadecimal.")
    captured_at: str | None = Field(description="Local time of the camera, from EXIF.")
    modified_at: str = Field(description="Time of the last change, UTC.")
    kept: bool = Field(default=False, description="Whether a person said to keep it.")
    role: Role | None = Field(
        default=None, description="What it is to the file that stays; null outside groups."
    )
    losses: list[Loss] | None = Field(
        default=None, description="What would be lost with it; null where nobody has proven it."
    )
    standing: int = Field(default=0, description="Its place in the family, 0 the best; equals share one.")


class Match(Aligned):
    """Two files that match."""

    a: DataPath
    b: DataPath
    stage: Stage
    confidence: float | None = Field(
        default=None, description="Probability that they are copies; null where no pixels were compared."
    )
    similarity: float | None
    hamming: int | None
    implied: bool = Field(
        default=False, description="Whether it follows from two other matches and nobody looked."
    )
    reason: str


class GroupSummary(BaseModel):
    """A group in a list."""

    model_config = _answer(examples.GROUP_SUMMARY)

    id: str
    keep: DataPath
    reclaimable_bytes: int
    doubtful_bytes: int = Field(default=0, description="Of copies of which nobody has proven what is lost.")
    files: int
    kinds: list[str]
    certainty: float = Field(description="Of the weakest match.")
    confident: bool = Field(description="Whether no copy holds anything that the others lack.")
    sample: list[Member] = Field(description="The file to keep, then some of the others.")


class GroupPage(BaseModel):
    """Some of the groups that pass a filter."""

    model_config = _answer(examples.GROUP_PAGE)

    version: int = Field(description="Changes with the groups: pages of different versions do not fit.")
    updating: bool = Field(description="Whether the catalog has changed and a new version is being made.")
    total: int
    offset: int
    groups: list[GroupSummary]


class Group(BaseModel):
    """A group of copies, as in `neardup dups --json`."""

    model_config = _answer(examples.GROUP)

    id: str
    keep: DataPath
    reclaimable_bytes: int
    doubtful_bytes: int = Field(default=0, description="Of copies of which nobody has proven what is lost.")
    reason: str = Field(default="", description="Why the file that stays stays; `keep_reason` is the same.")
    seen_in: list[DataPath] = Field(default=[], description="Collages that show it among other images.")
    members: list[Member]
    weakest: Match = Field(description="The match that ties its member to the group least.")
    matches: list[Match]
    kinds: list[str]
    confident: bool
    keep_reason: str


class Comparison(Aligned):
    """Two files side by side, as in `neardup explain --json`."""

    model_config = _answer(examples.COMPARISON)

    schema_: str = Field(alias="schema")
    a: DataPath
    b: DataPath
    is_duplicate: bool
    stage: Stage | None
    same_bytes: bool
    confidence: float | None = None
    hamming: int
    similarity: float | None
    reason: str
    edits: list[str]
    sentence: str
    numbers: dict[str, float | bool]
    outline: list[Share] = Field(description="Corners of a, where they lie in b, as shares of b's sides.")


class Candidate(Aligned):
    """A catalogued file that resembles an upload."""

    path: DataPath
    is_match: bool
    cannot_tell: bool = Field(description="Its pixels would decide, and cannot be looked at now.")
    stage: Stage | None
    confidence: float | None = None
    similarity: float | None
    hamming: int | None
    bytes: int
    width: int
    height: int
    reason: str


class Detection(BaseModel):
    """The answer of `DuplicateDetector.detect`."""

    model_config = _answer(examples.DETECTION)

    schema_: str = Field(alias="schema", default="neardup.detect/1")
    is_duplicate: bool
    cannot_tell: bool = Field(
        description="No copy was found, and there may be one among the neighbours that cannot be looked at."
    )
    stage: str = Field(description='"sieve", "verifier" or "unique": what decided.')
    match: Candidate | None
    sieve_matches: list[Candidate]
    verifier_matches: list[Candidate]
    neighbours: list[Candidate]
    explanation: Comparison | None = Field(
        description="What happened between the upload (a) and the best match (b); only with `explain`."
    )


class Root(BaseModel):
    """A scanned folder."""

    path: DataPath
    files: int
    bytes: int
    online: bool


class Progress(BaseModel):
    """How far long work is; `total` is null while nobody knows how much there is."""

    model_config = _answer(examples.PROGRESS)

    task: str
    done: int
    total: int | None


class Stats(BaseModel):
    """What the catalog and the groups hold."""

    model_config = _answer(examples.STATS)

    files: int
    bytes: int
    missing: int
    contents: int
    unreadable: int
    model: str | None
    last_scan: str | None
    roots: list[Root]
    groups: int
    redundant_files: int
    reclaimable_bytes: int
    doubtful_files: int = Field(default=0, description="Copies that need a proof or a person's look.")
    doubtful_bytes: int = 0
    kinds: dict[str, int] = Field(description="How many groups have a match of each kind.")
    version: int
    updating: bool
    error: str | None = Field(description="Why the groups could not be brought up to date.")


class Skipped(BaseModel):
    """A path that a scan did not take."""

    path: DataPath
    reason: str
    unreadable: bool


class Damaged(BaseModel):
    """A file that can be decoded, and that its decoder does not believe."""

    path: DataPath
    reason: str


class ScanResult(BaseModel):
    """What a scan saw and did, as in `neardup scan --json`."""

    schema_: str = Field(alias="schema")
    seen: int
    added: int
    changed: int
    unchanged: int
    exact: int
    moved: int
    missing: int
    offline: int
    embedded: int
    regions: int
    previews: int
    unreadable: int
    app_folders: int = Field(default=0, description="Folders of applications that were left out.")
    skipped: list[Skipped]
    damaged: list[Damaged]
    model: str | None
    seconds: float


class ScanRequest(BaseModel):
    """Which roots to scan again."""

    model_config = _request({"paths": []})

    paths: list[DataPath] = Field(
        default=[], max_length=200, description="Roots of the catalog; none for all."
    )


class ScanStatus(BaseModel):
    """How far the last scan is."""

    model_config = _answer({"state": "running", "progress": examples.PROGRESS, "result": None, "error": None})

    state: ScanState
    progress: Progress | None
    result: ScanResult | None
    error: str | None


class DecisionRequest(BaseModel):
    """What a person decides.

    `not-duplicates` with a group and paths: these members are no copies of its other members. With a group
    alone: no two of its contents are copies. With paths alone: no two of them are. `keep` takes paths.
    """

    model_config = _request(
        {"ruling": "not-duplicates", "group": examples.GROUP_ID, "paths": []},
        {"ruling": "keep", "paths": [examples.ORIGINAL]},
    )

    ruling: Ruling
    paths: list[DataPath] = Field(default=[], max_length=200)
    group: GroupId | None = None


class DecidedContent(BaseModel):
    """A content that a decision is about, and where it lies now."""

    content: str
    paths: list[DataPath]


class Decision(BaseModel):
    """A decision, as in `neardup ignored --json`."""

    id: int
    ruling: Ruling
    decided_at: str
    contents: list[DecidedContent]


class Decisions(BaseModel):
    """Decisions, the oldest first."""

    model_config = _answer(examples.DECISIONS)

    schema_: str = Field(alias="schema", default="neardup.ignored/1")
    decisions: list[Decision]


class OfferedAction(StrEnum):
    """What a clean-up from the page may do: nothing that no undo takes back, no folder of anyone's choice."""

    TRASH = "trash"
    HARDLINK = "hardlink"
    REFLINK = "reflink"


def _words(words: type[StrEnum], description: str, *more: str) -> WithJsonSchema:
    """Name the words of a list. Others are refused by whoever knows what they mean, not by their form."""
    listed: list[JsonValue] = [*(word.value for word in words), *more]
    array: JsonValue = {"type": "array", "maxItems": 40, "items": {"type": "string", "enum": listed}}
    return WithJsonSchema({"anyOf": [array, {"type": "null"}], "default": None, "description": description})


type Words = Annotated[list[str] | None, Field(max_length=40)]
type Folders = list[DataPath]


class PlanWanted(BaseModel):
    """What to plan: for which groups, and by which rules. What is left out is as the server has it.

    As `neardup clean` does: a copy goes where it is proven that nothing is lost with it, or nothing but what
    is accepted. All others are left alone, and say why.
    """

    model_config = _request(
        {"confident": True},
        {"groups": [examples.GROUP_ID], "action": "trash", "accept": ["area"], "prefer": [examples.FOLDER]},
    )

    groups: list[GroupId] = Field(default=[], max_length=100_000, description="These groups.")
    confident: bool = Field(default=False, description="All groups, as `neardup clean` has it.")
    action: OfferedAction = OfferedAction.TRASH
    keep: Annotated[Words, _words(KeepKey, "What makes a file the one to keep, between equals.")] = None
    prefer: Folders | None = Field(
        default=None, max_length=200, description="Scanned folders whose files stay, the first foremost."
    )
    protect: Folders | None = Field(
        default=None, max_length=200, description="Scanned folders whose files are never touched."
    )
    only: Annotated[Words, _words(Kind, "Act upon these kinds of copies only.", UNKNOWN_KIND)] = None
    accept: Annotated[Words, _words(Loss, "Let files go although this is lost with them.")] = None
    across_drives: bool | None = Field(
        default=None, description="Act upon copies on another drive than the file that stays, too: backups."
    )


class Word(BaseModel):
    """A word to choose, and what it means."""

    word: str
    means: str


class LossWord(Word):
    """A loss to accept."""

    kinds: list[str] = Field(description="Kinds of copies that are meant, too, by whoever accepts it.")


class PolicyShown(BaseModel):
    """Which file stays, and what may go, in the words of the command line."""

    keep: list[str]
    prefer: Folders
    protect: Folders
    only: list[str]
    accept: list[str]
    across_drives: bool
    carry_metadata: bool
    min_copies: int
    min_disks: int


class PlanRules(BaseModel):
    """The words that a plan may be asked for with, and what holds where nothing is said."""

    model_config = _answer(examples.PLAN_RULES)

    losses: list[LossWord]
    keep: list[str]
    kinds: list[Word]
    usual: PolicyShown


class PlannedFile(BaseModel):
    """A file as the plan knows it; it is acted upon only while all of this is still so."""

    path: DataPath
    bytes: int
    mtime_ns: int
    content: str


class Companion(BaseModel):
    """A file that goes where its picture goes."""

    path: DataPath
    bytes: int
    mtime_ns: int
    target: DataPath | None


class PlannedAct(PlannedFile):
    """What happens to a copy."""

    kind: str
    target: DataPath | None
    frees: int
    companions: list[Companion]
    warnings: list[str] = Field(description="What the copy has and the file to keep lacks.")
    losses: list[str] = Field(description="What is lost with it, all of it accepted; empty for nothing.")


class LeftAlone(BaseModel):
    """A member that is not touched."""

    path: DataPath
    reason: str
    losses: list[str] | None = Field(description="What would be lost with it, where that is why.")


class PlannedGroup(BaseModel):
    """What happens to a group."""

    id: str
    keep: PlannedFile
    reason: str
    acts: list[PlannedAct]
    left: list[LeftAlone]


class Undecided(BaseModel):
    """A group of which no file can be kept."""

    id: str
    reason: str


class PlanSummary(BaseModel):
    """The sums of the whole plan."""

    groups: int
    acts: int
    left: int
    frees: int


class PlanPage(BaseModel):
    """A plan, as `neardup clean --json` prints it, some of its groups at a time."""

    model_config = _answer(examples.PLAN_PAGE)

    schema_: str = Field(alias="schema")
    plan: PlanDigest = Field(description="Names this very plan: `/api/apply` carries out no other.")
    action: OfferedAction
    only: list[str] = Field(description="The kinds of copies that are acted upon.")
    policy: PolicyShown
    offset: int
    groups: list[PlannedGroup]
    undecided: list[Undecided]
    summary: PlanSummary


class ApplyWanted(BaseModel):
    """Which plan to carry out."""

    model_config = _request({"plan": examples.PLAN_DIGEST})

    plan: PlanDigest


class UndoWanted(BaseModel):
    """Which batch to take back."""

    model_config = _request({"batch": 1})

    batch: int = Field(ge=1, le=(1 << 63) - 1)


class Refused(BaseModel):
    """A file that was not acted upon, or not put back."""

    path: DataPath
    reason: str


class Outcome(BaseModel):
    """How an apply or an undo came out."""

    model_config = _answer(examples.OUTCOME)

    schema_: str = Field(alias="schema")
    batch: int | None
    action: str
    done: int
    bytes: int
    refused: list[Refused]
    left: int


class Batch(BaseModel):
    """A clean-up in the journal."""

    batch: int
    action: str
    state: str
    started_at: str
    to: DataPath | None
    files: dict[str, int]
    bytes: int
    undoable: bool


class Batches(BaseModel):
    """All clean-ups, the newest first."""

    model_config = _answer(examples.BATCHES)

    schema_: str = Field(alias="schema")
    batches: list[Batch]


class Health(BaseModel):
    """The server is up."""

    model_config = _answer({"status": "ok"})

    status: str = "ok"
