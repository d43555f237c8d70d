"""`neardup eval tune`: labelled pairs, however they came about, to settings."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neardup_cli.catalog import decisions
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Device, Grouping
from neardup_cli.errors import BadInput
from neardup_cli.evaluation.attacks import Attack
from neardup_cli.evaluation.copies import CopyOptions, make_copies
from neardup_cli.evaluation.funnel import Answer, Candidate, ask, contents_of, decide, measure
from neardup_cli.evaluation.ground_truth import GroundTruth, load_truth
from neardup_cli.evaluation.meter import Meter
from neardup_cli.evaluation.run import open_catalog
from neardup_cli.evaluation.scoring import score_answers
from neardup_cli.evaluation.tuning import FLOOR, WIDEST_RADIUS, Labelled, hash_distance
from neardup_cli.pipeline.criteria import Criteria, resolve_criteria
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.progress import Progress
from neardup_cli.reports.paths import parse_data_path
from neardup_cli.rules.families import linked
from neardup_cli.rules.options import Matching

PRESETS = ("normal", "strict", "loose")
_YES = frozenset({"1", "true", "yes", "copy", "duplicate"})
_NO = frozenset({"0", "false", "no", "different", "unique"})
_PAIR_COLUMNS = ("a", "b", "copy")


@dataclass(frozen=True, slots=True)
class TuneOptions:
    """How the pairs are measured.

    Attributes:
        model: whose vectors; None takes the catalog's, or the default.
        input_size: of the network, pixels.
        presets: of the geometric stage, to choose from.
        workers: threads.
        device: where the model runs.
    """

    model: str | None = None
    input_size: int = 288
    presets: Sequence[str] = PRESETS
    workers: int = 1
    device: Device = Device.AUTO

    @property
    def scan(self) -> ScanOptions:
        """How to scan for it."""
        return ScanOptions(
            model=self.model, input_size=self.input_size, workers=self.workers, device=self.device
        )


def pairs_of_attacks(
    photos: bytes,
    attacks: Sequence[Attack],
    options: TuneOptions,
    progress: Progress,
    *,
    sample: int | None = None,
    seed: int = 0,
    longest_side: int | None = None,
) -> Labelled:
    """Attack a sample of photographs in a temporary folder, and measure the copies against all of them.

    What is true is known, and what is false is every other photograph that a copy resembles: the precision
    holds for a collection of this kind and size.

    Raises:
        PathNotFound, BadInput: see `make_copies`.
    """
    with tempfile.TemporaryDirectory(prefix="neardup-tune-") as folder:
        copies = os.fsencode(Path(folder) / "copies")
        make_copies(
            photos, copies, CopyOptions(attacks, seed, sample, longest_side, options.workers), progress
        )
        truth = load_truth(None, copies, photos)
        return pairs_of_truth(truth, photos, options, progress)


def pairs_of_truth(
    truth: GroundTruth,
    references: bytes,
    options: TuneOptions,
    progress: Progress,
    catalog: Path | None = None,
) -> Labelled:
    """Measure queries with a known truth against references, in a catalog of their own."""
    with open_catalog(catalog) as opened:
        folders = {os.path.dirname(question.path) for question in truth.questions}
        scan(opened, [references, *sorted(folders)], options.scan, progress)
        contents = contents_of(opened)
        root = os.path.join(os.path.realpath(references), b"")
        asked = {question.path for question in truth.questions}
        known = {
            path: content for path, content in contents.items() if path.startswith(root) and path not in asked
        }
        by_preset = {}
        for preset in options.presets:
            found = ask(
                opened,
                sorted({contents[path] for path in asked if path in contents}),
                sorted(set(known.values())),
                _criteria(opened, options, preset),
                workers=options.workers,
                watch=progress,
                meter=Meter(),
            )
            by_preset[preset] = score_answers(truth, found.answers, contents, known)
    first = next(iter(by_preset.values()))
    found_positives = np.bincount(first.query[first.true], minlength=len(first.positives))
    return Labelled(
        similarity=first.similarity,
        hamming=np.where(first.sieved, first.hamming, hash_distance(0, flat=True)),
        matched={preset: scored.answered for preset, scored in by_preset.items()},
        true=first.true,
        cluster=first.cluster[first.query],
        missed=np.repeat(first.cluster, first.positives - found_positives),
    )


def pairs_of_table(table: Path, options: TuneOptions, progress: Progress) -> Labelled:
    """Measure the pairs of a CSV file with the columns `a`, `b` (paths) and `copy` (1 or 0).

    Relative paths are relative to the file's folder.

    Raises:
        BadInput: it is no such table, or names an image that cannot be read.
    """
    rows = _read_table(table)
    with open_catalog(None) as opened:
        scan(opened, sorted({path for a, b, _ in rows for path in (a, b)}), options.scan, progress)
        contents = contents_of(opened)
        labelled = {}
        for a, b, copy in rows:
            for path in (a, b):
                if path not in contents:
                    raise BadInput(f"{table} names {os.fsdecode(path)}, which cannot be read as an image")
            labelled[contents[a], contents[b]] = copy
        return _measured(opened, labelled, options, progress)


def pairs_of_decisions(catalog: Catalog, options: TuneOptions, progress: Progress) -> Labelled:
    """Measure what a person decided about the groups of a catalog.

    What was called different (`neardup ignore`) is no copy; every other match of `neardup dups` at its most
    permissive is taken as one: this asks that the groups have been gone through.

    Raises:
        BadInput: nobody has called anything different yet.
    """
    with catalog.read() as connection:
        different = decisions.not_duplicate_ids(connection)
    if not different:
        raise BadInput(
            "nothing has been called different in this catalog: "
            "go through `neardup dups` and use `neardup ignore`, or tune from --attacks"
        )
    report = find_duplicates(
        catalog,
        DupsOptions(
            model=options.model,
            preset="loose",
            grouping=Grouping.LINKED,
            workers=options.workers,
            every_pair=True,
        ),
        progress,
    )
    content_of = {member.path: member.content_id for group in report.groups for member in group.members}
    matches = [match for group in report.groups for match in group.matches] + list(report.links)
    labelled = {
        (content_of[match.a], content_of[match.b]): True
        for match in matches
        if content_of[match.a] != content_of[match.b]
    }
    present = set(contents_of(catalog).values())
    labelled |= {pair: False for pair in different if present >= set(pair)}
    return _measured(catalog, labelled, options, progress)


def _measured(
    catalog: Catalog, labelled: dict[tuple[int, int], bool], options: TuneOptions, progress: Progress
) -> Labelled:
    """Measure pairs of contents; whatever hangs together is about one photograph."""
    pairs = list(labelled)
    by_preset: dict[str, list[Answer]] = {}
    candidates: list[Candidate] = []
    for preset in options.presets:
        criteria = _criteria(catalog, options, preset)
        candidates = measure(catalog, pairs, criteria)
        by_preset[preset] = decide(catalog, candidates, criteria, workers=options.workers, watch=progress)
    return Labelled(
        similarity=np.array([np.nan if one.similarity is None else one.similarity for one in candidates]),
        hamming=np.array([hash_distance(one.hamming, flat=one.flat) for one in candidates], dtype=np.int64),
        matched={
            preset: np.array([answer.stage is not None for answer in answers])
            for preset, answers in by_preset.items()
        },
        true=np.array([labelled[pair] for pair in pairs], dtype=bool),
        cluster=_clusters(pairs),
        missed=np.empty(0, np.int64),
    )


def _clusters(pairs: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    contents = sorted({content for pair in pairs for content in pair})
    groups = linked(contents, pairs)
    group_of = {content: number for number, group in enumerate(groups) for content in group}
    return np.array([group_of[a] for a, _ in pairs], dtype=np.int64)


def _criteria(catalog: Catalog, options: TuneOptions, preset: str) -> Criteria:
    """Return limits that let everything through that any setting of a dial would."""
    criteria = resolve_criteria(catalog, Matching(model=options.model, preset=preset))
    wide = replace(criteria.limits, threshold=FLOOR, radius=WIDEST_RADIUS, radius_alone=WIDEST_RADIUS)
    return replace(criteria, limits=wide)


def _read_table(table: Path) -> list[tuple[bytes, bytes, bool]]:
    try:
        with table.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream)
            if not set(_PAIR_COLUMNS) <= set(rows.fieldnames or ()):
                raise BadInput(f"{table} needs the columns {', '.join(_PAIR_COLUMNS)} (paths, and 1 or 0)")
            folder = os.path.realpath(os.fsencode(table.parent))
            return [_labelled_row(row, folder, f"{table}, line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise BadInput(f"{table} cannot be read: {exc}") from exc


def _labelled_row(row: dict[str, str], folder: bytes, place: str) -> tuple[bytes, bytes, bool]:
    a, b, said = (row[column] or "" for column in _PAIR_COLUMNS)
    word = said.strip().lower()
    if not (a and b) or word not in _YES | _NO:
        raise BadInput(f"{place}: wants two paths, and 1 for a copy or 0 for none")
    first, second = (_real(os.path.join(folder, parse_data_path(path))) for path in (a, b))
    if first == second:
        raise BadInput(f"{place}: names one file twice")
    return first, second, word in _YES


def _real(path: bytes) -> bytes:
    return os.path.realpath(path)
