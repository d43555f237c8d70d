"""Creating the tables, and upgrading them by Alembic.

Alembic takes a fifth of a second to import, so it is asked only where an older catalog has to be upgraded.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from sqlalchemy import Column, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, text

from neardup_cli.catalog.models import METADATA, Fact
from neardup_cli.errors import CatalogTooNew, NotACatalog

HEAD = "0014"
"""The newest migration; a test holds it against migrations/versions."""

_ALEMBIC_TABLE = "alembic_version"


def needs_migration(engine: Engine, path: Path | str) -> bool:
    """Return True if the catalog is new or older than this program.

    Raises:
        CatalogTooNew: a newer neardup migrated it.
        NotACatalog: it is a SQLite file of another program.
    """
    revision, tables = current_revision(engine), set[str]()
    if revision is None:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
        if _ALEMBIC_TABLE in tables:  # somebody may have made them all meanwhile
            revision = current_revision(engine)
    if revision == HEAD:
        return False
    if revision is None:
        if tables - {_ALEMBIC_TABLE}:
            raise NotACatalog(f"{path} is a database of another program, not a neardup catalog")
        return True
    if revision not in known_revisions():
        raise CatalogTooNew(
            f"catalog {path} was made by a newer neardup (schema {revision}, this one knows {HEAD}): "
            "upgrade neardup, or use another --catalog"
        )
    return True


def current_revision(engine: Engine) -> str | None:
    """Return the revision that a catalog is at; None for a file without one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(_ALEMBIC_TABLE):
            return None
        revision = connection.execute(text(f"SELECT version_num FROM {_ALEMBIC_TABLE}")).scalar()
    return None if revision is None else str(revision)


def bring_up_to_date(engine: Engine) -> None:
    """Make the tables of a new catalog, or upgrade an older one."""
    with engine.connect() as connection:
        new = not inspect(connection).get_table_names()
    if new:
        _create(engine)
    else:
        upgrade(engine)


def _create(engine: Engine) -> None:
    """Make the tables as they are at `HEAD`, in one transaction: a kill leaves an empty file.

    A test holds that the migrations lead to the same tables and rows.
    """
    with engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
        METADATA.create_all(connection, checkfirst=False)
        connection.execute(Fact.insert(), {"name": "uuid", "value": str(uuid.uuid4())})
        version = Column("version_num", String(32), nullable=False)
        stamp = Table(
            _ALEMBIC_TABLE, MetaData(), version, PrimaryKeyConstraint(version, name=f"{_ALEMBIC_TABLE}_pkc")
        )
        stamp.create(connection, checkfirst=False)
        connection.execute(stamp.insert(), {"version_num": HEAD})


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the catalog to a revision, in one transaction: a kill leaves it as it was."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    with engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def known_revisions() -> frozenset[str]:
    """Return every revision that this program can upgrade from."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(migrations_folder()))
    return frozenset(script.revision for script in scripts.walk_revisions())


def migrations_folder() -> Path:
    """Return where the migration scripts are: inside the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
