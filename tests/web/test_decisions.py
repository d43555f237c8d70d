"""Deciding from the page: by content, told back, taken back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from neardup_cli import Catalog, DupsOptions, build_hash_db, find_duplicates

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve


@pytest.fixture
def folder(tmp_path: Path, photographs: dict[str, Image.Image]) -> Path:
    """One group of three contents in four files, one of two."""
    folder = tmp_path / "photos"
    folder.mkdir()
    coffee, rocket = photographs["coffee"], photographs["rocket"]
    coffee.save(folder / "coffee.png")
    (folder / "same.png").write_bytes((folder / "coffee.png").read_bytes())
    coffee.save(folder / "small.jpg", quality=80)
    coffee.convert("L").save(folder / "grey.jpg", quality=85)
    rocket.save(folder / "rocket.png")
    rocket.save(folder / "rocket.jpg", quality=90)
    return folder


@pytest.fixture
def server(folder: Path, start: Serve, tmp_path: Path) -> Running:
    return start(build_hash_db(folder, tmp_path / "catalog.db", workers=2))


def groups(server: Running) -> dict[str, Any]:
    server.settled()
    listed = server.client.get("/api/groups").json()["groups"]
    return {
        "+".join(sorted(Path(member["path"]).name for member in group["sample"])): group for group in listed
    }


def decide(server: Running, **decision: Any) -> list[int]:
    answer = server.client.post("/api/decisions", json=decision)
    assert answer.status_code == 201, answer.text
    return [one["id"] for one in answer.json()["decisions"]]


def test_a_member_that_is_no_copy_leaves_its_group(server: Running, folder: Path) -> None:
    before = groups(server)
    group = before["coffee.png+grey.jpg+same.png+small.jpg"]
    ids = decide(server, ruling="not-duplicates", group=group["id"], paths=[str(folder / "grey.jpg")])
    assert len(ids) == 2  # one with each other content
    assert set(groups(server)) == {"coffee.png+same.png+small.jpg", "rocket.jpg+rocket.png"}
    # It is the command line's decision: `neardup dups` sees it, and lists it.
    with Catalog.open(server.service.catalog.path) as catalog:
        assert len(find_duplicates(catalog, DupsOptions()).groups) == 2
    for number in ids:
        assert server.client.delete(f"/api/decisions/{number}").status_code == 204
    assert groups(server) == before


def test_a_group_of_no_copies_goes(server: Running) -> None:
    group = groups(server)["rocket.jpg+rocket.png"]
    assert len(decide(server, ruling="not-duplicates", group=group["id"])) == 1
    assert list(groups(server)) == ["coffee.png+grey.jpg+same.png+small.jpg"]


def test_two_named_files(server: Running, folder: Path) -> None:
    decide(server, ruling="not-duplicates", paths=[str(folder / "rocket.png"), str(folder / "rocket.jpg")])
    assert list(groups(server)) == ["coffee.png+grey.jpg+same.png+small.jpg"]


def test_keep(server: Running, folder: Path) -> None:
    decide(server, ruling="keep", paths=[str(folder / "rocket.jpg")])
    group = groups(server)["rocket.jpg+rocket.png"]
    assert Path(group["keep"]).name == "rocket.jpg"
    assert group["sample"][0]["kept"]
    detail = server.client.get(f"/api/groups/{group['id']}").json()
    assert detail["keep_reason"] == "you said to keep it"


def test_the_list_is_that_of_the_command_line(server: Running, folder: Path) -> None:
    from neardup_cli.pipeline.decisions import shown_decisions
    from neardup_cli.reports.json_report import decisions_document

    decide(server, ruling="keep", paths=[str(folder / "grey.jpg")])
    decide(server, ruling="not-duplicates", group=groups(server)["rocket.jpg+rocket.png"]["id"])
    answer = server.client.get("/api/decisions").json()
    assert answer == decisions_document(shown_decisions(server.service.catalog))
    assert [one["ruling"] for one in answer["decisions"]] == ["keep", "not-duplicates"]


def test_deciding_twice_adds_nothing(server: Running, folder: Path) -> None:
    assert len(decide(server, ruling="keep", paths=[str(folder / "grey.jpg")])) == 1
    assert decide(server, ruling="keep", paths=[str(folder / "grey.jpg")]) == []


def test_what_cannot_be_decided(server: Running, folder: Path) -> None:
    group = groups(server)["rocket.jpg+rocket.png"]["id"]
    coffee, same, rocket = (str(folder / name) for name in ("coffee.png", "same.png", "rocket.png"))
    for status, decision in (
        (422, {"ruling": "keep"}),
        (422, {"ruling": "keep", "paths": [coffee], "group": group}),
        (404, {"ruling": "keep", "paths": ["/etc/passwd"]}),
        (422, {"ruling": "not-duplicates"}),
        (422, {"ruling": "not-duplicates", "paths": [coffee]}),
        (422, {"ruling": "not-duplicates", "paths": [coffee, same]}),
        (422, {"ruling": "not-duplicates", "paths": [coffee], "group": group}),
        (404, {"ruling": "not-duplicates", "group": "0123456789ab"}),
        (422, {"ruling": "other", "paths": [coffee]}),
        (422, {"ruling": "keep", "paths": [rocket], "more": 1}),
    ):
        answer = server.client.post("/api/decisions", json=decision)
        assert answer.status_code == status, (decision, answer.text)
    assert server.client.get("/api/decisions").json()["decisions"] == []
    assert server.client.delete("/api/decisions/77").status_code == 404
