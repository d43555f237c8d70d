"""One set of totals: what a clean-up would free unasked, and what needs a proof or a person's look first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neardup_cli.choices import Kind
from neardup_cli.images.formats import is_raw
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, Stage
from neardup_cli.records.proofs import Proof
from neardup_cli.rules.words import kind_word


@dataclass(frozen=True, slots=True)
class Parted:
    """The members of a group by what may become of them.

    Attributes:
        certain: of which nothing is lost: the bytes of the file that stays, or an empty proof.
        doubtful: the others, which a clean-up leaves alone unless it is told what may be lost; and a camera's
            raw files, which it always leaves alone.
        staying: the file that stays, and what a person said to keep.
    """

    certain: tuple[CatalogedFile, ...]
    doubtful: tuple[CatalogedFile, ...]
    staying: tuple[CatalogedFile, ...]


def parted(
    members: Sequence[CatalogedFile], keep: bytes, kept: Collection[bytes], proofs: Mapping[bytes, Proof]
) -> Parted:
    """Part the members of a group.

    Args:
        members: all of them.
        keep: path of the file that stays.
        kept: paths that a person said to keep.
        proofs: what each content holds that the one that stays does not, by digest, where it is known.
    """
    certain, doubtful, staying = [], [], []
    digest = next(file.digest for file in members if file.path == keep)
    for file in members:
        if file.path == keep or file.path in kept:
            staying.append(file)
        elif is_raw(file.path, file.format):
            doubtful.append(file)
        elif file.digest == digest or ((proof := proofs.get(file.digest)) is not None and proof.is_empty):
            certain.append(file)
        else:
            doubtful.append(file)
    return Parted(tuple(certain), tuple(doubtful), tuple(staying))


def parted_group(group: DuplicateGroup) -> Parted:
    """Part the members of a group that is made."""
    return parted(group.members, group.keep, group.kept, group.proofs)


def certain_files(group: DuplicateGroup) -> tuple[CatalogedFile, ...]:
    """Return the members with which nothing is lost: what a clean-up acts upon unasked."""
    return parted_group(group).certain


def freed_bytes(going: Iterable[CatalogedFile], staying: Iterable[CatalogedFile]) -> int:
    """Return what goes away with files: what one inode holds once, and not where one of its names stays."""
    freed = {(file.stamp.device, file.stamp.inode): file.stamp.size for file in going}
    for file in staying:
        freed.pop((file.stamp.device, file.stamp.inode), None)
    return sum(freed.values())


def freed_by(one: Parted) -> tuple[int, int]:
    """Return the bytes of the certain and of the doubtful members of a group."""
    certain = freed_bytes(one.certain, (*one.staying, *one.doubtful))
    return certain, freed_bytes((*one.certain, *one.doubtful), one.staying) - certain


def totals(groups: Sequence[DuplicateGroup]) -> dict[str, Any]:
    """Return the totals of groups as every report names them: each file counts once."""
    matches = {(match.a, match.b): match for group in groups for match in group.matches}
    stages = Counter(match.stage for match in matches.values())
    kinds = Counter(match.kind for match in matches.values())
    parts = [parted_group(group) for group in groups]
    certain = [file for one in parts for file in one.certain]
    doubtful = [file for one in parts for file in one.doubtful]
    staying = [file for one in parts for file in one.staying]
    freed = freed_bytes(certain, (*staying, *doubtful))
    return {
        "groups": len(groups),
        "files": len(certain) + len(doubtful) + len(staying),
        "redundant_files": len(certain),
        "reclaimable_bytes": freed,
        "doubtful_files": len(doubtful),
        "doubtful_bytes": freed_bytes((*certain, *doubtful), staying) - freed,
        "matches": {stage.value: stages[stage] for stage in Stage},
        "kinds": {kind_word(kind): kinds[kind] for kind in (*Kind, None) if kinds[kind]},
    }
