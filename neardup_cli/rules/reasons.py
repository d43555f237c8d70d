"""Why a file stays, in one true sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from neardup_cli.choices import KeepKey, Role
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.rules import evidence as known
from neardup_cli.rules.evidence import LOSSLESS, NOTHING, Evidence
from neardup_cli.rules.keep import Candidate, Wishes, asked_keys, drive_of, key_of, preference
from neardup_cli.rules.standing import Quality
from neardup_cli.rules.words import others_are


def person_said(best: CatalogedFile, wishes: Wishes) -> str | None:
    """Return the reason that a person gave: a decision, or a preferred folder."""
    if best.path in wishes.said:
        return "you said to keep it"
    if (place := preference(best.path, wishes.policy)) < len(wishes.policy.prefer):
        return f"below preferred {_named(wishes.policy.prefer[place])}"
    return None


def not_rejected(best: Candidate, others: Sequence[Candidate], wishes: Wishes) -> str | None:
    """Say that a file stays since a better one, or as good a one, is marked as rejected; None otherwise."""
    if best.rejected:
        return None
    place = wishes.standing.get(best.file.digest, 0)
    rejected = [one.file for one in others if one.rejected]
    as_good = next((file for file in rejected if wishes.standing.get(file.digest, 0) <= place), None)
    return None if as_good is None else f"{_named(os.path.basename(as_good.path))} is marked as rejected"


def has_edits(roles: Iterable[Role]) -> bool:
    """Return True if some are more than copies and smaller versions: then an original is worth naming."""
    return not {*roles} <= {Role.COPY, Role.SMALLER}


def original(
    best: CatalogedFile, evidence: Evidence, roles: Sequence[Role], damaged: Sequence[CatalogedFile] = ()
) -> str:
    """Say that a file is the image itself, and what the others are.

    Args:
        best: the file that stays.
        evidence: of its content.
        roles: of the other contents, one of which at least is more than a copy.
        damaged: other files that are damaged.
    """
    camera = known.camera_name(evidence) if known.is_from_camera(evidence) else ""
    taken = f", from the camera ({camera})" if camera else ""
    sound = "; damaged ones do not stay" if damaged and not best.damage else ""
    return f"the original: {best.width}×{best.height}{taken}; the others are {others_are(roles)}{sound}"


def better_version(
    best: CatalogedFile,
    other: CatalogedFile,
    ours: Quality,
    theirs: Quality,
    evidence: Mapping[int, Evidence],
) -> str | None:
    """Say what a version has over the next best one that is the same image plainly; None for nothing."""
    about = evidence.get(best.content_id, NOTHING)
    if other.damage and not best.damage:
        return f"sound, and the other is damaged ({other.damage})"
    lengths = [round(known.long_side(file, evidence.get(file.content_id, NOTHING))) for file in (best, other)]
    camera = known.camera_name(about)
    said: Sequence[tuple[bool, str]] = (
        (ours.shortfall < theirs.shortfall, f"most detail ({lengths[0]} pixels long against {lengths[1]})"),
        (ours.resaved < theirs.resaved, f"the {best.format} from which the {other.format} was saved"),
        (ours.no_camera < theirs.no_camera, f"from the camera ({camera}), and not saved again"),
        (ours.signs < theirs.signs, "holds more of what the camera wrote"),
        (ours.told < theirs.told, "knows its place, rating or words"),
        (ours.enlarged < theirs.enlarged, "as much detail as pixels, and not enlarged"),
        (ours.aside < theirs.aside, "the one that others were made from"),
        (ours.coarse < theirs.coarse, "compressed least"),
        (ours.pixels < theirs.pixels, f"most pixels ({_pixels(best)} against {_pixels(other)})"),
    )
    return next((words for applies, words in said if applies), None)


def by_keys(best: Candidate, others: Sequence[Candidate], wishes: Wishes) -> str:
    """Say what the best file has over the next one by keys, drives and paths."""
    if not others:
        return "the only one left"
    other = others[0]
    for key in asked_keys(wishes.policy):
        ours, theirs = key_of(best, key), key_of(other, key)
        if ours != theirs:
            return _KEYS[key](best, other) if ours < theirs else "the same bytes, and protected"
    if drive_of(best.file, wishes.drives) < drive_of(other.file, wishes.drives):
        return "on the drive that holds most of the library"
    same = best.file.digest == other.file.digest
    keys = [KeepKey.COMPANIONS] if same else [KeepKey.METADATA, KeepKey.RESOLUTION]
    keys += [KeepKey.OLDEST, KeepKey.SHORTEST_PATH]
    for key in keys:
        ours, theirs = key_of(best, key), key_of(other, key)
        if ours < theirs:
            return _KEYS[key](best, other)
        if ours > theirs and best.protected:
            return "the same bytes, and protected"
    return "first by path"


def least_lost(best: Candidate, others: Sequence[Candidate], wishes: Wishes) -> str | None:
    """Say what was proven for the best file: it has all that another version has; None for nothing."""
    if best.file.digest in wishes.outdone:
        return None
    other = next((one.file for one in others if one.file.digest in wishes.outdone), None)
    if other is None:
        return None
    if other.format in LOSSLESS and best.file.format not in LOSSLESS:
        return f"the {best.file.format} from which the {other.format} was saved"
    return f"holds all that {_named(os.path.basename(other.path))} holds, and more"


def kept_reason(group: DuplicateGroup, best: Candidate, others: Sequence[Candidate], wishes: Wishes) -> str:
    """Say why a file of a group stays, once it is known which files are there.

    Args:
        group: as `dups` found it, with its own reason.
        best: the file that stays.
        others: the other files that are there, in the order of `ranked`.
        wishes: what the order was made with.
    """
    if (said := person_said(best.file, wishes) or not_rejected(best, others, wishes)) is not None:
        return said
    if not others:
        return "the only one left"
    as_found = best.file.path == group.keep and group.reason and not asked_keys(wishes.policy)
    said = least_lost(best, others, wishes)
    if said is not None and not (as_found and has_edits(group.roles.values())):
        return said
    if as_found:
        return group.reason
    if wishes.standing.get(best.file.digest, 0) < wishes.standing.get(others[0].file.digest, 0):
        return "the best version that is there"
    return by_keys(best, others, wishes)


def _named(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def _times(best: Candidate, other: Candidate) -> str:
    """Show two times, as days where those differ."""
    ours, theirs = (_moment(one.file.stamp.mtime_ns) for one in (best, other))
    if ours[:10] == theirs[:10]:
        return f"{ours} against {theirs}"
    return f"{ours[:10]} against {theirs[:10]}"


def _moment(mtime_ns: int) -> str:
    seconds = mtime_ns // 1_000_000_000
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):  # file systems can hold years that this cannot
        return f"{seconds} s"


def _pixels(file: CatalogedFile) -> str:
    return f"{file.width}×{file.height}"


_KEYS: Mapping[KeepKey, Callable[[Candidate, Candidate], str]] = {
    KeepKey.RESOLUTION: lambda best, other: (
        f"most pixels ({_pixels(best.file)} against {_pixels(other.file)})"
    ),
    KeepKey.SIZE: lambda best, other: (
        f"most bytes ({best.file.stamp.size:,} against {other.file.stamp.size:,})"
    ),
    KeepKey.FORMAT: lambda best, other: f"better format ({best.file.format} against {other.file.format})",
    KeepKey.METADATA: lambda best, _: f"has a capture time ({best.file.captured_at:%Y-%m-%d %H:%M})",
    KeepKey.COMPANIONS: lambda best, other: (
        f"most companion files ({best.companions} against {other.companions})"
    ),
    KeepKey.NAME: lambda best, other: (
        f"better name ({_named(os.path.basename(best.file.path))} "
        f"against {_named(os.path.basename(other.file.path))})"
    ),
    KeepKey.OLDEST: lambda best, other: f"oldest ({_times(best, other)})",
    KeepKey.NEWEST: lambda best, other: f"newest ({_times(best, other)})",
    KeepKey.SHORTEST_PATH: lambda *_: "shortest path",
    KeepKey.LONGEST_PATH: lambda *_: "longest path",
}
