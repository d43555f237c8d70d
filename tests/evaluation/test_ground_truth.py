from __future__ import annotations

import os
from pathlib import Path

import pytest

from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.evaluation.ground_truth import GroundTruth, load_truth
from neardup_cli.evaluation.manifest import MANIFEST_NAME
from tests.conftest import Draw
from tests.evaluation.conftest import PHOTOS


def pairs(truth: GroundTruth, root: Path) -> dict[str, set[str]]:
    """Each query with its answers, as paths below a folder."""

    def below(path: bytes) -> str:
        return os.path.relpath(os.fsdecode(path), root)

    return {below(one.path): {below(answer) for answer in one.answers} for one in truth.questions}


def test_the_manifest_beside_the_queries_is_taken(copies: Path, originals: Path) -> None:
    truth = load_truth(None, bytes(copies), bytes(originals))
    assert truth.origin == "manifest"
    assert truth.positives == len(truth.questions) == 6 * PHOTOS
    named = load_truth(str(copies / MANIFEST_NAME), bytes(copies), bytes(originals))
    assert named == truth
    question = next(one for one in truth.questions if one.path.endswith(b"overlay-40/photo-2.jpg.jpg"))
    assert question.answers == {bytes(originals / "photo-2.jpg")}
    assert question.source == b"photo-2.jpg"
    assert len(question.neutral) == 1
    assert not question.neutral & question.answers


def test_a_manifest_of_other_originals_is_refused(copies: Path, tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "other.jpg", 1)
    with pytest.raises(BadInput, match=r"names 48 originals that are not below"):
        load_truth(None, bytes(copies), bytes(tmp_path))


@pytest.fixture
def copydays(tmp_path: Path, draw: Draw) -> Path:
    """As Copydays lies on disk: originals, strong copies, and crops that keep the original's name."""
    names = ["original/200000.jpg", "original/200100.jpg", "strong/200001.jpg", "strong/200002.jpg"]
    names += ["strong/200101.jpg", "strong/299901.jpg", "crops/50/200000.jpg", "crops/50/200100.jpg"]
    names += ["strong/notes-2000.jpg"]
    for seed, name in enumerate(names):
        draw(tmp_path / name, seed)
    return tmp_path


def test_copydays_numbers_say_what_belongs_together(copydays: Path) -> None:
    truth = load_truth("copydays", bytes(copydays / "strong"), bytes(copydays / "original"))
    assert pairs(truth, copydays) == {
        "strong/200001.jpg": {"original/200000.jpg"},
        "strong/200002.jpg": {"original/200000.jpg"},
        "strong/200101.jpg": {"original/200100.jpg"},
    }
    assert {question.attack for question in truth.questions} == {"strong"}


def test_copydays_in_one_folder_asks_no_original_about_itself(copydays: Path) -> None:
    truth = load_truth("copydays", bytes(copydays), bytes(copydays / "original"))
    found = pairs(truth, copydays)
    assert len(found) == 5
    assert found["crops/50/200100.jpg"] == {"original/200100.jpg"}
    assert {question.attack for question in truth.questions} == {"strong", "crops/50"}
    assert {question.source for question in truth.questions} == {b"2000", b"2001"}


def test_what_is_not_named_like_copydays_is_refused(copies: Path, originals: Path) -> None:
    with pytest.raises(BadInput, match="Copydays"):
        load_truth("copydays", bytes(copies), bytes(originals))


@pytest.fixture
def disc(tmp_path: Path, draw: Draw) -> Path:
    names = ["q/Q00000.jpg", "q/Q00001.jpg", "q/Q00002.jpg", "r/R000000.jpg", "r/R000001.jpg"]
    for seed, name in enumerate(names):
        draw(tmp_path / name, seed)
    return tmp_path


def test_the_table_of_disc_names_files_by_their_stems(disc: Path) -> None:
    table = disc / "ground_truth.csv"
    table.write_text("query_id,reference_id\nQ00000,R000001\nQ00001,\n")
    truth = load_truth(str(table), bytes(disc / "q"), bytes(disc / "r"))
    # A query that the table does not name is asked too: it is a copy of nothing.
    assert pairs(truth, disc) == {
        "q/Q00000.jpg": {"r/R000001.jpg"},
        "q/Q00001.jpg": set(),
        "q/Q00002.jpg": set(),
    }
    assert truth.positives == 1


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("query_id,reference_id\nQ00000,R000009\nQ00001,\n", "names 1 pairs"),
        ("query_id,reference_id\nX,R000001\n", "names none"),
        ("what,ever\n1,2\n", "neither a manifest nor"),
        ("", "neither a manifest nor"),
    ],
)
def test_a_table_that_does_not_belong_here_is_refused(disc: Path, table: str, reason: str) -> None:
    (disc / "truth.csv").write_text(table)
    with pytest.raises(BadInput, match=reason):
        load_truth(str(disc / "truth.csv"), bytes(disc / "q"), bytes(disc / "r"))


def test_two_files_of_one_stem_are_refused(disc: Path, draw: Draw) -> None:
    draw(disc / "r" / "again" / "R000001.png", 8)
    (disc / "truth.csv").write_text("query_id,reference_id\nQ00000,R000001\n")
    with pytest.raises(BadInput, match="R000001"):
        load_truth(str(disc / "truth.csv"), bytes(disc / "q"), bytes(disc / "r"))


def test_without_any_truth_it_says_what_to_do(disc: Path) -> None:
    with pytest.raises(BadInput, match=r"eval attacks.*--truth"):
        load_truth(None, bytes(disc / "q"), bytes(disc / "r"))
    with pytest.raises(BadInput, match="no such file"):
        load_truth("nowhere.csv", bytes(disc / "q"), bytes(disc / "r"))
    with pytest.raises(PathNotFound):
        load_truth("copydays", bytes(disc / "nowhere"), bytes(disc / "r"))
