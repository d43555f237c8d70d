"""Verdicts of the geometric stage, so that no pair is checked twice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_NUMBERS = ("agreement", "content_a", "content_b", "coverage_a", "coverage_b", "tone", "spread")


def upgrade() -> None:
    op.create_table(
        "pair",
        sa.Column("id", _ID, nullable=False),
        sa.Column("a_id", _ID, nullable=False),
        sa.Column("b_id", _ID, nullable=False),
        sa.Column("algorithm", sa.String, nullable=False),
        sa.Column("matched", sa.Boolean, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("inliers", sa.Integer, nullable=False),
        sa.Column("transform", sa.JSON, nullable=False),
        sa.Column("mirrored", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in _NUMBERS),
        sa.PrimaryKeyConstraint("id", name="pk_pair"),
        sa.UniqueConstraint("a_id", "b_id", "algorithm", name="uq_pair_a_id_b_id_algorithm"),
        sa.ForeignKeyConstraint(["a_id"], ["content.id"], name="fk_pair_a_id_content"),
        sa.ForeignKeyConstraint(["b_id"], ["content.id"], name="fk_pair_b_id_content"),
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
