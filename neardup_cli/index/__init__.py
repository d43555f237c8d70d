"""FAISS indexes over vectors and hashes, keyed by content id. The only room that speaks FAISS."""
