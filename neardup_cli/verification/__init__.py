"""Proofs on originals: what is gone for good if one file goes and another one stays."""
