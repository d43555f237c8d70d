"""Free weights as ONNX: the same vectors as PyTorch's, and in eight bits as fast as the bundled `sscd`.

Meta's weights cannot be had here, so a ResNet-50 of SSCD's kind with random weights stands for them: the time
is that of any weights, and so is the likeness in single precision. In eight bits random weights say little
about trained ones. All models see the same photographs, one a run, in one thread; times are of a core, as
ratios of runs in turn.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace

from PIL import Image

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._pictures import photo_files
from neardup_cli.embedders.base import Embedder, Pixels, resize_to_input
from neardup_cli.embedders.converted import INPUT_SIDE, convert
from neardup_cli.embedders.onnx import OnnxEmbedder
from neardup_cli.embedders.painted import painted_images
from neardup_cli.embedders.registry import load_embedder
from neardup_cli.embedders.weights import find_weights

LEAST_LIKENESS = 0.999
LEAST_SPEED = 0.95
_IMAGES, _PAINTED = 20, 24


def seconds(embedder: Embedder, images: Sequence[Pixels]) -> float:
    """Return what a run over images takes of a core."""
    began = time.process_time()
    for image in images:
        embedder.embed([image])
    return time.process_time() - began


def main() -> None:
    """Measure it."""
    options = _bench.parse(_bench.arguments(__doc__, runs=3))
    try:
        from benchmarks._sscd import write_archive
    except ModuleNotFoundError as exc:
        sys.exit(f"this needs {exc.name}: the extra `torch`")
    images = []
    for path in photo_files(options.folder)[:_IMAGES]:
        with Image.open(path) as photo:
            images.append(resize_to_input(photo.convert("RGB"), INPUT_SIDE))
    with tempfile.TemporaryDirectory(prefix="neardup-converted-") as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        mine = replace(find_weights("sscd_disc_mixup"), name="random")
        mine.path.parent.mkdir(parents=True)
        write_archive(mine.path, traced=True)
        painted = [resize_to_input(image, INPUT_SIDE) for image in painted_images(_PAINTED)]
        made = convert(mine, painted)
        figures = [Figure("cosine with PyTorch", made.likeness or 0.0, LEAST_LIKENESS, at_least=True)]
        print(f"in eight bits: {made.reason or f'cosine {made.agreement:.4f}, the median'}")
        if made.small is not None:
            sides = {
                "bundled sscd": load_embedder("sscd"),
                "in eight bits": OnnxEmbedder(made.small, "small", "", INPUT_SIDE),
                "in single precision": OnnxEmbedder(made.full, "full", "", INPUT_SIDE),
            }
            taken: dict[str, list[float]] = {name: [] for name in sides}
            for _ in range(options.runs):
                for name, embedder in sides.items():
                    taken[name].append(seconds(embedder, images) / len(images))
            rows = [(name, f"{1000 * statistics.median(times):.0f}") for name, times in taken.items()]
            _bench.print_table(("model", "ms an image"), rows)
            speed = _bench.median_ratio(taken["bundled sscd"], taken["in eight bits"])
            figures.append(Figure("images a second / bundled sscd", speed, LEAST_SPEED, at_least=True))
    _bench.finish(figures)


if __name__ == "__main__":
    main()
