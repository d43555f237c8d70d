"""`check`: are these new files copies of catalogued ones? Nothing is stored, nothing else compared."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import batched

from neardup_cli.catalog.database import Catalog
from neardup_cli.engines.local import LocalEngine
from neardup_cli.images.walk import Walker
from neardup_cli.pipeline.query import QueryOptions, Question, Searcher
from neardup_cli.pipeline.survey import real_roots
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.answers import CheckReport, QueryResult
from neardup_cli.records.files import Skipped

_AT_ONCE = 16  # pictures a thread has in hand; the network takes eight of a shape


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What counts as a match, and how folders are walked.

    Attributes:
        matching: as for a query; its `top_k` bounds the matches of each file.
        exclude, hidden: as for a scan.
        workers: threads.
    """

    matching: QueryOptions = field(default_factory=QueryOptions)
    exclude: Sequence[str] = ()
    hidden: bool = False
    workers: int = 1


def check(
    catalog: Catalog, paths: Sequence[bytes], options: CheckOptions, progress: Progress | None = None
) -> CheckReport:
    """Look every image at or below the paths up in the catalog, in the order of their paths.

    A file that is catalogued under its own path does not match itself, but does match other files with
    the same bytes. The new files are not compared with each other.

    Raises:
        PathNotFound: one of the paths is not there.
        ModelMismatch: see `resolve_criteria`.
    """
    started = time.monotonic()
    watch = progress or Silent()
    watch.start("Looking", None)
    files, skipped = _files_below(real_roots(paths), options)
    searcher = Searcher(catalog, options.matching)
    watch.start("Checking", len(files))
    results: list[QueryResult] = []
    for answers in LocalEngine(options.workers).map(
        lambda chunk: searcher.query_many([Question(path) for path in chunk]), batched(files, _AT_ONCE)
    ):
        results += map(_matches_alone, answers)
        watch.advance(len(answers))
    return CheckReport(
        parameters=searcher.criteria.parameters(),
        results=tuple(results),
        skipped=tuple(skipped),
        seconds=time.monotonic() - started,
    )


def _files_below(roots: Sequence[bytes], options: CheckOptions) -> tuple[list[bytes], list[Skipped]]:
    walker = Walker(options.exclude, hidden=options.hidden)
    files, skipped = [], []
    for root in roots:
        for run in walker.walk(root):
            files += [path for path, _ in run.files]
            skipped += run.skipped
    return files, skipped


def _matches_alone(result: QueryResult) -> QueryResult:
    """Leave the near neighbours out: a check says yes or no, or that it cannot tell."""
    matches = tuple(match for match in result.matches if match.is_match)
    if not matches:
        matches = tuple(match for match in result.matches if match.untold)
    return replace(result, matches=matches)
