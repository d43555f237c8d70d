"""Every test of the catalog that takes the fixture `catalog` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog.database import Catalog
from tests import postgres

if TYPE_CHECKING:
    from tests.conftest import NewCatalog


@pytest.fixture(params=["sqlite", "postgres"])
def catalog(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_catalog: NewCatalog
) -> Iterator[Catalog]:
    """An empty catalog, open."""
    if request.param == "sqlite":
        with Catalog.open(empty_catalog(tmp_path / "catalog.db")) as opened:
            yield opened
        return
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server, empty = map(request.getfixturevalue, ("postgres_server", "empty_postgres"))
    with postgres.database(server, like=empty) as url, Catalog.open(url) as opened:
        yield opened
