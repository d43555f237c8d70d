"""Vectors of the regions of pictures, and what they look like: `scan --thorough`."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "region",
        sa.Column("id", _ID, nullable=False),
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("content_id", _ID, nullable=False),
        sa.Column("vectors", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_region"),
        sa.UniqueConstraint("model_id", "content_id", name="uq_region_model_id_content_id"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_region_model_id_model"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_region_content_id_content"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "region_join",
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("floor", sa.Double, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("compared", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("model_id", name="pk_region_join"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_region_join_model_id_model"),
    )
    op.create_table(
        "region_neighbour",
        sa.Column("model_id", _ID, nullable=False),
        sa.Column("content_id", _ID, nullable=False),
        sa.Column("region_id", _ID, nullable=False),
        sa.Column("others", sa.LargeBinary, nullable=False),
        sa.Column("similarities", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("model_id", "content_id", name="pk_region_neighbour"),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_region_neighbour_model_id_model"),
        sa.ForeignKeyConstraint(
            ["content_id"], ["content.id"], name="fk_region_neighbour_content_id_content"
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
