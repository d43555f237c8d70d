"""The command line: one command a file."""

import gc

# Imports and scans make millions of small objects and hardly a cycle: looking for cycles after every
# 700 of them, as Python does by default, costs a tenth of a short command's time.
gc.set_threshold(50_000, 20, 20)
