"""What a clean-up writes beside files that stay (`--carry-metadata`), and which files must not go before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("operation", sa.Column("sidecar", sa.LargeBinary))
    op.create_table(
        "written_sidecar",
        sa.Column("id", _ID, nullable=False),
        sa.Column("batch_id", _ID, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=True),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("beside", sa.LargeBinary, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_written_sidecar"),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name="fk_written_sidecar_batch_id_batch"),
        sa.UniqueConstraint("batch_id", "path", name="uq_written_sidecar_batch_id_path"),
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
