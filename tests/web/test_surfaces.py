"""No rule is written twice: every surface says the same of one catalog, in the same words."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from neardup_cli.cli.app import app
from neardup_cli.web import streamlit_app
from tests.web.conftest import Running


@pytest.fixture(autouse=True)
def settings(scanned_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing but the catalog is set."""
    for name in [name for name in os.environ if name.startswith("NEARDUP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("NEARDUP_CATALOG", str(scanned_photos))
    yield
    st.cache_resource.clear()


def run(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture
def dups() -> Any:
    return json.loads(run("dups", "--json"))


def said(groups: list[Any], reason: str = "reason") -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return what a document says of each group: the file that stays, why, and of each member what it is."""
    return {
        group["id"]: (
            group["keep"],
            group[reason],
            {member["path"]: (member["role"], member["losses"]) for member in group["members"]},
        )
        for group in groups
    }


def test_the_page_says_what_the_command_line_says(running: Running, dups: Any) -> None:
    ids = [group["id"] for group in running.client.get("/api/groups").json()["groups"]]
    groups = [running.client.get(f"/api/groups/{one}").json() for one in ids]
    assert said(groups) == said(dups["groups"])
    assert said(groups, "keep_reason") == said(dups["groups"])
    stats = running.client.get("/api/stats").json()
    for name in ("redundant_files", "reclaimable_bytes", "doubtful_files", "doubtful_bytes"):
        assert stats[name] == dups["summary"][name]


def test_a_plan_keeps_what_is_shown_and_says_why(running: Running, dups: Any) -> None:
    expected = {group["id"]: (group["keep"], group["reason"]) for group in dups["groups"]}
    plans = [json.loads(run("clean", "--json"))]
    plans.append(running.client.post("/api/plan", json={"groups": list(expected)}).json())
    for plan in plans:
        assert {one["id"]: (one["keep"]["path"], one["reason"]) for one in plan["groups"]} == expected


def test_the_report_says_the_same(dups: Any, tmp_path: Path) -> None:
    run("report", str(tmp_path / "report.html"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert found is not None
    groups = json.loads(found[1])["groups"]
    for shown, group in zip(groups, dups["groups"], strict=True):
        assert (shown["id"], shown["why"]) == (group["id"], group["reason"])
        assert shown["members"][0]["name"] == Path(group["keep"]).name
        for ours, theirs in zip(shown["members"], group["members"], strict=True):
            assert (ours["role"], ours["losses"]) == (theirs["role"], theirs["losses"])


def test_streamlit_says_the_same(dups: Any) -> None:
    shown = AppTest.from_file(str(streamlit_app.__file__), default_timeout=120).run()
    texts = "\n".join(str(text.value) for text in shown.text)
    for group in dups["groups"]:
        assert group["reason"] in texts
        assert f"keep\n{Path(group['keep']).name}" in texts
        for member in group["members"][1:]:
            assert re.search(rf"{member['role']}[^\n]*\n{re.escape(Path(member['path']).name)}", texts)


def test_tables_and_lines_say_the_same(dups: Any) -> None:
    lines = run("dups", "--format", "text").splitlines()
    rows = [line.split("\t") for line in lines if "\t" in line]
    expected = {
        member["path"]: "keep" if member["role"] == "kept" else member["role"]
        for group in dups["groups"]
        for member in group["members"]
    }
    assert {row[1]: row[0] for row in rows} == expected
