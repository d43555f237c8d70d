"""The entry of the `neardup` command, and of `python -m neardup_cli`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; an interrupt while it is still being imported ends it quietly too."""
    # pydantic would look for plugins of its own through all that is installed, at every command.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from neardup_cli.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
