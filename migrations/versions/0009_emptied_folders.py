"""The folders that a clean-up may empty and remove, as they were before, so that an undo puts them back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "emptied_folder",
        sa.Column("id", _ID, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("mode", sa.Integer, nullable=False),
        sa.Column("uid", sa.BigInteger, nullable=False),
        sa.Column("gid", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_emptied_folder"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_emptied_folder_batch_id_batch"),
        sa.UniqueConstraint("batch_id", "path", name="uq_emptied_folder_batch_id_path"),
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
