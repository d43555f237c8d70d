"""Other programs that find near-duplicates, each asked by a script that runs in the peer's own environment.

A script imports the peer and the standard library, nothing of ours. It gets a folder of images and prints
one JSON document, `{"version": "…", "pairs": [["a.jpg", "b.jpg"], …]}`: what the peer calls copies at the
settings that its makers recommend. Exit code 3 says that the peer is not installed there.
"""
