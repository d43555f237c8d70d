"""Alembic's entry point; the program hands over its own connection (see neardup_cli/catalog/migrate.py)."""

from __future__ import annotations

from alembic import context

from neardup_cli.catalog.models import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    # SQLite cannot alter most of a table in place: Alembic copies it inside the transaction.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
