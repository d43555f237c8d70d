"""The most similar others of each vector, so that a later `dups` compares only what is new."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "vector_join",
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("floor", sa.Double, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("model_id", name="pk_vector_join"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_vector_join_model_id_model"),
    )
    op.create_table(
        "neighbour",
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("content_id", _ID, nullable=False),
        sa.Column("embedding_id", _ID, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("best", sa.Double, nullable=False),
        sa.Column("others", sa.LargeBinary, nullable=False),
        sa.Column("similarities", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("model_id", "content_id", name="pk_neighbour"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_neighbour_model_id_model"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_neighbour_content_id_content"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
