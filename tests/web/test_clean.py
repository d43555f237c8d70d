"""From a plan to the act and back, on real files."""

from __future__ import annotations

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from neardup_cli import build_hash_db

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve


@pytest.fixture
def folder(tmp_path: Path, photographs: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two groups: one of exact and resized copies, one with a cut picture; a trash of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "photos"
    folder.mkdir()
    coffee, astronaut = photographs["coffee"], photographs["astronaut"]
    coffee.save(folder / "coffee.png")
    (folder / "same.png").write_bytes((folder / "coffee.png").read_bytes())
    coffee.resize((200, 133)).save(folder / "small.png")
    astronaut.save(folder / "astronaut.png")
    astronaut.crop((30, 30, 250, 250)).save(folder / "cut.png")
    return folder


@pytest.fixture
def server(folder: Path, start: Serve, tmp_path: Path) -> Running:
    return start(build_hash_db(folder, tmp_path / "catalog.db", workers=2))


def tree(folder: Path) -> dict[str, tuple[str, int, int]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        found[str(path)] = (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            status.st_mtime_ns,
            status.st_mode,
        )
    return found


def post(server: Running, path: str, status: int = 200, **body: Any) -> Any:
    answer = server.client.post(f"/api/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def acts(plan: Any) -> list[str]:
    return sorted(Path(act["path"]).name for group in plan["groups"] for act in group["acts"])


def ids(server: Running) -> dict[str, str]:
    listed = server.client.get("/api/groups").json()["groups"]
    return {Path(group["keep"]).name: group["id"] for group in listed}


def test_a_plan_does_nothing(server: Running, folder: Path) -> None:
    before = tree(folder)
    plan = post(server, "plan", confident=True)
    assert acts(plan) == ["same.png", "small.png"]
    assert plan["summary"]["acts"] == 2
    assert plan["summary"]["frees"] == sum((folder / name).stat().st_size for name in acts(plan))
    assert tree(folder) == before


def test_apply_then_undo(server: Running, folder: Path) -> None:
    before = tree(folder)
    plan = post(server, "plan", confident=True)
    outcome = post(server, "apply", plan=plan["plan"])
    assert (outcome["done"], outcome["refused"]) == (2, [])
    assert sorted(path.name for path in folder.iterdir()) == ["astronaut.png", "coffee.png", "cut.png"]
    server.settled()
    assert list(ids(server)) == ["astronaut.png"]
    [batch] = server.client.get("/api/batches").json()["batches"]
    assert (batch["batch"], batch["undoable"]) == (outcome["batch"], True)
    undone = post(server, "undo", batch=outcome["batch"])
    assert (undone["done"], undone["refused"]) == (2, [])
    assert tree(folder) == before
    server.settled()
    assert len(ids(server)) == 2


def test_what_nobody_accepted_is_left_alone_and_says_what_it_would_lose(server: Running) -> None:
    named = [ids(server)["astronaut.png"]]
    plan = post(server, "plan", groups=named)
    assert acts(plan) == []
    [left] = plan["groups"][0]["left"]
    assert Path(left["path"]).name == "cut.png"
    assert left["losses"]
    assert left["reason"].startswith("cropped: ")
    assert acts(post(server, "plan", groups=named, accept=["area"])) == (
        [] if left["losses"] != ["area"] else ["cut.png"]
    )
    accepted = post(server, "plan", groups=named, accept=["area", *left["losses"]])
    assert acts(accepted) == ["cut.png"]
    [act] = accepted["groups"][0]["acts"]
    assert (act["kind"], act["losses"]) == ("cropped", left["losses"])
    assert set(accepted["policy"]["accept"]) == {"area", *left["losses"]}
    assert "cropped" in accepted["only"]


def test_certain_are_groups_of_which_every_copy_is_proven(server: Running) -> None:
    def keepers(**asked: bool) -> set[str]:
        listed = server.client.get("/api/groups", params=asked).json()["groups"]
        return {Path(group["keep"]).name for group in listed}

    ids = [group["id"] for group in server.client.get("/api/groups").json()["groups"]]
    listed = [server.client.get(f"/api/groups/{one}").json() for one in ids]
    proven = {
        Path(group["keep"]).name
        for group in listed
        if all(one["kept"] or one["losses"] == [] for one in group["members"] if one["path"] != group["keep"])
    }
    assert proven == {"coffee.png"} != keepers()
    assert keepers(confident=True) == proven
    assert "cropped" not in post(server, "plan", confident=True)["only"]
    server.settled()
    assert keepers(confident=True) == proven


def test_a_plan_follows_the_rules_that_it_is_asked_with(server: Running, folder: Path) -> None:
    named: dict[str, Any] = {"groups": [ids(server)["coffee.png"]]}
    (folder / "twin").mkdir()
    rules = server.client.get("/api/rules").json()
    assert rules["usual"] == post(server, "plan", **named)["policy"]
    assert acts(post(server, "plan", **named, only=["exact"])) == ["same.png"]
    assert acts(post(server, "plan", **named, protect=[str(folder)])) == []
    plan = post(server, "plan", **named, keep=["longest-path"], prefer=[str(folder / "twin")])
    assert plan["policy"]["keep"] == ["longest-path"]
    assert plan["policy"]["prefer"] == [str(folder / "twin")]


def test_a_preferred_folder_keeps_its_files(
    folder: Path, start: Serve, tmp_path: Path, photographs: dict[str, Image.Image]
) -> None:
    (folder / "best").mkdir()
    photographs["coffee"].save(folder / "best" / "coffee.png")
    server = start(build_hash_db(folder, tmp_path / "catalog.db", workers=2))
    [group] = [
        group
        for group in post(server, "plan", confident=True, prefer=[str(folder / "best")])["groups"]
        if group["acts"]
    ]
    assert Path(group["keep"]["path"]) == folder / "best" / "coffee.png"
    assert group["reason"].startswith("below preferred")
    [group] = [group for group in post(server, "plan", confident=True)["groups"] if group["acts"]]
    assert Path(group["keep"]["path"]) != folder / "best" / "coffee.png"


def test_words_and_folders_that_there_are_not(server: Running, folder: Path) -> None:
    for wrong in (
        {"accept": ["resolution"]},
        {"keep": ["largest"]},
        {"only": ["copies"]},
        {"prefer": ["/etc"]},
        {"protect": ["/etc/shadow"]},
        {"protect": [str(folder / "nowhere")]},
        {"protect": [f"{folder}/../../../etc"]},
        {"prefer": ["nowhere"]},
    ):
        refused = post(server, "plan", 400, confident=True, **wrong)
        assert refused["message"].startswith(f"{next(iter(wrong))}: ")
    known = post(server, "plan", 400, confident=True, accept=["resolution"])["message"]
    assert "'resolution' is none of detail, area, colour" in known
    # What lies elsewhere is refused alike, whether it is there or not.
    there, not_there = (
        post(server, "plan", 400, confident=True, protect=[path])["message"] for path in ("/usr", "/nowhere")
    )
    assert there.replace("/usr", "/nowhere") == not_there


def test_one_plan_at_a_time_is_watched_and_stopped(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from neardup_cli.catalog import proofs as stored
    from neardup_cli.records.proofs import PROOF_VERSION
    from neardup_cli.verification import proofs

    going, proven = threading.Event(), threading.Event()
    from neardup_cli.verification.proving import prove as really

    def slow(*files: Any) -> Any:
        going.set()
        proven.wait(30)
        return really(*files)

    monkeypatch.setattr(proofs, "prove", slow)
    # What was proven while the groups were made is asked again by another version.
    monkeypatch.setattr(stored, "PROOF_VERSION", PROOF_VERSION + 1)
    assert server.client.get("/api/plan").json() == {"task": "", "done": 0, "total": None}
    with ThreadPoolExecutor() as threads:
        first = threads.submit(post, server, "plan", 409, confident=True)
        assert going.wait(30)
        shown = server.client.get("/api/plan").json()
        assert (shown["task"], shown["total"]) == ("Proving that nothing is lost", 1)
        assert "another plan" in post(server, "plan", 409, confident=True)["message"]
        assert server.client.get("/api/groups").status_code == 200  # nobody else waits
        assert server.client.delete("/api/plan").status_code == 202
        proven.set()
        assert "stopped" in first.result()["message"]
    assert server.client.get("/api/plan").json()["task"] == ""
    assert acts(post(server, "plan", confident=True)) == ["same.png", "small.png"]


def test_only_a_plan_that_was_shown_is_applied(server: Running, folder: Path) -> None:
    before = tree(folder)
    assert post(server, "apply", 404, plan="0" * 32)["error"] == "not_found"
    plan = post(server, "plan", confident=True)
    other = plan["plan"][:-1] + ("0" if plan["plan"][-1] != "0" else "1")
    post(server, "apply", 404, plan=other)
    assert tree(folder) == before
    # What changes after the plan was shown is not touched.
    os.utime(folder / "small.png", ns=(1, 1))
    outcome = post(server, "apply", plan=plan["plan"])
    assert outcome["done"] == 1
    assert [Path(refused["path"]).name for refused in outcome["refused"]] == ["small.png"]
    assert (folder / "small.png").exists()
    # It is carried out once.
    post(server, "apply", 404, plan=plan["plan"])


def test_the_name_of_a_plan_depends_on_all_of_it(server: Running) -> None:
    named = ids(server)
    digests = {
        post(server, "plan", groups=[named["coffee.png"]])["plan"],
        post(server, "plan", groups=[named["astronaut.png"]])["plan"],
        post(server, "plan", groups=list(named.values()))["plan"],
        post(server, "plan", groups=[named["coffee.png"]], action="hardlink")["plan"],
    }
    assert len(digests) == 4
    again = post(server, "plan", groups=[named["coffee.png"]])
    assert again["plan"] in digests


def test_pages_of_a_plan(server: Running) -> None:
    plan = post(server, "plan", groups=list(ids(server).values()))
    pages = [
        server.client.get(f"/api/plan/{plan['plan']}", params={"offset": offset, "limit": 1}).json()
        for offset in (0, 1, 2)
    ]
    assert [page["groups"] for page in pages] == [plan["groups"][:1], plan["groups"][1:], []]
    assert all(page["summary"] == plan["summary"] for page in pages)


def test_what_cannot_be_planned(server: Running) -> None:
    post(server, "plan", 422)
    post(server, "plan", 422, groups=list(ids(server).values()), confident=True)
    post(server, "plan", 404, groups=["0123456789ab"])
    for action in ("delete", "move", "quarantine", "symlink", "list"):
        post(server, "plan", 422, confident=True, action=action)
    post(server, "undo", 422, batch=1)
    assert server.client.get(f"/api/plan/{'0' * 32}").status_code == 404


def test_while_another_program_writes(server: Running, folder: Path) -> None:
    from neardup_cli.catalog.database import writer_lock

    plan = post(server, "plan", confident=True)
    with writer_lock(server.service.catalog.path):
        assert post(server, "apply", 409, plan=plan["plan"])["error"] == "conflict"
    assert (folder / "same.png").exists()
    assert post(server, "apply", plan=plan["plan"])["done"] == 2
