"""How a server is told of: its address with a ticket on a terminal, its token in a file everywhere else."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.output import say
from neardup_cli.errors import BadInput
from neardup_cli.reports.paths import shown_text

if TYPE_CHECKING:
    from neardup_cli.web.tokens import Tokens

TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="NEARDUP_TOKEN",
        help="Demand this of every request; made up by default.",
        show_default=False,
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Take the token from FILE, or make FILE with a new one (mode 600).",
        show_default=False,
    ),
]
NoTokenOption = Annotated[
    bool,
    typer.Option(
        "--no-token",
        help="Let every user and program of this machine look and act as you.",
    ),
]
OpenOption = Annotated[bool, typer.Option("--open", help="Open the page in the browser.")]
_REDIRECT = """<!doctype html><html><head><meta charset="utf-8"><title>neardup</title>
<meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0; url={address}"></head>
<body><a href="{address}">neardup</a></body></html>"""


def listen(host: str, port: int) -> socket.socket:
    """Take an address now, so that what is wrong with it is one line.

    Raises:
        BadInput: it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except (OSError, UnicodeError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise BadInput(f"cannot listen on {host}:{port}: {reason}; give another --host or --port") from exc
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address of a server, as a browser is given it."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def chosen_tokens(
    token: str | None, token_file: Path | None, *, no_token: bool, loopback: bool
) -> Tokens | None:
    """Return what opens the server; None where everybody may come in.

    Raises:
        BadInput: the options do not go together, or the token cannot be used.
    """
    from neardup_cli.web.tokens import Tokens, demand_long, token_in_file

    if no_token:
        if token_file is not None or token is not None:
            raise BadInput("--no-token demands none, and --token one: give one of the two")
        if not loopback:
            raise BadInput("--no-token would let everybody in who reaches this machine: leave --host out")
        say("no token: every user and program of this machine can see your images here, and act as you")
        return None
    if token_file is not None:
        if token is not None:
            raise BadInput("--token and --token-file: give one of the two")
        token = token_in_file(token_file.expanduser())
    return Tokens(None if token is None else demand_long(token, "--token"))


@contextmanager
def told(
    address: str, tokens: Tokens | None, token_file: Path | None, *, open_browser: bool
) -> Iterator[None]:
    """Say where the server is while the block runs; what only logs read is not told how to come in.

    Args:
        address: `http://HOST:PORT/`.
        tokens: None where nobody needs one.
        token_file: where the user has the token already.
        open_browser: lead the browser there.
    """
    made: list[Path] = []
    private = sys.stderr.isatty()
    if tokens is None:
        say(f"neardup is at {address} (Ctrl-C stops it)")
    elif private:
        tokens.on_used = lambda ticket: say(f"to open it in another browser: {address}?token={ticket}")
        say(f"neardup is at {address}?token={tokens.ticket} (Ctrl-C stops it; the address works once)")
    else:
        if token_file is None:
            token_file = _kept(tokens.token, address)
            made.append(token_file)
        say(f"neardup is at {address} (Ctrl-C stops it); its token is in {shown_text(str(token_file))}")
    if open_browser:
        made.extend(_open(address, tokens))
    # The server ends on a signal, and sends it again to who was there before: to nobody, if not to this.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        for path in made:
            with suppress(OSError):
                path.unlink()


def _kept(token: str, address: str) -> Path:
    """Write a token to a file of the user's that nobody else can read; return its path."""
    import platformdirs

    port = address.rstrip("/").rpartition(":")[2]
    path = platformdirs.user_state_path("neardup", appauthor=False) / f"token-{port}"
    _write_private(path, token + "\n")
    return path


def _open(address: str, tokens: Tokens | None) -> list[Path]:
    """Open the browser; return the file that leads it there.

    A command line is there for every user of the machine to read: the ticket is in a file instead.
    """
    import webbrowser

    if tokens is None:
        webbrowser.open(address)
        return []
    import platformdirs

    name = f"open-{os.getpid()}.html"
    path = platformdirs.user_state_path("neardup", appauthor=False) / name
    _write_private(path, _REDIRECT.format(address=f"{address}?token={tokens.ticket}"))
    webbrowser.open(path.as_uri())
    return [path]


def _write_private(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
    except OSError as exc:
        raise BadInput(f"{path} cannot be written: {exc.strerror}; name a --token-file elsewhere") from exc
