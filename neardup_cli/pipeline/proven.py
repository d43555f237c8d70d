"""Groups whose copies are proven: each member is compared with the file that stays, and nothing is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.holdings import stored_holdings
from neardup_cli.catalog.proofs import Directed, stored_proofs
from neardup_cli.choices import SURE_KINDS, Kind
from neardup_cli.progress import Progress
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import DuplicateGroup
from neardup_cli.records.proofs import Proof
from neardup_cli.rules.groups import Grouped
from neardup_cli.rules.keep import may_be_outdone


def proven_groups(
    catalog: Catalog,
    regrouped: Callable[[], Grouped],
    *,
    limit: int | None,
    workers: int,
    watch: Progress,
) -> Grouped:
    """Prove what is lost with each member of the groups, and group again until the same files stay.

    Where a version loses something that the file to keep has not, that one is looked at as well: it may stay.

    Args:
        catalog: open; takes the proofs.
        regrouped: makes the groups with the proofs that the catalog has by then.
        limit: so many groups are shown, and proven.
        workers: threads.
        watch: shows how many were compared.
    """
    unproven: dict[Directed, Proof] = {}
    while True:
        grouped = regrouped()
        shown = grouped.groups[:limit]
        with catalog.read() as connection:
            contents = {file.content_id for group in shown for file in group.members}
            known, held = stored_proofs(connection, contents), stored_holdings(connection, contents)
        known |= unproven
        wanted = [pair for group in shown for pair in _wanted(group, known, held)]
        if not wanted:
            return grouped
        # Late: it brings OpenCV, and most calls find all that they want.
        from neardup_cli.verification.proofs import prove_pairs

        found = prove_pairs(catalog, wanted, workers=workers, watch=watch)
        unproven |= {ids: proof for ids, proof in found.items() if proof.unproven}


def _wanted(
    group: DuplicateGroup, known: Mapping[Directed, Proof], held: Mapping[int, Holdings]
) -> Iterator[tuple[CatalogedFile, CatalogedFile]]:
    """Yield the members to compare with the one that stays, and the other way round where it may not."""
    kept = next(member for member in group.members if member.path == group.keep)
    kinds = _kinds_towards(kept, group)
    for other in {member.digest: member for member in group.members}.values():
        if other.digest == kept.digest:
            continue
        forth = known.get((other.content_id, kept.content_id))
        if forth is None:
            yield other, kept
        elif (
            kinds.get(other.digest) in SURE_KINDS
            and (kept.content_id, other.content_id) not in known
            and may_be_outdone(kept, other, forth, held.get(kept.content_id))
        ):
            yield kept, other


def _kinds_towards(kept: CatalogedFile, group: DuplicateGroup) -> dict[bytes, Kind | None]:
    digests = {member.path: member.digest for member in group.members}
    ends: Sequence[tuple[bytes, bytes, Kind | None]] = [
        (digests[match.a], digests[match.b], match.kind) for match in group.matches
    ]
    return {
        other: kind
        for a, b, kind in ends
        for one, other in ((a, b), (b, a))
        if one == kept.digest and other != one
    }
