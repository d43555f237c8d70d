"""Which pairs of edited copies does the funnel find, and whom does it accuse? Recall, precision, cost.

    python -m benchmarks.accuracy_pairs [--photos FOLDER] [--half report] [--count 60] [--hard 84]

The photographs are split in two halves. Thresholds were tuned on `tune` (every second photograph); what the
README quotes is measured on `report`. Copies and their vectors are made once and kept in the cache folder
(about 130 ms a copy for both models on one core).
"""

import argparse
import pickle
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.evaluation.attacks import standard_attacks
from neardup_cli.evaluation.hard_negatives import hard_families
from neardup_cli.matching.features import FEATURE_SIDE, LocalFeatures, extract_features
from neardup_cli.matching.verify import Verdict, verify_pair

MODELS = ("sscd", "sscd_distilled")
DOOR = 0.2
"""Similarity from which a pair is a candidate."""
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "dev-photos"


@dataclass(frozen=True)
class Copy:
    """One picture of the benchmark.

    Attributes:
        attack: what was done to the photograph `source`; "original" for nothing.
        contains: numbers of all photographs that can be seen in it.
        grey: `uint8 [height, width]`, longest side at most `FEATURE_SIDE`.
        vectors: unit vector of each model.
    """

    source: int
    attack: str
    contains: frozenset[int]
    grey: NDArray[np.uint8]
    vectors: dict[str, NDArray[np.float32]]


@dataclass
class Photos:
    """The photographs of one half, which are one another's companions, and the models, loaded when needed."""

    paths: Sequence[Path]
    cache: Path
    images: list[Image.Image] = field(default_factory=list)
    models: dict[str, Embedder] = field(default_factory=dict)

    def load(self) -> None:
        """Read the photographs and the models, if that has not been done."""
        if not self.images:
            self.images = [Image.open(path).convert("RGB") for path in self.paths]
            self.models = {name: load_embedder(name) for name in MODELS}


@dataclass
class Companions:
    """Draws a photograph of the half that is not `source`, and notes which: it can be seen in the copy."""

    photos: Photos
    source: int
    drawn: set[int] = field(default_factory=set)

    def __call__(self, rng: np.random.Generator) -> Image.Image:
        """Draw a photograph."""
        place = int(rng.integers(len(self.photos.images)))
        if place == self.source:
            place = (place + 1) % len(self.photos.images)
        self.drawn.add(place)
        return self.photos.images[place]


def small_grey(image: Image.Image) -> NDArray[np.uint8]:
    grey = np.asarray(image.convert("L"))
    scale = FEATURE_SIDE / max(grey.shape)
    if scale >= 1:
        return grey
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def copies_of(photos: Photos, count: int) -> Iterator[Copy]:
    """Give the original and the copies of the first `count` photographs, from the cache if they are there."""
    photos.cache.mkdir(parents=True, exist_ok=True)
    for source, path in enumerate(photos.paths[:count]):
        cached = photos.cache / f"{path.stem}-of-{len(photos.paths)}.pickle"
        if not cached.is_file():
            photos.load()
            made = [vars(copy) for copy in make_copies(photos, source)]
            cached.write_bytes(pickle.dumps(made))
        yield from (Copy(**fields) for fields in pickle.loads(cached.read_bytes()))


def make_copies(photos: Photos, source: int) -> Iterator[Copy]:
    photo, key = photos.images[source], photos.paths[source].name
    yield make_copy(photos, photo, source, "original", frozenset({source}))
    for attack in standard_attacks():
        companions = Companions(photos, source)
        edited = attack.save_as.encode(attack.run(photo, key, supplier=companions))
        contains = frozenset({source} | companions.drawn)
        yield make_copy(photos, Image.open(BytesIO(edited)).convert("RGB"), source, attack.name, contains)


def make_copy(photos: Photos, image: Image.Image, source: int, attack: str, contains: frozenset[int]) -> Copy:
    vectors = {name: model.embed([model.prepare(image)])[0] for name, model in photos.models.items()}
    return Copy(source, attack, contains, small_grey(image), vectors)


@dataclass
class Verifier:
    """Verifies pairs of copies once, however many models propose them, and keeps the time."""

    features: Sequence[LocalFeatures]
    verdicts: dict[tuple[int, int], Verdict] = field(default_factory=dict)
    seconds: float = 0.0

    def matches(self, i: int, j: int) -> bool:
        """Whether copies `i` and `j` match."""
        if (i, j) not in self.verdicts:
            start = time.process_time()
            self.verdicts[i, j] = verify_pair(self.features[i], self.features[j])
            self.seconds += time.process_time() - start
        return self.verdicts[i, j].matched


@dataclass(frozen=True)
class Candidates:
    """Pairs of copies above the door: indexes, similarity, and whether they show the same photograph."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    similarity: NDArray[np.float32]
    true: NDArray[np.bool_]

    def certainty(self) -> float:
        """The similarity above which there is no false pair."""
        return float(self.similarity[~self.true].max(initial=DOOR))


def candidates_of(copies: Sequence[Copy], model: str) -> Candidates:
    vectors = np.stack([copy.vectors[model] for copy in copies])
    similarity = np.triu(vectors @ vectors.T, 1)
    rows, columns = np.nonzero(similarity >= DOOR)
    true = [
        bool(copies[i].contains & copies[j].contains)
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    return Candidates(rows, columns, similarity[rows, columns], np.array(true, dtype=bool))


def recall_by_attack(
    copies: Sequence[Copy], found: Candidates, kept: NDArray[np.bool_]
) -> Mapping[str, float]:
    """The share of the photographs whose copy by each attack was paired with its original."""
    pairs = {(int(i), int(j)) for i, j in zip(found.rows[kept], found.columns[kept], strict=True)}
    hits: dict[str, list[bool]] = defaultdict(list)
    original = 0
    for place, copy in enumerate(copies):  # an original comes before its copies
        if copy.attack == "original":
            original = place
        else:
            hits[copy.attack].append((original, place) in pairs)
    return {attack: float(np.mean(found)) for attack, found in hits.items()}


def report_pairs(copies: Sequence[Copy]) -> None:
    start = time.process_time()
    features = [extract_features(copy.grey) for copy in copies]
    print(f"features: {(time.process_time() - start) / len(copies) * 1e3:.1f} ms a picture")
    verifier = Verifier(features)
    tables = {}
    for model in MODELS:
        found = candidates_of(copies, model)
        print(f"\n{model}: {len(found.true)} candidates at {DOOR}, {int((~found.true).sum())} of them false;")
        print(f"  no false pair of photographs above {found.certainty():.3f}")
        rows = [(f"≥ {threshold}", found.similarity >= threshold) for threshold in THRESHOLDS]
        # Every candidate is verified: two filled-in copies of one form have a similarity of 0.98.
        verified = [verifier.matches(int(i), int(j)) for i, j in zip(found.rows, found.columns, strict=True)]
        rows.append(("funnel", np.array(verified)))
        for name, kept in rows:
            recall = recall_by_attack(copies, found, kept)
            precision = float(found.true[kept].mean())
            false = int((~found.true[kept]).sum())
            shares = f"recall {np.mean(list(recall.values())):.4f}  precision {precision:.5f}"
            print(f"  {name:8} {shares}  false {false}")
        show_false(copies, found, np.array(verified), verifier)
        tables[model] = (recall_by_attack(copies, found, rows[0][1]), recall)
    count = len(verifier.verdicts)
    print(f"\nverified {count} pairs, {verifier.seconds / count * 1e3:.2f} ms a pair")
    print(f"\n{'attack':24}" + "".join(f"{model + ' ≥ 0.2':>22}{'funnel':>8}" for model in MODELS))
    for attack in tables[MODELS[0]][1]:
        cells = (f"{tables[model][0][attack]:22.3f}{tables[model][1][attack]:8.3f}" for model in MODELS)
        print(f"{attack:24}" + "".join(cells))


def show_false(
    copies: Sequence[Copy], found: Candidates, kept: NDArray[np.bool_], verifier: Verifier
) -> None:
    for place in np.nonzero(kept & ~found.true)[0][:10]:
        i, j = int(found.rows[place]), int(found.columns[place])
        names = f"{copies[i].source} {copies[i].attack} and {copies[j].source} {copies[j].attack}"
        print(f"    false: {names}: {verifier.verdicts.get((i, j))}")


def report_hard_negatives(photos: Photos, size: int) -> None:
    images = [Image.open(path).convert("RGB") for path in photos.paths[:size]]
    pairs = false = 0
    seconds = 0.0
    print(f"\nhard negatives, {size} pictures a family")
    for family in hard_families(images, size):
        features = [extract_features(small_grey(picture)) for picture in family.pictures]
        start = time.process_time()
        verdicts = [verify_pair(a, b) for place, b in enumerate(features) for a in features[:place]]
        seconds += time.process_time() - start
        wrong = [verdict for verdict in verdicts if verdict.matched]
        nearest = max(verdict.agreement for verdict in verdicts)
        print(
            f"  {family.name:18} {len(wrong)} of {len(verdicts)} match; largest agreement {nearest:.2f}",
            flush=True,
        )
        for verdict in wrong[:2]:
            print(f"    {verdict}")
        pairs, false = pairs + len(verdicts), false + len(wrong)
    print(f"  together {false} false matches in {pairs} pairs, {seconds / pairs * 1e3:.2f} ms a pair")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--cache", type=Path, default=Path("/tmp/neardup-accuracy"))
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument(
        "--count", type=int, default=60, help="photographs whose copies are compared; 0 for none"
    )
    parser.add_argument(
        "--hard", type=int, default=84, help="pictures a family of hard negatives; 0 for none"
    )
    options = parser.parse_args()
    cv2.setNumThreads(1)  # the costs are those of one core
    paths = sorted(options.photos.iterdir())[{"tune": 0, "report": 1}[options.half] :: 2]
    photos = Photos(paths, options.cache)
    if options.count:
        report_pairs(list(copies_of(photos, options.count)))
    if options.hard:
        report_hard_negatives(photos, options.hard)


if __name__ == "__main__":
    main()
