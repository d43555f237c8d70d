"""A plan from outside: what the catalog does not bear out is refused as a whole, and nothing is touched."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from blake3 import blake3
from PIL import Image
from sqlalchemy import delete, update

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.models import Content, Proof
from neardup_cli.catalog.proofs import store_proofs
from neardup_cli.choices import Action, Loss
from neardup_cli.cleanup.check import check_plan
from neardup_cli.errors import BadInput
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.plans import Plan
from neardup_cli.records.proofs import Proof as ProofRecord
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from neardup_cli.reports.plan_reader import read_plan
from tests.cleanup.conftest import tree

if TYPE_CHECKING:
    from tests.cleanup.conftest import Collection

type Document = dict[str, Any]
type Edit = Callable[[Document], object]


@pytest.fixture
def filled(collection: Collection) -> Collection:
    collection.fill(3, copies=1, companions=True)
    return collection


def edited(plan: Plan, edit: Edit) -> Plan:
    """Return the plan as somebody else's editor has left it."""
    document = json.loads(dump(plan_document(plan)))
    document["groups"].sort(key=lambda group: str(group["keep"]["path"]))
    edit(document)
    return read_plan(json.dumps(document))


def refusal(filled: Collection, plan: Plan) -> str:
    """Check that a plan is refused and nothing changes; return why."""
    before = tree(filled.base)
    with pytest.raises(BadInput) as caught:
        apply_plan(filled.catalog, plan, permanently=True)
    after = tree(filled.base)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert not {name for name in changed if "catalog.db" not in name}
    return str(caught.value)


def state_of(path: Path) -> Document:
    status = path.stat()
    content = blake3(path.read_bytes()).hexdigest()
    return {
        "path": str(path),
        "bytes": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "content": content,
    }


def test_an_honest_plan_is_carried_out(filled: Collection) -> None:
    plan = edited(filled.plan(Action.TRASH), lambda _: None)
    assert re.fullmatch(r"[0-9a-f-]{32,36}", plan.catalog)
    assert apply_plan(filled.catalog, plan).refused == ()


def test_groups_and_acts_may_be_left_out(filled: Collection) -> None:
    plan = edited(
        filled.plan(Action.TRASH), lambda one: (one["groups"].pop(), one["groups"][0]["acts"].clear())
    )
    assert apply_plan(filled.catalog, plan).done == 3  # one copy and its two companions


@pytest.mark.parametrize("action", [Action.DELETE, Action.TRASH])
def test_a_file_outside_every_root(filled: Collection, action: Action) -> None:
    outside = filled.base / "letter.txt"
    outside.write_text("dear reader")

    def act_on_it(one: Document) -> None:
        one["groups"][0]["acts"][0].update(state_of(outside), kind="re-encoded", companions=[])

    plan = edited(filled.plan(Action.TRASH), act_on_it)
    alone = replace(plan, action=action, groups=plan.groups[:1])
    assert f"groups[0].acts[0]: {outside} is no image that this catalog has" in refusal(filled, alone)


def test_an_image_that_was_never_scanned(filled: Collection) -> None:
    """Even the very same bytes: what else is there, the catalog does not know."""
    new = filled.folder / "b" / "new.png"
    new.write_bytes((filled.folder / "a" / "0.png").read_bytes())
    plan = edited(
        filled.plan(Action.TRASH),
        lambda one: one["groups"][0]["acts"][0].update(state_of(new), kind="re-encoded", companions=[]),
    )
    assert f"{new} is no image that this catalog has" in refusal(filled, plan)


def test_a_keeper_that_is_no_image(filled: Collection) -> None:
    plan = edited(
        filled.plan(Action.TRASH),
        lambda one: (
            one["groups"][1]["keep"].update(state_of(Path("/etc/hostname"))),
            one["groups"][1]["acts"][0].update(kind="re-encoded"),
        ),
    )
    assert "groups[1].keep: /etc/hostname is no image that this catalog has" in refusal(filled, plan)


def test_a_keeper_that_is_a_stranger(filled: Collection) -> None:
    """Both are in the catalog, and have nothing to do with each other: the last copy would go."""

    def swap(one: Document) -> None:
        first, second, _ = one["groups"]
        first["keep"], second["keep"] = second["keep"], first["keep"]
        for group in (first, second):
            group["acts"][0]["kind"] = "re-encoded"

    said = refusal(filled, edited(filled.plan(Action.TRASH), swap))
    assert said.count("are no copies as far as the catalog knows") == 2
    for line in ("groups[0].acts[0]: ", "groups[1].acts[0]: "):
        assert line in said


def test_a_content_that_the_catalog_has_not_seen(filled: Collection) -> None:
    copy = filled.folder / "b" / "copy of 0.png"
    plan = filled.plan(Action.TRASH)
    with open(copy, "ab") as stream:
        stream.write(b"more")
    forged = edited(plan, lambda one: one["groups"][0]["acts"][0].update(state_of(copy), kind="re-encoded"))
    assert f"groups[0].acts[0]: {copy} has another content in the catalog" in refusal(filled, forged)


def test_every_line_is_named(filled: Collection) -> None:
    def all_wrong(one: Document) -> None:
        for number, group in enumerate(one["groups"]):
            group["acts"][0].update(path=f"/nowhere/{number}.png", companions=[])

    said = refusal(filled, edited(filled.plan(Action.TRASH), all_wrong))
    assert "\n" not in said
    for number in range(3):
        assert f"groups[{number}].acts[0]: /nowhere/{number}.png is no image" in said


def test_what_is_not_named_is_counted(filled: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message has room for fifty lines."""
    monkeypatch.setattr("neardup_cli.pipeline.plan_guard._MOST_NAMED", 2)

    def all_wrong(one: Document) -> None:
        for number, group in enumerate(one["groups"]):
            group["acts"][0].update(path=f"/nowhere/{number}.png", companions=[])

    assert refusal(filled, edited(filled.plan(Action.TRASH), all_wrong)).endswith("; and 1 more")


def test_a_companion_that_belongs_to_nobody_here(filled: Collection) -> None:
    secret = filled.folder / "b" / "secret.xmp"
    secret.write_text("mine")
    state = state_of(secret)
    del state["content"]

    def add(one: Document) -> None:
        one["groups"][0]["acts"][0]["companions"].append({**state, "target": None, "twin": None})

    said = refusal(filled, edited(filled.plan(Action.TRASH), add))
    assert f"groups[0].acts[0]: {secret} does not belong to" in said


def test_a_twin_that_is_not_beside_the_file_kept(filled: Collection) -> None:
    for number in range(3):
        for extension in ("xmp", "CR2"):
            beside = filled.folder / "a" / f"{number}.{extension}"
            beside.write_bytes((filled.folder / "b" / f"copy of {number}.{extension}").read_bytes())
    elsewhere = filled.base / "elsewhere.xmp"
    elsewhere.write_bytes((filled.folder / "a" / "0.xmp").read_bytes())

    def point(one: Document) -> None:
        companion = next(c for c in one["groups"][0]["acts"][0]["companions"] if c["path"].endswith(".xmp"))
        companion["twin"] = state_of(elsewhere)

    said = refusal(filled, edited(filled.plan(Action.DELETE), point))
    assert f"has for its twin {elsewhere}, which does not belong to the file kept" in said


@pytest.mark.parametrize("place", ["programs/settings.json", "programs/photo", "programs/x.desktop"])
def test_a_target_that_would_be_another_kind_of_file(filled: Collection, place: str) -> None:
    to = filled.base / "away"
    plan = filled.plan(Action.MOVE, to)
    forged = edited(plan, lambda one: one["groups"][0]["acts"][0].update(target=str(to / place)))
    assert "another kind of file" in refusal(filled, forged)


def test_the_whole_disk_is_no_folder_to_move_to(filled: Collection) -> None:
    def anywhere(one: Document) -> None:
        one["to"] = "/"
        for group in one["groups"]:
            for part in (group["acts"][0], *group["acts"][0]["companions"]):
                part["target"] = str(filled.base / "configuration" / os.path.basename(part["path"]))

    forged = edited(filled.plan(Action.MOVE, filled.base / "away"), anywhere)
    check_plan(forged)  # it agrees with itself
    assert "below no folder of its own" in refusal(filled, forged)


def test_a_link_does_not_lead_out_of_the_folder(filled: Collection) -> None:
    to, configuration = filled.base / "away", filled.base / "configuration"
    to.mkdir()
    configuration.mkdir()
    plan = filled.plan(Action.MOVE, to)
    (to / "link").symlink_to(configuration)
    (to / "up").symlink_to(filled.base)
    for place in ("link/x.png", "link/deeper/x.png", "up/x.png"):
        target = {"target": str(to / place)}
        forged = edited(plan, lambda one, target=target: one["groups"][0]["acts"][0].update(target))  # type: ignore[misc]
        assert "which is not below" in refusal(filled, forged)


def test_another_catalog(filled: Collection, tmp_path: Path) -> None:
    plan = filled.plan(Action.TRASH)
    for wrong, said in (("", "does not say"), ("0" * 32, "another catalog")):
        assert said in refusal(filled, replace(edited(plan, lambda _: None), catalog=wrong))
    old = json.loads(dump(plan_document(plan)))
    del old["catalog"]
    assert "plan again" in refusal(filled, read_plan(json.dumps(old)))
    with (
        Catalog.open(tmp_path / "other.db", create=True) as other,
        pytest.raises(BadInput, match="another catalog"),
    ):
        apply_plan(other, plan)


def test_escapes_in_an_id_stay_in_the_plan(filled: Collection) -> None:
    from neardup_cli.reports.plan_text import plan_lines

    def rename(one: Document) -> None:
        one["groups"][0]["id"] = "\x1b]0;evil\x07\n\x1b[2J"
        one["undecided"] = [{"id": "\x1b[31m\r", "reason": "\x1b[1mno"}]

    lines = list(plan_lines(edited(filled.plan(Action.TRASH), rename)))
    assert not {"\x1b", "\x07", "\r", "\n"} & set("".join(lines))
    assert lines[0].startswith(r"# \x1b]0;evil\x07\n\x1b[2J: ")


def test_escapes_in_an_id_do_not_reach_a_terminal(filled: Collection) -> None:
    from rich.console import Console

    from neardup_cli.reports.plan_table import print_plan

    def rename(one: Document) -> None:
        one["groups"][0]["id"] = "\x1b]0;evil\x07\n\x1b[2J"
        one["groups"][0]["reason"] = "\x1b[2Jbecause"
        one["undecided"] = [{"id": "\x1b[2J\x07\r", "reason": "\x1b]0;no"}]

    drawn = io.StringIO()
    terminal = Console(file=drawn, force_terminal=True, highlight=False, width=100)
    print_plan(edited(filled.plan(Action.TRASH), rename), terminal)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", drawn.getvalue())  # Rich's own colours
    assert not {"\x1b", "\x07", "\r"} & set(shown)
    assert r"group \x1b[2J\x07\r: \x1b]0;no" in shown


def test_a_copy_that_only_its_proof_names_one_is_carried_out(
    collection: Collection, draw: Callable[[Path, int], Path]
) -> None:
    """In a chain of matches the ends were never matched, or refused; what is proven of them counts."""
    first = draw(collection.folder / "a" / "1.png", 1)
    other = collection.folder / "b" / "1.bmp"
    other.parent.mkdir()
    with Image.open(first) as image:
        image.save(other)
    collection.scan()
    plan = collection.plan(Action.TRASH)
    assert plan.acts == 1
    gone, kept = (state.path for state in (plan.groups[0].acts[0].file, plan.groups[0].keep))
    ids = content_ids(collection.catalog, gone, kept)
    with collection.catalog.write() as connection:
        connection.execute(update(Content).where(Content.c.id == ids[0]).values(dhash=0))
        connection.execute(update(Content).where(Content.c.id == ids[1]).values(dhash=-1))
        connection.execute(delete(Proof))
    assert "no copies as far as the catalog knows" in refusal(collection, plan)
    for losses, refused in (((Loss.COLOUR,), True), ((), False)):
        with collection.catalog.write() as connection:
            store_proofs(connection, {ids: ProofRecord(losses)})
        if refused:
            assert "no copies as far as the catalog knows" in refusal(collection, plan)
    assert apply_plan(collection.catalog, plan).done == 1
    assert Path(os.fsdecode(kept)).exists()


def content_ids(catalog: Catalog, *paths: bytes) -> tuple[int, int]:
    with catalog.read() as connection:
        known = queries.files_at(connection, paths)
    first, second = (known[path].content_id for path in paths)
    return first, second
