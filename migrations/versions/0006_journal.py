"""The journal of clean-ups: what was done to which file, so that it can be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "batch",
        sa.Column("id", _ID, nullable=False),
        sa.Column("token", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("folder", sa.LargeBinary, nullable=True),
        sa.Column("across_devices", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_batch"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "operation",
        sa.Column("id", _ID, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("unit", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=True),
        sa.Column("keeper_path", sa.LargeBinary, nullable=True),
        sa.Column("keeper_size", sa.BigInteger, nullable=True),
        sa.Column("keeper_mtime_ns", sa.BigInteger, nullable=True),
        sa.Column("keeper_digest", sa.LargeBinary(32), nullable=True),
        sa.Column("planned_target", sa.LargeBinary, nullable=True),
        sa.Column("mode", sa.Integer, nullable=True),
        sa.Column("uid", sa.BigInteger, nullable=True),
        sa.Column("gid", sa.BigInteger, nullable=True),
        sa.Column("device", sa.BigInteger, nullable=True),
        sa.Column("inode", sa.BigInteger, nullable=True),
        sa.Column("target", sa.LargeBinary, nullable=True),
        sa.Column("note", sa.LargeBinary, nullable=True),
        sa.Column("made", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_operation"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_operation_batch_id_batch"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operation_batch_id_unit", "operation", ["batch_id", "unit"])


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
