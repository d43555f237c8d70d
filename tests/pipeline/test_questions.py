"""Several questions at once: the same answers as one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from neardup_cli import Catalog, QueryOptions, build_hash_db
from neardup_cli.pipeline.query import Question, Searcher


@pytest.fixture(scope="module")
def searcher(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Searcher]:
    location = build_hash_db(photos, tmp_path_factory.mktemp("questions") / "photos.db", workers=2)
    with Catalog.open(location) as catalog:
        yield Searcher(catalog, QueryOptions(top_k=4))


def test_together_as_one_by_one(searcher: Searcher, photos: Path) -> None:
    paths = [os.fsencode(path) for path in sorted(photos.rglob("*.*"))]
    together = searcher.query_many([Question(path) for path in paths])
    for path, answer in zip(paths, together, strict=True):
        alone = searcher.query(path)
        assert [(match.path, match.stage, match.hamming) for match in answer.matches] == [
            (match.path, match.stage, match.hamming) for match in alone.matches
        ]


def test_what_cannot_be_read_spoils_nothing(searcher: Searcher, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    paths = [
        os.fsencode(path) for path in (tmp_path / "none.jpg", photos / "coffee.png", tmp_path / "text.jpg")
    ]
    missing, coffee, text = searcher.query_many([Question(path) for path in paths])
    assert missing.error is not None
    assert missing.error.startswith("no such file")
    assert text.error == "not an image"
    assert coffee.error is None
    assert coffee.matches


def test_the_same_bytes_twice(searcher: Searcher, photos: Path) -> None:
    path = os.fsencode(photos / "below" / "rocket.png")
    first, second = searcher.query_many([Question(path), Question(path)])
    assert first == second


def test_each_question_has_its_own_limits(searcher: Searcher, photos: Path) -> None:
    path = os.fsencode(photos / "astronaut.jpg")
    few, strict, usual = searcher.query_many(
        [Question(path, top_k=1), Question(path, threshold=1.0), Question(path)]
    )
    assert len(few.matches) == 1
    assert len(usual.matches) == 4
    assert sum(match.is_match for match in strict.matches) < sum(match.is_match for match in usual.matches)


def test_no_question(searcher: Searcher) -> None:
    assert searcher.query_many([]) == []


def test_a_loaded_model_is_used_again(searcher: Searcher) -> None:
    again = Searcher(searcher._catalog, QueryOptions(), searcher.rules.embedder)
    assert again.rules.embedder is searcher.rules.embedder
