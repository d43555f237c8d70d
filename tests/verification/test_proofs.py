"""Proofs of many pairs: stored as they come, made once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from neardup_cli.catalog import proofs as stored
from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.proofs import Directed, stored_proofs
from neardup_cli.choices import Loss
from neardup_cli.pipeline.clean import CleanOptions, make_plan
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.plans import Plan
from neardup_cli.progress import Silent
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.proofs import NOTHING_LOST, PROOF_VERSION, Proof
from neardup_cli.verification import proofs as module
from neardup_cli.verification.proofs import prove_pairs
from neardup_cli.verification.proving import prove
from tests.photographed import photographed
from tests.verification.conftest import jpeg, reopened

type Made = list[tuple[bytes, bytes]]


@pytest.fixture
def photos(tmp_path: Path, catalog: Catalog) -> Path:
    """A scanned photograph as a camera wrote it, and two copies."""
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Model] = "Canon", "Canon EOS R5"
    whole = jpeg(photographed("coffee"), 95, exif=exif)
    (folder / "whole.jpg").write_bytes(whole)
    (folder / "coarse.jpg").write_bytes(jpeg(reopened(whole), 60))
    (folder / "small.jpg").write_bytes(jpeg(reopened(whole).resize((300, 200)), 85))
    rescan(catalog, folder)
    return folder


def rescan(catalog: Catalog, folder: Path) -> None:
    scan(catalog, [os.fsencode(folder)], ScanOptions(hash_only=True))


def file(catalog: Catalog, path: Path) -> CatalogedFile:
    with catalog.read() as connection:
        return queries.files_at(connection, [os.fsencode(path)])[os.fsencode(path)]


def proofs(catalog: Catalog) -> dict[Directed, Proof]:
    with catalog.read() as connection:
        return stored_proofs(connection, range(100))


def plan(catalog: Catalog) -> Plan:
    return make_plan(catalog, CleanOptions(dups=DupsOptions(hamming=6)))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """The pairs that are really compared, as they are."""
    seen: Made = []
    real = prove

    def noted(gone: CatalogedFile, kept: CatalogedFile) -> Proof:
        seen.append((os.path.basename(gone.path), os.path.basename(kept.path)))
        return real(gone, kept)

    monkeypatch.setattr(module, "prove", noted)
    return seen


def test_a_plan_asks_once_and_the_catalog_remembers(photos: Path, catalog: Catalog, made: Made) -> None:
    first = plan(catalog)
    assert photos.is_dir()
    assert first.acts == 2
    assert sorted(made)[:1] == [(b"coarse.jpg", b"whole.jpg")]
    assert len(made) == len(set(made)) == len(proofs(catalog))
    made.clear()
    assert plan(catalog) == first
    assert made == []


def test_they_are_made_again_for_another_version(
    photos: Path, catalog: Catalog, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plan(catalog)
    before = sorted(made)
    made.clear()
    monkeypatch.setattr(stored, "PROOF_VERSION", PROOF_VERSION + 1)
    assert proofs(catalog) == {}
    assert plan(catalog) == first
    assert sorted(made) == before
    assert photos.is_dir()


def test_a_changed_file_is_compared_again(photos: Path, catalog: Catalog, made: Made) -> None:
    plan(catalog)
    made.clear()
    (photos / "coarse.jpg").write_bytes(jpeg(reopened((photos / "whole.jpg").read_bytes()), 50))
    rescan(catalog, photos)
    assert plan(catalog).acts == 2
    assert made
    assert all(b"coarse.jpg" in pair for pair in made)


def test_what_could_not_be_looked_at_is_not_stored(photos: Path, catalog: Catalog, made: Made) -> None:
    pair = file(catalog, photos / "coarse.jpg"), file(catalog, photos / "whole.jpg")
    ids = pair[0].content_id, pair[1].content_id
    (photos / "coarse.jpg").rename(photos / "away")
    (found,) = prove_pairs(catalog, [pair], workers=1, watch=Silent()).values()
    assert found.unproven
    assert proofs(catalog) == {}
    (photos / "away").rename(photos / "coarse.jpg")
    assert prove_pairs(catalog, [pair, pair], workers=2, watch=Silent()) == {ids: NOTHING_LOST}
    assert len(made) == 2
    assert proofs(catalog) == {ids: NOTHING_LOST}


def test_an_interruption_keeps_what_was_compared(
    photos: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = file(catalog, photos / "whole.jpg")
    pairs = [(file(catalog, photos / f"{name}.jpg"), whole) for name in ("coarse", "small")]
    monkeypatch.setattr(module, "_STORED_EVERY", 0.0)

    class Stopped(Silent):
        def advance(self, steps: int = 1) -> None:
            self.seen = getattr(self, "seen", 0) + steps
            if self.seen == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove_pairs(catalog, pairs, workers=1, watch=Stopped())
    assert len(proofs(catalog)) == 1


def test_groups_are_shown_with_their_proofs(photos: Path, catalog: Catalog, made: Made) -> None:
    options = DupsOptions(hamming=6)
    (group,) = find_duplicates(catalog, options).groups
    assert (group.proofs, group.reclaimable_bytes) == ({}, 0)
    report = find_duplicates(catalog, DupsOptions(hamming=6, prove=True))
    (group,) = report.groups
    assert os.path.basename(group.keep) == b"whole.jpg"
    assert {proof.is_empty for proof in group.proofs.values()} == {True}
    assert len(group.proofs) == report.summary["redundant_files"] == 2
    assert group.reclaimable_bytes == sum(
        (photos / name).stat().st_size for name in ("coarse.jpg", "small.jpg")
    )
    made.clear()
    assert find_duplicates(catalog, DupsOptions(hamming=6, prove=True)).groups == report.groups
    assert made == []
    assert plan(catalog).acts == 2
    assert made == [], "a plan asks for nothing more"


def test_the_file_from_which_another_was_saved_stays(tmp_path: Path, catalog: Catalog) -> None:
    """A PNG has as many pixels and more bytes; it was saved from the JPEG, and both ways show it."""
    folder = tmp_path / "photos"
    folder.mkdir()
    data = jpeg(photographed("coffee"), 70)
    (folder / "b.jpg").write_bytes(data)
    reopened(data).save(folder / "a.png")
    rescan(catalog, folder)
    (group,) = find_duplicates(catalog, DupsOptions(hamming=6, prove=True)).groups
    assert os.path.basename(group.keep) == b"b.jpg"
    made_of = plan(catalog).groups[0]
    assert os.path.basename(made_of.keep.path) == b"b.jpg"


def test_what_is_lost_is_shown(tmp_path: Path, catalog: Catalog) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    image = photographed("coffee")
    image.save(folder / "a.png")
    image.convert("L").save(folder / "b.png")
    rescan(catalog, folder)
    (group,) = find_duplicates(catalog, DupsOptions(hamming=6, verify=False, prove=True)).groups
    assert os.path.basename(group.keep) == b"a.png"
    assert [proof.losses for proof in group.proofs.values()] in ([()], [(Loss.COLOUR,)])
