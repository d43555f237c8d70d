"""The tables of the catalog.

    scan ─< file >─ root            one row per path that was seen
              │
            content ─< embedding >─ model     one row per distinct content, one vector per model
              ╚═< pair                        what the geometric stage said of two contents

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

    Either `error` says why it cannot be decoded, or the columns after it are filled.
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


Content = Table("content", METADATA, ContentColumns)


class FileColumns(TypedColumns):
    """One path. `missing_scan_id` is the scan that no longer found it; null while it is there.

    A scan that finds a file unchanged writes nothing: the last scan that saw a present file is the
    last scan of its root. That is what makes scanning a large, quiet collection cheap.
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

    `algorithm` names the version and the preset: a verdict of another one is another row.
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


Pair = Table("pair", METADATA, PairColumns, UniqueConstraint("a_id", "b_id", "algorithm"))
