"""Files to oriented pixels, once: walking folders, decoding, reading capture times."""
