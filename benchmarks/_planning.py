"""Planning alone: run by clean_plan.py as a process of its own.

    python -m benchmarks._planning CATALOG

Finds the groups of a catalog of exact copies, makes half of them groups of resized ones, which ask more of
the planner (kinds, warnings, metadata), and plans for all. Prints the CPU seconds of `make_plan`, and the
peak memory before and after it.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks._bench import own_peak_mb
from neardup_cli.catalog.database import Catalog
from neardup_cli.choices import Kind
from neardup_cli.pipeline.clean import CleanOptions, find_groups, make_plan
from neardup_cli.records.matches import Alignment, DuplicateGroup, FileMatch, Stage

_RESIZED = Alignment(
    matched=True,
    reason="",
    kind=Kind.RESIZED,
    agreement=1.0,
    content_a=1.0,
    content_b=1.0,
    coverage_a=1.0,
    coverage_b=1.0,
    tone=1.0,
    spread=1.0,
)


def resized(group: DuplicateGroup) -> DuplicateGroup:
    """The same files as copies of different contents, each matched with the first by its pixels."""
    first, *others = group.members
    members = [first]
    for number, member in enumerate(others, 1):
        digest = bytes([number]) + member.digest[1:]
        members.append(replace(member, digest=digest, content_id=-member.content_id * 10 - number))
    matches = tuple(
        FileMatch(first.path, member.path, Stage.GEOMETRY, 0.5, 12, _RESIZED) for member in members[1:]
    )
    return replace(group, members=tuple(members), matches=matches)


def main() -> None:
    """Measure, and print one line of JSON."""
    options = CleanOptions()
    with Catalog.open(Path(sys.argv[1])) as catalog:
        found = find_groups(catalog, options)
        groups = [resized(group) if number % 2 else group for number, group in enumerate(found)]
        make_plan(catalog, options, groups[:2])  # what is imported at the first call is no part of the work
        before, begun = own_peak_mb(), time.process_time()
        plan = make_plan(catalog, options, groups)
        seconds = time.process_time() - begun
    print(
        json.dumps(
            {
                "groups": len(groups),
                "files": sum(len(group.members) for group in groups),
                "acts": plan.acts,
                "seconds": seconds,
                "before_mb": before,
                "after_mb": own_peak_mb(),
            }
        )
    )


if __name__ == "__main__":
    main()
