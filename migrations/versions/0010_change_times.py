"""When the system last noted a change of a file (ctime): what keeps its size and mtime is seen by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file", sa.Column("ctime_ns", sa.BigInteger))


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
