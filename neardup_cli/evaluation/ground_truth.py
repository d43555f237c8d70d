"""What is a copy of what: from our own manifest, from Copydays' numbers, or from DISC21's table."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.manifest import COLUMNS, MANIFEST_NAME, read_manifest
from neardup_cli.evaluation.pictures import picture_paths

COPYDAYS = "copydays"
_DISC_COLUMNS = ("query_id", "reference_id")
_COPYDAYS_NAME = re.compile(rb"(\d{4})(\d{2})")


@dataclass(frozen=True, slots=True)
class Question:
    """One query image and what has to be found for it.

    Attributes:
        path: absolute real path.
        attack: what was done to it, as far as that is known.
        source: what names the picture that it was made of: copies of one picture fail together.
        answers: the references that it is a copy of; empty for a picture that has none.
        neutral: references that it shows a part of: finding them is neither right nor wrong.
    """

    path: bytes
    attack: str
    source: bytes
    answers: frozenset[bytes]
    neutral: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """The questions of an evaluation, in the order of their paths, and where the truth about them is from."""

    origin: str
    questions: tuple[Question, ...]

    @property
    def positives(self) -> int:
        """How many true pairs there are."""
        return sum(len(question.answers) for question in self.questions)


def load_truth(truth: str | None, queries: bytes, references: bytes) -> GroundTruth:
    """Return the truth about a folder of queries and one of references.

    Args:
        truth: a manifest, a CSV file in the form of DISC21's ground truth, or the word `copydays`; None
            takes the manifest in the folder of the queries.
        queries: a folder.
        references: another folder, or one below it.

    Raises:
        BadInput: there is no truth, or it does not belong to these folders.
        PathNotFound: there is no such folder.
    """
    if truth == COPYDAYS:
        return _copydays(queries, references)
    path = Path(os.fsdecode(queries)) / MANIFEST_NAME if truth is None else Path(truth).expanduser()
    if not path.is_file():
        if truth is None:
            raise BadInput(
                f"{os.fsdecode(queries)} has no {MANIFEST_NAME}: "
                "make the queries with `neardup eval attacks`, or say with --truth what is a copy of what"
            )
        raise BadInput(f"no such file: {path} (--truth takes a manifest, DISC's CSV, or the word copydays)")
    header = _header(path)
    if set(COLUMNS) <= header:
        return _manifest(path, references)
    if set(_DISC_COLUMNS) <= header:
        return _disc(path, queries, references)
    raise BadInput(f"{path} is neither a manifest nor DISC's table: its columns are {', '.join(header)}")


def _manifest(path: Path, references: bytes) -> GroundTruth:
    """The truth of our own copies."""
    folder, originals = os.path.realpath(os.fsencode(path.parent)), os.path.realpath(references)
    known = _absolute(originals, picture_paths(references))
    questions, strange = [], 0
    for entry in read_manifest(path):
        source = os.path.join(originals, entry.source)
        strange += source not in known
        questions.append(
            Question(
                os.path.join(folder, entry.copy),
                entry.attack,
                entry.source,
                frozenset({source}),
                frozenset(os.path.join(originals, shown) for shown in entry.shows),
            )
        )
    if strange:
        raise BadInput(f"{path} names {strange} originals that are not below {os.fsdecode(references)}")
    return _in_order("manifest", questions)


def _copydays(queries: bytes, references: bytes) -> GroundTruth:
    """Copydays (Jégou et al. 2008): the first four digits of a name are the picture, `00` is the original.

    The sets `crops` and `jpegqual` give a copy the name of its original, in a folder that says what was done.
    """
    originals, folder = os.path.realpath(references), os.path.realpath(queries)
    block_of = {
        block: path for path in _absolute(originals, picture_paths(references)) if (block := _block(path))
    }
    questions = []
    for relative in picture_paths(queries):
        path = os.path.join(folder, relative)
        block = _block(path)
        if block not in block_of or path == block_of[block]:
            continue
        attack = os.fsdecode(os.path.dirname(relative)) or os.fsdecode(os.path.basename(folder))
        questions.append(Question(path, attack, block, frozenset({block_of[block]})))
    if not questions:
        raise BadInput(f"{os.fsdecode(queries)} holds no copies named as Copydays names them (200001.jpg)")
    return _in_order(COPYDAYS, questions)


def _block(path: bytes) -> bytes:
    """The number of the picture in a Copydays name, or nothing."""
    found = _COPYDAYS_NAME.fullmatch(os.path.basename(path).split(b".")[0])
    return found[1] if found else b""


def _disc(path: Path, queries: bytes, references: bytes) -> GroundTruth:
    """DISC21: `query_id,reference_id` by file stem; the second is empty for a query that is no copy."""
    query_files = _by_stem(queries)
    reference_files = _by_stem(references)
    answers: dict[bytes, set[bytes]] = {}
    missing = 0
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            query, reference = (os.fsencode(row[column] or "") for column in _DISC_COLUMNS)
            if query not in query_files or (reference and reference not in reference_files):
                missing += 1
                continue
            found = answers.setdefault(query, set())
            if reference:
                found.add(reference_files[reference])
    if not answers:
        raise BadInput(f"{path} names none of the images below {os.fsdecode(queries)}")
    if missing:
        raise BadInput(f"{path} names {missing} pairs whose images are not below the folders that were given")
    # DISC asks about every query, also about those that the table leaves out: they are copies of nothing.
    questions = [
        Question(file, "disc", stem, frozenset(answers.get(stem, ()))) for stem, file in query_files.items()
    ]
    return _in_order("disc", questions)


def _by_stem(folder: bytes) -> Mapping[bytes, bytes]:
    root = os.path.realpath(folder)
    found: dict[bytes, bytes] = {}
    for path in sorted(_absolute(root, picture_paths(folder))):
        stem = os.path.splitext(os.path.basename(path))[0]
        if stem in found:
            raise BadInput(f"two images below {os.fsdecode(folder)} are called {os.fsdecode(stem)}")
        found[stem] = path
    return found


def _absolute(root: bytes, paths: Sequence[bytes]) -> set[bytes]:
    return {os.path.join(root, path) for path in paths}


def _in_order(origin: str, questions: Iterable[Question]) -> GroundTruth:
    return GroundTruth(origin, tuple(sorted(questions, key=lambda question: question.path)))


def _header(path: Path) -> set[str]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return set(next(csv.reader(stream), ()))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise BadInput(f"{path} cannot be read: {exc}") from exc
