"""The `neardup` command: its subcommands, and how an error leaves the program.

Nothing heavy is imported here or at the top of a command's file, so that `--help` and completion
answer at once: numpy, FAISS, onnxruntime and SQLAlchemy come with the work that needs them.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from neardup_cli import __version__
from neardup_cli.cli.group import Commands
from neardup_cli.errors import BadInput, NeardupError

_INTERRUPTED = 130
_PLAINER = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "not a whole number",
    "Input should be a valid number, unable to parse string as a number": "not a number",
}
_SURPLUS = "Got unexpected extra argument"
_EXPANDED = "where the shell made several paths of a pattern, quote it, or give the option once for each"
_COMPLETION = "_NEARDUP_COMPLETE"  # set by the shell that asks what may come next

# What all of Click's complaints have in common, wherever this version of Typer keeps its Click.
_UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="neardup",
    cls=Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,  # see `guided`
)


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

    Start with `neardup ~/Photos`: it says what was found, and what comes next. Only `clean --apply` touches
    images.
    """


def main() -> NoReturn:
    """Run the command line; every error that was foreseen is one line and an exit code of its own."""
    _replace_closed_streams()
    code = 0
    try:
        if len(sys.argv) == 1 and _COMPLETION not in os.environ:
            from neardup_cli.cli.lead import print_lead

            print_lead()
        else:
            # Typer returns the code of an early exit, an interrupt among them, and else nothing.
            code = app(sys.argv[1:], prog_name="neardup", standalone_mode=False) or 0
    except NeardupError as exc:
        code = _complain(str(exc), exc.exit_code)
    except typer.Abort:
        code = _INTERRUPTED
    except _UsageProblem as exc:
        code = _complain(_usage_message(exc), BadInput.exit_code)
    finally:
        _flush_stdout()
        # Python looks for cycles once more before it ends, which took a sixth of a short command's time.
        gc.freeze()
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    """Say what went wrong, on one line whatever names are in it."""
    from neardup_cli.cli.output import say
    from neardup_cli.reports.paths import shown_text

    with suppress(OSError):  # nobody may be listening any more
        say(f"neardup: {shown_text(message)}")
    return code


def _usage_message(problem: Exception) -> str:
    """Return Click's complaint with the place to look."""
    message = problem.format_message() if hasattr(problem, "format_message") else str(problem)
    context = getattr(problem, "ctx", None)
    command = "neardup" if context is None else context.command_path
    message = message.rstrip(".")
    for foreign, ours in _PLAINER.items():
        message = message.replace(foreign, ours)
    if message.startswith(_SURPLUS) and "(" in message:
        message += f": {_EXPANDED}"
    return f"{message} (see `{command} --help`)"


def _replace_closed_streams() -> None:
    """Let what is said to a closed stream (`>&-`) go nowhere, so that no one has to ask if it is open."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - open until the end


def _flush_stdout() -> None:
    """Flush while errors can still be handled: who read us may have had enough (`| head`)."""
    try:
        sys.stdout.flush()
    except OSError:
        # What is left in the buffer goes nowhere, or Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
