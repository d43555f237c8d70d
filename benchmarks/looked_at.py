"""How many pairs `dups` looks at where many follow from others, at what cost, and whether the answer changes.

Photographs with copies and edits among strangers are scanned; then `dups` runs over two fresh copies of the
catalog: as a user runs it, and so that it looks at every pair. Each side is a process of its own. CPU time
(`os.times`) is measured of the geometric stage alone, and of the whole call, in which both ask alike which
version was made from which. With --attacks, a second library: those of `neardup eval attacks`.

- found: of the copies, the share that stands in one group with an original that it shows;
- strangers: files in a group of which most are another family's, and that do not show it;
- originals kept: groups with an original that keep one, or its exact copy.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._families import Truth, build
from benchmarks._files import spread
from benchmarks._pictures import attacked_photos, photo_files

MOST_LOOKED_AT = 0.5
MOST_CPU = 0.5
SECOND = 0.05


@dataclass(frozen=True, slots=True)
class Shown:
    """What a file shows: originals by name, its own first; whether it is one, or has its bytes."""

    families: tuple[str, ...]
    original: bool = False


type Library = Mapping[str, Shown]
"""What each file of a library shows, by its real path."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one call said and took; CPU in seconds, `again` of a second call."""

    looked_at: int
    spared: int
    geometry: float
    whole: float
    again: float
    groups: Sequence[tuple[str, frozenset[str]]]


def main() -> None:
    """Measure the families, and the attacks if asked."""
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--count", type=int, default=12, help="photographs that get a family (12)")
    parser.add_argument("--seed", type=int, default=1, help="other photographs, other strengths (1)")
    parser.add_argument("--attacks", type=int, default=0, help="photographs that are attacked, too (none)")
    options = _bench.parse(parser)
    figures: list[Figure] = []
    with _bench.workspace() as work:
        library = families(options.folder, work / "photos", options.count, options.seed)
        figures += compared("families", work / "families.db", [work / "photos"], library)
        if options.attacks:
            copies = attacked_photos(options.folder, options.attacks)
            library = attacks(copies, options.folder)
            figures += compared("attacks", work / "attacks.db", [copies, options.folder], library)
    _bench.finish(figures)


def families(photos: Path, folder: Path, count: int, seed: int) -> Library:
    """Write families and as many strangers; return what each file shows."""
    files = photo_files(photos)
    chosen = spread(files, count, seed)
    strangers = spread(sorted(set(files) - set(chosen)), count, seed)
    original = (Truth.ORIGINAL, Truth.EXACT, Truth.STRANGER)
    return {
        str((folder / entry.path).resolve()): Shown((entry.family,), entry.truth in original)
        for entry in build(chosen, strangers, folder, seed)
    }


def attacks(copies: Path, photos: Path) -> Library:
    """Return what each attacked copy and each photograph shows."""
    from neardup_cli.evaluation.manifest import MANIFEST_NAME, read_manifest

    found = {str(path.resolve()): Shown((path.name,), original=True) for path in photo_files(photos)}
    for entry in read_manifest(copies / MANIFEST_NAME):
        path = os.path.realpath(os.path.join(os.fsencode(copies), entry.copy))
        shown = (entry.source, *entry.shows)
        found[os.fsdecode(path)] = Shown(tuple(os.path.basename(os.fsdecode(one)) for one in shown))
    return found


def compared(name: str, catalog: Path, folders: Sequence[Path], library: Library) -> list[Figure]:
    """Scan, call `dups` in both ways, print a table, and return the figures."""
    for folder in folders:
        _bench.scan(folder, catalog)
    sides = {}
    for side, every_pair in (("as it is", False), ("every pair", True)):
        fresh = catalog.with_name(f"{name}-{every_pair}.db")
        shutil.copy(catalog, fresh)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            sides[side] = pool.submit(called, fresh, every_pair).result()
        _bench.note(f"{name}, {side}: {sides[side].whole:.0f} CPU seconds")
    judged = {side: judge(found.groups, library) for side, found in sides.items()}
    columns = (
        "looked at",
        "left out",
        "CPU s, geometry",
        "CPU s, whole",
        "CPU s, again",
        *judged["as it is"],
    )
    rows: list[list[str | float]] = [
        [
            side,
            *(str(number) for number in (found.looked_at, found.spared)),
            *(found.geometry, found.whole, found.again),
            *(f"{value:.4f}" if isinstance(value, float) else str(value) for value in judged[side].values()),
        ]
        for side, found in sides.items()
    ]
    print(f"\n{name}: {len(library):,} files")
    _bench.print_table(("dups", *columns), rows)
    ours, all_of_them = sides["as it is"], sides["every pair"]
    mine, theirs = judged["as it is"], judged["every pair"]
    return [
        Figure(f"{name}: pairs looked at / all", ours.looked_at / all_of_them.looked_at, MOST_LOOKED_AT),
        Figure(f"{name}: CPU of the geometric stage / all", ours.geometry / all_of_them.geometry, MOST_CPU),
        Figure(f"{name}: found / by all pairs", mine["found"] / theirs["found"], 0.999, at_least=True),
        Figure(f"{name}: strangers more than by all pairs", mine["strangers"] - theirs["strangers"], 0),
        Figure(f"{name}: originals kept less than by all pairs", theirs["kept"] - mine["kept"], 0),
        Figure(f"{name}: CPU of a second call / the first", ours.again / ours.whole, SECOND),
    ]  # fmt: skip


def called(catalog: Path, every_pair: bool) -> Side:
    """Call `dups` twice, in this process, and measure."""
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
    from neardup_cli.pipeline.geometry import Decider

    spent = 0.0
    decide = Decider.decide

    def measured(self: Decider, *args: object) -> object:
        nonlocal spent
        started = cpu()
        found = decide(self, *args)  # type: ignore[arg-type]
        spent += cpu() - started
        return found

    Decider.decide = measured  # type: ignore[assignment,method-assign]
    options = DupsOptions(workers=_bench.cores(), every_pair=every_pair)
    with Catalog.open(catalog) as opened:
        started = cpu()
        report = find_duplicates(opened, options)
        whole, geometry = cpu() - started, spent
        started = cpu()
        if find_duplicates(opened, options).groups != report.groups:
            sys.exit("the second run gives other groups than the first")
        again = cpu() - started
    summary = report.summary
    groups = [
        (os.fsdecode(group.keep), frozenset(os.fsdecode(member.path) for member in group.members))
        for group in report.groups
    ]
    return Side(summary["checked_pairs"], summary["pairs_not_needed"], geometry, whole, again, groups)


def cpu() -> float:
    """CPU seconds of this process, all its threads."""
    times = os.times()
    return times.user + times.system


def judge(groups: Sequence[tuple[str, frozenset[str]]], library: Library) -> dict[str, float]:
    """Say how good groups are: the share of copies found, strangers in groups, originals kept."""
    copies = found = strangers = holding = kept = 0
    for keep, members in groups:
        own = Counter(library[path].families[0] for path in members)
        main = min(own, key=lambda family: (-own[family], family))
        strangers += sum(main not in library[path].families for path in members)
        originals = {library[path].families[0] for path in members if library[path].original}
        found += sum(
            not library[path].original and not originals.isdisjoint(library[path].families)
            for path in members
        )
        holding += bool(originals)
        kept += library[keep].original
    copies = sum(not shown.original for shown in library.values())
    return {"found": found / max(1, copies), "strangers": strangers, "originals": holding, "kept": kept}


if __name__ == "__main__":
    main()
