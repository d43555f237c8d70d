"""Which version was made from which: what is asked, and what follows from the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import combinations

from neardup_cli.choices import Kind, Loss
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import PairMatch
from neardup_cli.records.proofs import Proof
from neardup_cli.rules.descent import (
    Descendants,
    Directed,
    enlargements,
    maybe_enlarged,
    plain_versions,
    with_true_sizes,
)
from neardup_cli.rules.evidence import Evidence
from neardup_cli.rules.families import Family
from neardup_cli.rules.keep import may_be_enlarged_from, outdone
from neardup_cli.rules.standing import qualities, standings
from tests.rules.matches import file, match

SMALL, LARGE, FINE, COARSE, OTHER = 1, 2, 3, 4, 5
FILES = {
    SMALL: file(b"/small.jpg", SMALL, (400, 300)),
    LARGE: file(b"/large.jpg", LARGE, (800, 600)),
    FINE: file(b"/fine.jpg", FINE, (800, 600)),
    COARSE: file(b"/coarse.jpg", COARSE, (800, 600)),
    OTHER: file(b"/other.jpg", OTHER, (800, 600)),
}


def jpeg(step: int, **about: object) -> Evidence:
    held = Holdings(table=(step,) * 64, quality=float(step), **about)  # type: ignore[arg-type]
    return Evidence(held)


CAMERA: Mapping[str, object] = {"make": "Canon", "model": "Canon EOS R5", "maker_note": True}
SAVED, MADE, NOT_MADE = Proof(exact=1.0, made=True), Proof(exact=0.2, made=True), Proof((Loss.SHOT,))


def test_a_large_version_without_a_camera_is_compared_with_the_smaller_ones() -> None:
    evidence = {SMALL: jpeg(4), LARGE: jpeg(2)}
    assert maybe_enlarged([(SMALL, LARGE)], FILES, evidence) == [[LARGE, SMALL]]
    assert maybe_enlarged([(SMALL, LARGE)], FILES, evidence | {LARGE: jpeg(2, **CAMERA)}) == []
    assert enlargements([[LARGE, SMALL]], evidence, FILES, {}) == [(SMALL, LARGE)]
    assert enlargements([[LARGE, SMALL]], evidence | {LARGE: jpeg(2, **CAMERA)}, FILES, {}) == []


def test_where_no_trace_tells_the_large_one_is_compared_if_it_lacks_detail() -> None:
    for detail, source, asked in ((0.5, None, [(LARGE, SMALL)]), (1.0, None, []), (0.5, False, [])):
        evidence = {SMALL: jpeg(4), LARGE: Evidence(Holdings(detail=detail))}
        proofs = {(SMALL, LARGE): Proof(source=source)}
        assert enlargements([[LARGE, SMALL]], evidence, FILES, proofs) == asked


def test_an_enlargement_does_not_stay_in_the_place_of_what_it_was_made_from() -> None:
    """Whatever a filter has put into it: sharpened, it holds what its source does not."""
    evidence: dict[int, Evidence] = {SMALL: jpeg(4), LARGE: jpeg(2)}
    pairs = [match(SMALL, LARGE, Kind.RESIZED)]
    assert standings([SMALL, LARGE], pairs, FILES, evidence) == {LARGE: 0, SMALL: 1}
    proofs: dict[Directed, Proof] = {(SMALL, LARGE): Proof(source=True)}
    told = with_true_sizes(evidence, proofs, FILES)
    assert standings([SMALL, LARGE], pairs, FILES, told) == {SMALL: 0, LARGE: 1}
    assert enlargements([[LARGE, SMALL]], told, FILES, proofs) == []
    proofs[LARGE, SMALL] = Proof((Loss.DETAIL,))
    found = outdone(
        [FILES[SMALL], FILES[LARGE]], lambda one, other: proofs.get((one.content_id, other.content_id))
    )
    assert found == {FILES[LARGE].digest}


def test_what_the_pixels_tell_of_an_enlargement_is_believed() -> None:
    large, small = FILES[LARGE], FILES[SMALL]
    soft = Holdings(detail=0.5)
    assert may_be_enlarged_from(large, small, Proof(), soft), "more pixels than detail, and nobody can tell"
    assert not may_be_enlarged_from(large, small, Proof(source=False), soft)
    assert may_be_enlarged_from(large, small, Proof(source=True), Holdings(detail=1.0))
    assert not may_be_enlarged_from(large, small, Proof(), Holdings(detail=1.0))


def re_encoded(contents: Sequence[int]) -> list[PairMatch]:
    return [match(a, b, Kind.RE_ENCODED) for a, b in combinations(sorted(contents), 2)]


def test_what_others_were_made_from_stays_though_it_was_compressed_more() -> None:
    """A noisy or blurred version was saved finely: nothing of the rest comes from it."""
    some = (FINE, COARSE, OTHER, LARGE)
    evidence = {FINE: jpeg(2), COARSE: jpeg(6), OTHER: jpeg(20), LARGE: jpeg(30)}
    pairs = re_encoded(some)
    assert standings(some, pairs, FILES, evidence)[FINE] == 0
    descendants = Descendants([some], pairs, FILES)
    asked = descendants.asked(evidence, {})
    assert {kept for _, kept in asked} == {FINE}
    assert {gone for gone, _ in asked} == {COARSE, OTHER, LARGE}
    proofs = dict.fromkeys(asked, NOT_MADE)
    asked = descendants.asked(evidence, proofs)
    assert {kept for _, kept in asked} == {COARSE}
    while asked:
        proofs |= {(a, b): MADE if b == COARSE != a != FINE else NOT_MADE for a, b in asked}
        asked = descendants.asked(evidence, proofs)
    told = descendants.told(evidence, proofs)
    assert (told[FINE].likely, told[COARSE].likely) == (0, 2)
    assert standings(some, pairs, FILES, told)[COARSE] == 0


def test_what_others_were_saved_from_to_the_bit_stays() -> None:
    """The finest was saved from it too, and looks like the original of the others, nearly."""
    some = (FINE, COARSE, OTHER, LARGE)
    evidence = {FINE: jpeg(2), COARSE: jpeg(6), OTHER: jpeg(20), LARGE: jpeg(30)}
    pairs = re_encoded(some)
    proofs = {(a, b): SAVED if b == COARSE else MADE for a in some for b in some if a != b}
    told = Descendants([some], pairs, FILES).told(evidence, proofs)
    assert told[COARSE].saved == {FINE, OTHER, LARGE}
    assert standings(some, pairs, FILES, told)[COARSE] == 0


def test_what_both_bear_from_an_earlier_life_is_no_sign() -> None:
    """The original was a coarse JPEG once, and the copy was saved with the same quantiser."""
    coarse = jpeg(12)
    assert coarse.holdings is not None
    some = (FINE, COARSE)
    evidence = {FINE: jpeg(4, bears=((coarse.holdings.table_name, 0.3),)), COARSE: coarse}
    pairs = re_encoded(some)
    assert standings(some, pairs, FILES, evidence)[COARSE] == 0
    descendants = Descendants([some], pairs, FILES)
    assert (COARSE, FINE) in descendants.asked(evidence, {})
    told = descendants.told(evidence, {(COARSE, FINE): SAVED, (FINE, COARSE): MADE})
    assert standings(some, pairs, FILES, told)[FINE] == 0


def test_what_bears_a_quantiser_was_made_from_it() -> None:
    some = (FINE, COARSE, OTHER, LARGE)
    coarse = jpeg(12)
    assert coarse.holdings is not None
    bears = ((coarse.holdings.table_name, 0.3),)
    evidence = {FINE: jpeg(6), COARSE: coarse, OTHER: jpeg(2, bears=bears), LARGE: jpeg(3, bears=bears)}
    pairs = re_encoded(some)
    descendants = Descendants([some], pairs, FILES)
    proofs: dict[Directed, Proof] = {}
    resaved = {(OTHER, COARSE), (LARGE, COARSE)}
    while asked := descendants.asked(evidence, proofs):
        proofs |= {pair: MADE if pair in resaved else NOT_MADE for pair in asked}
    assert resaved <= proofs.keys(), "their encoders have to bear it out"
    told = descendants.told(evidence, proofs)
    assert (told[FINE].children, told[COARSE].children) == (0, 2)
    assert standings(some, pairs, FILES, told)[COARSE] == 0


def test_another_program_may_have_the_same_quantiser() -> None:
    """A photograph from the web was a JPEG of quality 90 once; so is each edit that somebody saves."""
    edit = jpeg(6)
    assert edit.holdings is not None
    some = (FINE, COARSE)
    evidence = {FINE: jpeg(2, bears=((edit.holdings.table_name, 0.4),)), COARSE: edit}
    pairs = re_encoded(some)
    assert standings(some, pairs, FILES, evidence)[COARSE] == 0
    descendants = Descendants([some], pairs, FILES)
    assert {(FINE, COARSE), (COARSE, FINE)} <= set(descendants.asked(evidence, {}))
    told = descendants.told(evidence, {(COARSE, FINE): MADE, (FINE, COARSE): NOT_MADE})
    assert standings(some, pairs, FILES, told)[FINE] == 0


def test_what_shows_more_was_not_made_of_a_blurred_version() -> None:
    """A HEIC bears the quantiser that the photograph had once, and somebody's blurred version has again."""
    edit = jpeg(6)
    assert edit.holdings is not None
    some = (FINE, COARSE, OTHER)
    bears = ((edit.holdings.table_name, 0.4),)
    evidence = {FINE: jpeg(2), COARSE: edit, OTHER: Evidence(Holdings(bears=bears))}
    pairs = re_encoded(some)
    assert (OTHER, COARSE) in Descendants([some], pairs, FILES).asked(evidence, {})
    for proof, resaved in ((Proof((Loss.DETAIL,)), False), (Proof(), True)):
        told = Descendants([some], pairs, FILES).told(
            evidence, {(OTHER, COARSE): proof, (COARSE, OTHER): MADE}
        )
        assert qualities(some, FILES, told, pairs)[OTHER].resaved is resaved


def test_a_copy_to_the_bit_says_more_than_quantisers_that_many_programs_have() -> None:
    """The photograph and its copy; a noisy version, whose quantiser two conversions of the first bear."""
    some = (FINE, COARSE, OTHER, LARGE)
    told: dict[int, Evidence] = {
        FINE: replace(jpeg(2), children=1, saved=frozenset({LARGE})),
        COARSE: replace(jpeg(6), children=2),
        OTHER: Evidence(Holdings()),
        LARGE: jpeg(3),
    }
    assert not qualities(some, FILES, told)[FINE].aside
    told[COARSE] = replace(told[COARSE], saved=frozenset({OTHER}))
    assert qualities(some, FILES, told)[FINE].aside


def test_a_conversion_keeps_the_words_of_the_camera() -> None:
    """A HEIC stays before the JPEG that was made of it, and not before one that it was made of."""
    some = (FINE, OTHER)
    heic = file(b"/other.heic", OTHER, (800, 600), kind="HEIF")
    files = {
        content: replace(one, captured_at=datetime(2024, 5, 1))
        for content, one in {FINE: FILES[FINE], OTHER: heic}.items()
    }
    evidence = {FINE: jpeg(2, **CAMERA), OTHER: Evidence(Holdings(**CAMERA))}  # type: ignore[arg-type]
    pairs = re_encoded(some)
    descendants = Descendants([some], pairs, files)
    assert (FINE, OTHER) in descendants.asked(evidence, {})
    for proof, stays in ((MADE, OTHER), (NOT_MADE, FINE)):
        told = descendants.told(evidence, {(FINE, OTHER): proof})
        assert standings(some, pairs, files, told)[stays] == 0


def test_one_descendant_says_nothing() -> None:
    """The photograph, a blurred version of it, and a copy of that one."""
    some = (FINE, COARSE, OTHER)
    evidence = {FINE: jpeg(2), COARSE: jpeg(6), OTHER: jpeg(20)}
    proofs = {(COARSE, FINE): NOT_MADE, (OTHER, FINE): NOT_MADE}
    proofs |= {(FINE, COARSE): NOT_MADE, (OTHER, COARSE): MADE}
    proofs |= {(FINE, OTHER): NOT_MADE, (COARSE, OTHER): NOT_MADE}
    pairs = re_encoded(some)
    told = Descendants([some], pairs, FILES).told(evidence, proofs)
    assert standings(some, pairs, FILES, told)[FINE] == 0


def test_nothing_is_asked_where_a_camera_has_decided() -> None:
    some = (FINE, COARSE, OTHER)
    evidence = {FINE: jpeg(2), COARSE: jpeg(6, **CAMERA), OTHER: jpeg(20)}
    assert Descendants([some], re_encoded(some), FILES).asked(evidence, {}) == []


def test_versions_are_what_matches_plainly_within_a_family() -> None:
    pairs = [match(SMALL, LARGE, Kind.RESIZED), match(LARGE, FINE, Kind.COLOUR)]
    pairs.append(match(COARSE, OTHER, Kind.RE_ENCODED))
    families = [Family((SMALL, LARGE, FINE)), Family((COARSE,)), Family((OTHER,))]
    assert plain_versions(families, pairs) == [(SMALL, LARGE), (FINE,)]
