"""From a plan to the act and back, on real files."""

from __future__ import annotations

import hashlib
import os
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


def test_named_groups_go_whatever_was_done_to_them(server: Running) -> None:
    plan = post(server, "plan", groups=[ids(server)["astronaut.png"]])
    assert acts(plan) == ["cut.png"]
    assert plan["groups"][0]["acts"][0]["kind"] == "cropped"


def test_a_cut_picture_is_never_certain(server: Running) -> None:
    listed = server.client.get("/api/groups", params={"confident": True}).json()
    assert [Path(group["keep"]).name for group in listed["groups"]] == ["coffee.png"]
    assert "cropped" not in post(server, "plan", confident=True)["only"]


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
