"""What files hold beside their first image, and what is lost if one goes and another one stays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("content", sa.Column("damage", sa.String))
    op.create_table(
        "holding",
        sa.Column("content_id", _ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("content_id", name="pk_holding"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_holding_content_id_content"),
    )
    op.create_table(
        "proof",
        sa.Column("gone_id", _ID, nullable=False),
        sa.Column("kept_id", _ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("losses", sa.JSON, nullable=False),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("made", sa.Boolean, nullable=False),
        sa.Column("source", sa.Boolean),
        sa.Column("exact", sa.Double),
        sa.PrimaryKeyConstraint("gone_id", "kept_id", name="pk_proof"),
        sa.ForeignKeyConstraint(["gone_id"], ["content.id"], name="fk_proof_gone_id_content"),
        sa.ForeignKeyConstraint(["kept_id"], ["content.id"], name="fk_proof_kept_id_content"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
