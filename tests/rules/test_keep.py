"""Which file of a family stays, and why: by hand, a story each, and what holds for any order of input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import permutations

import pytest

from neardup_cli.choices import KeepKey, Kind, Loss, Role
from neardup_cli.plans import Policy
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import DuplicateGroup, PairMatch
from neardup_cli.records.proofs import NOTHING_LOST, Proof
from neardup_cli.rules.evidence import Evidence
from neardup_cli.rules.groups import Circumstances
from neardup_cli.rules.keep import Candidate, NameRank, Wishes, may_be_outdone, name_rank, outdone, ranked
from neardup_cli.rules.reasons import kept_reason
from tests.rules.matches import file, grouped, match

CAMERA = Evidence(
    Holdings(make="Canon", model="Canon EOS R5", maker_note=True, captured_at=datetime(2024, 5, 1))
)


def group_of(
    files: Sequence[CatalogedFile],
    pairs: Sequence[PairMatch],
    evidence: Mapping[int, Evidence] | None = None,
    **about: object,
) -> DuplicateGroup:
    circumstances = Circumstances(evidence=evidence or {}, **about)  # type: ignore[arg-type]
    (group,) = grouped(files, pairs, circumstances=circumstances).groups
    return group


ORIGINAL = file(b"/original.jpg", 1)
LARGE = file(b"/other.png", 2, (1200, 900), bytes_=9000, kind="PNG")


@pytest.mark.parametrize(
    ("kind", "shares", "role"),
    [
        (Kind.EMBEDDED, (1.0, 0.3), Role.CONTAINS),  # a screenshot
        (Kind.OVERLAY, (1.0, 0.73), Role.CAPTIONED),  # a meme, with bands of text
        (Kind.ROTATED, (1.0, 0.56), Role.EDITED),  # a turned canvas
        (Kind.CROPPED, (0.6, 1.0), Role.CROPPED),  # an enlarged square
    ],
)
def test_what_was_made_of_an_image_never_stays_in_its_place(
    kind: Kind, shares: tuple[float, float], role: Role
) -> None:
    """However many pixels and bytes it has."""
    group = group_of([ORIGINAL, LARGE], [match(1, 2, kind, shares=shares)])
    assert group.keep == ORIGINAL.path
    assert group.roles[LARGE.digest] is role
    assert group.reason.startswith("the original: 400×300; the others are ")


def test_a_caption_has_detail_that_the_original_lacks() -> None:
    group = group_of([ORIGINAL, LARGE], [match(1, 2, Kind.OVERLAY, contents=(0.9, 0.86))])
    assert (group.keep, group.reason) == (ORIGINAL.path, "the original: 400×300; the others are captioned")


def test_an_enlargement_has_no_more_detail() -> None:
    pairs = [match(1, 2, Kind.RESIZED)]
    assert group_of([ORIGINAL, LARGE], pairs).keep == LARGE.path  # as long as nobody has measured it
    group = group_of([ORIGINAL, LARGE], pairs, {1: Evidence(detail=400.0), 2: Evidence(detail=410.0)})
    assert group.keep == ORIGINAL.path
    assert group.roles[LARGE.digest] is Role.COPY


def test_a_smaller_version_goes_whatever_it_holds() -> None:
    """A thumbnail with a place and a sidecar, an original without."""
    small = file(b"/small.jpg", 3, (160, 120), year=2024)
    group = group_of(
        [ORIGINAL, small],
        [match(1, 3, Kind.RESIZED)],
        {3: CAMERA},
        companions=lambda path: path == small.path,
    )
    assert (group.keep, group.roles[small.digest]) == (ORIGINAL.path, Role.SMALLER)
    assert group.reason == "the original: 400×300; the others are smaller"


@pytest.mark.parametrize("kind", [Kind.COLOUR, Kind.MIRRORED, Kind.ROTATED])
def test_signs_of_a_camera_tell_the_original(kind: Kind) -> None:
    edited = file(b"/a-edited.jpg", 2, bytes_=9000)
    exported = Evidence(Holdings(make="Canon", model="Canon EOS R5", software="Adobe Photoshop 25.0"))
    group = group_of([ORIGINAL, edited], [match(1, 2, kind)], {1: CAMERA, 2: exported})
    assert group.keep == ORIGINAL.path
    assert group.reason == "the original: 400×300, from the camera (Canon EOS R5); the others are edited"


def test_the_colourful_one_of_two_is_the_original() -> None:
    grey = file(b"/grey.png", 2, bytes_=9000, kind="PNG")
    for tint in (0.0, 2.0):
        evidence = {1: Evidence(colourfulness=20.0), 2: Evidence(colourfulness=tint)}
        assert group_of([ORIGINAL, grey], [match(1, 2, Kind.COLOUR)], evidence).keep == ORIGINAL.path


def test_the_majority_tells_which_one_is_recoloured_or_mirrored() -> None:
    copies = [file(b"/copy%d.jpg" % n, n) for n in (2, 3)]
    odd = file(b"/a.jpg", 4, bytes_=9000)
    for kind in (Kind.COLOUR, Kind.MIRRORED, Kind.ROTATED):
        pairs = [match(a, b, Kind.RE_ENCODED) for a, b in ((1, 2), (1, 3), (2, 3))]
        pairs += [match(n, 4, kind, mirrored=kind is Kind.MIRRORED) for n in (1, 2, 3)]
        group = group_of([ORIGINAL, *copies, odd], pairs)
        assert group.keep != odd.path
        assert group.roles[odd.digest] is Role.EDITED


def test_an_image_that_agrees_upright_with_its_crop_is_no_mirror_image() -> None:
    crop, mirror = file(b"/crop.jpg", 2, (300, 200)), file(b"/a-mirror.jpg", 3, bytes_=9000)
    pairs = [
        match(1, 2, Kind.CROPPED, shares=(0.5, 1.0)),
        match(1, 3, Kind.MIRRORED, mirrored=True),
        match(2, 3, Kind.CROPPED, shares=(1.0, 0.5), mirrored=True),
    ]
    assert group_of([ORIGINAL, crop, mirror], pairs).keep == ORIGINAL.path


def test_a_damaged_file_keeps_nothing() -> None:
    damaged = replace(ORIGINAL, damage="the data end too early")
    other = file(b"/other.jpg", 2, bytes_=10)
    group = group_of([damaged, other], [match(1, 2, Kind.RE_ENCODED)], {1: CAMERA})
    assert group.keep == other.path
    assert group.reason == "sound, and the other is damaged (the data end too early)"
    crop = file(b"/crop.jpg", 2, (200, 150))
    assert group_of([damaged, crop], [match(1, 2, Kind.CROPPED, shares=(0.5, 1.0))]).keep == crop.path


def test_what_a_person_has_rejected_keeps_nothing() -> None:
    """In the file or beside it; but a damaged one keeps nothing either, and what a person says is first."""
    other = file(b"/other.jpg", 2, (200, 150))
    pairs = [match(1, 2, Kind.RESIZED)]
    rejected = {1: Evidence(Holdings(rating=-1))}
    reason = "original.jpg is marked as rejected"
    found = group_of([ORIGINAL, other], pairs, rejected)
    assert (found.keep, found.reason, found.rejected) == (other.path, reason, frozenset({ORIGINAL.path}))
    beside = group_of([ORIGINAL, other], pairs, rejected=lambda path: path == ORIGINAL.path)
    assert (beside.keep, beside.reason) == (other.path, reason)
    damaged = replace(other, damage="the data end too early")
    assert group_of([ORIGINAL, damaged], pairs, rejected).keep == ORIGINAL.path
    assert group_of([ORIGINAL, other], pairs, rejected, kept={ORIGINAL.digest}).keep == ORIGINAL.path


@pytest.mark.parametrize(
    ("better", "reason"),
    [
        (CAMERA, "from the camera (Canon EOS R5), and not saved again"),
        (Evidence(Holdings(captured_at=datetime(2024, 5, 1))), "holds more of what the camera wrote"),
        (Evidence(Holdings(place=(52.5, 13.4))), "knows its place, rating or words"),
        (Evidence(detail=400.0), "most detail (400 pixels long against 200)"),
        (Evidence(Holdings(quality=2.0)), "compressed least"),
    ],
)
def test_what_decides_between_two_that_are_the_same_plainly(better: Evidence, reason: str) -> None:
    """More bytes do not."""
    other = file(b"/a.jpg", 2, bytes_=9000)
    worse = Evidence(Holdings(quality=6.0), detail=200.0 if better.detail else None)
    group = group_of([ORIGINAL, other], [match(1, 2, Kind.RE_ENCODED)], {1: better, 2: worse})
    assert (group.keep, group.reason) == (ORIGINAL.path, reason)


def test_a_png_of_a_jpeg_adds_nothing() -> None:
    png = file(b"/a.png", 2, bytes_=9000, kind="PNG")
    group = group_of([ORIGINAL, png], [match(1, 2, Kind.SAME_PIXELS)])
    assert (group.keep, group.reason) == (ORIGINAL.path, "the JPEG from which the PNG was saved")


def test_heic_stays_before_its_jpeg() -> None:
    heic = file(b"/IMG_1.HEIC", 1, kind="HEIF", year=2024)
    export = file(b"/IMG_1.jpg", 2, bytes_=9000, year=2024)
    assert group_of([heic, export], [match(1, 2, Kind.RE_ENCODED)]).keep == heic.path


def test_a_person_and_a_preferred_folder_come_first() -> None:
    small = file(b"/album/small.jpg", 2, (100, 75))
    pairs = [match(1, 2, Kind.RESIZED)]
    prefer = Policy(prefer=(b"/album",))
    group = group_of([ORIGINAL, small], pairs, policy=prefer)
    assert (group.keep, group.reason) == (small.path, "below preferred /album")
    assert group.roles[ORIGINAL.digest] is Role.COPY  # towards the one that stays: larger, and the same image
    group = group_of([ORIGINAL, small], pairs, policy=prefer, kept={ORIGINAL.digest})
    assert (group.keep, group.reason) == (ORIGINAL.path, "you said to keep it")


def test_another_file_with_the_bytes_of_the_one_that_stays_is_a_copy() -> None:
    group = group_of([file(b"/a.jpg", 1), file(b"/b.jpg", 1)], [])
    assert [group.role_of(member) for member in group.members] == [Role.KEPT, Role.COPY]


# --- files with the same bytes --------------------------------------------------------------------------


def best_of(*files: CatalogedFile, companions: Mapping[bytes, int] | None = None, **wishes: object) -> bytes:
    held = companions or {}
    found = {
        ranked(some, Wishes(**wishes))[0].file.path  # type: ignore[arg-type]
        for some in permutations(Candidate(one, held.get(one.path, 0)) for one in files)
    }
    (best,) = found  # whatever the order of input
    return best


def test_the_drive_of_the_library_stays_before_a_stick() -> None:
    library = file(b"/home/me/photos/2024/05/a.jpg", 1, mtime=100, device=7)
    stick = file(b"/stick/a.jpg", 1, mtime=1, device=9)
    assert best_of(library, stick) == stick.path
    assert best_of(library, stick, drives=(7, 9)) == library.path
    assert best_of(library, stick, drives=(7, 9), policy=Policy(prefer=(b"/stick",))) == stick.path
    keys = Policy(keep=(KeepKey.SHORTEST_PATH,))
    assert best_of(library, stick, drives=(7, 9), policy=keys) == stick.path  # as was asked


def test_companions_decide_between_the_same_bytes_only() -> None:
    a, b = file(b"/a.jpg", 1), file(b"/b.jpg", 1)
    assert best_of(a, b) == a.path
    assert best_of(a, b, companions={b.path: 1}) == b.path
    larger = file(b"/c.jpg", 2, (800, 600))
    assert best_of(a, larger, companions={a.path: 1}) == larger.path


def test_the_standing_of_contents_goes_before_the_keys() -> None:
    a, b = file(b"/a.jpg", 1, (100, 100)), file(b"/b.jpg", 2)
    standing = {a.digest: 0, b.digest: 1}
    assert best_of(a, b, standing=standing, policy=Policy(keep=(KeepKey.RESOLUTION,))) == a.path
    assert best_of(a, b, policy=Policy(keep=(KeepKey.RESOLUTION,))) == b.path


def test_the_reason_of_a_file_that_is_not_the_one_of_the_group() -> None:
    group = group_of([ORIGINAL, LARGE], [match(1, 2, Kind.EMBEDDED, shares=(1.0, 0.3))])
    wishes = Wishes(standing=group.standing)
    original, large = Candidate(ORIGINAL), Candidate(LARGE)
    assert kept_reason(group, original, [large], wishes) == group.reason
    assert kept_reason(group, large, [], wishes) == "the only one left"
    assert kept_reason(group, large, [original], replace(wishes, said={LARGE.path})) == "you said to keep it"


@pytest.mark.parametrize(
    ("name", "rank"),
    [(b"/IMG_1234.jpg", NameRank.CAMERA), (b"/Lisbon.jpg", NameRank.GIVEN), (b"/a (1).jpg", NameRank.COPY)],
)
def test_names(name: bytes, rank: NameRank) -> None:
    assert name_rank(name) is rank


def _version(number: int, width: int = 100, format_name: str = "JPEG") -> CatalogedFile:
    name, digest = f"/p/{number}.jpg".encode(), bytes([number]) * 32
    return CatalogedFile(name, FileStamp(1, 1, 1, number), number, digest, width, 80, format_name, None)


def _outdone(*files: CatalogedFile, **proofs: Proof) -> set[int]:
    """`p12` is what is lost if 1 goes and 2 stays."""
    found = outdone(files, lambda gone, kept: proofs.get(f"p{gone.content_id}{kept.content_id}"))
    return {digest[0] for digest in found}


def test_a_version_is_outdone_by_one_that_has_all_of_it_and_more() -> None:
    one, two, lost = _version(1), _version(2), Proof((Loss.COLOUR,))
    assert _outdone(one, two) == set(), "nobody has looked"
    assert _outdone(one, two, p12=NOTHING_LOST) == set(), "nobody has looked back"
    assert _outdone(one, two, p12=NOTHING_LOST, p21=lost) == {1}
    assert _outdone(one, two, p12=lost, p21=lost) == set(), "each has something of its own"
    assert _outdone(one, two, p12=NOTHING_LOST, p21=NOTHING_LOST) == set(), "equals"
    assert _outdone(one, two, p12=NOTHING_LOST, p21=Proof(unproven="away")) == set()
    assert _outdone(one, two, p12=Proof(unproven="away"), p21=lost) == set()


def test_a_lossless_file_is_outdone_by_the_lossy_one_that_it_was_saved_from() -> None:
    png, jpeg = _version(1, format_name="PNG"), _version(2)
    assert _outdone(png, jpeg, p12=NOTHING_LOST, p21=NOTHING_LOST) == {1}
    assert _outdone(png, jpeg, p12=Proof((Loss.DETAIL,)), p21=NOTHING_LOST) == {2}


def test_an_enlargement_is_outdone_by_what_it_was_made_from() -> None:
    large, small = _version(1, width=200), _version(2)
    assert _outdone(large, small, p12=Proof(made=True)) == {1}
    assert _outdone(large, small, p12=NOTHING_LOST) == set()  # both may have been made of a third one
    # What a sharpened enlargement has beyond its original is no detail: the larger one outdoes nothing.
    assert _outdone(large, small, p12=Proof((Loss.DETAIL,)), p21=NOTHING_LOST) == set()


def test_what_is_outdone_does_not_stay() -> None:
    large, small = Candidate(_version(1, width=200)), Candidate(_version(2))
    assert ranked([large, small], Wishes())[0] is large
    assert ranked([large, small], Wishes(outdone={large.file.digest}))[0] is small
    said = Wishes(outdone={large.file.digest}, said={large.file.path})
    assert ranked([large, small], said)[0] is large, "a person said so"
    preferred = Wishes(Policy(prefer=(large.file.path,)), outdone={large.file.digest})
    assert ranked([large, small], preferred)[0] is large


def test_when_it_is_worth_to_look_back() -> None:
    jpeg, png = _version(1), _version(2, format_name="PNG")
    assert may_be_outdone(png, jpeg, Proof((Loss.TIME,)))
    assert may_be_outdone(png, jpeg, NOTHING_LOST), "it may have been saved from it"
    assert not may_be_outdone(jpeg, png, NOTHING_LOST)
    assert not may_be_outdone(png, jpeg, Proof(unproven="away"))
    large = _version(3, width=200)
    assert may_be_outdone(large, jpeg, NOTHING_LOST, Holdings(detail=0.5)), "it may be an enlargement"
    assert not may_be_outdone(large, jpeg, NOTHING_LOST, Holdings(detail=1.0))
