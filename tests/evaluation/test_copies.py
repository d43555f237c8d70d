from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image

from neardup_cli.choices import Suite
from neardup_cli.errors import BadInput, DiskFull, PathNotFound
from neardup_cli.evaluation.attacks import EXACT, Attack, all_attacks
from neardup_cli.evaluation.copies import CopyOptions, make_copies
from neardup_cli.evaluation.edits.codecs import Jpeg
from neardup_cli.evaluation.edits.composition import Overlay
from neardup_cli.evaluation.manifest import MANIFEST_NAME, read_manifest
from neardup_cli.evaluation.suites import suite_attacks
from tests.evaluation.conftest import PHOTOS

TWO = (Attack("jpeg-20", (Jpeg(20),)), Attack("overlay-40", (Overlay(0.4),)))


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(originals: Path, tmp_path: Path) -> None:
    for name, workers in (("a", 1), ("b", 3)):
        make_copies(bytes(originals), bytes(tmp_path / name), CopyOptions(TWO, seed=5, workers=workers))
    assert everything_in(tmp_path / "a") == everything_in(tmp_path / "b")
    make_copies(bytes(originals), bytes(tmp_path / "c"), CopyOptions(TWO, seed=6))
    assert everything_in(tmp_path / "a") != everything_in(tmp_path / "c")


def test_the_manifest_says_what_was_done_to_what(copies: Path, originals: Path) -> None:
    entries = read_manifest(copies / MANIFEST_NAME)
    assert len(entries) == 6 * PHOTOS
    assert {entry.copy.decode() for entry in entries} == set(everything_in(copies)) - {MANIFEST_NAME}
    for entry in entries:
        assert (originals / entry.source.decode()).is_file()
        assert (entry.source in entry.shows) is False
        assert bool(entry.shows) == (entry.attack == "overlay-40")
    (edited,) = (entry for entry in entries if entry.copy == b"jpeg-50/below/photo-7.jpg.jpg")
    assert edited.source == b"below/photo-7.jpg"
    assert edited.edits == ({"kind": "jpeg", "quality": 50},)


def test_exact_copies_are_the_very_bytes(copies: Path, originals: Path) -> None:
    copied = copies / "exact" / "photo-1.jpg"
    assert copied.read_bytes() == (originals / "photo-1.jpg").read_bytes()


def test_a_sample_is_drawn_by_the_seed(originals: Path, tmp_path: Path) -> None:
    chosen = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        options = CopyOptions((EXACT,), seed=seed, limit=3)
        chosen.append(make_copies(bytes(originals), bytes(tmp_path / name), options).sources)
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(chosen[0]) == 3


def test_larger_pictures_are_shrunk_first(originals: Path, tmp_path: Path) -> None:
    options = CopyOptions((Attack("jpeg", (Jpeg(90),)),), limit=1, longest_side=120)
    made = make_copies(bytes(originals), bytes(tmp_path / "out"), options)
    (entry,) = read_manifest(made.manifest)
    with Image.open(tmp_path / "out" / entry.copy.decode()) as image:
        assert max(image.size) == 120


def test_what_cannot_be_read_is_named_and_left_out(tmp_path: Path, originals: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (source / "photo.jpg").write_bytes((originals / "photo-0.jpg").read_bytes())
    (source / "photo2.jpg").write_bytes((originals / "photo-1.jpg").read_bytes())
    made = make_copies(bytes(source), bytes(tmp_path / "out"), CopyOptions(TWO))
    assert [skipped.path for skipped in made.skipped] == [b"broken.jpg"]
    assert made.sources == (b"photo.jpg", b"photo2.jpg")
    assert {shown for entry in read_manifest(made.manifest) for shown in entry.shows} <= set(made.sources)


def test_names_that_are_no_text_survive(tmp_path: Path, originals: Path) -> None:
    source = bytes(tmp_path / "source")
    Path(tmp_path / "source").mkdir()
    name = b'caf\xe9,\n"x".jpg'
    with open(source + b"/" + name, "wb") as stream:
        stream.write((originals / "photo-0.jpg").read_bytes())
    made = make_copies(source, bytes(tmp_path / "out"), CopyOptions((EXACT,)))
    (entry,) = read_manifest(made.manifest)
    assert entry.source == name
    assert entry.copy == b"exact/" + name


def test_the_copies_stay_out_of_the_originals(originals: Path) -> None:
    with pytest.raises(BadInput, match="among the originals"):
        make_copies(bytes(originals), bytes(originals / "out"), CopyOptions(TWO))
    assert not (originals / "out").exists()


def test_a_folder_with_something_else_in_it_is_not_touched(originals: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="not empty"):
        make_copies(bytes(originals), bytes(tmp_path), CopyOptions(TWO))
    assert everything_in(tmp_path) == {"mine.txt": b"mine"}


def test_an_interrupted_run_is_begun_again(
    originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr("neardup_cli.evaluation.copies.write_manifest", interrupt)
        with pytest.raises(KeyboardInterrupt):
            make_copies(bytes(originals), bytes(out), CopyOptions(TWO))
    assert not (out / MANIFEST_NAME).exists()
    make_copies(bytes(originals), bytes(out), CopyOptions(TWO))
    make_copies(bytes(originals), bytes(tmp_path / "new"), CopyOptions(TWO))
    assert everything_in(out) == everything_in(tmp_path / "new")


def test_a_full_disk_is_named(originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("neardup_cli.evaluation.copies.write_manifest", full)
    with pytest.raises(DiskFull):
        make_copies(bytes(originals), bytes(tmp_path / "out"), CopyOptions((EXACT,)))


def test_a_single_picture_has_no_companion(tmp_path: Path, originals: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "photo.jpg").write_bytes((originals / "photo-0.jpg").read_bytes())
    with pytest.raises(BadInput, match="another picture"):
        make_copies(bytes(source), bytes(tmp_path / "out"), CopyOptions(TWO))


def test_there_has_to_be_a_folder_with_pictures(tmp_path: Path, originals: Path) -> None:
    with pytest.raises(PathNotFound):
        make_copies(bytes(tmp_path / "nowhere"), bytes(tmp_path / "out"), CopyOptions(TWO))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no image"):
        make_copies(bytes(tmp_path / "empty"), bytes(tmp_path / "out"), CopyOptions(TWO))
    with pytest.raises(BadInput, match="is a file"):
        make_copies(bytes(originals / "photo-0.jpg"), bytes(tmp_path / "out"), CopyOptions(TWO))


@pytest.mark.parametrize("suite", Suite)
def test_every_suite_has_attacks_with_names_of_their_own(suite: Suite) -> None:
    attacks = suite_attacks(suite)
    assert attacks
    assert len({attack.name for attack in attacks}) == len(attacks)


def test_all_is_all_that_the_issue_asks_for() -> None:
    names = {attack.name for attack in all_attacks()}
    for suite in Suite:
        assert {attack.name for attack in suite_attacks(suite)} <= names
    kinds = {edit.kind for attack in all_attacks() for edit in attack.edits}
    assert kinds >= {"jpeg", "resize", "stretch", "crop", "rotate", "mirror", "blur", "noise", "colour-shift"}
    assert kinds >= {"grey", "gamma", "posterise", "caption", "meme", "stickers", "frame", "screenshot"}
    assert kinds >= {"overlay", "collage", "print-scan", "random-chain", "watermark"}
    json.dumps(sorted(kinds))


def test_attacks_can_be_named_by_pattern() -> None:
    assert {attack.name for attack in suite_attacks(Suite.MILD, ["crop-centre-?0", "meme"])} == {
        "meme",
        *(f"crop-centre-{percent}0" for percent in range(1, 9)),
    }
    with pytest.raises(BadInput, match=r"no attack is called nonsense; there are .*jpeg-50"):
        suite_attacks(Suite.MILD, ["nonsense"])
