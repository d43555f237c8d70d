"""immaculate: the command beside this interpreter, with one of its methods; all pairs of its sets."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def main() -> None:
    """Run it and turn its sets into pairs."""
    try:
        release = version("immaculate")
    except PackageNotFoundError:
        sys.exit(3)
    command = str(Path(sys.executable).with_name("immaculate"))
    arguments = [command, "--json", "--method", sys.argv[2], sys.argv[1]]
    found = json.loads(subprocess.run(arguments, stdout=subprocess.PIPE, check=True).stdout)
    pairs = {
        tuple(sorted((Path(a).name, Path(b).name)))
        for kind in ("exact", "near")
        for files in found[kind]
        for a, b in itertools.combinations(files, 2)
    }
    json.dump({"version": release, "pairs": sorted(pairs)}, sys.stdout)


if __name__ == "__main__":
    main()
