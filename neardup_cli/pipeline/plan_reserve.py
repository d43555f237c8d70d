"""Whether a plan leaves as many copies as it promises, by what is on the disks now.

Between a plan and its execution copies come and go, and whoever edits a plan may name as left alone what is
no copy. So those that stay are looked at again, and the catalog says what they hold.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping

from neardup_cli.catalog.related import IdPair
from neardup_cli.cleanup.folders import Identity
from neardup_cli.cleanup.reasons import named
from neardup_cli.cleanup.reserve import family_of
from neardup_cli.pipeline.stored_image import is_unchanged
from neardup_cli.plans import Plan
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.proofs import Proof
from neardup_cli.reports.units import shown_count


def staying_paths(plan: Plan) -> dict[str, set[bytes]]:
    """Return what a plan leaves alone or keeps, by families; nothing where one copy suffices."""
    if plan.policy.min_copies <= 1 and plan.policy.min_disks <= 1:
        return {}
    families: dict[str, set[bytes]] = {}
    for group in plan.groups:
        stays = families.setdefault(family_of(group.id), set())
        stays.update([group.keep.path, *(one.path for one in group.left)])
    going = {act.file.path for group in plan.groups for act in group.acts}
    return {name: stays - going for name, stays in families.items()}


def too_few_left(
    plan: Plan,
    families: Mapping[str, Collection[bytes]],
    known: Mapping[bytes, CatalogedFile],
    proofs: Mapping[IdPair, Proof],
) -> Iterator[str]:
    """Yield each act after which fewer copies would be left than the plan's policy has it.

    Args:
        plan: whose acts are copies as far as the catalog knows.
        families: see `staying_paths`.
        known: what the catalog has, by path, of all that goes and stays.
        proofs: what is lost with what goes.
    """
    for place, group in enumerate(plan.groups) if families else ():
        stays = [known[path] for path in sorted(families[family_of(group.id)]) if path in known]
        for number, act in enumerate(group.acts):
            if (gone := known.get(act.file.path)) is None:
                continue  # said already
            holding = [
                other for other in stays if other.path == group.keep.path or _holds(other, gone, proofs, plan)
            ]
            there = {inode for other in holding if (inode := _identity(other)) is not None}
            drives = {device for device, _ in there}
            if len(there) < plan.policy.min_copies or len(drives) < plan.policy.min_disks:
                left, on = shown_count(len(there), "copy", "copies"), shown_count(len(drives), "drive")
                wanted = f"{plan.policy.min_copies} on {plan.policy.min_disks}"
                shown = named(act.file.path)
                yield f"groups[{place}].acts[{number}]: of {shown} {left} on {on} would be left, not {wanted}"


def _holds(other: CatalogedFile, gone: CatalogedFile, proofs: Mapping[IdPair, Proof], plan: Plan) -> bool:
    """Return True if another file holds all that one holds which goes, but for what was given up."""
    if other.digest == gone.digest:
        return True
    proof = proofs.get((gone.content_id, other.content_id))
    return proof is not None and not proof.unproven and plan.policy.accept.issuperset(proof.losses)


def _identity(file: CatalogedFile) -> Identity | None:
    """Return which file it is now; None if it is not what was scanned, or not there."""
    try:
        if not is_unchanged(file):
            return None
        status = os.lstat(file.path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
