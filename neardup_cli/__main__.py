"""The entry of the `neardup` command, and of `python -m neardup_cli`."""

from __future__ import annotations

import gc
import os
import sys

_ALLOCATIONS_BETWEEN_COLLECTIONS = 100_000


def main() -> None:
    """Run the command line; an interrupt while it is still being imported ends it quietly too."""
    _start_quickly()
    try:
        from neardup_cli.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


def _start_quickly() -> None:
    """Set what makes the imports, most of a short command's time, a fifth cheaper.

    Python looks for garbage after every 700 allocations, and importing makes hundreds of thousands, none
    of them garbage. NumPy's BLAS would start a thread a core, which spin; the work is shared among the
    cores by threads of ours, each with small matrices, and FAISS has a BLAS of its own.
    """
    gc.set_threshold(_ALLOCATIONS_BETWEEN_COLLECTIONS)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


if __name__ == "__main__":
    main()
