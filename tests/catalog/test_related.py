from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from neardup_cli import DupsOptions, build_hash_db, find_duplicates
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.models import Content, Embedding, Pair
from neardup_cli.catalog.queries import files_at
from neardup_cli.catalog.related import related

type Ids = dict[str, int]


@pytest.fixture
def opened(photos: Path, tmp_path: Path) -> Catalog:
    return Catalog.open(build_hash_db(photos, tmp_path / "photos.db", workers=2))


def ids_of(catalog: Catalog, photos: Path) -> Ids:
    names = [path for path in photos.rglob("*") if path.is_file()]
    with catalog.read() as connection:
        files = files_at(connection, [str(path).encode() for path in names])
    return {path.decode().rpartition("/")[2]: file.content_id for path, file in files.items()}


def test_what_is_known_of_pairs(opened: Catalog, photos: Path) -> None:
    ids = ids_of(opened, photos)
    same = ids["astronaut.jpg"], ids["astronaut-again.jpg"]
    small = ids["astronaut-small.jpg"], ids["astronaut.jpg"]
    strangers = ids["chelsea.jpg"], ids["rocket.png"]
    asked = [same, small, small[::-1], strangers]
    with opened.read() as connection:
        assert related(connection, asked) == {same, small, small[::-1]}
        assert related(connection, []) == set()
    # By vectors alone, where the hashes say nothing.
    with opened.write() as connection:
        connection.execute(
            update(Content).where(Content.c.id == small[0]).values(dhash=0x5555_5555_5555_5555)
        )
    with opened.read() as connection:
        assert related(connection, asked) == {same, small, small[::-1]}
    with opened.write() as connection:
        connection.execute(Embedding.delete())
    with opened.read() as connection:
        assert related(connection, asked) == {same}
    opened.close()


def test_what_geometry_says_goes_before_what_is_close(opened: Catalog, photos: Path) -> None:
    ids = ids_of(opened, photos)
    pair = ids["coffee.png"], ids["coffee-grey.jpg"]
    find_duplicates(opened, DupsOptions(hamming=0))
    with opened.read() as connection:
        assert related(connection, [pair]) == {pair}
        row = connection.execute(select(Pair).where(Pair.c.a_id == min(pair))).mappings().one()
    with opened.write() as connection:
        connection.execute(update(Pair).values(matched=False))
    with opened.read() as connection:
        assert related(connection, [pair, pair[::-1]]) == set()
    with opened.write() as connection:  # another preset has matched them
        connection.execute(insert(Pair).values({**row, "id": None, "algorithm": "other", "matched": True}))
    with opened.read() as connection:
        assert related(connection, [pair, pair[::-1]]) == {pair, pair[::-1]}
    opened.close()
