"""A catalog in PostgreSQL behind the installed command: two scanners at once, and every answer."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neardup_cli.evaluation.gallery import render_gallery
from tests.e2e.conftest import Neardup

_PATIENCE = 300
FORKED = True


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders that overlap: `all` holds `all/part`, and both hold copies of what is in the other."""
    folder = tmp_path_factory.mktemp("postgres") / "all"
    render_gallery(folder, photos=12)
    part = folder / "part"
    part.mkdir()
    for number, path in enumerate(sorted(folder.rglob("*.jpg"))[:20]):
        shutil.copy(path, part / f"copy-{number}.jpg")
    return folder


@pytest.fixture
def on_postgres(neardup: Neardup, tmp_path: Path, postgres_url: str) -> Neardup:
    home = tmp_path / "server-home"
    home.mkdir()
    environment = {"NEARDUP_CATALOG": postgres_url, "XDG_CACHE_HOME": str(home / "cache")}
    return replace(neardup, home=home, environment=environment)


def answers(neardup: Neardup) -> Any:
    """Return the groups, without what says when they were computed."""
    return neardup.json("dups")["groups"]


def rows(url: str, query: str) -> list[Any]:
    import psycopg

    address = url.replace("+psycopg", "")
    with psycopg.connect(address) as connection:
        return list(connection.execute(query).fetchall())


def test_the_same_answers_as_from_a_file(neardup: Neardup, on_postgres: Neardup, pictures: Path) -> None:
    wanted = {"seconds"}
    first, second = (each.json("scan", pictures) for each in (neardup, on_postgres))
    assert {k: v for k, v in first.items() if k not in wanted} == {
        k: v for k, v in second.items() if k not in wanted
    }
    assert answers(neardup) == answers(on_postgres)
    assert on_postgres.json("scan", pictures)["unchanged"] == first["added"]
    found = on_postgres.json("query", next(pictures.glob("part/*")))["queries"][0]["matches"]
    assert len(found) >= 2
    status = on_postgres.json("status")
    assert status["catalog"].startswith("postgresql+psycopg://tester@/")
    assert status["files"] == first["seen"]
    # The index stands in the user's cache folder, and is built again where it is not.
    indexes = list((on_postgres.home / "cache" / "neardup" / "catalogs").glob("*.faiss"))
    assert indexes
    for index in indexes:
        index.unlink()
    assert on_postgres.json("doctor", "--repair")["healthy"]
    assert answers(neardup) == answers(on_postgres)


def test_two_scanners_at_once(
    neardup: Neardup, on_postgres: Neardup, postgres_url: str, pictures: Path
) -> None:
    """Overlapping folders, from an empty database on: the answer of one scanner, and no row twice."""
    expected = neardup.json("scan", pictures)
    scans = [
        on_postgres.start("scan", folder, "--workers", "1")
        for folder in (pictures, pictures / "part", pictures)
    ]
    assert [scan.wait(_PATIENCE) for scan in scans] == [0, 0, 0]
    assert on_postgres.json("scan", pictures)["unchanged"] == expected["added"]
    assert answers(neardup) == answers(on_postgres)
    for table, key in (("file", "path"), ("content", "digest"), ("embedding", "content_id, model_id")):
        twice = rows(postgres_url, f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1")
        assert twice == [], table
    assert rows(postgres_url, "SELECT count(*) FROM file WHERE missing_scan_id IS NOT NULL") == [(0,)]
    assert rows(postgres_url, "SELECT count(*) FROM embedding") == [(expected["embedded"],)]


def test_what_goes_wrong_is_one_line(neardup: Neardup, on_postgres: Neardup, postgres_url: str) -> None:
    assert "no catalog at postgresql+psycopg://" in on_postgres.fail(4, "dups")
    nowhere = replace(neardup, environment={"NEARDUP_CATALOG": "postgresql://me:secret@127.0.0.1:9/photos"})
    said = nowhere.fail(1, "status")
    assert "postgresql+psycopg://me:***@127.0.0.1:9/photos cannot be used" in said
    assert "secret" not in said
    no_database = replace(neardup, environment={"NEARDUP_CATALOG": postgres_url.replace("/test_", "/no_")})
    assert "there is no such database" in no_database.fail(4, "status")
    assert "is no database for a catalog" in neardup.fail(2, "status", "--catalog", "mysql://me@here/photos")


def test_the_driver_is_an_extra(neardup: Neardup, tmp_path: Path) -> None:
    module = "raise ModuleNotFoundError('No module named psycopg', name='psycopg')\n"
    (tmp_path / "psycopg.py").write_text(module)
    without = neardup.finding_first(tmp_path)
    said = without.fail(13, "status", "--catalog", "postgresql://me@here/photos")
    assert said.endswith("[postgres]'`")
