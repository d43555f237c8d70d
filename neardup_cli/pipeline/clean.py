"""`clean`: a plan for the copies in a catalog.

`make_plan` is the dry run; `apply.py` carries out the very object it returns, `undo.py` takes that back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from neardup_cli.catalog import journal, queries
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.holdings import stored_holdings
from neardup_cli.catalog.proofs import stored_proofs
from neardup_cli.choices import Action, Kind, Loss
from neardup_cli.cleanup.filters import NO_FILTER, GroupFilter, filtered_groups, filtered_plan
from neardup_cli.cleanup.plan import plan_groups
from neardup_cli.cleanup.request import PlanRequest
from neardup_cli.cleanup.whole import whole_folders
from neardup_cli.images.walk import file_stamp
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.plans import Plan, Policy
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.holdings import Holdings
from neardup_cli.records.matches import DuplicateGroup, DupsReport
from neardup_cli.records.proofs import Proof


@dataclass(frozen=True, slots=True)
class CleanOptions:
    """What is to happen to which copies.

    Attributes:
        to: folder of `quarantine` and `move`, absolute; it need not exist.
        across_devices: let files on other devices be copied there, checked and removed.
        chosen: the file that a person chose to keep, by group id.
        accepted, prove_all: see `PlanRequest`.
        remove_empty_folders: see `Plan`.
        filter: which copies the plan is about.
        whole: only folders of which every image goes are acted upon; empty for no such limit.
        dups: where the groups come from.
    """

    action: Action = Action.TRASH
    policy: Policy = field(default_factory=Policy)
    to: bytes | None = None
    across_devices: bool = False
    chosen: Mapping[str, bytes] = field(default_factory=dict)
    accepted: Mapping[str, frozenset[Loss]] = field(default_factory=dict)
    prove_all: bool = False
    remove_empty_folders: bool = False
    filter: GroupFilter = NO_FILTER
    whole: tuple[bytes, ...] = ()
    dups: DupsOptions = field(default_factory=DupsOptions)


def find_groups(
    catalog: Catalog, options: CleanOptions, progress: Progress | None = None
) -> tuple[DuplicateGroup, ...]:
    """Find the groups that a plan is about; shots of one scene are looked for only if they are asked for.

    Raises:
        ModelMismatch: see `find_duplicates`.
    """
    return find_report(catalog, options, progress).groups


def find_report(catalog: Catalog, options: CleanOptions, progress: Progress | None = None) -> DupsReport:
    """Find the groups that a clean-up may act on, and return all that `dups` says of them.

    Raises:
        ModelMismatch: see `find_duplicates`.
    """
    similar_shots = options.dups.similar_shots or Kind.SIMILAR_SHOT in options.policy.only
    wanted = replace(options.dups, similar_shots=similar_shots, policy=options.policy)
    return find_duplicates(catalog, wanted, progress)


def make_plan(
    catalog: Catalog,
    options: CleanOptions,
    groups: Sequence[DuplicateGroup] | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Plan what happens to each copy; nothing is changed anywhere.

    Args:
        catalog: open.
        options: see there.
        groups: of a report; None asks the catalog for its groups.
        progress: watches.

    Raises:
        BadInput: the action and the folder do not go together.
        ModelMismatch: see `find_groups`.
    """
    watch = progress or Silent()
    if groups is None:
        groups = find_groups(catalog, options, watch)
    groups = filtered_groups(groups, options.filter)
    with catalog.read() as connection:
        put_away = journal.put_away(connection)
        uuid = queries.catalog_uuid(connection)
        drives = queries.drives(connection)
    request = PlanRequest(
        action=options.action,
        policy=options.policy,
        to=None if options.to is None else os.path.realpath(options.to),
        across_devices=options.across_devices,
        put_away=put_away,
        chosen=options.chosen,
        accepted=options.accepted,
        prove_all=options.prove_all,
        drives=drives,
    )
    plan = filtered_plan(_proven_plan(catalog, groups, request, options.dups.workers, watch), options.filter)
    if options.whole:
        plan = whole_folders(plan, _images_in(catalog, options.whole))
    return replace(plan, remove_empty_folders=options.remove_empty_folders, catalog=uuid)


def _images_in(catalog: Catalog, folders: Sequence[bytes]) -> dict[bytes, set[bytes]]:
    """Return all images below each folder: what cannot be read may be the only one of its kind."""
    with catalog.read() as connection:
        return {
            folder: {path for path, _, _ in queries.image_files(connection, [folder], readable=False)}
            for folder in folders
        }


def _proven_plan(
    catalog: Catalog,
    groups: Sequence[DuplicateGroup],
    request: PlanRequest,
    workers: int,
    watch: Progress,
) -> Plan:
    """Plan, prove what the plan asks for, and plan again, until nothing more is asked."""
    contents = {member.content_id for group in groups for member in group.members}
    with catalog.read() as connection:
        proofs = stored_proofs(connection, contents)
    if request.policy.carry_metadata:
        _read_holdings(catalog, groups, workers, watch)
    with catalog.read() as connection:
        held = holdings_by_digest(connection, groups)

    def proof(gone: CatalogedFile, kept: CatalogedFile) -> Proof | None:
        return proofs.get((gone.content_id, kept.content_id))

    asking = replace(request, proof=proof, held=held)
    while True:
        watch.start("Planning", len(groups))
        plan, wanted = plan_groups(groups, asking, watch.advance)
        wanted = [pair for pair in wanted if (pair[0].content_id, pair[1].content_id) not in proofs]
        if not wanted:
            return plan
        # Late: it brings OpenCV, which a plan of exact copies does without.
        from neardup_cli.verification.proofs import prove_pairs

        proofs.update(prove_pairs(catalog, wanted, workers=workers, watch=watch))


def holdings_by_digest(connection: Connection, groups: Sequence[DuplicateGroup]) -> dict[bytes, Holdings]:
    """Return what is known of what the contents of groups hold, by their digests."""
    digests = {member.content_id: member.digest for group in groups for member in group.members}
    return {digests[content]: held for content, held in stored_holdings(connection, digests).items()}


def _read_holdings(catalog: Catalog, groups: Sequence[DuplicateGroup], workers: int, watch: Progress) -> None:
    """Read what the members of groups hold, as far as nobody has: what is carried is more than is lost."""
    from neardup_cli.pipeline.known import read_evidence

    files: dict[int, list[CatalogedFile]] = {}
    for group in groups:
        for member in group.members:
            files.setdefault(member.content_id, []).append(member)
    read_evidence(catalog, files, workers=workers, watch=watch)


def groups_of_report(catalog: Catalog, groups: Sequence[DuplicateGroup]) -> list[DuplicateGroup]:
    """Fill in what a report on `dups` does not say of its files: from the catalog, else from the files.

    A file whose size is not the report's any more keeps a stamp that the plan will find to be outdated.
    """
    paths = {member.path for group in groups for member in group.members}
    with catalog.read() as connection:
        known = queries.files_at(connection, paths)
    return [
        replace(group, members=tuple(_filled_in(member, known) for member in group.members))
        for group in groups
    ]


def _filled_in(member: CatalogedFile, known: Mapping[bytes, CatalogedFile]) -> CatalogedFile:
    file = known.get(member.path)
    if file is not None and (file.digest, file.stamp.size) == (member.digest, member.stamp.size):
        return file
    try:
        stamp = file_stamp(os.lstat(member.path))
    except OSError:
        return member
    return replace(member, stamp=FileStamp(member.stamp.size, stamp.mtime_ns, stamp.device, stamp.inode))
