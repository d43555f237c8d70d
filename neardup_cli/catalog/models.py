"""The tables of the catalog.

    scan ─< file >─ root            one row per path that was seen
              │
            content ─< embedding >─ model     one row per distinct content, one vector per model
              ╚═< pair                        what the geometric stage said of two contents
              ╚═< neighbour >─ vector_join    its most similar others under a model
              ╚═< region                      vectors of its parts, from `scan --thorough`
              ╚═< region_neighbour >─ region_join    the others that look like one of its parts

              ╚══ preview                     its small version
              ╚══ holding                     what its file holds beside its first image
              ╚═< proof                       what is lost if one content goes and another one stays

    decision                         what a person said of contents, by digest: it outlives their rows
    batch ─< operation               the clean-up journal: what was done to which file, by path
      ╠═< emptied_folder             folders that it may remove, as they were
      ╚═< written_sidecar            what it writes beside files that stay

Paths and digests are bytes. A content is kept when its last file vanishes: should it come back,
nothing is computed again. Change a table only together with a migration in migrations/versions.

These are typed Core tables (SQLAlchemy 2.1), not mapped classes: the catalog needs no units of work,
and importing the ORM would cost each command a seventh of its start-up.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    Table,
    TypedColumns,
    UniqueConstraint,
)

# Constraints need names to be altered by a later migration.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only where the primary key is exactly INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")


class FactColumns(TypedColumns):
    """Single facts about the catalog itself, such as the uuid that ties an index file to it."""

    name: Named[str] = Column(primary_key=True)
    value: Named[str]


Fact = Table("fact", METADATA, FactColumns)


class ScanColumns(TypedColumns):
    """One run of `scan`; `finished_at` stays null where it was killed."""

    id: Named[int] = Column(_Id, primary_key=True)
    started_at: Named[datetime]
    finished_at: Named[datetime | None]


Scan = Table("scan", METADATA, ScanColumns)


class RootColumns(TypedColumns):
    """A scanned folder or file, or a mount point found below one.

    A root that cannot be reached is offline, and its files are not called missing. `device` is
    `st_dev` at the last scan: an empty folder on another device is a mount point without its disk.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    path: Named[bytes] = Column(LargeBinary, unique=True)
    device: Named[int] = Column(BigInteger)
    scan_id: Named[int] = Column(ForeignKey("scan.id"))


Root = Table("root", METADATA, RootColumns)


class ContentColumns(TypedColumns):
    """One distinct file content. Its id is the id of its vectors in the FAISS index.

    Either `error` says why it cannot be decoded, or the columns after it are filled. `damage` is what its
    decoder complained of while it decoded it all the same: empty for a sound one, null where nobody looked.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    digest: Named[bytes] = Column(LargeBinary(32), unique=True)
    size: Named[int] = Column(BigInteger)
    error: Named[str | None]
    format: Named[str | None]
    width: Named[int | None]
    height: Named[int | None]
    dhash: Named[int | None] = Column(BigInteger)
    flatness: Named[float | None]
    captured_at: Named[datetime | None]
    damage: Named[str | None]


Content = Table("content", METADATA, ContentColumns)


class FileColumns(TypedColumns):
    """One path. `missing_scan_id` is the scan that no longer found it; null while it is there.

    A scan that finds a file unchanged writes nothing: the last scan that saw a present file is the
    last scan of its root. That is what makes scanning a large, quiet collection cheap.

    `ctime_ns` is null in rows of an older neardup until the next scan, and where a system has none. `read_at`
    is when its bytes were last read and were those of its content, in milliseconds since 1970: a date takes
    four times the room, which every scan would feel.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    path: Named[bytes] = Column(LargeBinary, unique=True)
    size: Named[int] = Column(BigInteger)
    mtime_ns: Named[int] = Column(BigInteger)
    device: Named[int] = Column(BigInteger)
    inode: Named[int] = Column(BigInteger)
    content_id: Named[int] = Column(ForeignKey("content.id"))
    root_id: Named[int] = Column(ForeignKey("root.id"))
    added_scan_id: Named[int] = Column(ForeignKey("scan.id"))
    missing_scan_id: Named[int | None] = Column(ForeignKey("scan.id"))
    ctime_ns: Named[int | None] = Column(BigInteger)
    read_at: Named[int | None] = Column(BigInteger)


File = Table("file", METADATA, FileColumns, Index("ix_file_content_id", "content_id"))


class ModelColumns(TypedColumns):
    """An embedding model: the same weights fed in the same way give comparable vectors.

    `generation` grows whenever a stored vector is replaced or removed, which an index file made
    before that cannot know otherwise; `scan_id` is the last scan that used the model.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    name: Named[str]
    fingerprint: Named[str]
    dimension: Named[int]
    preprocessing: Named[str]
    generation: Named[int] = Column(default=0)
    scan_id: Named[int] = Column(ForeignKey("scan.id"))


Model = Table("model", METADATA, ModelColumns, UniqueConstraint("fingerprint", "preprocessing"))


class EmbeddingColumns(TypedColumns):
    """The float16 little-endian unit vector of a content under a model.

    `id` grows with time, so that an index knows which vectors it has not seen yet.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    model_id: Named[int] = Column(ForeignKey("model.id"))
    content_id: Named[int] = Column(ForeignKey("content.id"))
    vector: Named[bytes] = Column(LargeBinary)


Embedding = Table(
    "embedding",
    METADATA,
    EmbeddingColumns,
    UniqueConstraint("model_id", "content_id"),
    sqlite_autoincrement=True,
)


class PairColumns(TypedColumns):
    """What the geometric stage said of two contents, `a_id < b_id`; a's pixels go to b's by `transform`.

    `algorithm` names the version: a verdict of another one is another row. `evidence` is in log-odds, by the
    pixels alone; what is decided on it, and how surely, depends on what is asked and is not stored.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    a_id: Named[int] = Column(ForeignKey("content.id"))
    b_id: Named[int] = Column(ForeignKey("content.id"))
    algorithm: Named[str]
    matched: Named[bool]
    reason: Named[str]
    inliers: Named[int]
    transform: Named[list[list[float]]] = Column(JSON)
    mirrored: Named[bool]
    agreement: Named[float]
    content_a: Named[float]
    content_b: Named[float]
    coverage_a: Named[float]
    coverage_b: Named[float]
    tone: Named[float]
    spread: Named[float]
    kind: Named[str | None]
    evidence: Named[float] = Column(Float, server_default="0")


Pair = Table("pair", METADATA, PairColumns, UniqueConstraint("a_id", "b_id", "algorithm"))


class PreviewColumns(TypedColumns):
    """The small version of a content: `records.previews.Preview`; `size` is the bytes of its files.

    It follows from the bytes and can be made again; one of another `version` is. Which contents have one, and
    how much they take together, is asked of the index: the rows fill a hundred times as many pages.
    """

    content_id: Named[int] = Column(ForeignKey("content.id"), primary_key=True)
    version: Named[int]
    size: Named[int]
    pixels_digest: Named[bytes] = Column(LargeBinary(16))
    ground: Named[int]
    alpha: Named[bytes | None] = Column(LargeBinary)
    pixels: Named[bytes] = Column(LargeBinary)


Preview = Table(
    "preview",
    METADATA,
    PreviewColumns,
    Index("ix_preview_content_id_version_size", "content_id", "version", "size"),
)


class HoldingColumns(TypedColumns):
    """What a file of this content holds beside its first image: `records.holdings.Holdings` as JSON.

    It follows from the bytes and can be read again; one of another `version` is.
    """

    content_id: Named[int] = Column(ForeignKey("content.id"), primary_key=True)
    version: Named[int]
    facts: Named[dict[str, object]] = Column(JSON)


Holding = Table("holding", METADATA, HoldingColumns)


class ProofColumns(TypedColumns):
    """What is lost if the content `gone_id` goes and `kept_id` stays: `records.proofs.Proof`.

    Directed: the other way round is another row. One of another `version` is made again.
    """

    gone_id: Named[int] = Column(ForeignKey("content.id"), primary_key=True)
    kept_id: Named[int] = Column(ForeignKey("content.id"), primary_key=True)
    version: Named[int]
    losses: Named[list[str]] = Column(JSON)
    notes: Named[list[str]] = Column(JSON)
    made: Named[bool]
    source: Named[bool | None]
    exact: Named[float | None]


Proof = Table("proof", METADATA, ProofColumns, sqlite_with_rowid=False)


class DecisionColumns(TypedColumns):
    """What a person said of two contents, `digest_a < digest_b`, or of one, named twice.

    By digest and not by content id: it holds for contents that are not in the catalog yet, or not any more.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    ruling: Named[str]
    digest_a: Named[bytes] = Column(LargeBinary(32))
    digest_b: Named[bytes] = Column(LargeBinary(32))
    decided_at: Named[datetime]


Decision = Table(
    "decision",
    METADATA,
    DecisionColumns,
    UniqueConstraint("ruling", "digest_a", "digest_b"),
    Index("ix_decision_digest_b", "digest_b"),
    sqlite_autoincrement=True,
)


class VectorJoinColumns(TypedColumns):
    """How the vectors of a model were compared with each other; see `neighbour`.

    A list of `neighbour` counts up to its first `depth` entries, none of which is below `floor`. `revision`
    grows with each change to the lists, so that two processes cannot write over each other.
    """

    model_id: Named[int] = Column(ForeignKey("model.id"), primary_key=True)
    kind: Named[str]
    depth: Named[int]
    floor: Named[float]
    revision: Named[int]


VectorJoin = Table("vector_join", METADATA, VectorJoinColumns)


class NeighbourColumns(TypedColumns):
    """The contents most similar to one content, nearest first: little-endian int64 ids, float32 similarities.

    A row is there when the vector `embedding_id` was compared with those of all other rows; where it is
    not `settled`, entries were lost with a vector that went away, and it has to be compared again. `best`
    is the first similarity, -2 where there is none: most questions need only the rows above a threshold.

    All of it follows from the vectors and can be made again.
    """

    model_id: Named[int] = Column(ForeignKey("model.id"), primary_key=True)
    content_id: Named[int] = Column(ForeignKey("content.id"), primary_key=True)
    embedding_id: Named[int] = Column(_Id)
    settled: Named[bool]
    best: Named[float]
    others: Named[bytes] = Column(LargeBinary)
    similarities: Named[bytes] = Column(LargeBinary)


Neighbour = Table("neighbour", METADATA, NeighbourColumns, sqlite_with_rowid=False)


class RegionColumns(TypedColumns):
    """The vectors of a content's regions under a model: float16 little-endian `[regions, dimension]`.

    Which regions, and in what order, is said in `embedders/regions.py`. `id` grows with time.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    model_id: Named[int] = Column(ForeignKey("model.id"))
    content_id: Named[int] = Column(ForeignKey("content.id"))
    vectors: Named[bytes] = Column(LargeBinary)


Region = Table(
    "region",
    METADATA,
    RegionColumns,
    UniqueConstraint("model_id", "content_id"),
    sqlite_autoincrement=True,
)


class RegionJoinColumns(TypedColumns):
    """How the regions of a model were compared with its vectors; see `region_neighbour`.

    `compared` holds the ids of the embeddings that every list has met, ascending little-endian int64;
    `depth`, `floor` and `revision` are those of `vector_join`.
    """

    model_id: Named[int] = Column(ForeignKey("model.id"), primary_key=True)
    depth: Named[int]
    floor: Named[float]
    revision: Named[int]
    compared: Named[bytes] = Column(LargeBinary)


RegionJoin = Table("region_join", METADATA, RegionJoinColumns)


class RegionNeighbourColumns(TypedColumns):
    """The contents that look most like a region of one content, as `neighbour` has them for whole pictures.

    A row is there when the regions `region_id` were compared with the vectors of `region_join.compared`.
    """

    model_id: Named[int] = Column(ForeignKey("model.id"), primary_key=True)
    content_id: Named[int] = Column(ForeignKey("content.id"), primary_key=True)
    region_id: Named[int] = Column(_Id)
    others: Named[bytes] = Column(LargeBinary)
    similarities: Named[bytes] = Column(LargeBinary)


RegionNeighbour = Table("region_neighbour", METADATA, RegionNeighbourColumns, sqlite_with_rowid=False)


class BatchColumns(TypedColumns):
    """One `clean --apply`; `token` is part of its temporary names, the rest is as in the plan."""

    id: Named[int] = Column(_Id, primary_key=True)
    token: Named[str]
    action: Named[str]
    state: Named[str]
    started_at: Named[datetime]
    folder: Named[bytes | None] = Column(LargeBinary)
    across_devices: Named[bool]


Batch = Table("batch", METADATA, BatchColumns, sqlite_autoincrement=True)


class OperationColumns(TypedColumns):
    """One file of a batch, in the order in which they are acted upon.

    By path and digest and not by row: a file that was moved away has no row to point at. `unit` numbers the
    files that go together. `mode` and what follows it are the intent, written right before the act: null
    until then. `target` is where the file really goes, `planned_target` where the plan wanted it. `sidecar`
    has to be written before it goes.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    batch_id: Named[int] = Column(ForeignKey("batch.id"))
    unit: Named[int]
    state: Named[str]
    reason: Named[str | None]
    path: Named[bytes] = Column(LargeBinary)
    size: Named[int] = Column(BigInteger)
    mtime_ns: Named[int] = Column(BigInteger)
    digest: Named[bytes | None] = Column(LargeBinary(32))
    keeper_path: Named[bytes | None] = Column(LargeBinary)
    keeper_size: Named[int | None] = Column(BigInteger)
    keeper_mtime_ns: Named[int | None] = Column(BigInteger)
    keeper_digest: Named[bytes | None] = Column(LargeBinary(32))
    planned_target: Named[bytes | None] = Column(LargeBinary)
    mode: Named[int | None]
    uid: Named[int | None] = Column(BigInteger)
    gid: Named[int | None] = Column(BigInteger)
    device: Named[int | None] = Column(BigInteger)
    inode: Named[int | None] = Column(BigInteger)
    target: Named[bytes | None] = Column(LargeBinary)
    note: Named[bytes | None] = Column(LargeBinary)
    made: Named[bytes | None] = Column(LargeBinary)
    sidecar: Named[bytes | None] = Column(LargeBinary)


Operation = Table(
    "operation",
    METADATA,
    OperationColumns,
    Index("ix_operation_batch_id_unit", "batch_id", "unit"),
    sqlite_autoincrement=True,
)


class EmptiedFolderColumns(TypedColumns):
    """A folder that a batch may empty and then remove, as it was before; the states are an operation's."""

    id: Named[int] = Column(_Id, primary_key=True)
    batch_id: Named[int] = Column(ForeignKey("batch.id"))
    state: Named[str]
    path: Named[bytes] = Column(LargeBinary)
    mode: Named[int]
    uid: Named[int] = Column(BigInteger)
    gid: Named[int] = Column(BigInteger)
    mtime_ns: Named[int] = Column(BigInteger)


EmptiedFolder = Table("emptied_folder", METADATA, EmptiedFolderColumns, UniqueConstraint("batch_id", "path"))


class WrittenSidecarColumns(TypedColumns):
    """A sidecar that a batch writes beside a file that stays, all its bytes; the states are an operation's.

    `operation.sidecar` names it where a file must not go before it is there.
    """

    id: Named[int] = Column(_Id, primary_key=True)
    batch_id: Named[int] = Column(ForeignKey("batch.id"))
    state: Named[str]
    reason: Named[str | None]
    path: Named[bytes] = Column(LargeBinary)
    beside: Named[bytes] = Column(LargeBinary)
    content: Named[bytes] = Column(LargeBinary)


WrittenSidecar = Table(
    "written_sidecar", METADATA, WrittenSidecarColumns, UniqueConstraint("batch_id", "path")
)
