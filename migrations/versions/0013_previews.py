"""Small versions of images, so that a file is decoded once in its life."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "preview",
        sa.Column("content_id", _ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("pixels_digest", sa.LargeBinary(16), nullable=False),
        sa.Column("ground", sa.Integer, nullable=False),
        sa.Column("alpha", sa.LargeBinary, nullable=True),
        sa.Column("pixels", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("content_id", name="pk_preview"),
        sa.ForeignKeyConstraint(["content_id"], ["content.id"], name="fk_preview_content_id_content"),
    )
    op.create_index(
        "ix_preview_content_id_version_size", "preview", ["content_id", "version", "size"], unique=False
    )


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
