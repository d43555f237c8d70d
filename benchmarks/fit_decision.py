"""How sure is a match? Fits the weights of `rules/decision.txt`, and measures them on what they never saw.

Two libraries are made (`_decision_pictures.py`): one to fit on, one to measure on, of other photographs,
other edits and strengths, other drawn families of look-alikes. Both are scanned; then the pairs that the
network proposes are laid on each other as `dups` does, and the signs that it weighs are compared with the
truth.

The fit is a logistic regression with a little ridge. No sign may speak against what it stands for, and what
reaches the limits of the geometric stage has 2 more in log-odds than what does not. Pairs that the second
look refuses are no part of it: they stay refused. Left out of the fit as well are families of one
photograph with something small of its own in each (a camera's clock, a number plate, a subtitle): by these
signs they are copies with something drawn on them.

- found, wrong: pairs of copies that match, pairs of strangers that do, at the three presets;
- said, true: mean confidence and share of copies among pairs of photographs, by confidence (reliability).

`--write` writes the weights. Same folder, same seed: the same weights. `--stored` fits none and measures
those that the package has.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields
from itertools import batched, pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._decision_pictures import MARKED, SIDES, Side, library
from neardup_cli.matching.agreement import HOPELESS
from neardup_cli.matching.verify import DISAGREE, TOO_LITTLE
from neardup_cli.records.matches import Alignment
from neardup_cli.records.signs import Signs
from neardup_cli.rules import confidence

WEIGHTS = _bench.ROOT / "neardup_cli" / "rules" / "decision.txt"
FITS = 2.0
_RIDGE = 1.0
_STEPS = 4000
_NEGATIVE = frozenset({"page", "plain"})
_FREE = frozenset({"small"})
_BINS = (0.9, 0.95, 0.99, 0.999, 1.0)
_MOST_ERROR = 0.01
_AT_ONCE = 300
_NUMBER = re.compile(r"-\d+$")  # of a thumbnail's pixels, or of an image of a family

type Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contents, whether one shows the other, and whose they are: kind/family/name each."""

    a: int
    b: int
    is_copy: bool
    names: tuple[str, str]

    @property
    def is_marked(self) -> bool:
        """Whether it is one photograph with two small contents, which is left out of the fit."""
        return not self.is_copy and any(name.split("/")[1].split("__")[-1] in MARKED for name in self.names)

    @property
    def is_photograph(self) -> bool:
        """Whether it is about photographs: copies of them, or strangers of no drawn family."""
        drawn = [name.split("/")[1].startswith(("look__", "str__")) for name in self.names]
        return not any(drawn)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the geometric stage saw of a pair: None where nothing of it can be weighed."""

    pair: Pair
    signs: Signs | None
    refused: bool


def pairs_of(catalog_file: Path, folder: Path, seed: int) -> list[Pair]:
    """Return the pairs that the network proposes: of copies and families all, of strangers a sample."""
    from neardup_cli.catalog import queries
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.matching.search import DOOR
    from neardup_cli.pipeline.dups import load_collection
    from neardup_cli.pipeline.models import stored_model

    with Catalog.open(catalog_file) as catalog:
        model = stored_model(catalog, None)
        with catalog.read() as connection:
            found = load_collection(connection, model)
            files = queries.files_of_contents(connection, found.ids.tolist())
            name_of = {file.content_id: os.path.relpath(os.fsdecode(file.path), folder) for file in files}
    ids = found.ids[found.vector_rows].tolist()
    vectors = found.vectors.astype(np.float32)
    near = vectors @ vectors.T >= DOOR
    random = np.random.default_rng(seed)
    pairs, strangers = [], []
    for i, j in np.argwhere(np.triu(near, 1)).tolist():
        names = name_of[ids[i]], name_of[ids[j]]
        relation = _relation(*names)
        pair = Pair(min(ids[i], ids[j]), max(ids[i], ids[j]), relation == "copy", names)
        if relation in ("copy", "family"):
            pairs.append(pair)
        elif relation == "strangers":
            strangers.append(pair)
    copies = [pair for pair in pairs if pair.is_copy]
    kept = {id(pair) for pair in copies if _of_original(pair) or random.random() < _share(pair)}
    pairs = [pair for pair in pairs if not pair.is_copy or id(pair) in kept]
    chosen = random.permutation(len(strangers))[:1500]
    return pairs + [strangers[place] for place in sorted(chosen.tolist())]


def _relation(first: str, second: str) -> str:
    """Say what two files are to each other; nothing where they may show one photograph after all."""
    (kind_a, of_a, name_a), (kind_b, of_b, name_b) = (name.split("/") for name in (first, second))
    if (kind_a, of_a) == (kind_b, of_b):
        if kind_a == "family":
            return "family"
        both_cut = "crop" in name_a and "crop" in name_b
        return "" if both_cut else "copy"
    family_a, family_b = (_NUMBER.sub("", of) for of in (of_a, of_b))
    if family_a == family_b or sum("hard__" in of for of in (of_a, of_b)) == 2:
        return ""
    if any("hard__" in of for of in (of_a, of_b)) and {kind_a, kind_b} & {"photo", "small", "ground"}:
        return ""  # its companions are those of the hard families
    return "strangers"


def _of_original(pair: Pair) -> bool:
    return any(Path(name).stem == "original" for name in pair.names)


def _share(pair: Pair) -> float:
    return 0.08 if pair.names[0].startswith("photo/") else 0.25


def falls_short(alignment: Alignment) -> bool:
    """Return True if it is no match only for how much agrees: a frame or a form in common is no copy."""
    few = not alignment.matched and alignment.reason in (TOO_LITTLE, DISAGREE)
    return few and alignment.agreement >= HOPELESS


def seen_by_geometry(job: tuple[Path, Sequence[Pair]]) -> list[Seen]:
    """Lay pairs on each other, as `dups` does."""
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.matching.explain import Subject
    from neardup_cli.matching.features import LocalFeatures
    from neardup_cli.matching.second_look import look_again
    from neardup_cli.matching.verify import verify_pair
    from neardup_cli.pipeline.geometry import Reader, features_of, signs_of, subject_of
    from neardup_cli.pipeline.picture import Cache

    catalog_file, pairs = job
    found = []
    with Catalog.open(catalog_file) as catalog:
        reader = Reader(catalog, [(pair.a, pair.b) for pair in pairs])
        features = Cache[int, LocalFeatures](lambda one: features_of(reader.decoded(one, colour=False)), 300)
        subjects = Cache[int, Subject](lambda one: subject_of(reader.decoded(one, colour=True)), 200)
        for pair in pairs:
            first, second = sorted((pair.a, pair.b), key=reader.digest)
            verdict = verify_pair(features[first], features[second])
            if not (verdict.matched or falls_short(verdict)):
                found.append(Seen(pair, None, refused=False))
                continue
            a, b = subjects[first], subjects[second]
            refused = look_again(a, b, verdict) is not None
            found.append(Seen(pair, signs_of(verdict, a, b), refused))
    return found


def measured(side: Side, folder: Path, seed: int) -> list[Seen]:
    """Scan a library and look at its pairs, on all cores."""
    catalog = folder.with_suffix(".db")
    if not catalog.exists():
        _bench.scan(folder, catalog)
    pairs = sorted(pairs_of(catalog, folder, seed), key=lambda pair: pair.names)
    _bench.note(f"{side}: {len(pairs):,} pairs")
    jobs = [(catalog, some) for some in batched(pairs, _AT_ONCE)]
    with ProcessPoolExecutor(_bench.cores(), mp_context=get_context("spawn")) as pool:
        return [seen for some in pool.map(seen_by_geometry, jobs) for seen in some]


NAMES = tuple(field.name for field in fields(Signs) if field.name != "fits")


def fit(seen: Sequence[Seen]) -> dict[str, float]:
    """Fit the weights: projected gradient descent on standardised signs, with momentum."""
    weighed = [one for one in seen if one.signs is not None and not one.refused and not one.pair.is_marked]
    rows = np.array([[asdict(one.signs)[name] for name in NAMES] for one in weighed])  # type: ignore[arg-type]
    given = FITS * np.array([one.signs.fits for one in weighed if one.signs is not None])
    true = np.array([one.pair.is_copy for one in weighed], np.float64)
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-9
    columns = np.column_stack([np.ones(len(rows)), (rows - mean) / deviation])
    weights = _descended(columns, given, true)
    found = weights[1:] / deviation
    named = dict(zip(NAMES, found.tolist(), strict=True))
    refused = [one.pair.is_copy for one in seen if one.refused and not one.pair.is_marked]
    odds = (sum(refused) + 1) / (len(refused) - sum(refused) + 1)
    nothing = float(weights[0] - found @ mean)
    return {"nothing": nothing, "fits": FITS, **named, "refused": math.log(odds)}


def _descended(columns: Floats, given: Floats, true: Floats) -> Floats:
    """Minimise the logistic loss with a ridge; weights keep the sign of what they stand for."""
    low = np.array([-np.inf, *(0.0 if name not in _NEGATIVE | _FREE else -np.inf for name in NAMES)])
    high = np.array([np.inf, *(0.0 if name in _NEGATIVE else np.inf for name in NAMES)])
    ridge = np.array([0.0, *([_RIDGE] * len(NAMES))])
    step = 1 / (np.linalg.norm(columns, 2) ** 2 / 4 + _RIDGE)
    weights = ahead = np.zeros(columns.shape[1])
    momentum = 1.0
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-(columns @ ahead + given)))
        slope = columns.T @ (likely - true) + ridge * ahead
        moved = np.clip(ahead - step * slope, low, high)
        later = (1 + math.sqrt(1 + 4 * momentum * momentum)) / 2
        ahead, weights, momentum = moved + (momentum - 1) / later * (moved - weights), moved, later
    return weights


def confidences(seen: Sequence[Seen], weights: Mapping[str, float]) -> Floats:
    """Return the confidence of each pair; 0 where nothing can be weighed."""

    def odds(one: Seen) -> float:
        if one.signs is None:
            return -math.inf
        signs: dict[str, float] = asdict(one.signs)
        found = weights["nothing"] + sum(weights[name] * value for name, value in signs.items())
        return min(found, weights["refused"]) if one.refused else found

    return np.array([1 / (1 + math.exp(-value)) if value > -700 else 0.0 for value in map(odds, seen)])


def report(side: Side, seen: Sequence[Seen], sure: Floats) -> list[Figure]:
    """Print what each preset finds and lets in, and how right the confidences are; return figures."""
    true = np.array([one.pair.is_copy for one in seen])
    marked = np.array([one.pair.is_marked for one in seen])
    limits = np.array([one.signs is not None and one.signs.fits == 1 and not one.refused for one in seen])
    rows: list[list[str | float]] = []
    for name, level in (("the limits alone", None), *confidence.LEVELS.items()):
        said = limits if level is None else (sure >= level) & limits
        wrong, doubtful = np.count_nonzero(said & ~true & ~marked), np.count_nonzero(said & marked)
        rows.append([name, f"{said[true].mean():.4f}", str(wrong), str(doubtful)])
    print(f"\n{side}: {np.count_nonzero(true):,} pairs of copies, {np.count_nonzero(~true):,} of strangers")
    _bench.print_table(("preset", "found", "wrong", "one photograph with two marks"), rows)
    return _reliability(side, seen, sure, true)


def _reliability(side: Side, seen: Sequence[Seen], sure: Floats, true: NDArray[np.bool_]) -> list[Figure]:
    photographs = np.array([one.pair.is_photograph for one in seen])
    rows: list[list[str | float]] = []
    weighted = number = 0.0
    for low, high in pairwise(_BINS):
        within = photographs & (sure >= low) & ((sure < high) | (high == 1.0))
        if not within.any():
            continue
        said, right = float(sure[within].mean()), float(true[within].mean())
        count = int(np.count_nonzero(within))
        rows.append([f"{low:g}-{high:g}", str(count), f"{said:.4f}", f"{right:.4f}"])
        weighted, number = weighted + count * abs(said - right), number + count
    print(f"\n{side}: photographs, by confidence")
    _bench.print_table(("confidence", "pairs", "said", "true"), rows)
    return [Figure(f"calibration error from 0.9 on, {side}", weighted / max(1.0, number), _MOST_ERROR)]


def lines_of(weights: Mapping[str, float]) -> Iterator[str]:
    """Yield the weights as the program reads them."""
    yield "# Made by `python -m benchmarks.fit_decision --write`: log-odds are their sum, each times its sign"
    yield "# (`records/signs.py`). `nothing` is added always; `refused` is the most that a pair has which the"
    yield "# second look refuses."
    for name, value in weights.items():
        yield f"{name:10}{value:9.3f}"


def main() -> None:
    """Make the libraries, fit on one, measure on both."""
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--count", type=int, default=22, help="photographs of each library (22)")
    parser.add_argument("--seed", type=int, default=0, help="of the strangers that are drawn (0)")
    parser.add_argument("--write", action="store_true", help="write the weights into the package")
    parser.add_argument("--stored", action="store_true", help="measure the weights of the package")
    options = _bench.parse(parser)
    if options.write and options.stored:
        parser.error("--write writes what is fitted, and --stored fits nothing")
    seen = {
        side: measured(side, library(side, options.folder, options.count), options.seed) for side in SIDES
    }
    weights = confidence.weights() if options.stored else fit(seen["fit"])
    print("\n".join(lines_of(weights)))
    if options.write:
        WEIGHTS.write_text("\n".join(lines_of(weights)) + "\n", encoding="utf-8")
    figures: list[Figure] = []
    for side in SIDES:
        figures += report(side, seen[side], confidences(seen[side], weights))
    _bench.finish(figures[1:])


if __name__ == "__main__":
    main()
