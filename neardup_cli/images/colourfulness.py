"""How colourful an image is: what tells a photograph from its grey or faded version."""

from __future__ import annotations

import numpy as np
from PIL import Image

_STEPS = 256  # pixels a side that are looked at


def colourfulness(image: Image.Image) -> float:
    """Return how far an image's pixels are from grey on average: the spread of their channels, 0 to 255.

    A sepia version, whose colours are one tint of its greys, counts as grey.
    """
    shown = image.convert("RGB")
    step = max(1, min(shown.size) // _STEPS)
    pixels = np.asarray(shown, np.float32)[::step, ::step].reshape(-1, 3)
    grey = pixels.mean(axis=1)
    tints = pixels - grey[:, None]
    # What follows from the grey alone, by a quadratic, is a tint of the whole image and no colour in it.
    terms = np.column_stack([np.ones_like(grey), grey / 255, (grey / 255) ** 2])
    fitted = terms @ np.linalg.lstsq(terms, tints, rcond=None)[0]
    return float(np.abs(tints - fitted).max(axis=1).mean())
