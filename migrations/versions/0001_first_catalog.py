"""The first catalog: files, contents, models and their embeddings."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    fact = op.create_table(
        "fact",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("value", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_fact"),
    )
    op.bulk_insert(fact, [{"name": "uuid", "value": str(uuid.uuid4())}])
    op.create_table(
        "scan",
        sa.Column("id", _ID, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("finished_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_scan"),
    )
    _create_content()
    _create_root_and_file()
    _create_model_and_embedding()


def _create_content() -> None:
    op.create_table(
        "content",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("error", sa.String),
        sa.Column("format", sa.String),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("dhash", sa.BigInteger),
        sa.Column("flatness", sa.Double),
        sa.Column("captured_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_content"),
        sa.UniqueConstraint("digest", name="uq_content_digest"),
    )


def _create_root_and_file() -> None:
    op.create_table(
        "root",
        sa.Column("id", _ID, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("device", sa.BigInteger, nullable=False),
        sa.Column("scan_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_root"),
        sa.UniqueConstraint("path", name="uq_root_path"),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name="fk_root_scan_id_scan"),
    )
    op.create_table(
        "file",
        sa.Column("id", _ID, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("device", sa.BigInteger, nullable=False),
        sa.Column("inode", sa.BigInteger, nullable=False),
        sa.Column("content_id", _ID, nullable=False),
        sa.Column("root_id", _ID, nullable=False),
        sa.Column("added_scan_id", _ID, nullable=False),
        sa.Column("missing_scan_id", _ID),
        sa.PrimaryKeyConstraint("id", name="pk_file"),
        sa.UniqueConstraint("path", name="uq_file_path"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_file_content_id_content"),
        sa.ForeignKeyConstraint(["root_id"], ["root.id"], name="fk_file_root_id_root"),
        sa.ForeignKeyConstraint(["added_scan_id"], ["scan.id"], name="fk_file_added_scan_id_scan"),
        sa.ForeignKeyConstraint(["missing_scan_id"], ["scan.id"], name="fk_file_missing_scan_id_scan"),
    )
    op.create_index("ix_file_content_id", "file", ["content_id"])


def _create_model_and_embedding() -> None:
    op.create_table(
        "model",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("fingerprint", sa.String, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("preprocessing", sa.String, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("scan_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model"),
        sa.UniqueConstraint("fingerprint", "preprocessing", name="uq_model_fingerprint_preprocessing"),
        sa.ForeignKeyConstraint(["scan_id"], ["scan.id"], name="fk_model_scan_id_scan"),
    )
    op.create_table(
        "embedding",
        sa.Column("id", _ID, nullable=False),
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("content_id", _ID, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_embedding"),
        sa.UniqueConstraint("model_id", "content_id", name="uq_embedding_model_id_content_id"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_embedding_model_id_model"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_embedding_content_id_content"),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
