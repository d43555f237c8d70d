"""The `neardup` command: its subcommands, and how an error leaves the program.

Nothing heavy is imported here or at the top of a command's file, so that `--help` and completion
answer at once: numpy, FAISS, onnxruntime and SQLAlchemy come with the work that needs them.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from neardup_cli import __version__
from neardup_cli.cli import compare, demo, doctor, dups, query, scan, status
from neardup_cli.errors import NeardupError

app = typer.Typer(
    name="neardup",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (scan, dups, query, compare, status, doctor, demo):
    app.command()(getattr(module, module.__name__.rpartition(".")[2]))


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(f"neardup {__version__}")
        raise typer.Exit


@app.callback()
def _neardup(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version.",
            callback=lambda wanted: _print_version(wanted=wanted),
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Find the copies in a collection of images: exact, re-encoded, resized, cropped, captioned.

    Start with `neardup scan ~/Photos`, then `neardup dups`. Nothing but the catalog is ever written.
    """


def main() -> None:
    """Run the command line; every error that was foreseen is one line and an exit code of its own."""
    try:
        app(prog_name="neardup")
    except NeardupError as exc:
        typer.echo(f"neardup: {exc}", err=True)
        sys.exit(exc.exit_code)
    finally:
        _flush_stdout()


def _flush_stdout() -> None:
    """Flush while errors can still be handled: who read us may have had enough (`| head`)."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer goes nowhere, or Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
