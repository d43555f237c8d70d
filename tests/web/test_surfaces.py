"""No rule is written twice: every surface says the same of one catalog, in the same words.

Asked are the command line's JSON, its lines and its plan, the API and the plan made there, the HTML report
and Streamlit; with proofs made, so that all have to say what is lost.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from PIL import Image, ImageDraw
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from neardup_cli import Catalog, build_hash_db
from neardup_cli.cli.app import app
from neardup_cli.pipeline.clean import CleanOptions, find_groups, make_plan
from neardup_cli.web import streamlit_app
from neardup_cli.web.options import ServeOptions
from tests.web.conftest import Running, serve

TOTALS = ("redundant_files", "reclaimable_bytes", "doubtful_files", "doubtful_bytes")


@pytest.fixture(scope="module")
def proven(photographs: dict[str, Image.Image], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with a copy of each role, all of them compared at full size."""
    folder = tmp_path_factory.mktemp("surfaces")
    (folder / "phone").mkdir()
    astronaut, coffee, chelsea = (photographs[name] for name in ("astronaut", "coffee", "chelsea"))
    astronaut.save(folder / "astronaut.png")
    (folder / "phone" / "again.png").write_bytes((folder / "astronaut.png").read_bytes())
    astronaut.resize((200, 200)).save(folder / "phone" / "small.jpg", quality=80)
    coffee.save(folder / "coffee.png")
    coffee.convert("L").save(folder / "phone" / "grey.jpg", quality=80)
    coffee.crop((30, 20, 290, 190)).save(folder / "phone" / "cut.png")
    chelsea.save(folder / "chelsea.png")
    lettered = chelsea.copy()
    ImageDraw.Draw(lettered).text((20, 150), "HAPPY BIRTHDAY", fill="white", font_size=34)
    lettered.save(folder / "phone" / "lettered.jpg", quality=88)
    place = build_hash_db(folder, tmp_path_factory.mktemp("catalogs") / "surfaces.db", workers=2)
    options = CleanOptions(prove_all=True)
    with Catalog.open(place) as catalog:
        groups = find_groups(catalog, options)
        make_plan(catalog, replace(options, prove_all=True), groups)
    return place


@pytest.fixture(scope="module")
def server(proven: Path) -> Iterator[Running]:
    yield from serve(proven, ServeOptions())


@pytest.fixture(autouse=True)
def settings(proven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing but the catalog is set."""
    for name in [name for name in os.environ if name.startswith("NEARDUP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("NEARDUP_CATALOG", str(proven))
    yield
    st.cache_resource.clear()


def run(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def dups() -> Any:
    return json.loads(run("dups", "--json"))


def said(groups: list[Any], reason: str = "reason") -> dict[str, tuple[str, str, list[str], dict[str, Any]]]:
    """Return what a document says of each group: the file that stays, why, and of each member what it is."""
    return {
        group["id"]: (
            group["keep"],
            group[reason],
            group["seen_in"],
            {member["path"]: (member["role"], member["losses"]) for member in group["members"]},
        )
        for group in groups
    }


def words_of(losses: list[str] | None) -> str:
    if losses is None:
        return "not proven"
    return f"loses {', '.join(losses)}" if losses else "loses nothing"


def test_there_is_something_to_say(dups: Any) -> None:
    members = [member for group in dups["groups"] for member in group["members"]]
    assert {member["role"] for member in members} >= {"kept", "copy", "smaller", "edited"}
    losses = [member["losses"] for member in members]
    assert None not in losses
    assert any(losses)
    assert dups["summary"]["redundant_files"] > 1  # one of them is proven, and not the same bytes
    assert dups["summary"]["doubtful_files"] > 1


def test_the_page_says_what_the_command_line_says(server: Running, dups: Any) -> None:
    listed = server.client.get("/api/groups").json()["groups"]
    groups = [server.client.get(f"/api/groups/{one['id']}").json() for one in listed]
    assert said(groups) == said(dups["groups"])
    assert said(groups, "keep_reason") == said(dups["groups"])
    stats = server.client.get("/api/stats").json()
    assert {name: stats[name] for name in TOTALS} == {name: dups["summary"][name] for name in TOTALS}
    for one, group in zip(listed, dups["groups"], strict=True):
        assert (one["reclaimable_bytes"], one["doubtful_bytes"]) == (
            group["reclaimable_bytes"],
            group["doubtful_bytes"],
        )
        others = [member["losses"] for member in group["members"][1:]]
        assert one["confident"] == all(losses == [] for losses in others)


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ((), {}),
        (("--accept-loss", "colour,detail,content"), {"accept": ["colour", "detail", "content"]}),
        (("--only", "exact"), {"only": ["exact"]}),
        (("--keep", "longest-path"), {"keep": ["longest-path"]}),
    ],
)
def test_both_plans_are_one(server: Running, words: tuple[str, ...], rules: dict[str, list[str]]) -> None:
    ours = json.loads(run("clean", "--json", *words))
    theirs = server.client.post("/api/plan", json={"confident": True, **rules}).json()
    assert theirs["policy"] == ours["policy"]
    assert theirs["summary"] == ours["summary"]
    for one, other in zip(theirs["groups"], ours["groups"], strict=True):
        assert (one["id"], one["keep"], one["reason"]) == (other["id"], other["keep"], other["reason"])
        assert one["left"] == other["left"]
        for act, same in zip(one["acts"], other["acts"], strict=True):
            assert act == {name: same[name] for name in act}


def test_folders_are_preferred_and_protected_alike(server: Running, dups: Any) -> None:
    phone = next(
        str(Path(member["path"]).parent)
        for group in dups["groups"]
        for member in group["members"]
        if "phone" in member["path"]
    )
    for rule in ("prefer", "protect"):
        ours = json.loads(run("clean", "--json", f"--{rule}", phone))
        theirs = server.client.post("/api/plan", json={"confident": True, rule: [phone]}).json()
        assert theirs["policy"] == ours["policy"]
        assert [(one["keep"], one["reason"], one["left"]) for one in theirs["groups"]] == [
            (one["keep"], one["reason"], one["left"]) for one in ours["groups"]
        ]


def test_a_plan_does_what_was_announced(dups: Any) -> None:
    plan = json.loads(run("clean", "--json"))
    expected = {group["id"]: (group["keep"], group["reason"]) for group in dups["groups"]}
    assert {one["id"]: (one["keep"]["path"], one["reason"]) for one in plan["groups"]} == expected
    assert plan["summary"]["acts"] == dups["summary"]["redundant_files"]
    assert plan["summary"]["frees"] == dups["summary"]["reclaimable_bytes"]
    members = {member["path"]: member["losses"] for group in dups["groups"] for member in group["members"]}
    for group in plan["groups"]:
        assert all(act["losses"] == [] == members[act["path"]] for act in group["acts"])
        assert all(left["losses"] == members[left["path"]] for left in group["left"])


def test_the_report_says_the_same(dups: Any, tmp_path: Path) -> None:
    run("report", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    document = json.loads(found[1])
    for shown, group in zip(document["groups"], dups["groups"], strict=True):
        assert (shown["id"], shown["why"]) == (group["id"], group["reason"])
        assert (shown["frees"], shown["may_free"]) == (group["reclaimable_bytes"], group["doubtful_bytes"])
        assert shown["seen_in"] == group["seen_in"]
        assert shown["members"][0]["name"] == Path(group["keep"]).name
        for ours, theirs in zip(shown["members"], group["members"], strict=True):
            assert (ours["role"], ours["losses"]) == (theirs["role"], theirs["losses"])
    assert f"{dups['summary']['redundant_files']} copies" in document["summary"]
    assert f"{dups['summary']['doubtful_files']} more files" in document["summary"]


def test_streamlit_says_the_same(dups: Any, tmp_path: Path) -> None:
    shown = AppTest.from_file(str(streamlit_app.__file__), default_timeout=120).run()
    texts = "\n".join(str(text.value) for text in shown.text)
    for group in dups["groups"]:
        assert group["reason"] in texts
        assert f"keep\n{Path(group['keep']).name}" in texts
        for member in group["members"][1:]:
            said_of_it = re.escape(f"{member['role']}, {words_of(member['losses'])}")
            assert re.search(rf"{said_of_it}[^\n]*\n{re.escape(Path(member['path']).name)}", texts)
    run("report", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    summary = re.search(r'"summary": ?"([^"]+)"', page)
    assert summary is not None
    assert summary[1] in texts


def test_tables_and_lines_say_the_same(dups: Any) -> None:
    rows = [line.split("\t") for line in run("dups", "--format", "text").splitlines() if "\t" in line]
    members = {member["path"]: member for group in dups["groups"] for member in group["members"]}
    for row in rows:
        member = members[row[1]]
        assert row[0] == ("keep" if member["role"] == "kept" else member["role"])
        compared = member["role"] not in ("kept", "copy")  # the same bytes need no word
        assert (row[-1] == words_of(member["losses"])) == compared
    assert len(rows) == len(members)
