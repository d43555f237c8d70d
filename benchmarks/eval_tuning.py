"""Does tuning keep its word? Settings from one half of the photographs, precision on the other half.

Both halves are attacked, each copy is looked up among the photographs of its own half, and the dials are set
on the first half for several wanted precisions. The bar: the precision of the second half lies in the
interval that `eval tune` states for other photographs.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import _bench
from benchmarks._pictures import photo_files


def halves(folder: Path, work: Path, count: int) -> list[Path]:
    """Two folders with every second photograph each."""
    made = []
    for place, name in enumerate(("tune", "test")):
        half = work / name
        half.mkdir()
        for photo in photo_files(folder)[place : 2 * count : 2]:
            shutil.copyfile(photo, half / photo.name)
        made.append(half)
    return made


def main() -> None:
    from neardup_cli.choices import Suite
    from neardup_cli.evaluation.suites import suite_attacks
    from neardup_cli.evaluation.tune import TuneOptions, pairs_of_attacks
    from neardup_cli.evaluation.tuning import quality_at, tune_dials
    from neardup_cli.progress import Silent

    parser = _bench.arguments(__doc__)
    parser.add_argument("--count", type=int, default=60, help="photographs a half (60)")
    parser.add_argument("--suite", default="standard", help="which attacks (standard)")
    parser.add_argument("--wanted", type=float, nargs="*", default=[0.9, 0.95, 0.99], help="precisions")
    options = _bench.parse(parser)
    how = TuneOptions(workers=_bench.cores())
    attacks = suite_attacks(Suite(options.suite))
    with _bench.workspace() as work:
        tune, test = (
            pairs_of_attacks(bytes(half), attacks, how, Silent())
            for half in halves(options.folder, work, options.count)
        )
    rows: list[list[str | float]] = []
    figures = []
    for wanted in options.wanted:
        for dial in tune_dials(tune, wanted):
            if dial.setting is None:
                rows.append([f"{dial.dial.value} {dial.preset}", wanted, *["-"] * 5])
                continue
            other = quality_at(test, dial.dial, dial.preset, dial.setting)
            stated = f"{dial.precision.low:.3f} to {dial.precision.high:.3f}"
            rows.append(
                [
                    f"{dial.dial.value} {dial.preset}",
                    wanted,
                    f"{dial.setting:g}",
                    f"{dial.quality.precision:.4f}",
                    stated,
                    f"{other.precision:.4f}",
                    f"{other.recall:.4f}",
                ]
            )
            outside = float(other.precision not in dial.precision)
            figures.append(
                _bench.Figure(f"{dial.dial.value} at {wanted:g}, outside the interval", outside, 0)
            )
    columns = ("setting", "tuned precision", "stated for others", "precision of the others", "their recall")
    _bench.print_table(("dial", "wanted", *columns), rows)
    _bench.finish(figures)


if __name__ == "__main__":
    main()
