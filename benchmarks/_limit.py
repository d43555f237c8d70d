"""The work that no scan can do without, done alone: run by cold_scan.py as a process of its own.

    python -m benchmarks._limit MODEL FOLDER SHARE OF

Takes every OF-th image of the folder, beginning with number SHARE, in blocks: decodes the block, then runs
the network over it: the published file in onnxruntime, and once more as the program runs it. Prints the CPU
seconds of each; imports and the loading of the network are in none. One thread.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from io import BytesIO
from itertools import batched
from pathlib import Path

import onnxruntime
from PIL import Image

from benchmarks._pictures import photo_files
from neardup_cli.embedders.base import Pixels, resize_to_input
from neardup_cli.embedders.registry import load_embedder, model_path
from neardup_cli.embedders.shape import input_shape
from neardup_cli.images.decode import CANONICAL_SHORT_SIDE, decode

INPUT_SIZE = 288
_BLOCK = 64


def prepared(path: Path) -> Pixels:
    """A file as the network's input, by the program's own functions: another way gives other pixels."""
    colour = decode(path.read_bytes()).colour
    assert colour is not None
    return resize_to_input(colour, INPUT_SIZE)


def prepared_by_pillow(path: Path) -> None:
    """The same in the calls that anybody would write with Pillow: is `prepared` slower than need be?"""
    with Image.open(BytesIO(path.read_bytes())) as image:
        image.draft("RGB", (CANONICAL_SHORT_SIDE, CANONICAL_SHORT_SIDE))
        image.convert("RGB").resize(input_shape(image.size, INPUT_SIZE), Image.Resampling.BILINEAR)


def network(model: str) -> Callable[[Pixels], object]:
    """The network on one thread, one image at a time, by nothing but onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model_path(model), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda pixels: session.run(None, {name: pixels[None]})


def main() -> None:
    """Measure, and print one line of JSON."""
    model, folder, share, of = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    embed, own = network(model), load_embedder(model, input_size=INPUT_SIZE)
    files = photo_files(folder)[share::of]
    embed(prepared(files[0]))  # what is made at the first call is no part of the work
    decoding = pillow = inference = ours = 0.0
    for block in batched(files, _BLOCK):
        begun = time.process_time()
        inputs = [prepared(path) for path in block]
        decoded = time.process_time()
        for pixels in inputs:
            embed(pixels)
        embedded = time.process_time()
        for pixels in inputs:
            own.embed([pixels])
        again = time.process_time()
        for path in block:
            prepared_by_pillow(path)
        decoding += decoded - begun
        inference += embedded - decoded
        ours += again - embedded
        pillow += time.process_time() - again
    print(json.dumps({"decoding": decoding, "inference": inference, "ours": ours, "pillow": pillow}))


if __name__ == "__main__":
    main()
