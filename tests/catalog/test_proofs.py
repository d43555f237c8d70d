"""Proofs in the catalog: directed, of one version, never what could not be looked at."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from neardup_cli.catalog import proofs as module
from neardup_cli.catalog import scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.proofs import Directed, store_proofs, stored_proofs
from neardup_cli.choices import Loss
from neardup_cli.records.files import Features
from neardup_cli.records.proofs import NOTHING_LOST, PROOF_VERSION, Proof

LOST = Proof((Loss.COLOUR, Loss.TIME), ("a wide gamut", "time: 2024-05-01 10:00:00"))


@pytest.fixture
def contents(catalog: Catalog) -> list[int]:
    """Three decoded contents."""
    named = {bytes([number]) * 32: (10, Features("PNG", 40, 30, 0, 0.25, None, None)) for number in (1, 2, 3)}
    with catalog.write() as connection:
        scanning.store_contents(connection, named, None, replace=False)
    with catalog.read() as connection:
        return list(connection.execute(text("SELECT id FROM content ORDER BY id")).scalars())


def store(catalog: Catalog, proofs: dict[Directed, Proof]) -> None:
    with catalog.write() as connection:
        store_proofs(connection, proofs)


def stored(catalog: Catalog, *gone: int) -> dict[Directed, Proof]:
    with catalog.read() as connection:
        return stored_proofs(connection, gone)


def test_what_is_stored_comes_back_for_the_one_that_goes(catalog: Catalog, contents: list[int]) -> None:
    a, b, c = contents
    kept = {(a, b): LOST, (b, a): NOTHING_LOST, (c, b): NOTHING_LOST}
    store(catalog, kept)
    store(catalog, {})
    assert stored(catalog, *contents) == kept
    assert stored(catalog, a) == {(a, b): LOST}
    assert stored(catalog) == {}


def test_a_later_proof_takes_the_place(catalog: Catalog, contents: list[int]) -> None:
    pair = contents[0], contents[1]
    for proof in (LOST, NOTHING_LOST):
        store(catalog, {pair: proof})
        assert stored(catalog, pair[0]) == {pair: proof}


def test_what_could_not_be_looked_at_is_not_kept(catalog: Catalog, contents: list[int]) -> None:
    pair = contents[0], contents[1]
    store(catalog, {pair: Proof(unproven="its disk is away")})
    assert stored(catalog, *contents) == {}
    store(catalog, {pair: LOST})
    store(catalog, {pair: Proof(unproven="its disk is away")})
    assert stored(catalog, *contents) == {pair: LOST}


def test_those_of_another_version_do_not_count(
    catalog: Catalog, contents: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = contents[0], contents[1]
    store(catalog, {pair: NOTHING_LOST})
    monkeypatch.setattr(module, "PROOF_VERSION", PROOF_VERSION + 1)
    assert stored(catalog, *contents) == {}
    store(catalog, {pair: LOST})
    assert stored(catalog, *contents) == {pair: LOST}


def test_text_that_no_database_takes(catalog: Catalog, contents: list[int]) -> None:
    pair = contents[0], contents[1]
    store(catalog, {pair: Proof((Loss.WORDS,), ("words: a\0b\ud800",))})
    assert stored(catalog, *contents) == {pair: Proof((Loss.WORDS,), ("words: ab?",))}
