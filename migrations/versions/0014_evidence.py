"""What the pixels of a pair say, in log-odds: a verdict keeps its evidence, and whoever asks weighs it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pair", sa.Column("evidence", sa.Float, nullable=False, server_default="0"))


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
