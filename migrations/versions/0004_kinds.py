"""What happened between the two pictures of a pair, beside the verdict on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("pair", sa.Column("kind", sa.String))


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
