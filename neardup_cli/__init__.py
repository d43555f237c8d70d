"""neardup: find the copies in a collection of images."""

__version__ = "0.1.0"
