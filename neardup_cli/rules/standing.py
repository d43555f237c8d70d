"""Which content of a family is the image itself, and which were made of it: from the best to the least.

Versions that are the same image plainly (re-encoded, resized) stand together. Between those, the matches
tell which was made of which: a crop of what shows more of the scene, a screenshot of what it shows, a
captioned version of the one without, a grey one of the coloured one. What most others were made of is the
image itself. Among its versions, real detail, signs of a camera's own file and pixels decide, in this order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from neardup_cli.choices import Kind
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import PairMatch
from neardup_cli.rules import evidence as known
from neardup_cli.rules.evidence import NOTHING, Evidence
from neardup_cli.rules.families import Family
from neardup_cli.rules.kinship import Made, is_plain, is_straight, made, sureness

# Share of a quantiser's noise that is left in an image saved from what it quantised: 0.1 to 0.67 in a finer
# JPEG, 0.2 to 0.69 in HEIC, 0.4 to 0.95 in AVIF and WebP; 0.96 and more in what it never quantised, but for a
# JPEG of nearly the same steps: 0.51.
_NOISE_LEFT = 0.6
_NOISE_LEFT_BY_OTHERS = 0.85
# A quantiser can be told from another one's steps, and from rounding, if it is so much coarser.
_COARSER = 1.5
_LEAST_STEP = 4.0
_UNKNOWN_STEP = 1000.0
# Of the matches between two versions, how many more have to say that one was made of the other.
_CLEAR = 0.3
# Versions from which on the others tell which one is recoloured.
_MAJORITY = 5
# How much of the colour of another version a faded one has at most.
_FADED = 0.7

CHILDREN = 2
"""A version from which none was made stands aside if so many were made from another one."""

AS_LONG = 0.93
"""What is longer by less has no more detail: cameras and programs round sizes, and detail is measured."""

type FileOf = Mapping[int, CatalogedFile]
type EvidenceOf = Mapping[int, Evidence]


class Quality(NamedTuple):
    """What decides among versions of one image that are the same plainly; the smallest is the best.

    Attributes:
        shortfall: how much less detail it has than the version with most; 0 for about as much.
        resaved: whether it is a lossless copy of the pixels of a lossy version.
        no_camera: whether it lacks the signs of a camera's own file.
        signs, told: how much speaks for a camera's own file, and was written into it; negative.
        enlarged: whether it has many more pixels than detail: enlarged, or soft, and then the signs of a
            camera have spoken for it already.
        aside: whether others were made from another version, and none from this one: blurred, noisy.
        coarse: the step of the quantiser; 0 for none, and what no step is known of comes last.
        pixels: negative.
    """

    shortfall: float
    resaved: bool
    no_camera: bool
    signs: int
    told: int
    enlarged: bool
    aside: bool
    coarse: float
    pixels: int


def standings(
    contents: Collection[int], pairs: Sequence[PairMatch], files: FileOf, evidence: EvidenceOf
) -> dict[int, int]:
    """Return the place of each content of a family, 0 the best to keep; equals share a place.

    Args:
        contents: of one family.
        pairs: the matches between them.
        files: one file of each content.
        evidence: of the contents about which more is known.
    """
    if len(contents) == 1:
        return dict.fromkeys(contents, 0)
    versions = _versions(contents, pairs, files)
    rank = dict(zip(map(id, versions), _ranks(versions, pairs, files, evidence), strict=True))
    place_of = {content: rank[id(held)] for held in versions for content in held}
    quality = {
        content: found
        for held in versions
        for content, found in qualities(held, files, evidence, pairs).items()
    }
    keys = {
        content: (bool(files[content].damage), place_of[content], quality[content]) for content in contents
    }
    places = {key: place for place, key in enumerate(sorted(set(keys.values())))}
    return {content: places[key] for content, key in keys.items()}


def qualities(
    contents: Collection[int],
    files: FileOf,
    evidence: EvidenceOf,
    pairs: Sequence[PairMatch] = (),
) -> dict[int, Quality]:
    """Return what decides among versions that are the same image plainly.

    Args:
        contents: the versions.
        files: one file of each.
        evidence: of those about which more is known.
        pairs: the matches of their family.
    """
    resaved = _resaved(pairs, files, evidence)
    about = {content: evidence.get(content, NOTHING) for content in contents}
    lossless = {content: known.is_lossless(files[content], one) for content, one in about.items()}
    length = {content: known.long_side(files[content], one) for content, one in about.items()}
    most = max(length.values())
    aside = _aside(about)
    exported = _exported(files, about)
    steps = {
        content: held.quality
        for content, one in about.items()
        if (held := one.holdings) is not None and held.quality > 0 and length[content] >= AS_LONG * most
    }
    return {
        content: Quality(
            shortfall=0.0 if length[content] >= AS_LONG * most else most / max(length[content], 1.0),
            enlarged=length[content] < AS_LONG * max(files[content].width, files[content].height),
            resaved=content in resaved,
            no_camera=not known.is_from_camera(about[content]),
            signs=-known.camera_signs(files[content], about[content]) + (content in exported),
            told=-known.told(about[content]),
            aside=content in aside,
            coarse=0.0 if lossless[content] or not steps else steps.get(content, _UNKNOWN_STEP),
            pixels=-files[content].width * files[content].height,
        )
        for content in contents
    }


def _exported(files: FileOf, about: EvidenceOf) -> set[int]:
    """Return the versions whose format says nothing: a camera's JPEG is there that was not made of them."""
    cameras = [one for one in about.values() if known.is_from_camera(one)]
    return {
        content
        for content, one in about.items()
        if known.is_in_camera_format(files[content], one) and any(content in other.apart for other in cameras)
    }


def _aside(about: EvidenceOf) -> set[int]:
    """Return the versions that were asked, and from which fewer were made than from another one.

    But not what others were saved from to the bit, where of the other one's children that is not known: they
    bear its quantiser, and many programs have the same.
    """
    most = max(one.children or 0 for one in about.values())
    likely = max(one.likely for one in about.values())
    to_the_bit = any(one.saved for one in about.values() if one.children == most)
    return {
        content
        for content, one in about.items()
        if one.children is not None
        and not (one.saved and not to_the_bit)
        and (one.children < CHILDREN <= most or (most < CHILDREN <= likely and one.likely == 0))
    }


def _resaved(pairs: Iterable[PairMatch], files: FileOf, evidence: EvidenceOf) -> set[int]:
    """Return the contents that were saved from another one: a PNG of a JPEG adds nothing."""
    found = set()
    for pair in pairs:
        found |= {
            one
            for one, other in ((pair.a, pair.b), (pair.b, pair.a))
            if one in evidence.get(other, NOTHING).saved
        }
        if pair.alignment is None or pair.alignment.kind is not Kind.SAME_PIXELS:
            continue
        a, b = (known.is_lossless(files[one], evidence.get(one, NOTHING)) for one in (pair.a, pair.b))
        if a != b:
            found.add(pair.a if a else pair.b)
    return found | {content for content, _ in saved_from(pairs, evidence)}


def saved_from(pairs: Iterable[PairMatch], evidence: EvidenceOf) -> set[tuple[int, int]]:
    """Return the contents that bear the quantiser of another one in their pixels, each with that one.

    What bears one bears a little of finer ones, too: of those that were looked for, the clearest counts.

    Args:
        pairs: those that are plainly the same count.
        evidence: of the contents.
    """
    found = set()
    for pair in pairs:
        if not is_plain(pair):
            continue
        for one, other in ((pair.a, pair.b), (pair.b, pair.a)):
            held, source = (evidence.get(content, NOTHING).holdings for content in (one, other))
            if held is None or source is None or not held.bears or not is_coarser(source, held):
                continue
            if other in evidence[one].saved or other in evidence[one].apart:
                continue  # it is the other way round, or another program has the same quantiser
            most = _NOISE_LEFT if held.table else _NOISE_LEFT_BY_OTHERS
            name, left = min(held.bears, key=lambda one: (one[1], one[0]))
            if name == source.table_name and left < most:
                found.add((one, other))
    return found


def is_coarser(source: Holdings, held: Holdings) -> bool:
    """Return True if a quantiser is so much coarser that its steps show in the pixels of another file."""
    return bool(source.table) and (
        not held.table or source.quality > max(_LEAST_STEP, _COARSER * held.quality)
    )


def _versions(contents: Collection[int], pairs: Sequence[PairMatch], files: FileOf) -> list[list[int]]:
    """Part contents into those that are the same image plainly, in an order that no id decides.

    One plain match among many others (a faint caption) does not make two versions one.
    """
    near: dict[int, list[tuple[int, bool]]] = {content: [] for content in contents}
    for pair in pairs:
        plain = is_plain(pair)
        near[pair.a].append((pair.b, plain))
        near[pair.b].append((pair.a, plain))
    version = {content: [content] for content in contents}

    def are_one(some: list[int], others: list[int]) -> bool:
        between = [plain for one in some for other, plain in near[one] if version[other] is others]
        return 2 * sum(between) >= len(between)

    plain_pairs = [pair for pair in pairs if is_plain(pair)]
    digests = {content: files[content].digest for content in contents}
    for pair in sorted(
        plain_pairs, key=lambda one: (-sureness(one), *sorted((digests[one.a], digests[one.b])))
    ):
        smaller, larger = sorted((version[pair.a], version[pair.b]), key=len)
        if smaller is not larger and are_one(smaller, larger):
            larger += smaller
            version.update(dict.fromkeys(smaller, larger))
    found = {id(held): held for held in version.values()}.values()
    return sorted(found, key=lambda held: min(digests[content] for content in held))


def _ranks(
    versions: Sequence[list[int]], pairs: Sequence[PairMatch], files: FileOf, evidence: EvidenceOf
) -> list[int]:
    """Return the place of each version, 0 for the image itself; those that nothing parts share one."""
    if len(versions) == 1:
        return [0]
    of = {content: place for place, held in enumerate(versions) for content in held}
    agreeing = _agreeing(pairs)
    agreed = [max(agreeing.get(content, (0, 0)) for content in held) for held in versions]
    won = _won(pairs, of, files, evidence, agreed)

    def key(place: int) -> tuple[int, bool, int, int, Quality]:
        best = min(qualities(versions[place], files, evidence).values())
        plain, straight = agreed[place]
        return -won[place], best.no_camera, -plain, -straight, best

    keys = [key(place) for place in range(len(versions))]
    places = {one: place for place, one in enumerate(sorted(set(keys)))}
    return [places[one] for one in keys]


def doubtful_colours(families: Iterable[Family], pairs: Iterable[PairMatch]) -> set[int]:
    """Return the contents of which it has to be known how colourful they are.

    Those of small families with a recoloured version: in large ones the majority tells.
    """
    small = {
        content for family in families if 1 < len(family.members) <= _MAJORITY for content in family.members
    }
    return {
        content
        for pair in pairs
        if pair.a in small and pair.alignment is not None and pair.alignment.kind is Kind.COLOUR
        for content in (pair.a, pair.b)
        if content in small
    }


def _won(
    pairs: Iterable[PairMatch],
    of: Mapping[int, int],
    files: FileOf,
    evidence: EvidenceOf,
    agreed: Sequence[tuple[int, int]],
) -> Counter[int]:
    """Count of how many other versions each was the original, less of how many it was made itself.

    Between two versions the majority of their matches decides: one may be mistaken. Where they say nothing
    (mirrored, turned, recoloured: which of the two?), the one that agrees with more of the others as it is.
    """
    votes: Counter[tuple[int, int]] = Counter()
    asked: Counter[tuple[int, int]] = Counter()
    for pair in pairs:
        a, b = of[pair.a], of[pair.b]
        if a == b:
            continue
        which = _which_was_made(pair, files, evidence)
        asked[min(a, b), max(a, b)] += 1
        if which is not Made.UNKNOWN:
            sign = 1 if which is Made.B_OF_A else -1
            votes[min(a, b), max(a, b)] += sign if a < b else -sign
    won: Counter[int] = Counter()
    for (a, b), number in asked.items():
        balance = votes[a, b]
        if abs(balance) < _CLEAR * number:
            balance = (agreed[a] > agreed[b]) - (agreed[a] < agreed[b])
        sign = (balance > 0) - (balance < 0)
        won[a] += sign
        won[b] -= sign
    return won


def _which_was_made(pair: PairMatch, files: FileOf, evidence: EvidenceOf) -> Made:
    """Ask the match, then what is known of the two: colour, and signs of a camera's own file.

    But what has less detail than the other one is no camera's own file beside it: exports keep its words.
    """
    if pair.alignment is None:
        return Made.UNKNOWN
    which = made(pair.alignment)
    if which is not Made.UNKNOWN or pair.alignment.kind not in (Kind.COLOUR, Kind.MIRRORED, Kind.ROTATED):
        return which
    a, b = evidence.get(pair.a, NOTHING), evidence.get(pair.b, NOTHING)
    if pair.alignment.kind is Kind.COLOUR and a.colourfulness is not None and b.colourfulness is not None:
        less, more = sorted((a.colourfulness, b.colourfulness))
        if less < _FADED * more:
            return Made.smaller(a.colourfulness, b.colourfulness)
    signs = known.is_from_camera(a), known.is_from_camera(b)
    sides = known.long_side(files[pair.a], a), known.long_side(files[pair.b], b)
    if signs[0] == signs[1] or sides[signs.index(True)] < AS_LONG * max(sides):
        return Made.UNKNOWN
    return Made.smaller(*signs)


def _agreeing(pairs: Sequence[PairMatch]) -> dict[int, tuple[int, int]]:
    """Count with how many others each content agrees plainly, and with how many upright and in its tones."""
    plain: Counter[int] = Counter()
    straight: Counter[int] = Counter()
    for pair in pairs:
        plain.update((pair.a, pair.b) if is_plain(pair) else ())
        straight.update((pair.a, pair.b) if is_straight(pair) else ())
    return {content: (plain[content], straight[content]) for pair in pairs for content in (pair.a, pair.b)}
