"""What happened between two pictures, as `dups` says it of every match."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageDraw

from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Grouping, Kind
from neardup_cli.pipeline import geometry
from neardup_cli.pipeline.compare import load_rules
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.explain import explain
from neardup_cli.pipeline.query import QueryOptions, query
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.records.matches import FileMatch

MODEL = "sscd_distilled"
EXPECTED = {
    "bytes.jpg": Kind.EXACT,
    "metadata.jpg": Kind.SAME_PIXELS,
    "quality.jpg": Kind.RE_ENCODED,
    "small.jpg": Kind.RESIZED,
    "crop.jpg": Kind.CROPPED,
    "turned.jpg": Kind.ROTATED,
    "mirror.jpg": Kind.MIRRORED,
    "grey.jpg": Kind.COLOUR,
    "caption.jpg": Kind.OVERLAY,
    "pasted.jpg": Kind.EMBEDDED,
    "later.jpg": Kind.SIMILAR_SHOT,
}


def exif(taken: str) -> Image.Exif:
    made = Image.Exif()
    made[ExifTags.Base.DateTimeOriginal] = taken
    return made


def make_edits(folder: Path, coffee: Image.Image, background: Image.Image) -> None:
    """Write a photograph, one file for each kind, and nothing that resembles it otherwise."""
    width, height = coffee.size
    folder.mkdir()
    coffee.save(folder / "original.jpg", quality=92, exif=exif("2024:05:01 10:00:00"))
    encoded = (folder / "original.jpg").read_bytes()
    (folder / "bytes.jpg").write_bytes(encoded)
    (folder / "metadata.jpg").write_bytes(encoded[:2] + b"\xff\xfe\x00\x07hello" + encoded[2:])  # a comment
    coffee.save(folder / "quality.jpg", quality=60, exif=exif("2024:05:01 10:00:00"))
    coffee.resize((width // 2, height // 2)).save(folder / "small.jpg", quality=90)
    coffee.crop((0, 0, width * 3 // 4, height * 3 // 4)).save(folder / "crop.jpg", quality=90)
    coffee.rotate(90, expand=True).save(folder / "turned.jpg", quality=90)
    coffee.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "mirror.jpg", quality=90)
    coffee.convert("L").save(folder / "grey.jpg", quality=90)
    captioned = coffee.copy()
    ImageDraw.Draw(captioned).rectangle((40, height - 60, width - 40, height - 20), fill="yellow")
    captioned.save(folder / "caption.jpg", quality=90)
    pasted = background.resize((600, 600))
    pasted.paste(coffee, (40, 300))
    pasted.save(folder / "pasted.jpg", quality=90)
    noise = np.random.default_rng(1).normal(0, 4, (height, width, 3))
    again = np.clip(np.asarray(coffee) + noise, 0, 255).astype(np.uint8)
    Image.fromarray(again).save(folder / "later.jpg", quality=92, exif=exif("2024:05:01 10:00:02"))


@pytest.fixture(scope="module")
def edited(
    tmp_path_factory: pytest.TempPathFactory, photographs: dict[str, Image.Image]
) -> Iterator[Catalog]:
    folder = tmp_path_factory.mktemp("kinds")
    make_edits(folder / "in", photographs["coffee"].convert("RGB"), photographs["rocket"].convert("RGB"))
    with Catalog.open(folder / "catalog.db", create=True) as opened:
        scan(opened, [os.fsencode(folder / "in")], ScanOptions(model=MODEL))
        yield opened


def with_original(catalog: Catalog, options: DupsOptions) -> dict[str, FileMatch]:
    """The matches with the original by the other file's name."""
    found = {}
    for group in find_duplicates(catalog, options).groups:
        for match in group.matches:
            ends = [os.path.basename(os.fsdecode(path)) for path in (match.a, match.b)]
            # Files with the same bytes share their matches, and either may speak for both.
            if own := {"original.jpg", "bytes.jpg"} & set(ends):
                (other,) = set(ends) - {next(iter(own))} or {"bytes.jpg"}
                found["bytes.jpg" if other == "original.jpg" else other] = match
    return found


def test_each_match_says_what_happened(edited: Catalog) -> None:
    found = with_original(edited, DupsOptions(similar_shots=True))
    assert {name: match.kind for name, match in found.items()} == EXPECTED


def test_explain_and_dups_tell_the_same(edited: Catalog) -> None:
    rules = load_rules(MODEL)
    for name, match in with_original(edited, DupsOptions(similar_shots=True)).items():
        assert explain(match.a, match.b, rules).kind is match.kind, name


def test_another_shot_is_no_copy_unless_asked_for(edited: Catalog) -> None:
    """The pixels agree all over; the times of capture, two seconds apart, tell."""
    report = find_duplicates(edited, DupsOptions())
    names = {os.path.basename(member.path) for group in report.groups for member in group.members}
    assert b"later.jpg" not in {
        os.path.basename(path)
        for group in report.groups
        for match in group.matches
        if b"original.jpg" in match.a + match.b or b"bytes.jpg" in match.a + match.b
        for path in (match.a, match.b)
    }
    assert b"quality.jpg" in names
    assert report.summary["similar_shots"] >= 1


def test_query_leaves_another_shot_out_too(edited: Catalog) -> None:
    folder = next(iter(find_duplicates(edited, DupsOptions()).groups)).keep.rpartition(b"/")[0]
    later = folder + b"/later.jpg"

    def kinds(*, similar_shots: bool) -> dict[bytes, tuple[bool, Kind | None]]:
        options = QueryOptions(top_k=20, similar_shots=similar_shots)
        (result,), _ = query(edited, [later], options)
        return {os.path.basename(match.path): (match.is_match, match.kind) for match in result.matches}

    assert kinds(similar_shots=False)[b"original.jpg"] == (False, Kind.SIMILAR_SHOT)
    assert kinds(similar_shots=True)[b"original.jpg"] == (True, Kind.SIMILAR_SHOT)


def test_what_similarity_alone_was_sure_of_has_a_kind(edited: Catalog) -> None:
    report = find_duplicates(edited, DupsOptions(similar_shots=True, grouping=Grouping.LINKED))
    sure = [
        match
        for group in report.groups
        for match in group.matches
        if match.similarity is not None and match.similarity >= 0.99
    ]
    assert sure
    assert {match.stage.value for match in sure} <= {"sieve", "verifier"}
    assert all(match.kind is not None for match in sure)


def test_without_pixels_only_equal_bytes_have_a_kind(edited: Catalog) -> None:
    report = find_duplicates(edited, DupsOptions(verify=False))
    kinds = {match.kind for group in report.groups for match in group.matches}
    assert kinds == {Kind.EXACT, None}


def test_kinds_are_stored_with_the_verdicts(edited: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    first = find_duplicates(edited, DupsOptions())
    monkeypatch.setattr(geometry, "explain_match", None)
    assert find_duplicates(edited, DupsOptions()).groups == first.groups
