"""What the kept file lacks is written into a sidecar beside it before the file goes that has it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image
from skimage import data as photographs

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import SURE_KINDS, Action, Loss
from neardup_cli.cleanup.carry import carried, is_said, merged
from neardup_cli.cleanup.check import check_plan
from neardup_cli.cleanup.companions import owned
from neardup_cli.errors import BadInput
from neardup_cli.images.sidecars import SidecarFacts, read_sidecar
from neardup_cli.pipeline.apply import apply_plan
from neardup_cli.pipeline.batches import list_batches
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.undo import undo_batch
from neardup_cli.plans import Carried, Plan, Policy
from neardup_cli.records.holdings import Holdings
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from neardup_cli.reports.plan_reader import read_plan
from neardup_cli.reports.plan_text import plan_lines
from tests.cleanup.conftest import tree

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description {}/></x:xmpmeta>'
RATED, RATED_2 = XMP.format('xmp:Rating="4"'), XMP.format('xmp:Rating="2"')
TIME, OTHER_TIME = "2024:05:01 10:00:00", "2023:01:01 12:00:00"
TAKEN = datetime(2024, 5, 1, 10)


@dataclass
class Photos:
    """Folders of copies: what is in `kept` stays, whatever it lacks."""

    base: Path
    catalog: Catalog
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.base / "photos"
        for name in ("kept", "more"):
            (self.folder / name).mkdir(parents=True)

    def photograph(self, name: str, *, number: int = 0, quality: int = 95, **exif: Any) -> Path:
        """Write a photograph; a `.png` is the same pixels as it was made from."""
        pixels: np.ndarray[Any, Any] = (photographs.astronaut(), photographs.coffee())[number][:300, :400]  # type: ignore[no-untyped-call]
        image, path = Image.fromarray(pixels), self.folder / name
        held = Image.Exif()
        if "time" in exif:
            held.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = exif["time"]
        if "words" in exif:
            held[ExifTags.Base.ImageDescription] = exif["words"]
        if "rating" in exif:
            held[0x4746] = exif["rating"]
        if path.suffix == ".png":
            image.save(path, exif=held)
        else:
            image.save(path, quality=quality, exif=held)
        return path

    def scan(self) -> None:
        scan(self.catalog, [os.fsencode(self.folder)], ScanOptions(hash_only=True))

    def plan(self, action: Action = Action.TRASH, *, carry: bool = True, **policy: Any) -> Plan:
        self.scan()
        chosen = Policy(
            prefer=(os.fsencode(self.folder / "kept"),),
            only=SURE_KINDS | {None},
            carry_metadata=carry,
            **policy,
        )
        options = CleanOptions(action, chosen, dups=DupsOptions(hamming=4))
        return make_plan(self.catalog, options)


@pytest.fixture
def photos(tmp_path: Path, home: Path, catalog: Catalog) -> Photos:
    assert home
    return Photos(tmp_path, catalog)


def reasons(plan: Plan) -> list[str]:
    return [left.reason for group in plan.groups for left in group.left]


def carries(plan: Plan) -> list[Carried | None]:
    return [act.carried for group in plan.groups for act in group.acts]


# --- planning and doing ---


def test_a_time_a_rating_and_words_are_carried_and_taken_back(photos: Photos) -> None:
    kept = photos.photograph("kept/a.png")
    gone = photos.photograph("more/b.jpg", time=TIME, words="Ada at <sea> & sun", rating=3)
    before, original = tree(photos.folder), kept.read_bytes()
    assert reasons(photos.plan(carry=False)) == ["loses time, rating, words"]
    plan = photos.plan()
    sidecar = photos.folder / "kept" / "a.png.xmp"
    (facts,) = carries(plan)
    assert facts == Carried(os.fsencode(sidecar), TAKEN, rating=3, words=("Ada at <sea> & sun",))
    assert any(line.startswith(f"carry\t{sidecar}") for line in plan_lines(plan))
    outcome = apply_plan(photos.catalog, plan)
    assert (outcome.refused, outcome.sidecars, gone.exists()) == ((), 1, False)
    assert kept.read_bytes() == original
    assert read_sidecar(os.fsencode(sidecar)) == SidecarFacts(
        TAKEN, None, 3, frozenset({"Ada at <sea> & sun"})
    )
    assert owned([b"a.png", b"a.png.xmp"]) == {b"a.png": [b"a.png.xmp"]}
    undone = undo_batch(photos.catalog)
    assert (undone.refused, undone.sidecars) == ((), 0)
    assert tree(photos.folder) == before


def test_what_was_carried_counts_as_not_lost_for_copies_that_come_later(photos: Photos) -> None:
    photos.photograph("kept/a.png", words="of the kept file")
    photos.photograph("more/b.jpg", time=TIME, words="of the other")
    assert not apply_plan(photos.catalog, photos.plan()).refused
    photos.photograph("more/c.jpg", time=TIME, words="of the other", quality=90)
    plan = photos.plan(carry=False)
    assert (plan.acts, reasons(plan)) == (1, [])
    assert plan.groups[0].acts[0].losses == ()


def test_the_sidecar_of_an_exact_copy_is_carried(photos: Photos) -> None:
    kept = photos.photograph("kept/a.jpg")
    copy = photos.folder / "more" / "b.jpg"
    copy.write_bytes(kept.read_bytes())
    takeout = {
        "title": "b.jpg",
        "photoTakenTime": {"timestamp": "1714557600"},
        "geoData": {"latitude": 48.85, "longitude": -2.35},
        "people": [{"name": "Ada"}],
    }
    (photos.folder / "more" / "b.jpg.json").write_text(json.dumps(takeout))
    (reason,) = reasons(photos.plan(carry=False))
    assert reason.startswith("loses companions (b.jpg.json: time 2024-05-01")
    plan = photos.plan()
    (facts,) = carries(plan)
    assert facts is not None
    assert (facts.captured_at, facts.offset) == (TAKEN, "+00:00")  # Takeout's times are UTC
    assert (facts.place, facts.words) == ((48.85, -2.35), ("Ada",))
    assert not apply_plan(photos.catalog, plan).refused


def test_an_edit_in_a_sidecar_is_nothing_to_be_carried(photos: Photos) -> None:
    kept = photos.photograph("kept/a.jpg")
    (photos.folder / "more" / "b.jpg").write_bytes(kept.read_bytes())
    (photos.folder / "more" / "b.xmp").write_text(XMP.format('crs:Exposure2012="+1" xmp:Rating="4"'))
    assert photos.plan().acts == 0
    assert reasons(photos.plan(accept=frozenset({Loss.COMPANIONS}))) == []


@pytest.mark.parametrize("name", ["a.xmp", "a.png.xmp", "a.png.XMP"])
def test_a_sidecar_that_is_there_is_never_written_to(photos: Photos, name: str) -> None:
    photos.photograph("kept/a.png")
    photos.photograph("more/b.jpg", time=TIME)
    there = photos.folder / "kept" / name
    there.write_text(RATED)
    assert reasons(photos.plan()) == [f"loses time ({name} is there already, and no sidecar is written to)"]
    assert there.read_text() == RATED


def test_nothing_is_written_below_a_protected_folder(photos: Photos) -> None:
    photos.photograph("kept/a.png")
    photos.photograph("more/b.jpg", time=TIME)
    plan = photos.plan(protect=(os.fsencode(photos.folder / "kept"),))
    assert reasons(plan) == ["loses time (the file to keep is protected, and nothing is written beside it)"]


def test_several_files_that_go_are_merged_and_contradictions_stay(photos: Photos) -> None:
    photos.photograph("kept/a.png")
    photos.photograph("more/b.jpg", time=TIME, words="one")
    photos.photograph("more/c.jpg", time=TIME, words="two", quality=90)
    photos.photograph("more/d.jpg", time=OTHER_TIME, quality=85)
    plan = photos.plan()
    assert plan.acts == 2
    assert reasons(plan) == ["loses time (another file that goes says another time)"]
    assert not apply_plan(photos.catalog, plan).refused
    assert read_sidecar(os.fsencode(photos.folder / "kept" / "a.png.xmp")) == SidecarFacts(
        TAKEN, words=frozenset({"one", "two"})
    )


def test_what_the_kept_file_says_otherwise_is_not_contradicted(photos: Photos) -> None:
    photos.photograph("kept/a.png", rating=5)
    photos.photograph("more/b.jpg", rating=3)
    plan = photos.plan()
    assert (plan.acts, reasons(plan)) == (0, ["loses rating"])


@pytest.mark.parametrize("action", [Action.LIST, Action.HARDLINK])
def test_nothing_is_carried_where_nothing_goes(photos: Photos, action: Action) -> None:
    photos.photograph("kept/a.png")
    photos.photograph("more/b.jpg", time=TIME)
    assert carries(photos.plan(action)) == []


# --- between the plan and the act ---


def test_a_name_that_was_taken_since_leaves_the_file(photos: Photos) -> None:
    photos.photograph("kept/a.png")
    gone = photos.photograph("more/b.jpg", time=TIME)
    plan = photos.plan()
    taken = photos.folder / "kept" / "a.png.xmp"
    taken.write_text(RATED)
    (refusal,) = apply_plan(photos.catalog, plan).refused
    assert refusal.path == os.fsencode(gone)
    assert "is there already" in refusal.reason
    assert (taken.read_text(), gone.exists()) == (RATED, True)


def test_a_sidecar_that_cannot_be_written_leaves_the_file(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.photograph("kept/a.png")
    gone = photos.photograph("more/b.jpg", time=TIME)
    before, plan = tree(photos.folder), photos.plan()

    def full(_source: bytes, _target: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("neardup_cli.cleanup.renaming.rename_exclusive", full)
    (refusal,) = apply_plan(photos.catalog, plan).refused
    assert refusal.reason.endswith("a.png.xmp cannot be written: no room left on the disk")
    assert gone.exists()
    assert tree(photos.folder) == before


def test_a_sidecar_for_whose_sake_nothing_went_is_removed_again(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.photograph("kept/a.png")
    photos.photograph("more/b.jpg", time=TIME)
    before, plan = tree(photos.folder), photos.plan()

    def refused(*_: object) -> None:
        raise OSError(1, "not permitted")

    monkeypatch.setattr("neardup_cli.cleanup.trashing.Trash.forward", refused)
    outcome = apply_plan(photos.catalog, plan)
    assert (len(outcome.refused), outcome.sidecars) == (1, 0)
    assert tree(photos.folder) == before


@pytest.mark.parametrize("change", ["edited", "removed"])
def test_undo_removes_only_what_still_is_what_was_written(photos: Photos, change: str) -> None:
    photos.photograph("kept/a.png")
    gone = photos.photograph("more/b.jpg", time=TIME)
    apply_plan(photos.catalog, photos.plan())
    sidecar = photos.folder / "kept" / "a.png.xmp"
    sidecar.write_text(RATED) if change == "edited" else sidecar.unlink()
    outcome = undo_batch(photos.catalog)
    assert gone.exists()
    assert (outcome.done, sidecar.exists()) == (1, change == "edited")
    expected = [(os.fsencode(sidecar), "changed since it was written, and so it stays")]
    assert [(one.path, one.reason) for one in outcome.refused] == (expected if change == "edited" else [])


def test_a_sidecar_stays_while_a_file_is_still_gone_for_whose_sake_it_is(photos: Photos) -> None:
    photos.photograph("kept/a.png")
    gone = photos.photograph("more/b.jpg", time=TIME)
    apply_plan(photos.catalog, photos.plan())
    gone.write_text("something else")
    assert undo_batch(photos.catalog).refused
    assert (photos.folder / "kept" / "a.png.xmp").exists()
    gone.unlink()
    assert not undo_batch(photos.catalog).refused
    assert not (photos.folder / "kept" / "a.png.xmp").exists()
    assert not any(batch.undoable for batch in list_batches(photos.catalog))


# --- plans from outside ---


def made(photos: Photos) -> Plan:
    photos.photograph("kept/a.png")
    photos.photograph("more/b.jpg", time=TIME, words="one")
    return photos.plan()


def test_a_plan_comes_back_as_it_was(photos: Photos) -> None:
    plan = made(photos)
    assert read_plan(dump(plan_document(plan))) == plan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sidecar": "/etc/passwd.xmp"}, "which is not the sidecar of what it keeps"),
        ({"words": ["one", "forged"]}, "does not say all that would be written"),
        ({"time": "1999-01-01T00:00:00"}, "does not say all that would be written"),
        ({"place": [1.0, 2.0]}, "does not say all that would be written"),
        ({"words": ["\0"]}, "nothing a sidecar holds"),
        ({"place": [100.0, 2.0]}, "nothing a sidecar holds"),
        ({"time": "never"}, "not a neardup plan"),
        ({"offset": '"/>'}, "not a neardup plan"),
    ],
)
def test_a_forged_plan_is_refused(photos: Photos, change: dict[str, object], message: str) -> None:
    document = json.loads(dump(plan_document(made(photos))))
    document["groups"][0]["acts"][0]["carried"].update(change)
    before = tree(photos.folder)
    with pytest.raises(BadInput, match=message):
        apply_plan(photos.catalog, read_plan(json.dumps(document)))
    assert tree(photos.folder) == before


def test_a_plan_carries_only_if_its_policy_says_so(photos: Photos) -> None:
    plan = made(photos)
    with pytest.raises(BadInput, match="carry_metadata"):
        check_plan(replace(plan, policy=replace(plan.policy, carry_metadata=False)))


# --- the facts ---


def test_only_what_is_lacking_is_carried() -> None:
    gone = Holdings(captured_at=TAKEN, offset="+02:00", place=(1.0, 2.0), rating=3, words=frozenset("ab"))
    kept = Holdings(captured_at=datetime(2020, 1, 1), words=frozenset("a"))
    found, notes = carried(gone, kept, b"/s", None)
    assert (found, notes) == (Carried(b"/s", None, "", (1.0, 2.0), 3, ("b",)), [])
    assert is_said(found, gone)
    assert not is_said(replace(found, rating=2), gone)


def test_the_first_of_two_that_go_is_believed() -> None:
    before = Carried(b"/s", TAKEN, "+02:00", (1.0, 2.0), 3)
    gone = Holdings(captured_at=TAKEN.replace(microsecond=300_000), place=(1.001, 2.0), rating=2)
    found, notes = carried(gone, Holdings(), b"/s", before)
    assert found == Carried(b"/s", TAKEN, "+02:00", (1.0, 2.0))
    assert notes == ["another file that goes has another rating"]
    assert merged(before, found) == before
    with pytest.raises(BadInput, match="two truths"):
        merged(before, Carried(b"/s", datetime(2020, 1, 1)))
