"""The command line: one command a file."""

import gc
import os

# Imports and scans make millions of small objects and hardly a cycle: looking for cycles after every
# 700 of them, as Python does by default, costs a tenth of a short command's time.
gc.set_threshold(50_000, 20, 20)

# Pydantic would search every installed distribution for plugins of its own, of which neardup has none.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

# Pictures are compared in threads of our own, one a core: OpenCV's would only wait for theirs.
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")

# Nor should OpenBLAS's threads spin until there is more to do, long after a product and when numpy is
# imported: a tenth of a second each, on the cores that ours want. They sleep at once (after 2^4 cycles).
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
