"""The list of groups, single groups, and that nothing is computed for a request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from neardup_cli import Catalog, DupsOptions, find_duplicates
from neardup_cli.reports.json_report import dups_document, group_document
from neardup_cli.web import board

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve


def listed(running: Running, **parameters: Any) -> Any:
    answer = running.client.get("/api/groups", params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(page: Any) -> set[str]:
    return {Path(group["keep"]).name for group in page["groups"]}


def test_the_groups_are_those_of_dups(running: Running, scanned_photos: Path) -> None:
    with Catalog.open(scanned_photos) as catalog:
        groups = find_duplicates(catalog, DupsOptions()).groups
    page = listed(running)
    assert [group["id"] for group in page["groups"]] == [group.id for group in groups]
    assert page["total"] == len(groups) == 2
    assert not page["updating"]


def test_a_group_has_every_field_of_the_command_line(running: Running, scanned_photos: Path) -> None:
    with Catalog.open(scanned_photos) as catalog:
        groups = find_duplicates(catalog, DupsOptions()).groups
    for group in groups:
        answer = running.client.get(f"/api/groups/{group.id}").json()
        expected = json.loads(json.dumps(group_document(group)))
        assert {name: answer[name] for name in ("id", "keep", "reclaimable_bytes")} == {
            name: expected[name] for name in ("id", "keep", "reclaimable_bytes")
        }
        for kind in ("members", "matches"):
            for ours, theirs in zip(answer[kind], expected[kind], strict=True):
                assert {name: ours[name] for name in theirs} == theirs
        assert answer.keys() >= expected.keys()
        assert all(match["reason"].endswith(".") for match in answer["matches"])


def test_no_document_of_the_command_line_lacks_a_model(scanned_photos: Path) -> None:
    """A field that `dups --json` gains has to be in the API too."""
    from neardup_cli.web.documents import Group, Match, Member

    with Catalog.open(scanned_photos) as catalog:
        document = dups_document(find_duplicates(catalog, DupsOptions()))
    for group in document["groups"]:
        assert group.keys() <= Group.model_fields.keys()
        assert all(member.keys() <= Member.model_fields.keys() for member in group["members"])
        assert all(match.keys() <= Match.model_fields.keys() for match in group["matches"])


def test_filters(running: Running, photos: Path) -> None:
    assert names(listed(running, kind="exact")) == {"astronaut.jpg"}
    assert listed(running, kind="nonsense")["total"] == 0
    assert listed(running, folder=str(photos))["total"] == 2
    assert listed(running, folder=f"{photos}/")["total"] == 2
    assert listed(running, folder=str(photos / "below"))["total"] == 0
    assert listed(running, folder=str(photos)[:-1])["total"] == 0
    sizes = sorted(group["reclaimable_bytes"] for group in listed(running)["groups"])
    assert listed(running, min_bytes=sizes[0] + 1)["total"] == 1
    assert listed(running, min_bytes=sizes[1] + 1)["total"] == 0


@pytest.mark.parametrize("order", list(board.Order))
def test_orders_hold_all_groups(running: Running, order: board.Order) -> None:
    groups = listed(running, order=order.value)["groups"]
    assert len(groups) == 2
    key: dict[board.Order, Any] = {
        board.Order.SAVING: lambda group: -group["reclaimable_bytes"],
        board.Order.FILES: lambda group: -group["files"],
        board.Order.DOUBT: lambda group: group["certainty"],
        board.Order.PATH: lambda group: group["keep"],
    }
    assert groups == sorted(groups, key=key[order])


def test_pages(running: Running) -> None:
    whole = listed(running)["groups"]
    assert listed(running, offset=0, limit=1)["groups"] == whole[:1]
    assert listed(running, offset=1, limit=1)["groups"] == whole[1:]
    assert listed(running, offset=2, limit=1)["groups"] == []
    assert running.client.get("/api/groups", params={"limit": 0}).status_code == 422
    assert running.client.get("/api/groups", params={"limit": 201}).status_code == 422


def test_no_request_computes_groups(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a request computed the groups")

    monkeypatch.setattr(board, "find_duplicates", refuse)
    for _ in range(3):
        assert listed(running)["total"] == 2
    assert running.client.get("/api/stats").json()["groups"] == 2
    assert running.service.board.error is None


def test_a_scan_of_another_process_changes_the_groups(start: Serve, photographs: Any, tmp_path: Path) -> None:
    from neardup_cli import build_hash_db

    folder = tmp_path / "photos"
    folder.mkdir()
    photographs["coffee"].save(folder / "coffee.png")
    catalog = build_hash_db(folder, tmp_path / "catalog.db", workers=1)
    running = start(catalog)
    assert listed(running)["total"] == 0
    version = running.client.get("/api/stats").json()["version"]
    photographs["coffee"].save(folder / "again.jpg", quality=80)
    build_hash_db(folder, catalog, workers=1)
    running.service.board.refresh()
    running.settled()
    assert listed(running)["total"] == 1
    assert running.client.get("/api/stats").json()["version"] == version + 1
    # The lookup knows the new picture, too.
    with (folder / "again.jpg").open("rb") as upload:
        found = running.client.post("/api/detect", files={"file": upload}).json()
    assert Path(found["match"]["path"]).name == "again.jpg"


def test_before_the_first_groups_the_answer_says_so(
    scanned_photos: Path, start: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = start(scanned_photos)
    monkeypatch.setattr(running.service.board, "snapshot", None)
    for path in ("/api/groups", "/api/stats", "/api/groups/0123456789ab"):
        answer = running.client.get(path)
        assert (answer.status_code, answer.json()["error"]) == (503, "not_ready")
        assert answer.headers["retry-after"] == "2"
    assert running.client.get("/api/progress").status_code == 200


def test_what_keeps_the_groups_from_being_computed_is_said(
    scanned_photos: Path, start: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neardup_cli.errors import CatalogBusy

    def fail(*_: object) -> None:
        raise CatalogBusy("another program holds it")

    running = start(scanned_photos)
    monkeypatch.setattr(board, "find_duplicates", fail)
    running.service.board.refresh(forced=True)
    running.settled()
    stats = running.client.get("/api/stats").json()
    assert stats["error"] == "another program holds it"
    assert stats["groups"] == 2  # the former ones


def test_an_unknown_group(running: Running) -> None:
    assert running.client.get("/api/groups/0123456789ab").status_code == 404
    assert running.client.get("/api/groups/..").status_code == 404
    assert running.client.get("/api/groups/nonsense").status_code == 422
