"""`neardup eval`: the commands that measure how good the answers are; each is in a file of its own."""

from __future__ import annotations

import typer

from neardup_cli.cli import eval_attacks, eval_compare, eval_fetch, eval_run, eval_tune

app = typer.Typer()
for module in (eval_attacks, eval_fetch, eval_run, eval_tune, eval_compare):
    name = module.__name__.rpartition("eval_")[2]
    app.command(name)(getattr(module, module.__name__.rpartition(".")[2]))


@app.callback()
def eval() -> None:  # noqa: A001 - it is called what its command is called
    """Measure how good the answers are.

    Make attacked copies, ask, compare with the truth.
    """
