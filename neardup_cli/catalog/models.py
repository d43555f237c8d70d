"""The tables of the catalog.

    scan ─< file >─ root            one row per path that was seen
              │
            content ─< embedding >─ model     one row per distinct content, one vector per model
              ╚═< pair                        what the geometric stage said of two contents

Paths and digests are bytes. A content is kept when its last file vanishes: should it come back,
nothing is computed again. Change a table only together with a migration in migrations/versions.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# Constraints need names to be altered by a later migration.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# SQLite numbers rows by itself only where the primary key is exactly INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The registry of tables."""

    metadata = MetaData(naming_convention=_NAMING)


class Fact(Base):
    """Single facts about the catalog itself, such as the uuid that ties an index file to it."""

    __tablename__ = "fact"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Scan(Base):
    """One run of `scan`; `finished_at` stays null where it was killed."""

    __tablename__ = "scan"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Root(Base):
    """A scanned folder or file, or a mount point found below one.

    A root that cannot be reached is offline, and its files are not called missing. `device` is
    `st_dev` at the last scan: an empty folder on another device is a mount point without its disk.
    """

    __tablename__ = "root"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    device: Mapped[int] = mapped_column(BigInteger)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id"))


class Content(Base):
    """One distinct file content. Its id is the id of its vectors in the FAISS index.

    Either `error` says why it cannot be decoded, or the columns after it are filled.
    """

    __tablename__ = "content"

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    error: Mapped[str | None]
    format: Mapped[str | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    dhash: Mapped[int | None] = mapped_column(BigInteger)
    flatness: Mapped[float | None]
    captured_at: Mapped[datetime | None]


class File(Base):
    """One path. `missing_scan_id` is the scan that no longer found it; null while it is there.

    A scan that finds a file unchanged writes nothing: the last scan that saw a present file is the
    last scan of its root. That is what makes scanning a large, quiet collection cheap.
    """

    __tablename__ = "file"
    __table_args__ = (Index("ix_file_content_id", "content_id"),)

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    path: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    device: Mapped[int] = mapped_column(BigInteger)
    inode: Mapped[int] = mapped_column(BigInteger)
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    root_id: Mapped[int] = mapped_column(ForeignKey("root.id"))
    added_scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id"))
    missing_scan_id: Mapped[int | None] = mapped_column(ForeignKey("scan.id"))


class Model(Base):
    """An embedding model: the same weights fed in the same way give comparable vectors.

    `generation` grows whenever a stored vector is replaced or removed, which an index file made
    before that cannot know otherwise; `scan_id` is the last scan that used the model.
    """

    __tablename__ = "model"
    __table_args__ = (UniqueConstraint("fingerprint", "preprocessing"),)

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    name: Mapped[str]
    fingerprint: Mapped[str]
    dimension: Mapped[int]
    preprocessing: Mapped[str]
    generation: Mapped[int] = mapped_column(default=0)
    scan_id: Mapped[int] = mapped_column(ForeignKey("scan.id"))


class Embedding(Base):
    """The float16 little-endian unit vector of a content under a model.

    `id` grows with time, so that an index knows which vectors it has not seen yet.
    """

    __tablename__ = "embedding"
    __table_args__ = (
        UniqueConstraint("model_id", "content_id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    content_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class Pair(Base):
    """What the geometric stage said of two contents, `a_id < b_id`; a's pixels go to b's by `transform`.

    `algorithm` names the version and the preset: a verdict of another one is another row.
    """

    __tablename__ = "pair"
    __table_args__ = (UniqueConstraint("a_id", "b_id", "algorithm"),)

    id: Mapped[int] = mapped_column(_Id, primary_key=True)
    a_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    b_id: Mapped[int] = mapped_column(ForeignKey("content.id"))
    algorithm: Mapped[str]
    matched: Mapped[bool]
    reason: Mapped[str]
    inliers: Mapped[int]
    transform: Mapped[list[list[float]]] = mapped_column(JSON)
    mirrored: Mapped[bool]
    agreement: Mapped[float]
    content_a: Mapped[float]
    content_b: Mapped[float]
    coverage_a: Mapped[float]
    coverage_b: Mapped[float]
    tone: Mapped[float]
    spread: Mapped[float]
