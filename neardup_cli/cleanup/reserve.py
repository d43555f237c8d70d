"""How many files have to stay, and on how many drives, that hold all of what a file that goes holds.

Counted, for a file that goes, are those that stay of its own bytes, the one in whose favour it goes, and
those to which it is proven to lose nothing but what a person gave up. Two names of one file count once. A
thumbnail loses nothing to its original, which loses something to it: two originals are reserve for the
thumbnail, but the thumbnail is none for an original.

What is needed is held back from those that would go: first what lies on a drive of its own, where drives are
short, and of equals what ranks highest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from neardup_cli.cleanup.folders import Identity
from neardup_cli.cleanup.reasons import named
from neardup_cli.cleanup.ways import Going
from neardup_cli.errors import BadInput
from neardup_cli.plans import Plan, Policy
from neardup_cli.records.files import CatalogedFile
from neardup_cli.rules.keep import ProofOf

_NUMBER = re.compile(r"[-.]\d+$")

type Leaver = tuple[CatalogedFile, Going]
"""A file that would go, and how."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Holds files back.

    Attributes:
        policy: see `Policy`.
        proof: what is lost, as far as it is known.
        inode: of a file that is there.
    """

    policy: Policy
    proof: ProofOf
    inode: Callable[[CatalogedFile], Identity]

    def held_back(
        self, going: Sequence[Leaver], staying: Sequence[CatalogedFile]
    ) -> list[tuple[CatalogedFile, str]]:
        """Return the files of a family that must not go, and why.

        Args:
            going: what would go, the best first.
            staying: what stays whatever comes.
        """
        if self.policy.min_copies <= 1 and self.policy.min_disks <= 1:
            return []
        leavers, stay = list(going), list(staying)
        found: list[tuple[CatalogedFile, str]] = []
        while (short := self._first_short(leavers, stay)) is not None:
            leaver, reason = short
            leavers.remove(leaver)
            stay.append(leaver[0])
            found.append((leaver[0], reason))
        return found

    def _first_short(
        self, leavers: Sequence[Leaver], stay: Sequence[CatalogedFile]
    ) -> tuple[Leaver, str] | None:
        """Return what has to stay for the sake of the first file of which too little would."""
        for leaver in leavers:
            file = leaver[0]
            inodes = {self.inode(other) for other in stay if self._holds(other, leaver)}
            drives = {device for device, _ in inodes}
            if len(drives) < self.policy.min_disks:
                reason = f"needed on {self.policy.min_disks} drives (--min-disks)"
                elsewhere = (
                    other
                    for other in leavers
                    if self.inode(other[0])[0] not in drives
                    and (other[0] is file or self._holds(other[0], leaver))
                )
                return next(elsewhere, leaver), reason
            if len(inodes) < self.policy.min_copies:
                return leaver, f"one of {self.policy.min_copies} copies to be left (--min-copies)"
        return None

    def _holds(self, other: CatalogedFile, leaver: Leaver) -> bool:
        """Return True if another file holds all that one holds which goes, but for what was given up."""
        file, going = leaver
        if other.digest == file.digest or other.path == going.kept.path:
            return True
        proof = self.proof(file, other)
        return proof is not None and not proof.unproven and self.policy.accept.issuperset(proof.losses)


def check_reserve(plan: Plan) -> None:
    """Make sure, as far as a plan itself can say, that enough files of each family stay.

    A plan knows the bytes of what goes and of what is kept for it, and of the others only that they stay:
    fewer of these than copies are to be left are too few for certain.

    Raises:
        BadInput: they are.
    """
    families: dict[str, set[bytes]] = {}
    for group in plan.groups:
        stays = families.setdefault(family_of(group.id), set())
        stays.update([group.keep.path, *(one.path for one in group.left)])
    for group in plan.groups:
        if group.acts and len(families[family_of(group.id)]) < plan.policy.min_copies:
            least = plan.policy.min_copies
            raise BadInput(f"the plan leaves fewer than {least} copies of {named(group.keep.path)}")


def family_of(name: str) -> str:
    """Return the id of a family, of which further kept files have groups with a number behind it."""
    return _NUMBER.sub("", name)
