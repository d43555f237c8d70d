"""Files to oriented pixels, once: walking folders, decoding, reading capture times."""

DEFAULT_MAX_PIXELS = 500_000_000
"""Larger images are refused: here, so that naming it does not import Pillow."""
