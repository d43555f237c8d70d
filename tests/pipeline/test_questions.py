"""Several questions at once: the same answers as one by one."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from neardup_cli import Catalog, QueryOptions, ScanOptions, build_hash_db, scan
from neardup_cli.pipeline import picture, probe
from neardup_cli.pipeline.query import Question, Searcher
from neardup_cli.records.matches import Stage


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


@pytest.fixture
def edited(photographs: dict[str, Image.Image], tmp_path: Path) -> list[Path]:
    """New pictures, most of them copies that only the pixels can settle."""
    for name, photograph in photographs.items():
        photograph.crop((20, 10, 260, 170)).save(tmp_path / f"{name}.jpg", quality=70)
        photograph.rotate(90, expand=True).save(tmp_path / f"{name}.png")
    Image.radial_gradient("L").save(tmp_path / "new.png")
    return sorted(tmp_path.iterdir())


def test_a_stream_is_answered_like_its_file(searcher: Searcher, edited: list[Path]) -> None:
    streams = [io.BytesIO(path.read_bytes()) for path in edited]
    streams[0].seek(100)  # wherever somebody has left it
    answers = searcher.query_many([Question(stream) for stream in streams])
    for path, stream, answer in zip(edited, streams, answers, strict=True):
        assert (answer.path, answer.error) == (b"", None)
        assert answer.matches == searcher.query(os.fsencode(path)).matches
        assert not stream.closed
    assert sum(match.stage is Stage.GEOMETRY for answer in answers for match in answer.matches) > 4


def test_pixels_that_find_no_room_are_decoded_again(
    searcher: Searcher, edited: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    images = [os.fsencode(path) for path in edited] + [io.BytesIO(path.read_bytes()) for path in edited]
    expected = searcher.query_many([Question(image) for image in images])
    monkeypatch.setattr(probe, "_KEPT_PIXELS", 0)
    assert searcher.query_many([Question(image) for image in images]) == expected


def test_a_stream_that_was_closed_spoils_nothing(searcher: Searcher, photos: Path) -> None:
    closed, good = (io.BytesIO((photos / "coffee.png").read_bytes()) for _ in range(2))
    closed.close()
    first, second = searcher.query_many([Question(closed), Question(good)])
    assert first.error == "cannot be read"
    assert second.matches[0].stage is Stage.EXACT


def test_no_question(searcher: Searcher) -> None:
    assert searcher.query_many([]) == []


def test_a_loaded_model_is_used_again(searcher: Searcher) -> None:
    again = Searcher(searcher._catalog, QueryOptions(), searcher.rules.embedder)
    assert again.rules.embedder is searcher.rules.embedder


type Own = tuple[Searcher, Path, Question]


@pytest.fixture
def own(photographs: dict[str, Image.Image], tmp_path: Path) -> Iterator[Own]:
    """A catalog of one photograph, its file, and a crop of it, of which only the pixels can tell."""
    yield from _own(photographs, tmp_path, previews=True)


@pytest.fixture
def bare(photographs: dict[str, Image.Image], tmp_path: Path) -> Iterator[Own]:
    """The same without previews."""
    yield from _own(photographs, tmp_path, previews=False)


def _own(photographs: dict[str, Image.Image], tmp_path: Path, *, previews: bool) -> Iterator[Own]:
    file = tmp_path / "photos" / "astronaut.png"
    file.parent.mkdir()
    photographs["astronaut"].save(file)
    crop = io.BytesIO()
    photographs["astronaut"].crop((20, 0, 220, 180)).save(crop, "JPEG", quality=70)
    with Catalog.open(tmp_path / "catalog.db", create=True) as catalog:
        scan(catalog, [os.fsencode(file.parent)], ScanOptions(previews=previews))
        yield Searcher(catalog, QueryOptions()), file, Question(crop)


def test_a_catalogued_picture_is_decoded_once(bare: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    searcher, _, question = bare
    first = searcher.query_many([question, question])
    monkeypatch.setattr(picture, "open_image", None)
    assert searcher.query_many([question]) == first[:1]
    assert first[0].matches[0].stage is Stage.GEOMETRY


def test_a_catalogued_picture_with_a_preview_is_not_decoded(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    searcher, file, question = own
    monkeypatch.setattr(picture, "open_image", None)
    (answer,) = searcher.query_many([question])
    assert answer.matches[0].stage is Stage.GEOMETRY
    file.unlink()
    assert searcher.query_many([question]) == [answer]


def test_what_a_file_has_become_says_nothing_of_what_it_was(
    bare: Own, photographs: dict[str, Image.Image]
) -> None:
    searcher, file, question = bare
    photographs["coffee"].save(file)
    for _ in range(2):
        (answer,) = searcher.query_many([question])
        assert [(match.is_match, match.untold) for match in answer.matches] == [(False, True)]
        assert answer.cannot_tell
        file.unlink(missing_ok=True)


def test_a_pipe_in_the_place_of_a_catalogued_file_blocks_nobody(bare: Own) -> None:
    searcher, file, question = bare
    file.unlink()
    os.mkfifo(file)
    (answer,) = searcher.query_many([question])
    assert [(match.is_match, match.untold) for match in answer.matches] == [(False, True)]
