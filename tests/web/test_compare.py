"""What happened between two catalogued pictures, as the catalog itself would say it."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from skimage import data

from neardup_cli import Catalog, ScanOptions, scan

if TYPE_CHECKING:
    from tests.web.conftest import Running, Serve

AREA = 0.15
LEFT, TOP = 0.6, 0.1


def pasted(cat: Image.Image) -> Image.Image:
    """The cat on 15 % of a photograph that is not in the collection."""
    whole = Image.fromarray(data.retina()).convert("RGB").resize((640, 440))  # type: ignore[no-untyped-call]
    scale = math.sqrt(AREA * whole.width * whole.height / (cat.width * cat.height))
    small = cat.resize((round(cat.width * scale), round(cat.height * scale)))
    whole.paste(small, (round(LEFT * whole.width), round(TOP * whole.height)))
    return whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photographs: dict[str, Image.Image]) -> Path:
    made = tmp_path_factory.mktemp("compare") / "photos"
    made.mkdir()
    photographs["coffee"].save(made / "coffee.png")
    cat = Image.fromarray(data.chelsea())  # type: ignore[no-untyped-call]
    cat.save(made / "cat.jpg", quality=92)
    pasted(cat).save(made / "pasted.png")
    return made


def serving(start: Serve, folder: Path, catalog: Path, *, thorough: bool) -> Running:
    options = ScanOptions(model="sscd_distilled", workers=2, thorough=thorough)
    with Catalog.open(catalog, create=True) as opened:
        scan(opened, [os.fsencode(folder)], options)
    return start(catalog)


def compared(running: Running, a: Path, b: Path) -> Any:
    answer = running.client.get("/api/compare", params={"a": str(a), "b": str(b)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def is_where_it_was_pasted(outline: list[list[float]]) -> bool:
    (left, top), _, (right, bottom), _ = outline
    inside = abs(left - LEFT) < 0.02 and abs(top - TOP) < 0.02
    return inside and (right - left) * (bottom - top) == pytest.approx(AREA, abs=0.02)


def test_a_thorough_catalog_explains_what_its_regions_found(
    start: Serve, folder: Path, tmp_path: Path
) -> None:
    running = serving(start, folder, tmp_path / "c.db", thorough=True)
    [group] = running.client.get("/api/groups").json()["groups"]
    [match] = running.client.get(f"/api/groups/{group['id']}").json()["matches"]
    assert {Path(match[side]).name for side in "ab"} == {"cat.jpg", "pasted.png"}
    found = compared(running, folder / "cat.jpg", folder / "pasted.png")
    assert found["is_duplicate"]
    assert (found["stage"], found["kind"]) == (match["stage"], match["kind"]) == ("geometry", "embedded")
    assert found["similarity"] == pytest.approx(match["similarity"], abs=1e-3)
    assert is_where_it_was_pasted(found["outline"])
    assert found["sentence"].startswith("Shown inside another picture, on 15% of its area")
    stranger = compared(running, folder / "coffee.png", folder / "pasted.png")
    assert not stranger["is_duplicate"]
    assert stranger["outline"] == []


def test_a_plain_catalog_knows_nothing_of_regions(start: Serve, folder: Path, tmp_path: Path) -> None:
    running = serving(start, folder, tmp_path / "c.db", thorough=False)
    assert running.client.get("/api/groups").json()["groups"] == []
    found = compared(running, folder / "cat.jpg", folder / "pasted.png")
    assert (found["is_duplicate"], found["stage"], found["kind"]) == (False, None, None)


def test_an_upload_is_explained_through_the_region_that_found_it(
    start: Serve, folder: Path, tmp_path: Path
) -> None:
    known = tmp_path / "known"
    known.mkdir()
    shutil.copy(folder / "cat.jpg", known)
    running = serving(start, known, tmp_path / "c.db", thorough=True)
    upload = {"file": ("x.png", (folder / "pasted.png").read_bytes())}
    answer = running.client.post("/api/detect", files=upload, data={"explain": True}).json()
    assert (answer["is_duplicate"], answer["match"]["kind"]) == (True, "embedded")
    found = answer["explanation"]
    assert (found["is_duplicate"], found["kind"], found["a"]) == (True, "embedded", "upload")
    assert found["numbers"]["part_of_a"] == pytest.approx(AREA, abs=0.02)


def test_an_explanation_goes_by_the_threshold_of_its_question(
    start: Serve, folder: Path, tmp_path: Path
) -> None:
    """The whole pictures are less alike than 0.2; whoever looks further down finds them, and is told why."""
    known = tmp_path / "known"
    known.mkdir()
    shutil.copy(folder / "cat.jpg", known)
    running = serving(start, known, tmp_path / "c.db", thorough=False)
    upload = {"file": ("x.png", (folder / "pasted.png").read_bytes())}
    for threshold, found in ((0.2, False), (0.05, True)):
        asked = {"threshold": threshold, "explain": True}
        answer = running.client.post("/api/detect", files=upload, data=asked).json()
        assert answer["is_duplicate"] is found
        assert (answer["explanation"] is not None) is found
    assert answer["explanation"]["is_duplicate"]
