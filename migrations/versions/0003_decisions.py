"""A person's decisions: these are no duplicates, this is to be kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "decision",
        sa.Column("id", _ID, nullable=False),
        sa.Column("ruling", sa.String, nullable=False),
        sa.Column("digest_a", sa.LargeBinary(32), nullable=False),
        sa.Column("digest_b", sa.LargeBinary(32), nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decision"),
        sa.UniqueConstraint("ruling", "digest_a", "digest_b", name="uq_decision_ruling_digest_a_digest_b"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decision_digest_b", "decision", ["digest_b"])


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
