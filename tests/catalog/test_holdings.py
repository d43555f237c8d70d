from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import text

from neardup_cli.catalog import holdings as module
from neardup_cli.catalog import scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.holdings import store_holdings, stored_holdings
from neardup_cli.records.files import Features
from neardup_cli.records.holdings import HOLDINGS_VERSION, Holdings

FULL = Holdings(
    frames=7,
    duration_ms=900,
    film_bytes=5_000_000_000,
    pictures=2,
    gain_map=True,
    has_alpha=True,
    depth=12,
    wide_gamut=True,
    lossless=True,
    quality=2.467,
    captured_at=datetime(2024, 5, 1, 10, 0, 0, 123_400),
    offset="+02:00",
    exposure=(("aperture", "4.5"), ("iso", "200")),
    place=(38.7083333, -9.1366667),
    rating=-1,
    words=frozenset({"tram", "fête", "雨"}),
    make="Canon",
    model="EOS",
    software="darktable",
    maker_note=True,
    shown_frame=3,
    frame_views=(bytes(range(256)) + bytes(320), b"\xff" * 576),
)


@pytest.fixture
def contents(catalog: Catalog) -> list[int]:
    """Three decoded contents."""
    named = {bytes([number]) * 32: (10, Features("PNG", 40, 30, 0, 0.25, None, None)) for number in (1, 2, 3)}
    with catalog.write() as connection:
        scanning.store_contents(connection, named, None, replace=False)
    with catalog.read() as connection:
        return list(connection.execute(text("SELECT id FROM content ORDER BY id")).scalars())


def test_what_is_stored_comes_back(catalog: Catalog, contents: list[int]) -> None:
    kept = {contents[0]: FULL, contents[1]: Holdings()}
    with catalog.write() as connection:
        store_holdings(connection, kept)
        store_holdings(connection, {})
    with catalog.read() as connection:
        assert stored_holdings(connection, contents) == kept
        assert stored_holdings(connection, contents[1:]) == {contents[1]: Holdings()}
        assert stored_holdings(connection, []) == {}


def test_they_are_replaced(catalog: Catalog, contents: list[int]) -> None:
    for held in (FULL, Holdings(rating=5)):
        with catalog.write() as connection:
            store_holdings(connection, {contents[0]: held})
    with catalog.read() as connection:
        assert stored_holdings(connection, contents) == {contents[0]: Holdings(rating=5)}


def test_those_of_another_version_are_read_again(
    catalog: Catalog, contents: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with catalog.write() as connection:
        store_holdings(connection, dict.fromkeys(contents, FULL))
    monkeypatch.setattr(module, "HOLDINGS_VERSION", HOLDINGS_VERSION + 1)
    with catalog.read() as connection:
        assert stored_holdings(connection, contents) == {}
    with catalog.write() as connection:
        store_holdings(connection, {contents[2]: FULL})
    with catalog.read() as connection:
        assert stored_holdings(connection, contents) == {contents[2]: FULL}


def test_damage_is_the_contents_own(catalog: Catalog, contents: list[int]) -> None:
    with catalog.write() as connection:
        store_holdings(connection, {contents[0]: Holdings(), contents[1]: Holdings(damage="not kept")})
        connection.execute(
            text("UPDATE content SET damage = 'truncated' WHERE id = :id"), {"id": contents[0]}
        )
    with catalog.read() as connection:
        found = stored_holdings(connection, contents)
    assert found == {contents[0]: Holdings(damage="truncated"), contents[1]: Holdings()}


def test_text_that_no_database_takes(catalog: Catalog, contents: list[int]) -> None:
    with catalog.write() as connection:
        odd = Holdings(words=frozenset({"a\0b\ud800"}), make="x\0", exposure=(("unique id", "\udfff"),))
        store_holdings(connection, {contents[0]: odd})
    with catalog.read() as connection:
        held = stored_holdings(connection, contents)[contents[0]]
    assert held == Holdings(words=frozenset({"ab?"}), make="x", exposure=(("unique id", "?"),))
