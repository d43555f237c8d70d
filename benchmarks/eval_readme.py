"""The evaluation that is quoted: attacked copies of photographs, the whole funnel, the table and the plots.

    python -m benchmarks.eval_readme --write

makes copies of `--sample` photographs by every attack of `--suite`, asks for each of them which of all
photographs it is a copy of, and with `--write` puts the tables into docs/accuracy.md, between its two marks,
and the plots into docs/evaluation. The copies and the catalog are kept in benchmarks/out. It asks twice, and
the second answers have to be those of the first. `--peers` adds the comparison with other programs, of which
five rows go into README.md.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._pictures import attacked_photos

DOCS = _bench.ROOT / "docs" / "evaluation"
PAGE = _bench.ROOT / "docs" / "accuracy.md"
README = _bench.ROOT / "README.md"
IN_THE_README = ("neardup", "PDQ", "imagededup PHash", "immaculate sscd_distilled", "czkawka")
LEAST_RECALL = {"neardup": 0.95, "neardup --model sscd": 0.95, "neardup --thorough": 0.97}
LEAST_PRECISION = 0.999


def measure(copies: Path, folder: Path, *options: str) -> dict[str, Any]:
    """What `neardup eval run --json` prints."""
    command: list[str | Path] = [_bench.neardup(), "eval", "run", "--queries", copies, "--references", folder]
    return _bench.run([*command, "--json", *options], _bench.ROOT).json()


def without_costs(document: dict[str, Any]) -> str:
    """A run's figures as text, to compare two runs."""
    return json.dumps({name: value for name, value in document.items() if name != "costs"}, sort_keys=True)


def table(document: dict[str, Any], sample: int) -> list[str]:
    """The page's lines: all attacks, each level, and the attacks that are not found every time."""
    names = ("recall", "precision", "micro_ap", "recall_at_p90", "recall_at_p999", "recall_at_1")
    parameters = document["parameters"]
    lines = [
        f"{parameters['queries']:,} copies of {sample} photographs, each looked up among "
        f"{parameters['references']:,}; `{parameters['model']}`, default settings:",
        "",
        "| | recall | precision | µAP | recall at P90 | recall at P99.9 | recall@1 |",
        "|---|---|---|---|---|---|---|",
    ]
    rows = {"**all attacks**": document["overall"], **document["levels"]}
    rows |= {name: one for name, one in document["attacks"].items() if one["recall"] < 1}
    del rows["funnel"]
    lines += [
        f"| {name} | " + " | ".join(f"{one[column]:.3f}" for column in names) + " |"
        for name, one in rows.items()
    ]
    whole = [name for name, one in document["attacks"].items() if one["recall"] == 1]
    lines += ["", f"Found every time: {', '.join(whole)}.", ""]
    plots = ("precision-recall", "scores", "recall-by-attack")
    lines += [" ".join(f"![{name}](evaluation/{name}.svg)" for name in plots)]
    return lines


def compared(copies: Path, folder: Path, peers: list[str]) -> list[dict[str, Any]]:
    """What `neardup eval compare --json` prints of each program."""
    pythons = [part for peer in peers for part in ("--peer-python", peer)]
    command: list[str | Path] = [_bench.neardup(), "eval", "compare", *pythons]
    command += ["--queries", copies, "--references", folder]
    document = _bench.run([*command, "--json", "--plot", DOCS / "compare.svg"], _bench.ROOT).json()
    programs: list[dict[str, Any]] = document["programs"]
    return programs


def comparison(programs: list[dict[str, Any]]) -> list[str]:
    """A table of programs."""
    lines = ["| program | recall | precision | CPU seconds | peak MB |", "|---|---|---|---|---|"]
    for one in programs:
        if one["state"] != "measured":
            lines.append(f"| {one['name']} | {one['state']} | | | |")
            continue
        shares = f"{one['recall']:.3f} | {one['precision']:.3f}"
        costs = f"{one['cpu_seconds']:.0f} | {one['peak_mb']:.0f}"
        lines.append(f"| {one['name']} {one['version']} | {shares} | {costs} |")
    return lines


def bars(program: dict[str, Any]) -> list[Figure]:
    """What our own answers have to reach, with all pairs of a group counted."""
    name = program["name"]
    if name not in LEAST_RECALL:
        return []
    return [
        Figure(
            f"{name}: recall of (photograph, attack)", program["recall"], LEAST_RECALL[name], at_least=True
        ),
        Figure(f"{name}: precision of pairs", program["precision"], LEAST_PRECISION, at_least=True),
    ]


def write(page: Path, mark: str, lines: list[str]) -> None:
    """Put lines between the two marks of a page."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    text = page.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        sys.exit(f"{page.name} needs one line {begin} and one line {end}")
    head, _, rest = text.partition(begin)
    tail = rest.partition(end)[2]
    page.write_text(f"{head}{begin}\n" + "\n".join(lines) + f"\n{end}{tail}", encoding="utf-8")


def main() -> None:
    parser = _bench.arguments(__doc__)
    parser.add_argument("--sample", type=int, default=60, help="photographs to attack (60)")
    parser.add_argument("--suite", default="standard", help="which attacks (standard)")
    parser.add_argument("--write", action="store_true", help="put the tables and the plots into the docs")
    parser.add_argument(
        "--peers", nargs="*", metavar="PACKAGE=PYTHON", help="compare with these programs too"
    )
    options = _bench.parse(parser)
    copies = attacked_photos(options.folder, options.sample, options.suite)
    catalog = copies.with_suffix(".db")
    plots = ["--plots", str(DOCS)] if options.write else []
    first = measure(copies, options.folder, "--catalog", str(catalog), *plots)
    lines = table(first, options.sample)
    figures = []
    if options.peers is not None:
        programs = compared(copies, options.folder, options.peers)
        lines += ["", *comparison(programs), "", "![recall and precision](evaluation/compare.svg)"]
        figures = [figure for one in programs for figure in bars(one)]
    print("\n".join(lines))
    if options.write:
        write(PAGE, "evaluation", lines)
    if options.write and options.peers is not None:
        write(README, "programs", comparison([one for one in programs if one["name"] in IN_THE_README]))
    same = without_costs(measure(copies, options.folder, "--catalog", str(catalog))) == without_costs(first)
    _bench.finish([Figure("figures that a second run changes", float(not same), 0), *figures])


if __name__ == "__main__":
    main()
