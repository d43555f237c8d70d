"""Are look-alikes left alone? Families of drawn images of which no two are copies, at the default settings.

Each family is one layout, style or outline with something else in every image (`_lookalikes.py`: icons,
flags, forms, charts, faces, labels …), or comes from a script of your own: `--script PATH` is run as `PATH
all FOLDER COUNT SEED` and has to write FOLDER/FAMILY/IMAGE. Counted are, of all pairs within a family,
those that `neardup dups` matches or groups, and the files that `neardup clean` (a dry run) would act upon:
none may be.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._cleaning import Answer, ask
from benchmarks._lookalikes import FAMILIES, drawn
from benchmarks._pictures import in_processes

IN_GROUPS = 0.5  # per cent

type Job = tuple[str, int, Path, int]
"""A family, the number of the image, the folder of all families, the seed."""


def write_image(job: Job) -> None:
    """Draw one image and write it as PNG."""
    family, number, folder, seed = job
    drawn(family, number, seed).save(folder / family / f"{number:04d}.png")


def draw_own(folder: Path, count: int, seed: int) -> None:
    """Draw `count` images of each family of `_lookalikes`."""
    for family in FAMILIES:
        (folder / family).mkdir(parents=True)
    in_processes(write_image, [(family, at, folder, seed) for family in FAMILIES for at in range(count)])


def report(folder: Path, answer: Answer, shown: int) -> list[Figure]:
    """Print a line for each family; return the figures with their bars."""
    sizes = {family.name: sum(1 for _ in family.iterdir()) for family in sorted(folder.iterdir())}
    of_family = {name: size * (size - 1) // 2 for name, size in sizes.items()}
    pairs: Counter[str] = Counter()
    across = 0
    for pair in answer.pairs:
        families = {Path(path).parts[0] for path in pair}
        pairs.update(families if len(families) == 1 else ())
        across += len(families) > 1
    acts = Counter(Path(path).parts[0] for path in answer.acts)
    rows: list[list[str | float]] = [
        [name, f"{size}", f"{pairs[name]} of {of_family[name]}", f"{acts[name]}"]
        for name, size in sizes.items()
    ]
    _bench.print_table(("family", "images", "pairs in groups", "acts"), rows)
    print(f"pairs across families: {across}")
    for act in list(answer.acts.values())[:shown]:
        print(f"  {act}")
    share = 100 * sum(pairs.values()) / max(1, sum(of_family.values()))
    return [
        Figure("pairs of strangers in groups", share, IN_GROUPS, unit=" %"),
        Figure("strangers acted upon", len(answer.acts), 0),
    ]


def main() -> None:
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--script", type=Path, default=None, help="draws the families instead of our own")
    parser.add_argument("--count", type=int, default=12, help="how many images a family (12)")
    parser.add_argument("--seed", type=int, default=1, help="another seed: other images")
    parser.add_argument("--shown", type=int, default=20, help="how many acts are printed (20)")
    options = _bench.parse(parser)
    with _bench.workspace() as space:
        folder = space / "strangers"
        if options.script is None:
            draw_own(folder, options.count, options.seed)
        else:
            numbers = (str(options.count), str(options.seed))
            _bench.run([sys.executable, options.script.resolve(), "all", folder, *numbers], space)
        figures = report(folder, ask(folder, space / "catalog.db"), options.shown)
    _bench.finish(figures)


if __name__ == "__main__":
    main()
