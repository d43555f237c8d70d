from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Grouping
from neardup_cli.errors import BadInput
from neardup_cli.evaluation.ground_truth import GroundTruth, load_truth
from neardup_cli.evaluation.meter import Meter
from neardup_cli.evaluation.metrics import Quality
from neardup_cli.evaluation.run import EvalOptions, Evaluation, evaluate
from neardup_cli.evaluation.run_report import csv_lines, run_document, submission_lines, text_lines
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.query import QueryOptions, Searcher
from neardup_cli.records.matches import Stage
from tests.evaluation.conftest import PHOTOS


@pytest.fixture(scope="module")
def truth(copies: Path, originals: Path) -> GroundTruth:
    return load_truth(None, bytes(copies), bytes(originals))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "eval.db"


@pytest.fixture(scope="module")
def found(truth: GroundTruth, originals: Path, kept: Path) -> Evaluation:
    return evaluate(truth, bytes(originals), EvalOptions(workers=2), catalog=kept)


def paired(found: Evaluation, truth: GroundTruth) -> set[tuple[bytes, bytes]]:
    scored = found.scored
    return {
        (truth.questions[int(query)].path, scored.references[int(reference)])
        for query, reference in zip(
            scored.query[scored.answered], scored.reference[scored.answered], strict=True
        )
    }


def test_easy_copies_are_found_and_nobody_is_accused(found: Evaluation) -> None:
    for attack in ("exact", "jpeg-50", "grey"):
        assert found.attacks[attack].quality == Quality(PHOTOS, 0, 0), attack
        assert found.attacks[attack].micro_ap == 1
        assert found.attacks[attack].recall_at_one == 1
    assert found.overall.quality.wrong == 0
    assert found.overall.questions == 6 * PHOTOS


def test_attacks_and_stages_add_up(found: Evaluation) -> None:
    total = found.overall.quality
    assert sum(one.quality.found for one in found.attacks.values()) == total.found
    assert sum(one.quality.missed for one in found.attacks.values()) == total.missed
    assert sum(stage.found for stage in found.stages) == total.found
    assert sum(stage.recall for stage in found.stages) == pytest.approx(total.recall)
    assert [stage.stage for stage in found.stages] == list(Stage)
    assert found.stages[0].found == PHOTOS
    assert found.levels["funnel"] == found.overall
    decided = sum(count for name, count in found.funnel.items() if name.startswith("decided_by"))
    assert decided >= total.found
    assert found.funnel["possible_pairs"] == 6 * PHOTOS * PHOTOS


def test_it_decides_as_query_does(found: Evaluation, truth: GroundTruth, kept: Path, originals: Path) -> None:
    """The same pairs as `neardup query` of every copy, file by file.

    But for tiny crops: geometry looks from one picture at the other, and `query` looks from the other side.
    """
    with Catalog.open(kept) as catalog:
        searcher = Searcher(catalog, QueryOptions(top_k=100, under=[bytes(originals)]))
        answers = {
            (question.path, match.path)
            for question in truth.questions
            for match in searcher.query(question.path).matches
            if match.is_match and match.path not in question.neutral
        }
    assert {pair for pair in paired(found, truth) ^ answers if b"/crop-centre-10/" not in pair[0]} == set()


def test_it_decides_as_dups_does(found: Evaluation, truth: GroundTruth, kept: Path, originals: Path) -> None:
    """The pairs of a copy and an original among the matches of `neardup dups` on the same catalog."""
    with Catalog.open(kept) as catalog:
        report = find_duplicates(catalog, DupsOptions(grouping=Grouping.LINKED))
    files: dict[int, set[bytes]] = {}
    content_of = {}
    for member in (member for group in report.groups for member in group.members):
        files.setdefault(member.content_id, set()).add(member.path)
        content_of[member.path] = member.content_id
    matched = {(content_of[one.a], content_of[one.b]) for group in report.groups for one in group.matches}
    matched |= {(content, content) for content in files}
    asked = {question.path for question in truth.questions}
    expected = set()
    for a, b in matched | {(b, a) for a, b in matched}:
        expected |= {
            (query, reference)
            for query, reference in product(files[a] & asked, files[b] - asked)
            if reference.startswith(bytes(originals))
        }
    neutral = {(one.path, shown) for one in truth.questions for shown in one.neutral}
    assert paired(found, truth) == expected - neutral


def test_a_second_run_gives_the_same_figures_and_reads_nothing(
    found: Evaluation, truth: GroundTruth, originals: Path, kept: Path
) -> None:
    again = evaluate(truth, bytes(originals), EvalOptions(workers=1), catalog=kept)
    ours, theirs = run_document(found), run_document(again)
    del ours["costs"], theirs["costs"]
    assert ours == theirs
    assert np.array_equal(found.scored.score, again.scored.score)


def test_a_fresh_catalog_gives_the_same_figures(
    found: Evaluation, truth: GroundTruth, originals: Path
) -> None:
    fresh = evaluate(truth, bytes(originals), EvalOptions(workers=2))
    ours, theirs = run_document(found), run_document(fresh)
    del ours["costs"], theirs["costs"]
    assert ours == theirs


def test_distractors_make_more_pairs_and_no_more_copies(
    found: Evaluation, truth: GroundTruth, originals: Path, tmp_path: Path
) -> None:
    from neardup_cli.evaluation.gallery import render_photo

    for seed in range(4):
        render_photo(seed + 90, (480, 320)).save(tmp_path / f"other-{seed}.jpg")
    more = evaluate(truth, bytes(originals), EvalOptions(workers=2), distractors=[bytes(tmp_path)])
    assert more.parameters["references"] == PHOTOS + 4
    assert more.overall.quality.wrong == 0
    assert more.overall.quality.found == found.overall.quality.found
    assert [cost.stage for cost in more.costs][:3] == ["scan references", "scan distractors", "scan queries"]


def test_hashes_alone_can_be_measured(truth: GroundTruth, originals: Path) -> None:
    found = evaluate(truth, bytes(originals), EvalOptions(hash_only=True, workers=2))
    assert found.parameters["model"] is None
    assert list(found.levels) == ["dHash ≤ 4", "funnel"]
    assert found.attacks["exact"].quality == Quality(PHOTOS, 0, 0)
    assert found.attacks["crop-50"].quality.found < PHOTOS
    assert not any(stage.found for stage in found.stages if stage.stage in (Stage.VERIFIER, Stage.GEOMETRY))


def test_queries_among_the_references_are_not_their_own_answers(
    truth: GroundTruth, originals: Path, copies: Path
) -> None:
    folder = os.path.commonpath([originals, copies])
    found = evaluate(truth, os.fsencode(folder), EvalOptions(hash_only=True, workers=2))
    queries = {question.path for question in truth.questions}
    assert not queries & set(found.scored.references)


def test_an_unreadable_query_counts_as_missed(
    originals: Path, copies: Path, tmp_path: Path, truth: GroundTruth
) -> None:
    import shutil

    again = tmp_path / "copies"
    shutil.copytree(copies, again)
    (again / "jpeg-50" / "photo-0.jpg.jpg").write_bytes(b"\xff\xd8\xff\xe0 gone")
    broken = load_truth(None, bytes(again), bytes(originals))
    found = evaluate(broken, bytes(originals), EvalOptions(hash_only=True, workers=2))
    assert [os.path.basename(skipped.path) for skipped in found.unread] == [b"photo-0.jpg.jpg"]
    assert found.attacks["jpeg-50"].quality.missed >= 1
    assert found.overall.questions == len(truth.questions)


def test_there_has_to_be_something_to_ask(originals: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no query"):
        evaluate(GroundTruth("manifest", ()), bytes(originals), EvalOptions())


def test_the_reports_agree(found: Evaluation, truth: GroundTruth) -> None:
    document = run_document(found)
    assert document["schema"] == "neardup.eval-run/1"
    rows = [line.split(",") for line in csv_lines(found)]
    assert rows[0][0] == "set"
    by_name = {row[0]: row for row in rows[1:]}
    assert float(by_name["all"][2]) == pytest.approx(document["overall"]["recall"], abs=1e-4)
    assert set(found.attacks) <= set(by_name)
    assert len({len(row) for row in rows}) == 1
    lines = list(text_lines(found))
    assert any(line.startswith("stage geometry\t") for line in lines)
    assert any(line.startswith("cost scan references\t") for line in lines)


def test_the_submission_is_what_disc_takes(found: Evaluation, truth: GroundTruth) -> None:
    lines = list(submission_lines(found, truth))
    assert lines[0] == "query_id,reference_id,score"
    rows = [line.split(",") for line in lines[1:]]
    scores = [float(row[2]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    per_query: dict[str, int] = {}
    for query, *_ in rows:
        per_query[query] = per_query.get(query, 0) + 1
    assert max(per_query.values()) <= 10
    assert len({(query, reference) for query, reference, _ in rows}) == len(rows)
    best = {row[0]: row[1] for row in reversed(rows)}
    assert best["exact/photo-3.jpg"] == "photo-3"


def test_a_stage_is_charged_with_what_it_took() -> None:
    meter = Meter()
    with meter.stage("busy"):
        block = np.ones(30_000_000)
        total = float(sum(float(block[start::1000].sum()) for start in range(200)))
    with meter.stage("idle"):
        pass
    busy, idle = meter.costs
    assert total > 0
    assert (busy.stage, idle.stage) == ("busy", "idle")
    assert busy.cpu_seconds > idle.cpu_seconds
    assert busy.peak_mb >= 200
    if os.path.exists("/proc/self/clear_refs"):
        del block
        with meter.stage("after"):
            pass
        assert meter.costs[-1].peak_mb < busy.peak_mb
