"""Pixels to unit vectors: the embedding models and what they want as input."""
