"""The options that say which file stays and what may go: of `clean`, and of `serve` for its page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.choices import KeepKey, Loss
from neardup_cli.cli import completing
from neardup_cli.cli.output import matched_paths, real_paths
from neardup_cli.errors import PathNotFound

if TYPE_CHECKING:
    from neardup_cli.plans import Policy

_KEYS = ", ".join(key.value for key in KeepKey)

KeepOption = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="KEYS",
        help=f"What makes a file the one to keep, in order: {_KEYS}.",
        autocompletion=completing.keys,
    ),
]
PreferOption = Annotated[
    list[Path] | None,
    typer.Option("--prefer", metavar="PATH", help="Keep files below PATH; repeatable, the first foremost."),
]
ProtectOption = Annotated[
    list[Path] | None,
    typer.Option("--protect", metavar="PATH", help="Never touch files below PATH; repeatable."),
]
OnlyOption = Annotated[
    str | None,
    typer.Option(
        "--only",
        metavar="KINDS",
        help="Act upon these kinds of copies only, such as exact,cropped. By default exact, same-pixels, "
        "re-encoded and resized, and what is meant by --accept-loss.",
        autocompletion=completing.kinds,
    ),
]
AcceptLossOption = Annotated[
    str | None,
    typer.Option(
        "--accept-loss",
        metavar="LOSSES",
        help=f"Let files go although this is lost with them: {', '.join(loss.value for loss in Loss)}.",
        autocompletion=completing.losses,
    ),
]
AcrossDrivesOption = Annotated[
    bool,
    typer.Option(
        "--across-drives",
        help="Act upon copies on other drives than the file to keep too, which are backups.",
    ),
]


def asked_policy(
    *,
    keep: str | None,
    prefer: list[Path] | None,
    protect: list[Path] | None,
    only: str | None,
    accept_loss: str | None,
    across_drives: bool,
) -> Policy:
    """Return what was said as a policy.

    Raises:
        BadInput: a word is none that there is.
        PathNotFound: a folder is not there.
    """
    from neardup_cli.rules.policy import Said, policy_of

    return policy_of(
        Said(
            keep=_names(keep),
            only=_names(only),
            accept=_names(accept_loss),
            prefer=existing_paths(prefer, "--prefer"),
            protect=existing_paths(protect, "--protect"),
            across_drives=across_drives,
            names={"keep": "--keep", "only": "--only", "accept": "--accept-loss"},
        )
    )


def existing_paths(paths: list[Path] | None, option: str) -> tuple[bytes, ...]:
    """Return the real paths; a name with a slip in it must not protect nothing without a word.

    Raises:
        PathNotFound: one is not there.
    """
    for given in paths or ():
        for path in matched_paths(given):
            if not os.path.lexists(path):
                raise PathNotFound(f"{option}: no such path: {given} (is its disk mounted?)")
    return tuple(real_paths(paths))


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name for part in text.split(",") if (name := part.strip())]
