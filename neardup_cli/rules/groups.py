"""Families of contents to groups of files: which file stays, why, and what each of the others is to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from blake3 import blake3

from neardup_cli.choices import Role
from neardup_cli.images.walk import is_below
from neardup_cli.plans import Policy
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, FileMatch, PairMatch, Stage
from neardup_cli.records.proofs import Proof
from neardup_cli.rules import reasons
from neardup_cli.rules.evidence import NOTHING, Evidence
from neardup_cli.rules.families import Family, IdPair
from neardup_cli.rules.keep import Candidate, Wishes, outdone, ranked
from neardup_cli.rules.kinship import role_towards, stronger, sureness
from neardup_cli.rules.standing import qualities, standings
from neardup_cli.rules.totals import freed_by, parted

_ID_DIGITS = 12
# What is smaller by less is as large: programs round sizes.
_AS_LARGE = 0.9

type FilesByContent = Mapping[int, Sequence[CatalogedFile]]


class Grouped(NamedTuple):
    """Groups, the largest saving first, and the matches between files of different groups."""

    groups: list[DuplicateGroup]
    links: list[FileMatch]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides which file of a family stays, beside its matches.

    Attributes:
        evidence: of contents, by id.
        policy: `prefer`, `protect` and the keys of `keep`.
        kept: digests that a person said to keep: preferred, and never called redundant.
        drives: devices, the one that was named first or holds most of the library foremost.
        companions: counts what belongs to a file; asked only about files with the same bytes.
        rejected: returns True if a sidecar marks a file as rejected.
        proofs: what one content holds that another one does not, by their ids: the one that goes first.
    """

    evidence: Mapping[int, Evidence] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    kept: Collection[bytes] = ()
    drives: Sequence[int] = ()
    companions: Callable[[bytes], int] = lambda _: 0
    rejected: Callable[[bytes], bool] = lambda _: False
    proofs: Mapping[IdPair, Proof] = field(default_factory=dict)


def by_content(files: Iterable[CatalogedFile]) -> dict[int, list[CatalogedFile]]:
    """Return files, which come in order of content, by content."""
    return {content: list(held) for content, held in groupby(files, key=lambda file: file.content_id)}


def content_order(files: FilesByContent) -> list[int]:
    """Return the contents in an order that follows from what they are, and not from the order of scans."""

    def rank(content: int) -> tuple[int, bytes]:
        file = files[content][0]
        return -file.width * file.height, file.digest

    return sorted(files, key=rank)


def build_groups(
    files: FilesByContent,
    families: Sequence[Family],
    pairs: Sequence[PairMatch],
    circumstances: Circumstances | None = None,
) -> Grouped:
    """Make groups of files out of families of contents; a content in one file alone makes none.

    Args:
        files: of each content.
        families: of these contents.
        pairs: the matches between them, each pair of contents once.
        circumstances: what decides which file stays.
    """
    about = circumstances or Circumstances()
    of = {content: number for number, family in enumerate(families) for content in family.members}
    inside: dict[int, list[PairMatch]] = {}
    links = []
    for pair in pairs:
        if of[pair.a] == of[pair.b]:
            inside.setdefault(of[pair.a], []).append(pair)
        else:
            links.append(_file_match(files, pair))
    groups = [
        _Builder(files, family, inside.get(number, []), about).group()
        for number, family in enumerate(families)
        if len(family.members) > 1 or len(files[family.members[0]]) > 1
    ]
    ordered = sorted(
        groups,
        key=lambda group: (-group.reclaimable_bytes, -group.doubtful_bytes, group.keep, group.id),
    )
    return Grouped(ordered, _sorted(links))


class _Builder:
    """Makes the group of one family."""

    def __init__(
        self, files: FilesByContent, family: Family, pairs: Sequence[PairMatch], about: Circumstances
    ) -> None:
        self._files = files
        self._family = family
        self._pairs = pairs
        self._about = about
        self._first = {content: files[content][0] for content in family.members}
        self._places = standings(family.members, pairs, self._first, about.evidence)

    def group(self) -> DuplicateGroup:
        about, members = (
            self._about,
            [file for content in self._family.members for file in self._files[content]],
        )
        said = (
            frozenset(file.path for file in members if file.digest in about.kept)
            if about.kept
            else frozenset()
        )
        standing = {self._first[content].digest: place for content, place in self._places.items()}
        proofs_of = about.proofs
        wishes = Wishes(
            about.policy,
            said,
            standing,
            about.drives,
            outdone(
                self._first.values(), lambda one, other: proofs_of.get((one.content_id, other.content_id))
            ),
        )
        candidates = [self._candidate(file) for file in members]
        best, *others = ranked(candidates, wishes)
        keeper = best.file
        roles = self._roles(keeper.content_id)
        proofs = {
            self._first[content].digest: proof
            for content in self._family.members
            if (proof := about.proofs.get((content, keeper.content_id))) is not None
        }
        held = (keeper, *sorted((one.file for one in others), key=lambda file: file.path))
        certain, doubtful = freed_by(parted(held, keeper.path, said, proofs))
        return DuplicateGroup(
            id=_group_id(self._first.values()),
            keep=keeper.path,
            reclaimable_bytes=certain,
            members=held,
            matches=tuple(self._matches()),
            kept=said,
            reason=self._reason(best, others, wishes, roles),
            roles={
                self._first[content].digest: role
                for content, role in roles.items()
                if content != keeper.content_id  # another file with the same bytes is a copy
            },
            proofs=proofs,
            seen_in=self._seen_in(),
            standing=standing,
            doubtful_bytes=doubtful,
            rejected=frozenset(one.file.path for one in candidates if one.rejected),
        )

    def _candidate(self, file: CatalogedFile) -> Candidate:
        several = len(self._files[file.content_id]) > 1
        companions = self._about.companions(file.path) if several else 0
        protected = any(is_below(file.path, top) for top in self._about.policy.protect)
        return Candidate(file, companions, protected, self._is_rejected(file))

    def _is_rejected(self, file: CatalogedFile) -> bool:
        holdings = self._about.evidence.get(file.content_id, NOTHING).holdings
        return (holdings is not None and holdings.rating < 0) or self._about.rejected(file.path)

    def _roles(self, keeper: int) -> dict[int, Role]:
        """Say what each content is to the one that stays: by their match, or by the surest way there."""
        near: dict[int, list[PairMatch]] = {}
        for pair in self._pairs:
            near.setdefault(pair.a, []).append(pair)
            near.setdefault(pair.b, []).append(pair)
        roles = {keeper: Role.KEPT}
        reached = [keeper]
        while reached:
            steps: dict[int, tuple[float, Role]] = {}
            for content in reached:
                for pair in near.get(content, ()):
                    other = pair.b if pair.a == content else pair.a
                    if other in roles:
                        continue
                    role = role_towards(content, pair)
                    role = role if content == keeper else stronger(roles[content], role)
                    if other not in steps or sureness(pair) > steps[other][0]:
                        steps[other] = sureness(pair), role
            roles.update({content: role for content, (_, role) in steps.items()})
            reached = list(steps)
        return {
            content: self._sized(keeper, content, roles.get(content, Role.COPY)) for content in self._first
        }

    def _sized(self, keeper: int, content: int, role: Role) -> Role:
        """Call a copy with fewer pixels a smaller version."""
        kept, file = self._first[keeper], self._first[content]
        is_smaller = file.width * file.height < _AS_LARGE * kept.width * kept.height
        return Role.SMALLER if role is Role.COPY and is_smaller else role

    def _reason(
        self, best: Candidate, others: Sequence[Candidate], wishes: Wishes, roles: Mapping[int, Role]
    ) -> str:
        said = reasons.person_said(best.file, wishes) or reasons.not_rejected(best, others, wishes)
        if said is not None:
            return said
        said = reasons.least_lost(best, others, wishes)
        if said is not None and not reasons.has_edits(roles.values()):
            return said
        keeper, evidence = best.file, self._about.evidence
        contents = [content for content in self._family.members if content != keeper.content_id]
        made = [roles[content] for content in contents if roles[content] is not Role.COPY]
        if made:
            damaged = [self._first[content] for content in contents if self._first[content].damage]
            every = [roles[content] for content in contents]
            return reasons.original(keeper, evidence.get(keeper.content_id, NOTHING), every, damaged)
        next_one = next((one.file for one in others if one.file.digest != keeper.digest), None)
        if next_one is not None:
            versions = (keeper.content_id, next_one.content_id)
            quality = qualities(versions, self._first, evidence, self._pairs)
            ours, theirs = quality[keeper.content_id], quality[next_one.content_id]
            if (said := reasons.better_version(keeper, next_one, ours, theirs, evidence)) is not None:
                return said
        return reasons.by_keys(best, others, wishes)

    def _seen_in(self) -> tuple[bytes, ...]:
        files = self._files
        return tuple(sorted(files[content][0].path for content in self._family.seen_in if content in files))

    def _matches(self) -> list[FileMatch]:
        held = (self._files[content] for content in self._family.members)
        found = [
            FileMatch(files[0].path, copy.path, Stage.EXACT, None, 0) for files in held for copy in files[1:]
        ]
        found += [_file_match(self._files, pair) for pair in self._pairs]
        return _sorted(found)


def _group_id(files: Iterable[CatalogedFile]) -> str:
    digests = sorted(file.digest for file in files)
    return blake3(b"".join(digests)).hexdigest()[:_ID_DIGITS]


def _file_match(files: FilesByContent, pair: PairMatch) -> FileMatch:
    """Name the files, in the order of their paths: ids follow the order of scans, which says nothing."""
    a, b, alignment = files[pair.a][0].path, files[pair.b][0].path, pair.alignment
    if b < a:
        a, b, alignment = b, a, None if alignment is None else alignment.turned_round()
    return FileMatch(a, b, pair.stage, pair.similarity, pair.hamming, alignment, pair.implied)


def _sorted(matches: list[FileMatch]) -> list[FileMatch]:
    return sorted(matches, key=lambda match: (match.a, match.b))
