"""The entry of the `neardup` command, and of `python -m neardup_cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an interrupt while it is still being imported ends it quietly too."""
    try:
        from neardup_cli.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
