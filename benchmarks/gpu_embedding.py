"""Images a second on a GPU: what the network alone can do, and what is left of it from pixels and from files.

The network has the architecture of SSCD (ResNet-50, GeM pooling, a linear layer to 512 dimensions, unit
vectors) and random weights, which take as long as Meta's. Three figures of one run:

- limit: the network, as `neardup` runs it (frozen, channels last, half precision), on batches that already
  lie on the GPU;
- pixels: `TorchScriptEmbedder.embed`, called by as many threads as a scan has, on decoded 288 × 288 pictures
  in the computer's memory: copying, normalising and fetching the vectors are added;
- files: `neardup_cli.pipeline.extract.Extractor` on JPEG files, everything that a scan does but the catalog.
  Decoding alone, on the same threads, says what bounds it where the GPU does not.

On a machine without a GPU there is nothing to measure, and it says so.
"""

# ruff: noqa: ANN401 - PyTorch need not be here, and so has no types

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path
from typing import Any

from benchmarks import _bench
from benchmarks._bench import Figure

_SIDE = 288
_STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # width, blocks, stride of a ResNet-50


def main() -> None:
    """Measure, where there is a GPU."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--images", type=int, default=4096, help="pictures that each figure is taken over")
    parser.add_argument("--threads", type=int, default=_bench.cores(), help="as many as a scan would have")
    options = _bench.parse(parser)
    try:
        import torch
    except ModuleNotFoundError:
        sys.exit("PyTorch is not installed: pip install 'neardup-cli[torch]'")
    if not torch.cuda.is_available():
        print("no GPU here: nothing was measured")
        return
    with _bench.workspace() as work:
        measure(torch, work, options.folder, options.images, options.threads, options.runs)


def measure(torch: Any, place: Path, photos: Path, count: int, threads: int, runs: int) -> None:
    from neardup_cli.embedders.registry import load_embedder

    model: Any = load_embedder(str(save_network(torch, place / "resnet50.pt")), input_size=_SIDE)
    print(f"{torch.cuda.get_device_name()}, {threads} threads, {model.precision}")
    files = jpegs(photos, count)
    decoded = pictures(count)
    best: dict[str, float] = {}
    for _ in range(runs):
        figures = {
            "limit": rate(count, lambda: run_on_gpu(torch, model, count)),
            "pixels": rate(count, lambda: on_threads(threads, model.embed, batched(decoded, model.batch))),
            "files": rate(count, lambda: extract(model, files, threads)),
            "decoding alone": rate(count, lambda: extract(Nothing(model), files, threads)),
        }
        best = {name: max(best.get(name, 0.0), found) for name, found in figures.items()}
    _bench.print_table(("images a second", ""), list(best.items()))
    reachable = min(best["limit"], best["decoding alone"])
    bounded = "decoding" if best["decoding alone"] < best["limit"] else "the GPU"
    print(f"end to end, {bounded} is the bound: {best['files'] / best['limit']:.2f} of what the GPU can do")
    _bench.finish(
        [
            Figure("pixels / limit", best["pixels"] / best["limit"], 0.85, at_least=True),
            Figure(f"files / what {bounded} allows", best["files"] / reachable, 0.85, at_least=True),
        ]
    )


def save_network(torch: Any, path: Path) -> Path:
    """Save a network of SSCD's architecture as TorchScript."""
    nn = torch.nn

    def unit(inputs: int, outputs: int, size: int, stride: int = 1) -> Any:
        convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        return nn.Sequential(convolution, nn.BatchNorm2d(outputs))

    layers: list[tuple[Any, Any]] = []
    inputs = 64
    for width, blocks, stride in _STAGES:
        for number in range(blocks):
            step = stride if number == 0 else 1
            relu = nn.ReLU
            main = nn.Sequential(
                unit(inputs, width, 1), relu(), unit(width, width, 3, step), relu(), unit(width, 4 * width, 1)
            )
            layers.append((main, unit(inputs, 4 * width, 1, step) if number == 0 else nn.Identity()))
            inputs = 4 * width
    stem = nn.Sequential(unit(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    head = nn.Linear(inputs, 512)
    everything = nn.ModuleList([stem, head, *(part for pair in layers for part in pair)]).eval()

    def embed(x: Any) -> Any:
        x = stem(x)
        for main, side in layers:
            x = torch.relu(main(x) + side(x))
        pooled = x.clamp(min=1e-6).pow(3.0).mean(dim=(2, 3)).pow(1 / 3)
        return nn.functional.normalize(head(pooled), dim=1)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for parameter in everything.parameters():
            parameter.requires_grad_(False)
        torch.jit.trace(embed, torch.rand(2, 3, 64, 96)).save(str(path))
    return path


def rate(count: int, work: Callable[[], object]) -> float:
    """Return images a second of the second of two runs: the first compiles kernels and fills caches."""
    work()
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def run_on_gpu(torch: Any, model: Any, count: int) -> None:
    size = 64
    batch = model.normalised(torch.zeros((size, _SIDE, _SIDE, 3), dtype=torch.uint8).numpy())
    with torch.inference_mode(), torch.autocast("cuda", model.precision):
        for _ in range(count // size):
            model._network(batch)
    torch.cuda.synchronize()


def on_threads(threads: int, step: Callable[[Any], object], work: Any) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(step, work):
            pass


def extract(model: Any, files: Sequence[Any], threads: int) -> None:
    from neardup_cli.engines.local import LocalEngine
    from neardup_cli.pipeline.extract import Extractor, chunked
    from neardup_cli.pipeline.work import Claims

    class Unclaimed(Claims):
        """The photographs are read again and again, and shall be worked on each time."""

        def take(self, digest: bytes) -> bool:
            return len(digest) > 0

    extractor = Extractor(model, lambda _: set(), 1 << 30, Unclaimed())
    for _ in LocalEngine(threads).map(extractor, chunked(files, model.batch, threads)):
        pass


class Nothing:
    """A model that gives vectors for nothing: what is left is reading and decoding."""

    def __init__(self, model: Any) -> None:
        self.batch, self.identity, self.prepare = model.batch, model.identity, model.prepare

    def embed(self, batch: Sequence[Any]) -> Any:
        """Return ones."""
        import numpy as np

        return np.ones((len(batch), self.identity.dimension), np.float32)


def jpegs(folder: Path, count: int) -> list[Any]:
    """Return files to read; fewer photographs than that are read again and again."""
    from neardup_cli.pipeline.work import ToRead

    found = sorted(folder.rglob("*.jpg"))
    if not found:
        sys.exit(f"no photographs in {folder}")
    paths = [os.fsencode(found[number % len(found)]) for number in range(count)]
    return [ToRead(path, path, os.stat(path).st_size) for path in paths]


def pictures(count: int) -> list[Any]:
    import numpy as np

    some = np.random.default_rng(0).integers(0, 256, (64, _SIDE, _SIDE, 3), dtype=np.uint8)
    return [some[number % 64] for number in range(count)]


if __name__ == "__main__":
    main()
