"""What `pip install .` brings into an empty environment: megabytes, and packages.

An environment is made, pip installs this checkout into it as a user would, and each package's files are
weighed as they lie on the disk, with what pip has compiled of them. pip itself does not count.
`--free` installs without the bundled models, `--extra NAME` with an extra; `--most` is the bar, in megabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure

MOST_MB = 400.0
_SHOWN = 12
_WEIGH = """
import json
from importlib.metadata import distributions

sizes = {}
for one in distributions():
    files = [file.locate() for file in one.files or ()]
    there = {file.resolve() for file in files if file.is_file()}
    compiled = {made for file in there if file.suffix == ".py"
                for made in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc")}
    sizes[one.metadata["Name"]] = sum(file.stat().st_size for file in there | compiled)
print(json.dumps(sizes))
"""


def installed_sizes(place: Path, extras: list[str], *, free: bool) -> dict[str, int]:
    """Install this checkout into a new environment; return the bytes of each package there."""
    venv.create(place, with_pip=True, symlinks=os.name != "nt")
    python = Path(sysconfig.get_path("scripts", vars={"base": str(place)})) / "python"
    named = f"{_bench.ROOT}[{','.join(extras)}]" if extras else str(_bench.ROOT)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if free:
        environment["NEARDUP_FREE"] = "1"
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        named,
    ]
    subprocess.run(install, env=environment, check=True, cwd=place)
    done = subprocess.run([python, "-c", _WEIGH], env=environment, check=True, cwd=place, capture_output=True)
    sizes: dict[str, int] = json.loads(done.stdout)
    return {name: size for name, size in sizes.items() if name not in ("pip", "setuptools", "wheel")}


def main() -> None:
    """Measure it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--free", action="store_true", help="without the bundled models")
    parser.add_argument("--extra", action="append", default=[], help="with an extra; repeatable")
    parser.add_argument("--most", type=float, default=MOST_MB, help=f"megabytes ({MOST_MB:.0f})")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="neardup-install-") as folder:
        sizes = installed_sizes(Path(folder) / "venv", options.extra, free=options.free)
    by_size = sorted(sizes.items(), key=lambda one: -one[1])
    rows = [(name, f"{size / 1e6:.1f}") for name, size in by_size[:_SHOWN]]
    rest = [size for _, size in by_size[_SHOWN:]]
    _bench.print_table(("package", "MB"), [*rows, (f"{len(rest)} more", f"{sum(rest) / 1e6:.1f}")])
    print(f"\nPython {sys.version.split()[0]}, {sys.platform}: {len(sizes)} packages")
    _bench.finish([Figure("plain install", sum(sizes.values()) / 1e6, options.most, unit=" MB")])


if __name__ == "__main__":
    main()
