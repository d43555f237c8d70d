"""Every test of the catalog that takes the fixture `catalog` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neardup_cli.catalog.database import Catalog


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog, open."""
    postgres = request.param == "postgres"
    location = request.getfixturevalue("postgres_url") if postgres else tmp_path / "catalog.db"
    with Catalog.open(location, create=True) as opened:
        yield opened
