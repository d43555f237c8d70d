"""A list of files as the places that hold them and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from neardup_cli.catalog import queries
from neardup_cli.errors import BadInput
from neardup_cli.pipeline import scope as scope_module
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.scope import scope

if TYPE_CHECKING:
    from pathlib import Path

    from neardup_cli.catalog.database import Catalog
    from tests.conftest import Draw


@pytest.fixture
def paths(catalog: Catalog, tmp_path: Path, draw: Draw) -> dict[str, bytes]:
    """A catalog with a/0, a/1, a/deep/2, b/3, b/4 and c5, by name."""
    names = ("a/0", "a/1", "a/deep/2", "b/3", "b/4", "c5")
    for seed, name in enumerate(names):
        draw(tmp_path / "all" / f"{name}.png", seed)
    scan(catalog, tmp_path / "all", ScanOptions(hash_only=True))
    with catalog.read() as connection:
        found = list(queries.present_paths(connection))
    return dict(zip(names, found, strict=True))


def test_nothing_is_left_out_where_all_is_wanted(catalog: Catalog, paths: dict[str, bytes]) -> None:
    assert scope(catalog, set(paths.values())) == ()


@pytest.mark.parametrize(
    "wanted",
    [("a/0", "a/1", "a/deep/2"), ("a/0",), ("a/0", "b/3", "b/4"), ("a/deep/2", "c5"), ("a/0", "a/1", "b/3")],
)
def test_exactly_the_wanted_ones_are_below(
    catalog: Catalog, paths: dict[str, bytes], wanted: tuple[str, ...]
) -> None:
    places = scope(catalog, {paths[name] for name in wanted})
    with catalog.read() as connection:
        ids = queries.fingerprints(connection, places).ids.tolist()
        found = {file.path for file in queries.files_of_contents(connection, ids, places)}
    assert found == {paths[name] for name in wanted}
    assert len(places) <= len(wanted)


def test_a_folder_of_wanted_ones_is_one_place(catalog: Catalog, paths: dict[str, bytes]) -> None:
    [place] = scope(catalog, {paths[name] for name in ("a/0", "a/1", "a/deep/2")})
    assert place.endswith(b"/a")


def test_too_many_places_are_said(
    catalog: Catalog, paths: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scope_module, "_MOST", 1)
    with pytest.raises(BadInput, match="has 4 other images among these"):
        scope(catalog, {paths["a/0"], paths["b/3"]})
