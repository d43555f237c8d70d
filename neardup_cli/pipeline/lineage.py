"""Which version was made from which: full-size looks, as few as settle it, each kept in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.proofs import Directed, stored_proofs
from neardup_cli.pipeline.known import with_details, with_sources
from neardup_cli.progress import Progress
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import PairMatch
from neardup_cli.records.proofs import Proof
from neardup_cli.rules.descent import (
    Descendants,
    enlargements,
    maybe_enlarged,
    maybe_resaved,
    plain_versions,
    with_true_sizes,
)
from neardup_cli.rules.evidence import Evidence
from neardup_cli.rules.families import Family

type _Known = dict[int, Evidence]


@dataclass(frozen=True, eq=False)
class Lineage:
    """Looks at versions of one image and says what follows.

    Attributes:
        catalog: open; takes what is measured and proven.
        files: of each content.
        workers: threads.
        watch: shows how far it is.
    """

    catalog: Catalog
    files: Mapping[int, Sequence[CatalogedFile]]
    workers: int
    watch: Progress

    def told(
        self, families: Collection[Family], pairs: Sequence[PairMatch], evidence: _Known
    ) -> tuple[_Known, dict[Directed, Proof]]:
        """Return what is known of contents with what they were made from, and the proofs that are known.

        Args:
            families: of contents.
            pairs: the matches between them.
            evidence: what their files hold.
        """
        first = {content: held[0] for content, held in self.files.items()}
        versions = [some for some in plain_versions(families, pairs) if len(some) > 1]
        with self.catalog.read() as connection:
            proofs = stored_proofs(connection, self.files)
        descendants = Descendants(versions, pairs, first)
        sized = maybe_enlarged(versions, first, evidence)
        evidence = with_details(
            self.catalog, evidence, self.files, sized, workers=self.workers, watch=self.watch
        )

        def sizes(known: _Known) -> _Known:
            return with_true_sizes(known, proofs, first)

        def larger(known: _Known) -> list[Directed]:
            return enlargements(sized, known, first, proofs)

        evidence = self._settled(evidence, proofs, sizes, larger)
        resaved = maybe_resaved(versions, first, evidence)
        evidence = with_sources(
            self.catalog, evidence, self.files, resaved, workers=self.workers, watch=self.watch
        )
        evidence = self._settled(
            evidence,
            proofs,
            lambda known: descendants.told(known, proofs),
            lambda known: descendants.asked(known, proofs),
        )
        return evidence, proofs

    def _settled(
        self,
        evidence: _Known,
        proofs: dict[Directed, Proof],
        conclude: Callable[[_Known], _Known],
        asked: Callable[[_Known], Sequence[Directed]],
    ) -> _Known:
        """Prove what is asked, which adds to `proofs`, and conclude, until nothing more is asked."""
        evidence = conclude(evidence)
        while wanted := asked(evidence):
            from neardup_cli.verification.proofs import prove_pairs  # late: OpenCV takes its time to import

            files = [(self.files[gone][0], self.files[kept][0]) for gone, kept in wanted]
            proofs.update(prove_pairs(self.catalog, files, workers=self.workers, watch=self.watch))
            evidence = conclude(evidence)
        return evidence
