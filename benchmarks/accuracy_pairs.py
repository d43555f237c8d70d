"""Which pairs of edited copies does the funnel find, and whom does it accuse? Recall, precision, cost.

    python -m benchmarks.accuracy_pairs [--photos FOLDER] [--half report] [--count 60] [--hard 84]

The photographs are split in two halves. Thresholds were tuned on `tune` (every second photograph); what
docs/accuracy.md quotes is measured on `report`. Copies and their vectors are made once and kept in the cache
folder (about 130 ms a copy for both models on one core). With `--thorough` their regions are too, and a
column shows what `scan --thorough` finds: pairs that a region proposes, decided by the whole pictures or the
region.
"""

import argparse
import pickle
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.regions import prepare_regions
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.evaluation.attacks import standard_attacks
from neardup_cli.evaluation.hard_negatives import hard_families
from neardup_cli.images.decode import DecodedImage
from neardup_cli.matching.features import LocalFeatures, extract_features
from neardup_cli.matching.part import Part, verify_part
from neardup_cli.matching.regions import REGION_DOOR
from neardup_cli.matching.verify import verify_pair
from neardup_cli.pipeline.geometry import features_of
from neardup_cli.pipeline.picture import as_preview
from neardup_cli.pipeline.region_geometry import part_of
from neardup_cli.records.matches import Alignment

MODELS = ("sscd", "sscd_distilled")
DOOR = 0.2
"""Similarity from which a pair is a candidate."""
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.75)
PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "dev-photos"


@dataclass(frozen=True)
class Regions:
    """What `--thorough` adds to a picture.

    Attributes:
        vectors: of each model, `float16 [regions, dimension]`.
        luma: the grey pixels at full size, as a PNG file.
    """

    vectors: dict[str, NDArray[np.float16]]
    luma: bytes

    def part(self, region: int) -> Part:
        """Cut a region out."""
        luma = Image.open(BytesIO(self.luma))
        return part_of(DecodedImage(luma, None, luma.width, luma.height, "PNG", None), region)


@dataclass(frozen=True)
class Copy:
    """One picture of the benchmark.

    Attributes:
        attack: what was done to the photograph `source`; "original" for nothing.
        contains: numbers of all photographs that can be seen in it.
        grey: `uint8 [height, width]`, longest side at most 416.
        vectors: unit vector of each model.
        regions: only with `--thorough`.
    """

    source: int
    attack: str
    contains: frozenset[int]
    grey: NDArray[np.uint8]
    vectors: dict[str, NDArray[np.float32]]
    regions: Regions | None = None


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
    """Return what the geometric stage compares: the preview, in grey."""
    decoded = DecodedImage(image.convert("L"), image.convert("RGB"), *image.size, "PNG", None)
    return features_of(as_preview(decoded)).grey


def copies_of(photos: Photos, count: int) -> Iterator[Copy]:
    """Give the original and the copies of the first `count` photographs, from the cache if they are there."""
    photos.cache.mkdir(parents=True, exist_ok=True)
    for source, path in enumerate(photos.paths[:count]):
        cached = photos.cache / f"{path.stem}-of-{len(photos.paths)}.previews.pickle"
        if not cached.is_file():
            photos.load()
            made = [vars(copy) for copy in make_copies(photos, source)]
            cached.write_bytes(pickle.dumps(made))
        yield from (Copy(**fields) for fields in pickle.loads(cached.read_bytes()))


def make_copies(photos: Photos, source: int) -> Iterator[Copy]:
    for image, attack, contains in pictures_of(photos, source):
        yield make_copy(photos, image, source, attack, contains)


def pictures_of(photos: Photos, source: int) -> Iterator[tuple[Image.Image, str, frozenset[int]]]:
    """Give a photograph and its copies: pixels, attack, and which photographs can be seen."""
    photo, key = photos.images[source], photos.paths[source].name
    yield photo, "original", frozenset({source})
    for attack in standard_attacks():
        companions = Companions(photos, source)
        edited = attack.save_as.encode(attack.run(photo, key, supplier=companions))
        contains = frozenset({source} | companions.drawn)
        yield Image.open(BytesIO(edited)).convert("RGB"), attack.name, contains


def with_regions(photos: Photos, copies: Sequence[Copy], models: Sequence[str]) -> Iterator[Copy]:
    """Add the regions to the copies of whole photographs, from the cache if they are there."""
    by_source: dict[int, list[Copy]] = defaultdict(list)
    for copy in copies:
        by_source[copy.source].append(copy)
    for source, family in by_source.items():
        kind = f"previews-regions-{'-'.join(models)}"
        name = f"{photos.paths[source].stem}-of-{len(photos.paths)}.{kind}.pickle"
        if not (photos.cache / name).is_file():
            photos.load()
            made = []
            for copy, (image, attack, _) in zip(family, pictures_of(photos, source), strict=True):
                if copy.attack != attack or not np.array_equal(copy.grey, small_grey(image)):
                    raise SystemExit(f"the copies in {photos.cache} were made by other attacks: remove them")
                made.append(vars(regions_of(photos, image, models)))
            (photos.cache / name).write_bytes(pickle.dumps(made))
        stored = pickle.loads((photos.cache / name).read_bytes())
        for copy, fields in zip(family, stored, strict=True):
            yield replace(copy, regions=Regions(**fields))


def regions_of(photos: Photos, image: Image.Image, models: Sequence[str]) -> Regions:
    parts = prepare_regions(image)
    vectors = {name: photos.models[name].embed(parts).astype(np.float16) for name in models}
    luma = BytesIO()
    image.convert("L").save(luma, "PNG")
    return Regions(vectors, luma.getvalue())


def make_copy(photos: Photos, image: Image.Image, source: int, attack: str, contains: frozenset[int]) -> Copy:
    vectors = {name: model.embed([model.prepare(image)])[0] for name, model in photos.models.items()}
    return Copy(source, attack, contains, small_grey(image), vectors)


@dataclass
class Verifier:
    """Verifies pairs of copies once, however many models propose them, and keeps the time."""

    features: Sequence[LocalFeatures]
    regions: Sequence[Regions | None] = ()
    verdicts: dict[tuple[int, int], Alignment] = field(default_factory=dict)
    parts: dict[tuple[int, int], Part] = field(default_factory=dict)
    part_verdicts: dict[tuple[int, int, int], Alignment] = field(default_factory=dict)
    seconds: float = 0.0
    part_seconds: float = 0.0

    def matches(self, i: int, j: int) -> bool:
        """Whether copies `i` and `j` match."""
        if (i, j) not in self.verdicts:
            start = time.process_time()
            self.verdicts[i, j] = verify_pair(self.features[i], self.features[j])
            self.seconds += time.process_time() - start
        return self.verdicts[i, j].matched

    def matches_by_region(self, i: int, j: int, region: int) -> bool:
        """Whether a region of copy `i` matches the whole of copy `j`."""
        if (i, j, region) not in self.part_verdicts:
            start = time.process_time()
            owner = self.regions[i]
            if owner is None:
                raise ValueError("copies were made without regions")
            if (i, region) not in self.parts:
                self.parts[i, region] = owner.part(region)
            verdict = verify_part(self.parts[i, region], self.features[j])
            self.part_verdicts[i, j, region] = verdict
            self.part_seconds += time.process_time() - start
        return self.part_verdicts[i, j, region].matched


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


@dataclass(frozen=True)
class Seen:
    """How similar the regions of each copy are to each whole copy.

    Attributes:
        best: `[n, n]` similarity of the best region of the first to the second.
        region: `[n, n]` which that is.
    """

    best: NDArray[np.float32]
    region: NDArray[np.intp]

    @classmethod
    def of(cls, regions: NDArray[np.float32], vectors: NDArray[np.float32]) -> "Seen":
        """Compare `[n, regions, dimension]` with `[n, dimension]`."""
        products = regions.reshape(-1, regions.shape[-1]) @ vectors.T
        products = products.reshape(*regions.shape[:2], len(vectors))
        return cls(products.max(axis=1), products.argmax(axis=1))

    def ways(self, i: int, j: int) -> Iterator[tuple[int, int, int]]:
        """Give the ways in which a region proposes the pair: owner, other and region."""
        for owner, other in ((i, j), (j, i)):
            if self.best[owner, other] >= REGION_DOOR:
                yield owner, other, int(self.region[owner, other])


def thorough_candidates(copies: Sequence[Copy], model: str) -> tuple[Candidates, Seen]:
    """The pairs that whole vectors or regions propose."""
    vectors = np.stack([copy.vectors[model] for copy in copies])
    regions = np.stack([copy.regions.vectors[model] for copy in copies if copy.regions is not None])
    seen = Seen.of(regions.astype(np.float32), vectors)
    both = np.maximum(seen.best, seen.best.T)
    whole = vectors @ vectors.T
    rows, columns = np.nonzero(np.triu((whole >= DOOR) | (both >= REGION_DOOR), 1))
    true = [
        bool(copies[i].contains & copies[j].contains)
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
    ]
    similarity = np.maximum(whole, np.where(both >= REGION_DOOR, both, -1))[rows, columns]
    return Candidates(rows, columns, similarity, np.array(true, dtype=bool)), seen


def report_thorough(copies: Sequence[Copy], model: str, verifier: Verifier) -> Mapping[str, float]:
    """Print what regions add; return the recall by attack."""
    found, seen = thorough_candidates(copies, model)
    pairs = list(zip(found.rows.tolist(), found.columns.tolist(), strict=True))
    whole = np.array([verifier.matches(i, j) for i, j in pairs])
    before = len(verifier.part_verdicts)
    by_region = [
        not matched and any(verifier.matches_by_region(*way) for way in seen.ways(i, j))
        for (i, j), matched in zip(pairs, whole.tolist(), strict=True)
    ]
    proposed = recall_by_attack(copies, found, np.ones(len(pairs), dtype=bool))
    print(f"  with regions: {len(found.true)} candidates, {int((~found.true).sum())} of them false,")
    print(f"    hold {np.mean(list(proposed.values())):.4f} of the pairs (photograph, attack)")
    for name, kept in (("by whole", whole), ("thorough", whole | np.array(by_region))):
        recall = recall_by_attack(copies, found, kept)
        shares = (
            f"recall {np.mean(list(recall.values())):.4f}  precision {float(found.true[kept].mean()):.5f}"
        )
        print(f"  {name} {shares}  false {int((~found.true[kept]).sum())}")
    looks = len(verifier.part_verdicts) - before
    print(f"    {looks} looks at a region, {verifier.part_seconds / max(1, looks) * 1e3:.2f} ms each")
    show_false(copies, found, kept, verifier)
    return recall


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


def report_pairs(copies: Sequence[Copy], models: Sequence[str], *, thorough: bool) -> None:
    start = time.process_time()
    features = [extract_features(copy.grey) for copy in copies]
    print(f"features: {(time.process_time() - start) / len(copies) * 1e3:.1f} ms a picture")
    verifier = Verifier(features, [copy.regions for copy in copies])
    tables = {}
    for model in models:
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
        tables[model] = [recall_by_attack(copies, found, rows[0][1]), recall]
        if thorough:
            tables[model].append(report_thorough(copies, model, verifier))
    count = len(verifier.verdicts)
    print(f"\nverified {count} pairs, {verifier.seconds / count * 1e3:.2f} ms a pair")
    names = ("funnel", "thorough") if thorough else ("funnel",)
    titles = "".join(f"{name:>10}" for name in names)
    print(f"\n{'attack':24}" + "".join(f"{model + ' ≥ 0.2':>22}{titles}" for model in models))
    for attack in tables[models[0]][1]:
        cells = "".join(
            f"{column[attack]:{10 if place else 22}.3f}"
            for model in models
            for place, column in enumerate(tables[model])
        )
        print(f"{attack:24}{cells}")


def show_false(
    copies: Sequence[Copy], found: Candidates, kept: NDArray[np.bool_], verifier: Verifier
) -> None:
    for place in np.nonzero(kept & ~found.true)[0][:10]:
        i, j = int(found.rows[place]), int(found.columns[place])
        names = f"{copies[i].source} {copies[i].attack} and {copies[j].source} {copies[j].attack}"
        verdict = verifier.verdicts.get((i, j))
        print(f"    false: {names}: {verdict if verdict and verdict.matched else 'by a region'}")


def report_hard_negatives(photos: Photos, size: int, models: Sequence[str]) -> None:
    """Verify all pairs of each family; with models, by the regions that these propose too."""
    images = [Image.open(path).convert("RGB") for path in photos.paths[:size]]
    pairs = false = 0
    seconds = 0.0
    print(f"\nhard negatives, {size} pictures a family")
    for family in hard_families(images, size):
        features = [extract_features(small_grey(picture)) for picture in family.pictures]
        start = time.process_time()
        verdicts = [verify_pair(a, b) for place, b in enumerate(features) for a in features[:place]]
        seconds += time.process_time() - start
        for model in models:
            verdicts += by_regions(photos, family.pictures, features, model)
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


def by_regions(
    photos: Photos, pictures: Sequence[Image.Image], features: Sequence[LocalFeatures], model: str
) -> list[Alignment]:
    """Verify the pairs that a region proposes, by that region."""
    photos.load()
    embedder = photos.models[model]
    regions = [regions_of(photos, picture, [model]) for picture in pictures]
    vectors = embedder.embed([embedder.prepare(picture) for picture in pictures])
    seen = Seen.of(np.stack([found.vectors[model] for found in regions]).astype(np.float32), vectors)
    pairs = ((i, j) for j in range(len(pictures)) for i in range(j))
    return [
        verify_part(regions[owner].part(region), features[other])
        for i, j in pairs
        for owner, other, region in seen.ways(i, j)
    ]


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
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--thorough", action="store_true", help="what `scan --thorough` adds")
    options = parser.parse_args()
    cv2.setNumThreads(1)  # the costs are those of one core
    paths = sorted(options.photos.iterdir())[{"tune": 0, "report": 1}[options.half] :: 2]
    photos = Photos(paths, options.cache)
    if options.count:
        copies = list(copies_of(photos, options.count))
        if options.thorough:
            copies = list(with_regions(photos, copies, options.models))
        report_pairs(copies, options.models, thorough=options.thorough)
    if options.hard:
        report_hard_negatives(photos, options.hard, options.models if options.thorough else ())


if __name__ == "__main__":
    main()
