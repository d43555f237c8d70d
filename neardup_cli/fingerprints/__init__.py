"""Bytes to BLAKE3 and pixels to a 64-bit dHash."""
