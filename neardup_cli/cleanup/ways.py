"""In whose favour a file may go: what is lost on each way is known, or asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from neardup_cli.choices import SURE_KINDS, Action, Kind, Loss
from neardup_cli.cleanup import files
from neardup_cli.cleanup.carry import Carrying, told_by, with_carried
from neardup_cli.cleanup.companion_loss import companion_loss, said_by_sidecars
from neardup_cli.cleanup.companions import Companions
from neardup_cli.cleanup.folders import Folders
from neardup_cli.cleanup.reasons import Refused, named
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.cleanup.targets import Targets
from neardup_cli.plans import Carried, Companion, FileState, LeftAlone, PlannedAct
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.records.proofs import NOTHING_LOST, Proof
from neardup_cli.rules.keep import Candidate, may_be_enlarged_from, may_be_outdone
from neardup_cli.rules.losses import without_written
from neardup_cli.rules.words import kind_word, losses_words

_MOST_WAYS = 4  # files that stay and that one is compared with, at full size each
_CARRIED = frozenset({Loss.TIME, Loss.PLACE, Loss.RATING, Loss.WORDS, Loss.COMPANIONS})
_STRONG_FIRST = {kind: place for place, kind in enumerate(Kind)}

type Asked = tuple[CatalogedFile, CatalogedFile]
"""A file that may go, and the one that stays."""
type Kinds = Mapping[tuple[bytes, bytes], Kind | None]
"""What happened between two contents, by their digests, in both orders."""


@dataclass(frozen=True, slots=True)
class Going:
    """An act, and the file in whose favour."""

    act: PlannedAct
    kept: CatalogedFile


class Ways:
    """Finds the first file that stays in whose favour another one may go.

    Attributes:
        wanted: proofs that were asked for and are not known.
    """

    def __init__(self, request: PlanRequest, folders: Folders) -> None:
        self._request = request
        self._policy = request.policy
        self._companions = Companions()
        self._travels = request.action is not Action.LIST and not request.action.is_link
        self._targets = Targets(request)
        self._carrying = Carrying(folders)
        self._device_of_folder = None
        if request.to is not None and not request.across_devices:
            self._device_of_folder = _device(request.to)
        self.wanted: list[Asked] = []

    def enter(self, group: DuplicateGroup) -> None:
        """Begin with a group: a person may have accepted something in this one alone."""
        self._policy = self._request.policy_for(group.id)

    def companions_of(self, path: bytes) -> tuple[Companion, ...]:
        """Return what belongs to a file, by name."""
        return self._companions.of(path)

    def going_with(self, path: bytes) -> tuple[Companion, ...]:
        """Return what goes where a file goes."""
        return self._companions.of(path) if self._travels else ()

    def first(self, other: Candidate, staying: Sequence[Candidate], kinds: Kinds) -> Going | LeftAlone:
        """Return the act in favour of the first file with which nothing unwanted is lost, or why not."""
        reasons: list[LeftAlone] = []
        for kept in self._likely(other.file, staying, kinds):
            found = self._towards(other.file, kept, kinds)
            if isinstance(found, Going):
                return found
            reasons.append(found)
            if (other.file, kept) in self.wanted[-1:]:
                break  # the next way is asked for once it is known that this one is none
        return reasons[0]

    def ask_back(self, kept: CatalogedFile, other: CatalogedFile, kinds: Kinds) -> None:
        """Ask whether the file to keep loses anything to a plain version of it, where that one may stay."""
        if kinds.get((other.digest, kept.digest)) not in SURE_KINDS or kept.digest == other.digest:
            return
        forth = self._request.proof(other, kept)
        if forth is None or self._request.proof(kept, other) is not None:
            return
        if may_be_outdone(kept, other, forth, self._request.held.get(kept.digest)):
            self.wanted.append((kept, other))

    def _likely(
        self, file: CatalogedFile, staying: Sequence[Candidate], kinds: Kinds
    ) -> Iterator[CatalogedFile]:
        """Yield the file to keep, then others that stay and are the same image plainly."""
        yield staying[0].file
        near = [
            one.file
            for one in staying[1:]
            if one.file.digest == file.digest or kinds.get((file.digest, one.file.digest)) in SURE_KINDS
        ]
        near.sort(key=lambda one: one.digest != file.digest)
        yield from near[: _MOST_WAYS - 1]

    def _towards(self, file: CatalogedFile, kept: CatalogedFile, kinds: Kinds) -> Going | LeftAlone:
        same_bytes, pair = file.digest == kept.digest, (file.digest, kept.digest)
        kind = Kind.EXACT if same_bytes else kinds.get(pair) or self._plain_kind(file, kept)
        reason = self._unasked(file, kept, kind) or self._too_far(file, kept)
        if reason is not None:
            return LeftAlone(file.path, reason, self._would_lose(file, kept))
        proof = NOTHING_LOST if same_bytes else self._request.proof(file, kept)
        if proof is None:
            self.wanted.append((file, kept))
            return LeftAlone(file.path, "not proven: nobody has compared it at full size")
        if not same_bytes and (doubt := self._doubt(file, kept, proof)) is not None:
            return doubt
        notes = self._lost_beside(file, kept)
        lost, carried, obstacle = self._carried(file, kept, proof, notes)
        if missing := [loss for loss in lost.losses if loss not in self._policy.accept]:
            why = [*notes] if Loss.COMPANIONS in missing else []
            why += [obstacle] if obstacle and not _CARRIED.isdisjoint(missing) else []
            because = f" ({'; '.join(why)})" if why else ""
            return LeftAlone(file.path, losses_words(missing) + because, lost.losses)
        if not same_bytes and pair not in kinds and not set(proof.losses).isdisjoint(lost.losses):
            # What a person gives up is meant of a version of the image, and nobody knows whether it is one.
            return LeftAlone(file.path, "no match of its own with the file to keep", lost.losses)
        found = self._act(file, kept, kind, lost, carried)
        if isinstance(found, Going) and carried is not None:
            self._carrying.record(carried)
        return found

    def _doubt(self, file: CatalogedFile, kept: CatalogedFile, proof: Proof) -> LeftAlone | None:
        """Say why nothing follows from a proof, whatever its losses; None if something does."""
        if proof.unproven:
            return LeftAlone(file.path, f"not proven: {proof.unproven}")
        if may_be_enlarged_from(kept, file, proof, self._request.held.get(kept.digest)):
            return LeftAlone(file.path, "the file to keep may be an enlargement of it", proof.losses)
        return None

    def _plain_kind(self, file: CatalogedFile, kept: CatalogedFile) -> Kind | None:
        """Return what it would be if nothing is lost: nobody has aligned the two, and the proof decides."""
        resized = (file.width, file.height) != (kept.width, kept.height)
        kind = Kind.RESIZED if resized else Kind.RE_ENCODED
        return None if kind not in self._policy.only and None in self._policy.only else kind

    def _would_lose(self, file: CatalogedFile, kept: CatalogedFile) -> tuple[Loss, ...] | None:
        """Return what would be lost with a file that is left alone for another reason; None if unknown."""
        if file.digest == kept.digest:
            return ()
        proof = self._request.proof(file, kept)
        if proof is None and self._request.prove_all:
            self.wanted.append((file, kept))
        return None if proof is None or proof.unproven else proof.losses

    def _unasked(self, file: CatalogedFile, kept: CatalogedFile, kind: Kind | None) -> str | None:
        """Say why a copy is not meant; None if it is."""
        if kind not in self._policy.only:
            return f"{kind_word(kind)}: not acted on unasked (see --accept-loss and --only)"
        if self._request.action.is_link and file.digest != kept.digest:
            return "not the same bytes: a link would put another file under its name"
        return None

    def _too_far(self, file: CatalogedFile, kept: CatalogedFile) -> str | None:
        """Say that an action cannot, or must not unasked, reach from one device to the other."""
        action, here = self._request.action, _device(file.path)
        if action in (Action.HARDLINK, Action.REFLINK) and here != _device(kept.path):
            return f"on another device than the file to keep: no {action.value} reaches it"
        if not self._policy.across_drives and here != _device(kept.path):
            return "a copy on another drive than the file to keep, as a backup is: see --across-drives"
        if self._device_of_folder is None or self._device_of_folder == here:
            return None
        return f"on another device than {named(self._request.to or b'')}: see --across-devices"

    def _carried(
        self, file: CatalogedFile, kept: CatalogedFile, proof: Proof, notes: tuple[str, ...]
    ) -> tuple[Proof, Carried | None, str]:
        """Return what is lost, what is carried to lose less, and why not more is."""
        lost = self._all_losses(file, kept, proof, notes)
        if not self._policy.carry_metadata or not self._travels or _CARRIED.isdisjoint(lost.losses):
            return lost, None, ""
        gone, stays = (self._request.held.get(one.digest) for one in (file, kept))
        if gone is None or stays is None:
            return lost, None, "what they hold beside their pixels could not be read"
        beside = self.companions_of(kept.path)
        carried, obstacle = self._carrying.offer(
            told_by(gone, self.going_with(file.path)), told_by(stays, beside), kept.path, beside
        )
        if carried is None:
            return lost, None, obstacle
        less = self._all_losses(file, kept, proof, self._lost_beside(file, kept, carried), carried)
        return (lost, None, obstacle) if less == lost else (less, carried, obstacle)

    def _lost_beside(
        self, file: CatalogedFile, kept: CatalogedFile, carried: Carried | None = None
    ) -> tuple[str, ...]:
        """Say what is lost with the companions."""
        stays = self._request.held.get(kept.digest)
        return companion_loss(
            self.going_with(file.path),
            self.companions_of(kept.path),
            known=with_carried(stays, carried) if carried else stays,
            destroyed=self._request.action is Action.DELETE,
        )

    def _all_losses(
        self,
        file: CatalogedFile,
        kept: CatalogedFile,
        proof: Proof,
        notes: tuple[str, ...],
        carried: Carried | None = None,
    ) -> Proof:
        """Add what is lost with the companions, and leave out what a sidecar of the kept file says, too."""
        beside, known = self.companions_of(kept.path), self._request.held
        if (beside or carried) and file.digest in known:
            said = with_carried(said_by_sidecars(beside), carried)
            words = said.words | known.get(kept.digest, Holdings()).words
            proof = without_written(proof, known[file.digest], replace(said, words=words))
        if not notes:
            return proof
        losses = [loss for loss in Loss if loss in proof.losses or loss is Loss.COMPANIONS]
        return replace(proof, losses=tuple(losses), notes=(*proof.notes, *notes))

    def _act(
        self,
        file: CatalogedFile,
        kept: CatalogedFile,
        kind: Kind | None,
        lost: Proof,
        carried: Carried | None,
    ) -> Going | LeftAlone:
        """Return the act upon a file and its companions, or why there is none."""
        companions = self.going_with(file.path)
        if self._request.action is Action.DELETE:
            beside = self.companions_of(kept.path)
            companions = tuple(replace(one, twin=_twin(one, beside)) for one in companions)
            for companion in companions:
                if companion.twin is None:
                    shown = named(companion.path)
                    reason = f"{shown}, which goes with it, has no copy beside the file to keep"
                    return LeftAlone(file.path, reason)
        target, places = self._targets.of(file.path, [companion.path for companion in companions])
        for place in (target, *places):
            if place is not None and os.path.lexists(place):
                return LeftAlone(file.path, f"the name is taken: {named(place)}")
        act = PlannedAct(
            file=state_of(file),
            kind=kind,
            target=target,
            frees=file.stamp.size + sum(companion.size for companion in companions),
            companions=tuple(
                replace(companion, target=place) for companion, place in zip(companions, places, strict=True)
            ),
            warnings=lost.notes,
            losses=lost.losses,
            carried=carried,
        )
        return Going(act, kept)


def kinds_between(group: DuplicateGroup) -> Kinds:
    """Return what happened between the contents of a group, in both orders, as far as they were matched.

    A match names one file of each content; what it says holds for all files with those bytes. Of two opinions
    the more careful one counts: kinds that may hold something of their own come first.
    """
    digests = {member.path: member.digest for member in group.members}
    kinds: dict[tuple[bytes, bytes], Kind | None] = {}
    for match in group.matches:
        a, b = digests.get(match.a), digests.get(match.b)
        if a is None or b is None or a == b:
            continue
        for key in ((a, b), (b, a)):
            known = kinds.get(key)
            if key not in kinds or (known is not None and _rank(match.kind) < _rank(known)):
                kinds[key] = match.kind
    return kinds


def state_of(file: CatalogedFile) -> FileState:
    """Return a file as a plan knows it."""
    return FileState(file.path, file.stamp.size, file.stamp.mtime_ns, file.digest)


def _rank(kind: Kind | None) -> int:
    if kind is None:
        return -1
    return _STRONG_FIRST[kind] + (len(_STRONG_FIRST) if kind in (Kind.EXACT, Kind.SAME_PIXELS) else 0)


def _device(path: bytes) -> int:
    """Return the device of a path, or of the deepest folder above it that is there."""
    while True:
        try:
            return os.lstat(path).st_dev
        except OSError:
            path = os.path.dirname(path)


def _twin(companion: Companion, beside: Sequence[Companion]) -> FileState | None:
    """Return the first companion of the keeper with the same bytes; None if there is none."""
    for other in beside:
        if other.size != companion.size:
            continue
        with suppress(OSError, Refused):
            digest = files.digested(other.path)[1]
            if files.digested(companion.path)[1] == digest:
                return FileState(other.path, other.size, other.mtime_ns, digest)
    return None
