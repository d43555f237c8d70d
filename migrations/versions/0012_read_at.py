"""When the bytes of a file were last read and were those of its content (`doctor --verify-files`)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("file", sa.Column("read_at", sa.BigInteger))


def downgrade() -> None:
    raise NotImplementedError("catalogs are only ever upgraded")
