"""Plans go to JSON and come back; what is not exactly a plan is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.choices import Action, KeepKey, Kind, Loss
from neardup_cli.errors import BadInput
from neardup_cli.plans import Companion, FileState, LeftAlone, Plan, PlannedAct, PlannedGroup, Policy
from neardup_cli.records.matches import DupsReport
from neardup_cli.reports.dups_reader import read_groups
from neardup_cli.reports.json_report import dump, dups_document
from neardup_cli.reports.plan_json import plan_document
from neardup_cli.reports.plan_reader import read_plan
from neardup_cli.reports.plan_text import plan_lines, plan_summary

NAMES = st.binary(min_size=1, max_size=8).filter(
    lambda name: name not in (b".", b"..") and not {0, 47} & set(name)
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: b"/" + b"/".join(names))
NUMBERS = st.integers(0, (1 << 63) - 1)
STATES = st.builds(
    FileState, PATHS, NUMBERS, st.integers(-(1 << 63), (1 << 63) - 1), st.binary(min_size=32, max_size=32)
)
TARGETS = st.none() | PATHS
LOSSES = st.lists(st.sampled_from(Loss), max_size=3, unique=True).map(tuple)
ACTS = st.builds(
    PlannedAct,
    STATES,
    st.none() | st.sampled_from(Kind),
    TARGETS,
    NUMBERS,
    st.lists(st.builds(Companion, PATHS, NUMBERS, NUMBERS, TARGETS, st.none() | STATES), max_size=2).map(
        tuple
    ),
    st.lists(st.text(), max_size=2).map(tuple),
    LOSSES,
)
GROUPS = st.builds(
    PlannedGroup,
    st.text(),
    STATES,
    st.text(),
    st.lists(ACTS, max_size=3).map(tuple),
    st.lists(st.builds(LeftAlone, PATHS, st.text(), st.none() | LOSSES), max_size=2).map(tuple),
)
POLICIES = st.builds(
    Policy,
    st.lists(st.sampled_from(KeepKey), max_size=3).map(tuple),
    st.lists(PATHS, max_size=2).map(tuple),
    st.lists(PATHS, max_size=2).map(tuple),
    st.frozensets(st.none() | st.sampled_from(Kind)),
    st.frozensets(st.sampled_from(Loss)),
    st.booleans(),
)
PLANS = st.builds(
    Plan,
    st.sampled_from(Action),
    POLICIES,
    st.lists(GROUPS, max_size=3).map(tuple),
    TARGETS,
    st.booleans(),
    st.lists(st.tuples(st.text(), st.text()), max_size=2).map(tuple),
    st.booleans(),
)

STATE = FileState(b"/a/1.jpg", 10, 5, b"\x01" * 32)
PLAN = Plan(
    Action.QUARANTINE,
    Policy(),
    (
        PlannedGroup(
            "0123456789ab",
            STATE,
            "most pixels",
            (
                PlannedAct(
                    FileState(b"/b/\xff.jpg", 2_000, 6, b"\x02" * 32),
                    Kind.RESIZED,
                    b"/q/b/\xff.jpg",
                    2_500,
                    (Companion(b"/b/\xff.xmp", 500, 7, b"/q/b/\xff.xmp"),),
                    ("rating: 4",),
                    (Loss.RATING,),
                ),
            ),
            (LeftAlone(b"/c/3.jpg", "protected"),),
        ),
    ),
    to=b"/q",
)


@given(PLANS)
def test_a_plan_comes_back_as_it_was(plan: Plan) -> None:
    assert read_plan(dump(plan_document(plan)).encode("utf-8")) == plan


def test_a_plan_as_people_read_it() -> None:
    assert list(plan_lines(PLAN)) == [
        "# 0123456789ab: 1 copy to quarantine, 2.5 KB",
        "keep\t/a/1.jpg\t10 B\tmost pixels",
        "quarantine\t/b/\\xff.jpg\t2.0 KB\tresized, loses rating → /q/b/\\xff.jpg",
        "with\t/b/\\xff.xmp\t500 B\t→ /q/b/\\xff.xmp",
        "warning\t/b/\\xff.jpg\t\trating: 4",
        "leave\t/c/3.jpg\t\tprotected",
        "",
    ]
    assert list(plan_summary(PLAN)) == [
        "1 copy in 1 group to quarantine below /q, 2.5 KB (freed when they are removed)",
        "1 file left alone, each with its reason",
    ]


def edited(change: Callable[[dict[str, Any]], object]) -> str:
    document = json.loads(dump(plan_document(PLAN)))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one.update(schema="neardup.plan/2"), "schema"),
        (lambda one: one.pop("schema"), "schema: Field required"),
        (lambda one: one.pop("groups"), "groups: Field required"),
        (lambda one: one.update(acton="trash"), "acton: Extra inputs"),
        (lambda one: one.update(action="shred"), "'shred' is none of trash"),
        (lambda one: one.update(across_devices="yes"), "across_devices"),
        (lambda one: one["policy"].update(only=["exact", "blurred"]), "'blurred' is none of exact"),
        (lambda one: one["policy"].update(protect=["relative/path"]), "absolute path"),
        (lambda one: one["groups"][0]["keep"].update(path="/a/../b"), "absolute path"),
        (lambda one: one["groups"][0]["keep"].update(content="00"), "content"),
        (lambda one: one["groups"][0]["acts"][0].update(bytes="10"), "groups.0.acts.0.bytes"),
        (lambda one: one["groups"][0]["acts"][0].update(bytes=-1), "groups.0.acts.0.bytes"),
        (lambda one: one["groups"][0]["acts"][0].update(mtime_ns=1 << 63), "groups.0.acts.0.mtime_ns"),
        (lambda one: one["groups"][0]["acts"][0].update(path="/a\0b"), "groups.0.acts.0.path"),
        (lambda one: one["groups"][0]["acts"][0].pop("companions"), "companions: Field required"),
    ],
)
def test_what_is_no_plan(change: Callable[[dict[str, Any]], object], message: str) -> None:
    with pytest.raises(BadInput, match="not a neardup plan: .*" + message) as caught:
        read_plan(edited(change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "neardup.dups/1"}', b"\xff"])
def test_what_is_no_document_at_all(text: str | bytes) -> None:
    with pytest.raises(BadInput, match="not a neardup plan"):
        read_plan(text)


def test_edits_that_are_welcome() -> None:
    """Leaving out groups, acts, and what is only told."""
    without = edited(lambda one: (one.pop("summary"), one.pop("undecided"), one["groups"][0].pop("left")))
    assert read_plan(without).acts == 1
    assert read_plan(edited(lambda one: one["groups"][0]["acts"].clear())).acts == 0
    assert read_plan(edited(lambda one: one["groups"].clear())).groups == ()


def test_a_report_on_copies_comes_back(report: DupsReport) -> None:
    (group,) = read_groups(dump(dups_document(report)))
    (printed,) = report.groups
    assert (group.id, group.keep, group.kept) == (printed.id, printed.keep, printed.kept)
    assert [
        (one.path, one.digest, one.width, one.height, one.format, one.stamp.size) for one in group.members
    ] == [
        (one.path, one.digest, one.width, one.height, one.format, one.stamp.size) for one in printed.members
    ]
    assert [(one.a, one.b, one.stage, one.kind) for one in group.matches] == [
        (one.a, one.b, one.stage, one.kind) for one in printed.matches
    ]


def test_paths_of_a_report_that_cannot_be(report: DupsReport) -> None:
    for wrong in ("photo.jpg", "/a\0b", ""):
        document = json.loads(dump(dups_document(report)))
        document["groups"][0]["members"][0]["path"] = wrong
        with pytest.raises(BadInput, match=r"groups\.0\.members\.0\.path: .* absolute path"):
            read_groups(json.dumps(document))


@pytest.mark.parametrize(
    "text", ["", "{}", '{"schema": "neardup.plan/1", "groups": []}', '{"schema": "neardup.dups/1"}']
)
def test_what_is_no_report(text: str) -> None:
    with pytest.raises(BadInput, match="not the output of `neardup dups --json`"):
        read_groups(text)
