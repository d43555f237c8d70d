"""Is anything removed that nobody has elsewhere? And does what everybody has elsewhere go?

Each kind takes photographs (each fifth as large as a camera's) and writes, about each of them, files of
which some have to stay: a label with another word, a warped face, another shot of a burst, the sound one of
a damaged pair. Strengths are drawn at random, by `--seed`. `neardup scan` and `clean --json` (a dry run)
then run on each kind, with a catalog of its own, at the default settings. A wrong removal is a file that
had to stay and is acted upon, or one that is acted upon for another photograph's.

The other way round, plain copies (saved again, resized, stripped, sent through messengers) have to be acted
upon: the plan acts by default only where it is proven that nothing is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks import _bench
from benchmarks._attempts import Attempt, Made, Maker, Must
from benchmarks._bench import Figure
from benchmarks._cleaning import Answer, ask
from benchmarks._files import spread
from benchmarks._pictures import photo_files
from benchmarks._plain_copies import COPY_KINDS
from benchmarks._removal_files import FILE_KINDS
from benchmarks._removal_pages import PAGE_KINDS
from benchmarks._removal_photos import PHOTO_KINDS
from neardup_cli.evaluation.attacks import attack_seed

KINDS: dict[str, Maker] = {**PHOTO_KINDS, **PAGE_KINDS, **FILE_KINDS, **COPY_KINDS}
PROVEN = 0.97

type Job = tuple[str, Path, int, Path, int]
"""A kind, a photograph, its number, the kind's folder, and the seed."""


def write_attempt(job: Job) -> list[Made]:
    """Write the files of one attempt and say what must happen to each."""
    kind, photo, number, folder, seed = job
    random = np.random.default_rng(attack_seed(f"{kind}\0{photo.name}", "removal", seed))
    attempt = Attempt(photo, number, folder / f"{number:03d}", random)
    attempt.folder.mkdir(parents=True)
    KINDS[kind](attempt)
    return attempt.made


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of one kind: files by how they were made, those acted upon, wrong removals in words."""

    kind: str
    attempts: int
    made: Counter[tuple[Must, str]]
    acted: Counter[tuple[Must, str]]
    wrong: list[str]
    left: Counter[str]
    """Why plain copies are left alone."""


def judge(kind: str, made: Sequence[Made], answer: Answer) -> Result:
    """Compare what the plan would do with what must happen."""
    counted: Counter[tuple[Must, str]] = Counter((entry.must, entry.how) for entry in made)
    acted: Counter[tuple[Must, str]] = Counter()
    left: Counter[str] = Counter()
    wrong = []
    how_of = {entry.path: entry.how for entry in made}
    for entry in made:
        act = answer.acts.get(entry.path)
        if act is None:
            if entry.must is Must.GO:
                left[answer.left.get(entry.path, "in no group that the plan acts on")] += 1
            continue
        acted[entry.must, entry.how] += 1
        strange = Path(act.keep).parent != Path(entry.path).parent
        if entry.must is Must.STAY or strange:
            wrong.append(f"{entry.how}, for {'another photograph: ' * strange}{how_of[act.keep]}: {act}")
    attempts = len({Path(entry.path).parent for entry in made})
    return Result(kind, attempts, counted, acted, wrong, left)


def measure(kind: str, photos: Sequence[Path], space: Path, seed: int, pool: ProcessPoolExecutor) -> Result:
    """Write one kind's files, ask the program about them, and judge."""
    folder = space / kind
    jobs = [(kind, photo, number, folder, seed) for number, photo in enumerate(photos)]
    made = [entry for entries in pool.map(write_attempt, jobs) for entry in entries]
    result = judge(kind, made, ask(folder, space / f"{kind}.db"))
    _bench.note(f"{kind}: {len(made)} files, {len(result.wrong)} wrong removals")
    return result


def report(results: Sequence[Result], shown: int) -> list[Figure]:
    """Print the tables; return the figures with their bars."""
    rows: list[list[str | float]] = []
    for result in results:
        stay = sum(count for (must, _), count in result.made.items() if must is Must.STAY)
        rows.append([result.kind, f"{result.attempts}", f"{stay}", f"{len(result.wrong)}"])
    _bench.print_table(("kind", "attempts", "must stay", "wrong removals"), rows)
    for result in results:
        for line in result.wrong[:shown]:
            print(f"  {result.kind}: {line}")
    figures = [Figure("wrong removals", sum(len(result.wrong) for result in results), 0)]
    copies: list[list[str | float]] = []
    for result in results:
        for (must, how), made in result.made.items():
            if must is Must.GO:
                acted = result.acted[must, how]
                copies.append([how, f"{acted} of {made}"])
                figures.append(Figure(f"proven and acted upon, {how}", acted / made, PROVEN, at_least=True))
    if copies:
        print()
        _bench.print_table(("plain copy", "proven and acted upon"), copies)
        reasons = sum((result.left for result in results), Counter[str]())
        for reason, count in reasons.most_common(shown):
            print(f"  left alone: {count} x {reason}")
    return figures


def main() -> None:
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--photos", type=Path, default=None, help="photographs to measure on (as --folder)")
    parser.add_argument("--count", type=int, default=40, help="how many photographs a kind (40)")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed: other photographs, other strengths"
    )
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="only these kinds")
    parser.add_argument("--shown", type=int, default=5, help="how many wrong removals a kind are printed (5)")
    options = _bench.parse(parser)
    photos = photo_files(options.photos or options.folder)
    context = get_context("spawn")
    with _bench.workspace() as space, ProcessPoolExecutor(_bench.cores(), mp_context=context) as pool:
        results = [
            measure(
                kind,
                spread(photos, options.count, attack_seed(kind, "photos", options.seed)),
                space,
                options.seed,
                pool,
            )
            for kind in options.kinds
        ]
    _bench.finish(report(results, options.shown))


if __name__ == "__main__":
    main()
