"""How somebody comes in: a standing token for programs, one-time tickets for browsers, a cookie afterwards.

The address that `neardup serve` prints holds a ticket. It opens the page once and becomes a cookie: who reads
it later, in a browser's history or a process list, has nothing. The standing token is for `curl` and for the
form on the page that asks for it; the cookie holds neither of the two.
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
import threading
from collections.abc import Callable
from pathlib import Path

from neardup_cli.errors import BadInput

_BYTES = 24
SHORTEST = 12
"""Characters of a token that a person chooses, at least."""


class Tokens:
    """What opens one server, for as long as it runs.

    Args:
        token: demanded as `Authorization: Bearer …`, or in the form; made up where it is None.

    Attributes:
        session: what the cookie holds.
        on_used: called with the next ticket when one was used, from the thread of the server.
    """

    def __init__(self, token: str | None = None) -> None:
        self.token = token or new_token()
        self.session = new_token()
        self.on_used: Callable[[str], None] = lambda _: None
        self._ticket = new_token()
        self._lock = threading.Lock()

    @property
    def ticket(self) -> str:
        """The one that has not been used yet."""
        return self._ticket

    def opens(self, offered: str) -> bool:
        """Return True if an address or a form holds the token, or the ticket, which is used up by that."""
        if same(offered, self.token):
            return True
        with self._lock:
            if not same(offered, self._ticket):
                return False
            self._ticket = new_token()
            ticket = self._ticket
        self.on_used(ticket)
        return True


def new_token() -> str:
    """Return 32 characters that nobody can guess."""
    return secrets.token_urlsafe(_BYTES)


def same(offered: str, token: str) -> bool:
    """Compare without telling by the time it takes how much was right."""
    return hmac.compare_digest(offered.encode("utf-8", "surrogateescape"), token.encode())


def token_in_file(path: Path) -> str:
    """Return the token of a file that nobody else can read; one is made up where there is no such file.

    Raises:
        BadInput: others can read it, it holds no token, or it cannot be read or written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as exc:
        raise BadInput(f"{path} cannot be written: {exc.strerror}") from exc
    token = new_token()
    with open(descriptor, "w", encoding="ascii") as stream:
        stream.write(token + "\n")
    return token


def _read(path: Path) -> str:
    try:
        with open(path, encoding="ascii") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise BadInput(f"{path} is no file that holds a token")
            if os.name == "posix" and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
                raise BadInput(f"others can read {path}, or it is not yours: `chmod 600` it, or name another")
            token = stream.read(1 << 12).strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise BadInput(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from exc
    return demand_long(token, str(path))


def demand_long(token: str, where: str) -> str:
    """Return a token that is long enough.

    Raises:
        BadInput: it is not.
    """
    if len(token) < SHORTEST:
        raise BadInput(f"{where}: a token has at least {SHORTEST} characters")
    return token
