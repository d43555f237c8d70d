"""Images that are away: decided by their previews; without these nobody says that they are different."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from neardup_cli import DupsOptions, find_duplicates
from neardup_cli.catalog.database import Catalog
from neardup_cli.images import decode as decoder
from neardup_cli.images import whole
from neardup_cli.pipeline import extract, picture, probe
from neardup_cli.pipeline.check import CheckOptions, check
from neardup_cli.pipeline.compare import Rules, load_rules
from neardup_cli.pipeline.explain import explain, upright
from neardup_cli.pipeline.query import QueryOptions, query
from neardup_cli.pipeline.report import ReportOptions, write_report
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.stored_probe import probe_or_path
from neardup_cli.records.matches import DupsReport, Stage
from neardup_cli.verification import opened as opened_files

type Unplugged = tuple[Catalog, Path, Path]
"""A catalog, the folder that was scanned and is away, and a crop of one of its images."""


@pytest.fixture(params=[True, False], ids=["previews", "no previews"])
def unplugged(
    request: pytest.FixtureRequest, tmp_path: Path, photographs: dict[str, Image.Image]
) -> Iterator[Unplugged]:
    folder = tmp_path / "usb"
    folder.mkdir()
    for name in ("astronaut", "coffee"):
        photographs[name].save(folder / f"{name}.png")
    photographs["astronaut"].crop((20, 0, 220, 180)).save(folder / "crop.jpg", quality=70)
    crop = tmp_path / "new.jpg"
    photographs["coffee"].crop((30, 20, 250, 200)).save(crop, quality=75)
    with Catalog.open(tmp_path / "catalog.db", create=True) as catalog:
        options = ScanOptions(model="sscd_distilled", previews=request.param)
        scan(catalog, [os.fsencode(folder)], options)
        folder.rename(tmp_path / "drawer")
        yield catalog, folder, crop


def with_previews(request: pytest.FixtureRequest) -> bool:
    return bool(request.node.callspec.params["unplugged"])


def groups(report: DupsReport) -> list[set[str]]:
    return [
        {os.path.basename(os.fsdecode(member.path)) for member in group.members} for group in report.groups
    ]


def test_dups(unplugged: Unplugged, request: pytest.FixtureRequest) -> None:
    catalog, _, _ = unplugged
    report = find_duplicates(catalog, DupsOptions())
    if with_previews(request):
        assert groups(report) == [{"astronaut.png", "crop.jpg"}]
        assert report.summary["cannot_tell"] == 0
    else:
        assert groups(report) == []
        assert report.summary["cannot_tell"] == 1


def test_dups_tells_when_the_drive_is_back(unplugged: Unplugged, request: pytest.FixtureRequest) -> None:
    catalog, folder, _ = unplugged
    find_duplicates(catalog, DupsOptions())
    (folder.parent / "drawer").rename(folder)
    report = find_duplicates(catalog, DupsOptions())
    assert groups(report) == [{"astronaut.png", "crop.jpg"}]
    assert report.summary["cannot_tell"] == 0


def test_query_and_check(unplugged: Unplugged, request: pytest.FixtureRequest) -> None:
    catalog, _, crop = unplugged
    ((answer,), _) = query(catalog, [os.fsencode(crop)], QueryOptions())
    report = check(catalog, [os.fsencode(crop)], CheckOptions())
    if with_previews(request):
        assert answer.is_duplicate
        assert answer.matches[0].stage is Stage.GEOMETRY
        assert (len(report.matched), len(report.untold)) == (1, 0)
    else:
        assert not answer.is_duplicate
        assert answer.cannot_tell
        assert [match.untold for match in answer.matches if match.path.endswith(b"coffee.png")] == [True]
        assert (len(report.matched), len(report.untold)) == (0, 1)


def test_what_cannot_be_looked_at_is_shown_beyond_the_nearest(
    unplugged: Unplugged, request: pytest.FixtureRequest
) -> None:
    catalog, _, crop = unplugged
    ((answer,), _) = query(catalog, [os.fsencode(crop)], QueryOptions(top_k=1))
    assert answer.cannot_tell is not with_previews(request)


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was given to the decoder."""
    opened: list[object] = []
    real = decoder.decode

    def counting(source: object, **options: object) -> object:
        opened.append(source)
        return real(source, **options)  # type: ignore[arg-type]

    for module in (decoder, extract, picture, probe):
        monkeypatch.setattr(module, "decode", counting)
    return opened


@pytest.mark.parametrize("unplugged", [True], indirect=True)
def test_a_report_shows_all_and_opens_nothing(
    unplugged: Unplugged, tmp_path: Path, no_decoder: list[object]
) -> None:
    catalog, _, _ = unplugged
    page = tmp_path / "page.html"
    write_report(catalog, os.fsencode(page), ReportOptions())
    assert no_decoder == []
    assert page.read_text().count("UklGR") == 2  # two WebPs


@pytest.fixture(scope="module")
def rules() -> Rules:
    return load_rules("sscd_distilled")


@pytest.mark.parametrize("unplugged", [True], indirect=True)
def test_explain_says_what_happened(unplugged: Unplugged, rules: Rules, no_decoder: list[object]) -> None:
    catalog, folder, _ = unplugged
    whole, crop = (
        probe_or_path(catalog, os.fsencode(folder / name), rules.embedder)
        for name in ("astronaut.png", "crop.jpg")
    )
    pair = explain(whole, crop, rules)
    assert pair.comparison.is_match
    assert pair.kind == "cropped"
    assert pair.outline
    assert "cannot be read now" in pair.sentence
    assert max(upright(whole).size) <= 416
    assert no_decoder == []


@pytest.mark.parametrize("unplugged", [True], indirect=True)
def test_a_file_that_has_changed_is_explained_as_it_is(
    unplugged: Unplugged, rules: Rules, photographs: dict[str, Image.Image]
) -> None:
    catalog, folder, _ = unplugged
    (folder.parent / "drawer").rename(folder)
    changed = os.fsencode(folder / "crop.jpg")
    photographs["coffee"].save(changed, "JPEG")
    assert probe_or_path(catalog, changed, rules.embedder) == changed
    assert probe_or_path(catalog, os.fsencode(folder / "none.jpg"), rules.embedder) == os.fsencode(
        folder / "none.jpg"
    )


@pytest.mark.parametrize("unplugged", [True], indirect=True)
def test_a_decision_is_the_same_with_previews_and_without(
    unplugged: Unplugged, draw: Callable[[Path, int], Path]
) -> None:
    """What is compared is always the preview, whether the catalog keeps it or not."""
    catalog, folder, _ = unplugged
    (folder.parent / "drawer").rename(folder)
    kept = find_duplicates(catalog, DupsOptions()).groups
    with Catalog.open(folder.parent / "other.db", create=True) as other:
        scan(other, [os.fsencode(folder)], ScanOptions(model="sscd_distilled", previews=False))
        made = find_duplicates(other, DupsOptions()).groups
    assert [group.matches for group in kept] == [group.matches for group in made]


@pytest.mark.parametrize("camera", ["Canon EOS R5", ""])
def test_finding_opens_a_file_only_to_know_the_original_and_only_once(
    tmp_path: Path, photographs: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch, camera: str
) -> None:
    """Which of two sizes is the original takes a look at full size, where no camera says so."""
    folder = tmp_path / "sizes"
    folder.mkdir()
    large = photographs["astronaut"].resize((1200, 1100))
    exif = Image.Exif()
    if camera:
        exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", camera
    large.save(folder / "large.jpg", quality=90, exif=exif)
    large.resize((600, 550)).save(folder / "half.jpg", quality=80)
    opened: list[object] = []
    real = whole.decode_whole

    def counting(source: bytes, **options: Any) -> object:
        opened.append(source)
        return real(source, **options)

    for module in (whole, opened_files):
        monkeypatch.setattr(module, "decode_whole", counting)
    with Catalog.open(tmp_path / "sizes.db", create=True) as catalog:
        scan(catalog, [os.fsencode(folder)], ScanOptions(model="sscd_distilled"))
        assert len(find_duplicates(catalog, DupsOptions()).groups) == 1
        assert bool(opened) is not bool(camera)
        opened.clear()
        find_duplicates(catalog, DupsOptions())
        assert opened == []
