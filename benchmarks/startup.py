"""`neardup --help`, against the `--help` of a Typer program that says hello.

Whole processes, the same interpreter and the same Typer, in turn; a first run of each, for the file cache, is
not counted. The hello program is Typer's own first example: what it costs, any Typer program costs.

Fair: Typer draws its help with Rich, whose import costs as much as the rest, and neardup does without Rich
where its output is piped. So there are two figures: both on a (pseudo-)terminal, both drawn by Rich; and both
piped, both plain (`rich_markup_mode=None` in the hello program).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread

from benchmarks import _bench
from benchmarks._bench import Figure

LIMIT = 1.5
MODES = {"terminal": "rich", "piped": None}
HELLO = '''
import typer

app = typer.Typer(rich_markup_mode={mode!r})


@app.command()
def main(name: str) -> None:
    """Say hello to NAME."""
    print(f"Hello {{name}}")


if __name__ == "__main__":
    app()
'''


@contextmanager
def terminal() -> Iterator[int]:
    """Give a pseudo-terminal to write to, which is read and forgotten."""
    ours, theirs = os.openpty()
    reader = Thread(target=_read_all, args=(ours,), daemon=True)
    reader.start()
    try:
        yield theirs
    finally:
        os.close(theirs)
        reader.join()
        os.close(ours)


def _read_all(handle: int) -> None:
    try:
        while os.read(handle, 1 << 16):
            pass
    except OSError:  # Linux's word for a terminal that nobody holds any more
        pass


def main() -> None:
    """Measure both, in both modes."""
    options = _bench.parse(_bench.arguments(__doc__, runs=20))
    with _bench.workspace() as work, terminal() as screen:
        sides = {}
        for mode, markup in MODES.items():
            hello = work / f"hello_{mode}.py"
            hello.write_text(HELLO.format(mode=markup))
            stdout = screen if mode == "terminal" else None
            sides[mode, "hello"] = partial(_bench.run, [sys.executable, hello, "--help"], work, stdout)
            sides[mode, "neardup"] = partial(_bench.run, [_bench.neardup(), "--help"], work, stdout)
        _bench.interleaved(1, sides)
        measured = _bench.interleaved(options.runs, sides)
    rows: list[list[str | float]] = [
        [f"{name} --help, {mode}", _bench.median_wall(runs), min(run.wall for run in runs)]
        for (mode, name), runs in measured.items()
    ]
    _bench.print_table(("process", "median seconds", "fastest"), rows)
    figures = []
    for mode in MODES:
        ours, theirs = ([run.wall for run in measured[mode, name]] for name in ("neardup", "hello"))
        ratio = _bench.median_ratio(ours, theirs)
        figures.append(Figure(f"neardup --help / hello Typer --help, {mode}", ratio, LIMIT))
    _bench.finish(figures)


if __name__ == "__main__":
    main()
