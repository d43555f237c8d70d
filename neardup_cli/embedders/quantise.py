"""A network in eight bits: a quarter of the size, half of the time, and nearly the same vectors.

What its layers give is measured on some images first, so that 256 steps cover it. Processors without VNNI add
products of eight bits in sixteen, which may not hold them: with seven bits a weight it does. Both are tried,
and the one whose vectors are nearer to those of single precision stays. What neither does well enough is not
made at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from neardup_cli.embedders.base import Pixels, Vectors
from neardup_cli.embedders.export import INPUT
from neardup_cli.errors import ModelInvalid

LEAST_AGREEMENT = 0.98
"""Median cosine between what a network gives in eight bits and in single precision."""

_LAYERS = ("Conv",)  # sums and pooling in single precision cost next to no time, and save half of the error


@dataclass(frozen=True, slots=True)
class Quantised:
    """A network in eight bits.

    Attributes:
        content: of the .onnx file.
        agreement: median cosine with single precision, on images that nothing was measured on.
    """

    content: bytes
    agreement: float


def quantise(
    full: Path, images: Sequence[Pixels], embed: Callable[[Path, Sequence[Pixels]], Vectors]
) -> Quantised:
    """Put a network of `export` into eight bits.

    Args:
        full: its .onnx file.
        images: prepared ones; every third is kept to compare with.
        embed: runs a file of this kind.

    Raises:
        ModelInvalid: its vectors would not be the same enough; the message says how far they are.
    """
    measured, compared = [one for place, one in enumerate(images) if place % 3], images[::3]
    expected = embed(full, compared)
    best = Quantised(b"", -1.0)
    with TemporaryDirectory(prefix="neardup-quantise-") as folder:
        for spare_a_bit in (True, False):
            made = Path(folder) / f"{spare_a_bit}.onnx"
            _quantise(full, made, measured, spare_a_bit=spare_a_bit)
            cosines = (embed(made, compared) * expected).sum(axis=1)
            if (agreement := float(np.median(cosines))) > best.agreement:
                best = Quantised(made.read_bytes(), agreement)
    if best.agreement < LEAST_AGREEMENT:
        raise ModelInvalid(
            f"in eight bits its vectors are not the same enough (cosine {best.agreement:.3f}, and "
            f"{LEAST_AGREEMENT} is wanted): use it in single precision"
        )
    return best


def _quantise(full: Path, made: Path, images: Sequence[Pixels], *, spare_a_bit: bool) -> None:
    # Late: it takes a second to import.
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Images(CalibrationDataReader):  # type: ignore[misc] # onnxruntime has no types
        """Gives one image after the other."""

        def __init__(self) -> None:
            self._left: Iterator[Pixels] = iter(images)

        def get_next(self) -> dict[str, Any] | None:
            one = next(self._left, None)
            return None if one is None else {INPUT: one[None]}

    with _told_nothing():
        quantize_static(
            str(full),
            str(made),
            Images(),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_LAYERS),
            per_channel=True,
            reduce_range=spare_a_bit,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


@contextmanager
def _told_nothing() -> Iterator[None]:
    """Keep what onnxruntime's tool says to its developers, by the logger of everybody, from the user."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
