"""The whole way on real pictures: scan, then the right answers to each question."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from skimage import data

from neardup_cli.evaluation.attacks import mild_attacks
from neardup_cli.evaluation.gallery import GalleryEdit, render_photo

if TYPE_CHECKING:
    from tests.e2e.conftest import Neardup, Scanned

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "hubble_deep_field", "retina", "rocket")  # in scikit-image
SURE = {GalleryEdit.ORIGINAL, GalleryEdit.EXACT, GalleryEdit.REENCODED, GalleryEdit.WEBP, GalleryEdit.PNG}

FORKED = True


def groups_by_path(document: Any) -> dict[str, str]:
    return {member["path"]: group["id"] for group in document["groups"] for member in group["members"]}


def test_a_scan_accounts_for_every_file(scanned: Scanned) -> None:
    images = [file for file in scanned.truth.files if file.edit is not GalleryEdit.TEXT]
    readable = [file for file in images if file.edit.readable]
    summary = scanned.summary
    assert summary["schema"] == "neardup.scan/1"
    assert summary["seen"] == len(images)
    assert summary["added"] == len(readable)
    assert {Path(entry["path"]).suffix: entry["reason"] for entry in summary["skipped"]} == {
        ".jpg": "truncated",
        ".txt": "not an image file",
    }


def test_dups_finds_the_copies_and_no_others(scanned: Scanned) -> None:
    document = scanned.neardup.json("dups")
    source = {str(file.path): file.source for file in scanned.truth.files}
    for group in document["groups"]:
        for match in group["matches"]:
            assert source[match["a"]] is not None, match
            assert source[match["a"]] == source[match["b"]], match
    group_of = groups_by_path(document)
    for file in scanned.truth.files:
        if file.edit in SURE and file.edit is not GalleryEdit.ORIGINAL:
            originals = [
                str(other.path)
                for other in scanned.truth.files
                if other.source == file.source and other.edit is GalleryEdit.ORIGINAL
            ]
            assert group_of.get(str(file.path)) == group_of.get(originals[0], "none"), file


def test_dups_is_the_same_every_time_and_largest_saving_first(scanned: Scanned) -> None:
    first, second = (scanned.neardup.json("dups")["groups"] for _ in range(2))
    assert first == second
    savings = [group["reclaimable_bytes"] for group in first]
    assert savings == sorted(savings, reverse=True)
    for group in first:
        kept = [member for member in group["members"] if member["path"] == group["keep"]]
        everything = sum(member["bytes"] for member in group["members"]) - kept[0]["bytes"]
        surely = [
            member["bytes"]
            for member in group["members"]
            if member["content"] == kept[0]["content"] or member.get("losses") == []
        ]
        assert group["reclaimable_bytes"] == sum(surely) - kept[0]["bytes"]
        assert group["reclaimable_bytes"] + group["doubtful_bytes"] == everything


def test_a_lower_threshold_finds_more(scanned: Scanned) -> None:
    def matches(*options: str) -> int:
        return sum(len(group["matches"]) for group in scanned.neardup.json("dups", *options)["groups"])

    plain = "--no-verify"
    assert matches(plain, "--threshold", "0.2") > matches(plain) > matches(plain, "--threshold", "0.999")


def test_geometry_finds_what_the_threshold_alone_loses(scanned: Scanned) -> None:
    document = scanned.neardup.json("dups")
    decided = [match for group in document["groups"] for match in group["matches"]]
    summary = document["summary"]
    looked_at = [match for match in decided if match["stage"] == "geometry" and not match["implied"]]
    assert summary["checked_pairs"] > len(looked_at) > 0
    assert summary["checked_pairs"] + summary["pairs_not_needed"] > summary["matches"]["geometry"]
    for match in decided:
        if match["stage"] == "geometry":
            assert 0.2 <= match["similarity"] < 0.99
            assert match["agreement"] > 0.4
            assert len(match["transform"]) == 2
    plain = scanned.neardup.json("dups", "--no-verify")
    assert plain["summary"]["checked_pairs"] == 0
    assert len(decided) > sum(len(group["matches"]) for group in plain["groups"])


def test_query_finds_an_edit_that_was_never_scanned(scanned: Scanned, tmp_path: Path) -> None:
    original = next(file for file in scanned.truth.files if file.edit is GalleryEdit.ORIGINAL)
    edited = tmp_path / "edited.webp"
    with Image.open(original.path) as picture:
        picture.convert("L").resize((300, 200)).save(edited, quality=70)
    (answer,) = scanned.neardup.json("query", edited)["queries"]
    assert answer["is_duplicate"]
    assert answer["matches"][0]["path"] in {
        str(file.path) for file in scanned.truth.files if file.source == original.source
    }
    assert scanned.neardup.json("status")["files"] == scanned.summary["seen"]  # nothing was stored


def test_query_does_not_find_a_stranger(scanned: Scanned, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.png"
    render_photo(987_654).save(stranger)
    (answer,) = scanned.neardup.json("query", stranger, "--top-k", "3")["queries"]
    assert not answer["is_duplicate"]
    assert [match["is_match"] for match in answer["matches"]] == [False] * 3


def test_compare_says_copy_or_not(scanned: Scanned, tmp_path: Path) -> None:
    a, b, c = tmp_path / "a.jpg", tmp_path / "b.png", tmp_path / "c.jpg"
    render_photo(1).save(a, quality=85)
    render_photo(1).resize((480, 320)).save(b)
    render_photo(2).save(c)
    same, other = scanned.neardup.json("compare", a, b), scanned.neardup.json("compare", a, c)
    assert same["is_duplicate"]
    assert same["similarity"] > 0.9
    assert same["hamming"] <= 4
    assert not other["is_duplicate"]
    assert scanned.neardup.json("compare", a, a)["stage"] == "exact"
    assert scanned.neardup.json("compare", a, b, "--hash-only")["similarity"] is None


def test_status_and_doctor_agree_with_the_scan(scanned: Scanned) -> None:
    status = scanned.neardup.json("status")
    assert status["files"] == scanned.summary["seen"]
    assert status["unreadable"] == 1
    assert [Path(root["path"]) for root in status["roots"]] == [scanned.folder.resolve()]
    assert status["models"][0]["vectors"] == scanned.summary["embedded"]
    assert scanned.neardup.json("doctor")["healthy"]


def test_mild_edits_are_found_at_the_default_settings(neardup: Neardup, tmp_path: Path) -> None:
    """A small twin of benchmarks/mild_edits.py, on pictures that need no download, with each model."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in PHOTOGRAPHS:
        original = Image.fromarray(getattr(data, name)())
        original.thumbnail((640, 640))
        original.save(photos / f"{name}.png")
        (photos / f"{name}-exact.png").write_bytes((photos / f"{name}.png").read_bytes())
        for attack in mild_attacks():
            edited = attack.run(original, key=name)
            path = photos / f"{name}-{attack.name}{attack.save_as.suffix}"
            path.write_bytes(attack.save_as.encode(edited))
    # In one catalog: which pairs are looked at is up to a model, and what is seen then is known to both.
    for model in ("sscd", "sscd_distilled"):
        neardup.succeed("scan", photos, "--model", model)
        document = neardup.json("dups", "--model", model)
        assert document["parameters"]["model"] == model
        group_of = groups_by_path(document)
        for group in document["groups"]:
            assert len({Path(member["path"]).stem.split("-")[0] for member in group["members"]}) == 1, group
        lost = [
            path.name
            for path in photos.iterdir()
            if group_of.get(str(path)) != group_of.get(str(photos / f"{path.stem.split('-')[0]}.png"), "none")
        ]
        assert not [name for name in lost if "exact" in name]
        assert len(lost) <= 0.01 * sum(1 for _ in photos.iterdir()), lost
