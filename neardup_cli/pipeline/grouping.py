"""From matches to groups: what is known of the contents is read, and the rules decide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from neardup_cli.catalog import decisions, queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.cleanup.companion_loss import is_rejected
from neardup_cli.cleanup.companions import Companions
from neardup_cli.pipeline.known import read_evidence, with_colours
from neardup_cli.pipeline.lineage import Lineage
from neardup_cli.progress import Progress
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import PairMatch
from neardup_cli.rules.families import Family, IdPair, families
from neardup_cli.rules.groups import (
    Circumstances,
    FilesByContent,
    Grouped,
    build_groups,
    by_content,
    content_order,
)
from neardup_cli.rules.standing import doubtful_colours

if TYPE_CHECKING:
    from neardup_cli.pipeline.dups import DupsOptions


def group_contents(
    catalog: Catalog,
    contents: Collection[int],
    pairs: Sequence[PairMatch],
    options: DupsOptions,
    watch: Progress,
    *,
    different: Collection[IdPair] = (),
    series: Collection[IdPair] = (),
    unknown: Collection[IdPair] = (),
) -> Grouped:
    """Make groups of the files of contents.

    A pair may have lost its files since it was found: a scan can end in between.

    Args:
        catalog: open.
        contents: those in a match, or in several files.
        pairs: the matches between them.
        options: where to look, and which file stays.
        watch: shows how far it is.
        different: pairs that a person called different.
        series: pairs that are two shots of one scene.
        unknown: pairs that nobody has compared, for the answer does not hang on them.
    """
    with catalog.read() as connection:
        files = by_content(queries.files_of_contents(connection, contents, options.folders))
        kept = decisions.kept(connection)
        drives = queries.drives(connection)
    apart = set(different)
    there = [pair for pair in pairs if pair.a in files and pair.b in files and (pair.a, pair.b) not in apart]
    found = families(
        content_order(files),
        there,
        grouping=options.grouping,
        different=apart,
        series=series,
        unknown=unknown,
    )
    near = _near(files, found)
    evidence = read_evidence(catalog, near, workers=options.workers, watch=watch)
    lineage = Lineage(catalog, near, options.workers, watch)
    evidence, proofs = lineage.told(found, there, evidence)
    companions = Companions()
    circumstances = Circumstances(
        evidence=with_colours(catalog, evidence, files, doubtful_colours(found, there)),
        policy=options.policy,
        kept=kept,
        drives=drives,
        companions=lambda path: len(companions.of(path)),
        rejected=lambda path: is_rejected(companions.of(path)),
        proofs=proofs,
    )
    return build_groups(files, found, there, circumstances)


def _near(files: FilesByContent, found: Iterable[Family]) -> dict[int, Sequence[CatalogedFile]]:
    """Return the files of near-duplicates: what has the same bytes holds the same."""
    return {
        content: files[content] for family in found if len(family.members) > 1 for content in family.members
    }
