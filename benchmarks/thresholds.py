"""What each similarity threshold finds and what it lets in: from this come the default thresholds.

Embeds photographs and every copy that `standard_attacks()` makes of them, with neardup's own decoder and
embedder, and compares all with all. Recall: the share of (photograph, copy) at or above the threshold. A
false pair: two pictures that have no photograph in common (overlays and collages show two), counted

(a) among ordinary pictures: those whose attack draws nothing that other pictures get as well;
(b) among all: captions, stickers, frames, watermarks, screens and pages look alike whatever they hold.

Against: nothing; it measures SSCD and has no bar. It says from which level on there is no false pair, which
depends on how many pairs there are: in a larger collection the level is higher.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks import _bench
from benchmarks._pictures import opened, photo_files
from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.evaluation.attacks import Attack, RandomChain, standard_attacks
from neardup_cli.evaluation.edits.composition import Frame, Stickers
from neardup_cli.evaluation.edits.lettering import Caption, Meme, Watermark
from neardup_cli.evaluation.edits.screens import Screenshot, WebPage
from neardup_cli.images.decode import decode

SHARED_CHROME = (Caption, Meme, Watermark, Stickers, Frame, Screenshot, WebPage, RandomChain)
THRESHOLDS = np.arange(0.20, 0.76, 0.05)
ORIGINAL = "original"


@dataclass(frozen=True)
class Copy:
    """A picture: whose copy, by which attack, showing which photographs; its vector by model."""

    source: int
    attack: str
    ordinary: bool
    shows: frozenset[int]
    vectors: dict[str, NDArray[np.float32]]


def copies(photos: Sequence[Path], embedders: dict[str, Embedder], source: int) -> list[Copy]:
    """The photograph and all its standard copies, embedded."""
    image, name = opened(photos[source]), photos[source].name
    made = [Copy(source, ORIGINAL, True, frozenset({source}), _embed(photos[source].read_bytes(), embedders))]
    for attack in standard_attacks():
        shows = {source}
        edited = attack.run(image, name, supplier=partial(_another, photos, source, shows))
        vectors = _embed(attack.save_as.encode(edited), embedders)
        made.append(Copy(source, attack.name, is_ordinary(attack), frozenset(shows), vectors))
    return made


def is_ordinary(attack: Attack) -> bool:
    """Whether the attack adds nothing that is the same in other pictures."""
    return not any(isinstance(edit, SHARED_CHROME) for edit in attack.edits)


def _another(photos: Sequence[Path], source: int, shows: set[int], rng: np.random.Generator) -> Image.Image:
    """Draw a companion, and note which it was."""
    drawn = (source + 1 + int(rng.integers(len(photos) - 1))) % len(photos)
    shows.add(drawn)
    return opened(photos[drawn])


def _embed(data: bytes, embedders: dict[str, Embedder]) -> dict[str, NDArray[np.float32]]:
    colour = decode(data).colour
    assert colour is not None
    # As the catalog keeps them: in half precision.
    return {
        model: embedder.embed([embedder.prepare(colour)])[0].astype(np.float16).astype(np.float32)
        for model, embedder in embedders.items()
    }


def true_similarities(made: Sequence[Copy], vectors: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """By attack, the similarity of each copy to its photograph."""
    originals = {copy.source: at for at, copy in enumerate(made) if copy.attack == ORIGINAL}
    sources = vectors[[originals[copy.source] for copy in made]]
    similarities = np.einsum("nd,nd->n", vectors, sources)
    attacks = np.array([copy.attack for copy in made])
    return {attack.name: similarities[attacks == attack.name] for attack in standard_attacks()}


type Pair = tuple[float, int, int]


def false_pairs(made: Sequence[Copy], vectors: NDArray[np.float32], photos: int) -> list[Pair]:
    """Pairs from the lowest threshold on that show no photograph in common, the most similar first."""
    shows = np.zeros((len(made), photos), np.float32)
    for at, copy in enumerate(made):
        shows[at, list(copy.shows)] = 1
    wrong = (vectors @ vectors.T >= THRESHOLDS[0]) & (shows @ shows.T == 0)
    first, second = np.nonzero(np.triu(wrong, 1))
    similarities = np.einsum("nd,nd->n", vectors[first], vectors[second])
    return sorted(zip(similarities.tolist(), first.tolist(), second.tolist(), strict=True), reverse=True)


def table(
    made: Sequence[Copy], vectors: NDArray[np.float32], false: Sequence[Pair]
) -> Iterator[list[str | float]]:
    """Rows: recall of each attack by threshold, of all, then the numbers of false pairs (a) and (b)."""
    recalls = true_similarities(made, vectors)
    for attack, similarities in {**recalls, "ALL": np.concatenate(list(recalls.values()))}.items():
        yield [attack, *(f"{np.mean(similarities >= threshold):.3f}" for threshold in THRESHOLDS)]
    for title, pairs in (("false (a)", ordinary(made, false)), ("false (b)", false)):
        yield [title, *(str(sum(pair[0] >= threshold for pair in pairs)) for threshold in THRESHOLDS)]


def ordinary(made: Sequence[Copy], pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs of two ordinary pictures."""
    return [pair for pair in pairs if made[pair[1]].ordinary and made[pair[2]].ordinary]


def main() -> None:
    """Embed, compare, print."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--photos", type=int, default=100, help="how many photographs (100)")
    options = _bench.parse(parser)
    everything = photo_files(options.folder)
    photos = everything[:: max(1, len(everything) // options.photos)][: options.photos]
    embedders = {model: load_embedder(model) for model in _bench.MODELS}
    with ThreadPoolExecutor(_bench.cores()) as pool:
        made = [
            copy for some in pool.map(partial(copies, photos, embedders), range(len(photos))) for copy in some
        ]
    levels = []
    for model in _bench.MODELS:
        vectors = np.stack([copy.vectors[model] for copy in made])
        false = false_pairs(made, vectors, len(photos))
        print(f"\n{model}: recall by attack and false pairs, by threshold; {len(made):,} pictures\n")
        header = ("attack", *(f"{threshold:.2f}" for threshold in THRESHOLDS))
        _bench.print_table(header, list(table(made, vectors, false)))
        for title, pairs in (("(a)", ordinary(made, false)), ("(b)", false)):
            print(f"most similar false pairs {title}:")
            for similarity, a, b in pairs[:4]:
                shown = " | ".join(f"{photos[made[at].source].name} {made[at].attack}" for at in (a, b))
                print(f"  {similarity:.3f}  {shown}")
            highest = f"{pairs[0][0]:.3f}" if pairs else f"below {THRESHOLDS[0]:.2f}"
            levels.append(f"highest similarity of a false pair {title}, {model}: {highest}")
    print("\n" + "\n".join(levels))


if __name__ == "__main__":
    main()
