"""`neardup eval run`: queries with a known truth through the whole funnel, and how good its answers are."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Device
from neardup_cli.errors import BadInput
from neardup_cli.evaluation.funnel import NEIGHBOURS, Answer, Asked, ask, contents_of
from neardup_cli.evaluation.ground_truth import GroundTruth
from neardup_cli.evaluation.meter import Cost, Meter
from neardup_cli.evaluation.scoring import (
    Figures,
    Scored,
    StageFigures,
    figures,
    score_answers,
    stage_figures,
)
from neardup_cli.pipeline.criteria import resolve_criteria
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import Skipped
from neardup_cli.rules.options import Matching


@dataclass(frozen=True, slots=True)
class EvalOptions(Matching):
    """What is measured.

    Attributes:
        threshold, hamming, model, verify, preset: as in `Matching`.
        input_size: of the network, pixels.
        hash_only: measure the sieve alone, without a network.
        thorough: look at parts of the images too.
        neighbours: how many of a query's nearest references the verifier looks at.
        workers: threads.
        device: where the model runs.
    """

    input_size: int = 288
    hash_only: bool = False
    thorough: bool = False
    neighbours: int = NEIGHBOURS
    workers: int = 1
    device: Device = Device.AUTO


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        parameters: what was asked.
        overall: of all queries.
        attacks: of the queries of each attack, in the order of their names.
        levels: what every stage would have reached had it decided alone.
        stages: what each stage decided.
        funnel: how many pairs came how far.
        costs: of each stage, in order.
        scored: the predictions themselves.
        unread: images that could not be read; what they are copies of counts as missed.
    """

    parameters: dict[str, Any]
    overall: Figures
    attacks: Mapping[str, Figures]
    levels: Mapping[str, Figures]
    stages: tuple[StageFigures, ...]
    funnel: Mapping[str, int]
    costs: tuple[Cost, ...]
    scored: Scored
    unread: tuple[Skipped, ...] = field(default=())


def evaluate(
    truth: GroundTruth,
    references: bytes,
    options: EvalOptions,
    *,
    distractors: Sequence[bytes] = (),
    catalog: Path | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Scan references, distractors and queries into a catalog of their own, ask, and measure.

    Args:
        truth: the queries and what they are copies of.
        references: folder of the originals.
        options: what is measured.
        distractors: folders of images that no query is a copy of.
        catalog: file to use and keep, so that a second run reads no image; None takes one for this run only.
        progress: told how far it is.

    Raises:
        BadInput: there is no question, or a folder holds nothing that can be read.
    """
    if not truth.questions:
        raise BadInput("there is no query to ask")
    watch, meter = progress or Silent(), Meter()
    with open_catalog(catalog) as opened:
        unread = _scan_all(opened, truth, references, distractors, options, watch, meter)
        criteria = resolve_criteria(opened, options)
        contents = contents_of(opened)
        known = _below(contents, [references, *distractors])
        # The queries may lie among the references (Copydays in one folder): they are not their own answers.
        asked_paths = [question.path for question in truth.questions]
        for path in asked_paths:
            known.pop(path, None)
        if not known:
            raise BadInput(f"nothing below {os.fsdecode(references)} can be read")
        asked = ask(
            opened,
            sorted({contents[path] for path in asked_paths if path in contents}),
            sorted(set(known.values())),
            criteria,
            workers=options.workers,
            watch=watch,
            meter=meter,
            neighbours=options.neighbours,
        )
    scored = score_answers(truth, asked.answers, contents, known)
    limits = criteria.limits
    return Evaluation(
        parameters={
            **criteria.parameters(),
            "verify": options.verify,
            "thorough": options.thorough,
            "neighbours": options.neighbours,
            "truth": truth.origin,
            "queries": len(truth.questions),
            "references": len(known),
            "true_pairs": truth.positives,
        },
        overall=figures(scored),
        attacks={name: figures(scored.of_attack(name)) for name in scored.attack_names},
        levels=_levels(scored, limits.threshold, limits.radius, has_vectors=criteria.model is not None),
        stages=stage_figures(scored),
        funnel=_funnel(asked),
        costs=tuple(meter.costs),
        scored=scored,
        unread=tuple(unread),
    )


@contextmanager
def open_catalog(path: Path | None) -> Iterator[Catalog]:
    """Open the catalog of an evaluation; without a path, one that vanishes afterwards."""
    if path is not None:
        with Catalog.open(path, create=True) as opened:
            yield opened
        return
    with (
        tempfile.TemporaryDirectory(prefix="neardup-eval-") as folder,
        Catalog.open(Path(folder) / "eval.db", create=True) as opened,
    ):
        yield opened


def _scan_all(
    catalog: Catalog,
    truth: GroundTruth,
    references: bytes,
    distractors: Sequence[bytes],
    options: EvalOptions,
    watch: Progress,
    meter: Meter,
) -> list[Skipped]:
    """Scan every side on its own, so that its cost is its own."""
    how = ScanOptions(
        model=options.model,
        input_size=options.input_size,
        hash_only=options.hash_only,
        thorough=options.thorough,
        workers=options.workers,
        device=options.device,
    )
    queries = sorted({os.path.dirname(question.path) for question in truth.questions})
    sides = {"scan references": [references], "scan distractors": distractors, "scan queries": queries}
    unread: list[Skipped] = []
    for name, folders in sides.items():
        if folders:
            with meter.stage(name):
                unread += scan(catalog, folders, how, watch).unreadable
    return unread


def _below(contents: Mapping[bytes, int], folders: Sequence[bytes]) -> dict[bytes, int]:
    roots = tuple(os.path.join(os.path.realpath(folder), b"") for folder in folders)
    return {path: content for path, content in contents.items() if path.startswith(roots)}


def _levels(scored: Scored, threshold: float, radius: int, *, has_vectors: bool) -> dict[str, Figures]:
    """What hashes, SSCD, and all stages together reach on the same candidates."""
    by_hash = figures(scored.scored_by(1 - scored.hamming / 64, scored.sieved & (scored.hamming <= radius)))
    levels = {f"dHash ≤ {radius}": by_hash}
    if has_vectors:
        near = np.nan_to_num(scored.similarity, nan=-1.0)
        for level in sorted({threshold, 0.5, 0.75}):
            levels[f"SSCD ≥ {level:g}"] = figures(scored.scored_by(near, near >= level))
    return {**levels, "funnel": figures(scored)}


def _funnel(asked: Asked) -> dict[str, int]:
    """How many pairs of contents came how far, and how many the sieve spared."""

    def count(which: Sequence[Answer]) -> int:
        return len(which)

    answers = asked.answers
    matched = [answer for answer in answers if answer.stage is not None]
    by_stage = {
        f"decided_by_{stage}": count([answer for answer in matched if answer.stage == stage])
        for stage in ("exact", "sieve", "verifier", "geometry")
    }
    return {
        "possible_pairs": asked.possible,
        "proposed_by_sieve": count([answer for answer in answers if answer.candidate.sieved]),
        "candidates": count(answers),
        "checked_by_geometry": count([answer for answer in answers if answer.checked]),
        **by_stage,
        # Copies that the sieve proposed and no pixel had to be looked at for.
        "spared_by_sieve": by_stage["decided_by_sieve"],
    }
