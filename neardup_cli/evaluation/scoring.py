"""Answers about contents become predictions about files, and predictions become figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neardup_cli.evaluation.funnel import Answer
from neardup_cli.evaluation.ground_truth import GroundTruth
from neardup_cli.evaluation.metrics import (
    Flags,
    Floats,
    Quality,
    micro_average_precision,
    quality,
    recall_at_one,
    recall_at_precision,
)
from neardup_cli.records.matches import Stage

_STAGES = tuple(Stage)
_NO_STAGE = -1
AT_PRECISIONS = (0.9, 0.999)


@dataclass(frozen=True)
class Scored:
    """Predictions about pairs of files as parallel arrays of length n, and the k questions they answer.

    Attributes:
        query: which question.
        reference: which of `references`.
        score: see `Answer.score`.
        similarity: of the vectors, NaN where there are none.
        hamming: differing bits.
        stage: place in `Stage` of the stage that decided for it, -1 where none did.
        sieved: whether the sieve proposed it.
        true: whether it is a copy.
        references: paths.
        attack: (k,) place in `attack_names` of each question.
        positives: (k,) how many true pairs each question has.
        cluster: (k,) which picture each question was made of.
        attack_names: sorted.
        asked: (k,) which questions count; all, but in the figures of one attack.
    """

    query: NDArray[np.int64]
    reference: NDArray[np.int64]
    score: Floats
    similarity: Floats
    hamming: NDArray[np.int64]
    stage: NDArray[np.int64]
    sieved: Flags
    true: Flags
    references: tuple[bytes, ...]
    attack: NDArray[np.int64]
    positives: NDArray[np.int64]
    cluster: NDArray[np.int64]
    attack_names: tuple[str, ...]
    asked: Flags

    @cached_property
    def answered(self) -> Flags:
        """(n,) whether the funnel calls the pair a copy."""
        decided: Flags = self.stage != _NO_STAGE
        return decided

    @property
    def positive_count(self) -> int:
        """True pairs of the questions that count."""
        return int(self.positives[self.asked].sum())

    def of_attack(self, name: str) -> Scored:
        """Return only what concerns the questions of one attack."""
        asked = self.attack == self.attack_names.index(name)
        return self._only(asked[self.query], asked)

    def scored_by(self, score: Floats, answered: Flags) -> Scored:
        """Return these candidates as if `score` had ranked them and `answered` were the decision."""
        return replace(self, score=score, stage=np.where(answered, 0, _NO_STAGE))

    def _only(self, kept: Flags, asked: Flags) -> Scored:
        return replace(
            self,
            query=self.query[kept],
            reference=self.reference[kept],
            score=self.score[kept],
            similarity=self.similarity[kept],
            hamming=self.hamming[kept],
            stage=self.stage[kept],
            sieved=self.sieved[kept],
            true=self.true[kept],
            asked=asked,
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """How good the answers to some questions are.

    Attributes:
        questions: how many, those without a true pair among them.
        quality: of what is called a copy.
        micro_ap: µAP of the ranking.
        recall_at: the recall at a precision of 90 % and 99.9 %.
        recall_at_one: the share of the questions whose best candidate is right.
    """

    questions: int
    quality: Quality
    micro_ap: float
    recall_at: tuple[float, ...]
    recall_at_one: float


@dataclass(frozen=True, slots=True)
class StageFigures:
    """What one stage decided; `recall` is its share of all true pairs."""

    stage: Stage
    found: int
    wrong: int
    recall: float

    @property
    def precision(self) -> float:
        """The share of its decisions that are right."""
        return Quality(self.found, self.wrong, 0).precision


def score_answers(
    truth: GroundTruth,
    answers: Sequence[Answer],
    contents: Mapping[bytes, int],
    known: Mapping[bytes, int],
) -> Scored:
    """Compare answers with the truth, file by file; neutral pairs and a file with itself are left out.

    Args:
        truth: the questions.
        answers: about contents.
        contents: content id of every file.
        known: the same of the references alone.
    """
    references = sorted(known)
    files_of: dict[int, list[int]] = {}
    for place, path in enumerate(references):
        files_of.setdefault(known[path], []).append(place)
    by_query: dict[int, list[Answer]] = {}
    for answer in answers:
        by_query.setdefault(answer.candidate.query, []).append(answer)
    rows = [
        (number, place, answer.score, answer.candidate.similarity, answer.candidate.hamming,
         _NO_STAGE if answer.stage is None else _STAGES.index(answer.stage),
         answer.candidate.sieved, references[place] in question.answers)
        for number, question in enumerate(truth.questions)
        for answer in by_query.get(contents.get(question.path, -1), ())
        for place in files_of[answer.candidate.reference]
        if references[place] not in question.neutral and references[place] != question.path
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(8)]
    names = tuple(sorted({question.attack for question in truth.questions}))
    sources = sorted({question.source for question in truth.questions})
    place_of = {source: place for place, source in enumerate(sources)}
    return Scored(
        query=np.array(columns[0], dtype=np.int64),
        reference=np.array(columns[1], dtype=np.int64),
        score=np.array(columns[2], dtype=np.float64),
        similarity=np.array(columns[3], dtype=np.float64),
        hamming=np.array(columns[4], dtype=np.int64),
        stage=np.array(columns[5], dtype=np.int64),
        sieved=np.array(columns[6], dtype=bool),
        true=np.array(columns[7], dtype=bool),
        references=tuple(references),
        attack=np.array([names.index(question.attack) for question in truth.questions], dtype=np.int64),
        positives=np.array([len(question.answers) for question in truth.questions], dtype=np.int64),
        cluster=np.array([place_of[question.source] for question in truth.questions], dtype=np.int64),
        attack_names=names,
        asked=np.ones(len(truth.questions), dtype=bool),
    )


def figures(scored: Scored) -> Figures:
    """Measure a set of predictions."""
    positives = scored.positive_count
    return Figures(
        questions=int(np.count_nonzero(scored.asked)),
        quality=quality(scored.true[scored.answered], positives),
        micro_ap=micro_average_precision(scored.score, scored.true, positives),
        recall_at=tuple(
            recall_at_precision(scored.score, scored.true, positives, precision)
            for precision in AT_PRECISIONS
        ),
        recall_at_one=recall_at_one(
            scored.query, scored.score, scored.true, np.flatnonzero(scored.asked & (scored.positives > 0))
        ),
    )


def stage_figures(scored: Scored) -> tuple[StageFigures, ...]:
    """Return what each stage decided, in the order of the funnel."""
    result = []
    for place, stage in enumerate(_STAGES):
        true = scored.true[scored.stage == place]
        found = int(np.count_nonzero(true))
        recall = found / scored.positive_count if scored.positive_count else 1.0
        result.append(StageFigures(stage, found, len(true) - found, recall))
    return tuple(result)
