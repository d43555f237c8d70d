"""Fetching a file over HTTP, so that it is whole and right or not there at all.

    download(url, folder / "images_000.tar", size=943_718_400, checksum=Checksum("md5", "0a5b…"))

The bytes go to `NAME.part` beside the target; the target appears, by a rename, when its size and its
checksum are right. What has come stays when the line breaks, and the same call goes on from there: by HTTP
Range, on the condition (If-Range) that the server still has the same file.

Nothing a server says is believed: an announced length, a range it was not asked for, an ETag that changed
between two parts. httpx is what speaks HTTP because it honours proxies, times out by default, is typed and
lets the body through undecoded; it is imported when something is downloaded.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from neardup_cli.errors import DiskFull, DownloadCorrupt, DownloadFailed
from neardup_cli.installation import missing_extra
from neardup_cli.system.handles import OWN, try_lock

if TYPE_CHECKING:
    import httpx

type Watch = Callable[[int, int | None], None]
"""Is told of the bytes that are there and of how many there will be, None while nobody knows."""

_BLOCK = 1 << 20
_LONGEST_WAIT = 30.0
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_OK, _PARTIAL, _RANGE_NOT_SATISFIABLE = 200, 206, 416
_TRY_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file's bytes must hash to, hexadecimal."""

    algorithm: Literal["md5", "sha256", "blake3"]
    hexdigest: str


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a download bears with a server.

    Attributes:
        attempts: requests in a row that bring not one byte, until it gives up.
        first_wait: seconds before the second of them; each further wait is twice as long.
        timeout: seconds without a sign of life until a request counts as broken off.
    """

    attempts: int = 5
    first_wait: float = 1.0
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that is here now.

    Attributes:
        size: of the whole file, bytes.
        received: bytes that this call fetched; 0 where the file was here already.
    """

    path: Path
    size: int
    received: int


def download(
    url: str,
    target: Path,
    *,
    size: int | None = None,
    checksum: Checksum | None = None,
    watch: Watch | None = None,
    patience: Patience | None = None,
) -> Downloaded:
    """Fetch `url` to `target`, going on from what an earlier call has left.

    A target that is there with the right size and checksum is left alone; where neither is known, because
    a target only ever appears whole.

    Args:
        url: http or https; redirections are followed.
        target: the file to make; its folder is made too.
        size: bytes that it must have, where that is known.
        checksum: what it must hash to, where that is known.
        watch: told of the progress, from the calling thread.
        patience: with a server that does not answer or breaks off.

    Raises:
        DownloadFailed: the server cannot be reached, refuses, or keeps breaking off; another process is
            fetching the same file.
        DownloadCorrupt: what the server announces or sends is not what was expected.
        DiskFull: there is no room for it.
    """
    bearing = patience or Patience()
    wanted = _Wanted(url, size, checksum)
    with _disk_errors(target), _alone(target):
        if target.is_file() and wanted.is_met_by(target):
            return Downloaded(target, target.stat().st_size, 0)
        with _client(bearing) as client:
            received = _fetch(client, wanted, _Part(target), watch or _unwatched, bearing)
        return Downloaded(target, target.stat().st_size, received)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to fetch, and what is known of it."""

    url: str
    size: int | None
    checksum: Checksum | None

    def is_met_by(self, file: Path) -> bool:
        if self.size is not None and file.stat().st_size != self.size:
            return False
        return self.checksum is None or _hexdigest(file, self.checksum) == self.checksum.hexdigest.lower()


class _Broken(Exception):
    """A request ended before its time; `wait` is what the server asked for, seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _Part:
    """The file in the making, and a note of which version of which address it is a part of."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.file = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def validator(self, wanted: _Wanted) -> str | None:
        """What the server has to confirm before it may go on; "" where the checksum will tell.

        None if it may not go on: two halves of two versions would make one file, and nobody would notice.
        """
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            url, known = str(note["url"]), str(note["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if url != wanted.url and wanted.checksum is None:
            return None
        if known and url == wanted.url:
            return known
        return None if wanted.checksum is None else ""

    def begin(self, wanted: _Wanted, validator: str) -> None:
        """Start over: an empty file, of the version that the server names now."""
        self.discard()
        self._note.write_text(json.dumps({"url": wanted.url, "validator": validator}), encoding="utf-8")

    def discard(self) -> None:
        """Throw away what has come."""
        self.file.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def publish(self) -> None:
        """Let the whole file appear under its name, on the disk before the name is."""
        with self.file.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(self.file, self.target)
        self._note.unlink(missing_ok=True)


def _fetch(client: httpx.Client, wanted: _Wanted, part: _Part, watch: Watch, patience: Patience) -> int:
    """Fetch the file and let it appear; return the bytes that came."""
    pieced = part.size > 0
    received, requests = _ask_until_whole(client, wanted, part, watch, patience)
    if not wanted.is_met_by(part.file) and (pieced or requests > 1):
        # The pieces may be of two versions of it: once more from the start.
        part.discard()
        received += _ask_until_whole(client, wanted, part, watch, patience)[0]
    if not wanted.is_met_by(part.file):
        part.discard()
        raise DownloadCorrupt(f"{wanted.url}: what came is not what was expected (size or checksum)")
    part.publish()
    return received


def _ask_until_whole(
    client: httpx.Client, wanted: _Wanted, part: _Part, watch: Watch, patience: Patience
) -> tuple[int, int]:
    """Ask for what is missing until nothing is; return the bytes that came, and the number of requests."""
    failures, requests, received, furthest = 0, 0, 0, part.size
    while True:
        before, requests = part.size, requests + 1
        try:
            return received + _ask(client, wanted, part, watch), requests
        except _Broken as broken:
            received += max(part.size - before, 0)
            # Only what never was there before is progress: else two answers could take turns for ever.
            failures = 1 if part.size > furthest else failures + 1
            furthest = max(furthest, part.size)
            if failures >= patience.attempts:
                raise DownloadFailed(
                    f"{wanted.url}: {broken}; run the same command again to go on"
                ) from broken.__cause__
            time.sleep(_pause(broken, failures, patience))


def _pause(broken: _Broken, failures: int, patience: Patience) -> float:
    wait = patience.first_wait * 2 ** (failures - 1) if broken.wait is None else broken.wait
    return min(wait, _LONGEST_WAIT)


def _ask(client: httpx.Client, wanted: _Wanted, part: _Part, watch: Watch) -> int:
    """Make one request for what is missing; return the bytes that came.

    Raises:
        _Broken: it ended early; what came is in the part.
    """
    import httpx

    held, validator = part.size, part.validator(wanted)
    if validator is None and held:
        part.discard()
        held = 0
    if wanted.size is not None and held == wanted.size:
        return 0
    headers = {"Range": f"bytes={held}-"} if held else {}
    if held and validator:
        headers["If-Range"] = validator
    try:
        with client.stream("GET", wanted.url, headers=headers) as response:
            return _take(response, held, wanted, part, watch)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as exc:
        raise DownloadFailed(f"{wanted.url} is no http address") from exc
    except httpx.TooManyRedirects as exc:
        raise DownloadFailed(f"{wanted.url} redirects in a circle") from exc
    except httpx.TimeoutException as exc:
        raise _Broken("the server does not answer") from exc
    except httpx.TransportError as exc:
        raise _Broken(f"the connection failed ({_reason(exc)})") from exc


def _take(response: httpx.Response, held: int, wanted: _Wanted, part: _Part, watch: Watch) -> int:
    """Take the answer to one request."""
    status, (first, total) = response.status_code, _announced(response)
    if status in _TRY_AGAIN:
        raise _Broken(_status_line(response), _retry_after(response))
    if status == _RANGE_NOT_SATISFIABLE and held:
        if total == held:
            return 0  # The last answer broke off after the last byte.
        part.discard()
        raise _Broken("what has come of it does not fit what the server has")
    if status not in (_OK, _PARTIAL):
        raise DownloadFailed(f"{wanted.url}: {_status_line(response)}")
    if wanted.size is not None and total is not None and total != wanted.size:
        raise DownloadCorrupt(
            f"{wanted.url}: the server has {total:,} bytes where {wanted.size:,} were expected"
        )
    if status == _PARTIAL and not _continues(response, first, held, part.validator(wanted)):
        part.discard()
        raise _Broken("the server has another version of it now")
    if status == _OK:
        held = 0
        part.begin(wanted, _validator(response))
    _check_room(part.target, held, total)
    return _receive(response, held, total, wanted, part, watch)


def _receive(
    response: httpx.Response, held: int, total: int | None, wanted: _Wanted, part: _Part, watch: Watch
) -> int:
    """Append the body to the part; more than was announced is not even looked at."""
    limit = wanted.size if wanted.size is not None else total
    at = held
    watch(at, limit)
    with part.file.open("ab") as stream:
        # As they come: blocks of a size of our own would hold back, and lose, what came before a break.
        for block in response.iter_raw():
            at += len(block)
            if limit is not None and at > limit:
                break
            stream.write(block)
            watch(at, limit)
    if limit is not None and at > limit:
        part.discard()
        raise DownloadCorrupt(f"{wanted.url}: more came than the {limit:,} bytes that were announced")
    if limit is not None and at < limit:
        raise _Broken("the connection was closed early")
    return at - held


def _announced(response: httpx.Response) -> tuple[int, int | None]:
    """Return where the body begins in the file and how long the whole file is, as far as the server says."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status_code in (_PARTIAL, _RANGE_NOT_SATISFIABLE):
        if found is None:
            return -1, None
        first, _, total = found.groups()
        return int(first or -1), None if total == "*" else int(total)
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() else None


def _continues(response: httpx.Response, first: int, held: int, validator: str | None) -> bool:
    """Whether a partial answer goes on exactly where the part ends, and is of the same version."""
    now = _validator(response)
    return first == held and not (validator and now and now != validator)


def _validator(response: httpx.Response) -> str:
    """What tells this version of the file from another one, "" if nothing: a weak ETag does not."""
    tag = response.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        return str(tag)
    return str(response.headers.get("Last-Modified", ""))


def _status_line(response: httpx.Response) -> str:
    return f"the server answers {response.status_code} {response.reason_phrase}".rstrip()


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None


def _reason(exc: Exception) -> str:
    return str(exc) or type(exc).__name__


def _check_room(target: Path, held: int, total: int | None) -> None:
    """Say at the start, rather than after an hour, that the disk will not hold it."""
    if total is not None and total - held > shutil.disk_usage(target.parent).free:
        raise DiskFull(f"no room for {target.name} ({total:,} bytes): free some and run the command again")


class _Hasher(Protocol):
    def update(self, data: bytes, /) -> object: ...
    def hexdigest(self) -> str: ...


def _hexdigest(file: Path, checksum: Checksum) -> str:
    hasher = _hasher(checksum.algorithm)
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def _hasher(algorithm: str) -> _Hasher:
    if algorithm == "blake3":
        from blake3 import blake3

        return blake3()
    return hashlib.new(algorithm, usedforsecurity=False)


def _client(patience: Patience) -> httpx.Client:
    """A client that follows redirections and asks for the file as it is, not compressed for the way."""
    from importlib.metadata import version

    try:
        import httpx
    except ImportError as exc:
        raise missing_extra("fetching a file needs httpx", "pull") from exc

    headers = {"User-Agent": f"neardup/{version('neardup-cli')}", "Accept-Encoding": "identity"}
    return httpx.Client(follow_redirects=True, timeout=patience.timeout, headers=headers)


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Keep a second process from writing into the same part.

    Raises:
        DownloadFailed: another process holds it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    place = target.with_name(target.name + ".lock")
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | OWN, 0o644)
    try:
        try:
            try_lock(descriptor, alone=True)
        except BlockingIOError as exc:
            raise DownloadFailed(
                f"{target} is being downloaded by another process: wait for it to end"
            ) from exc
        yield
        with suppress(PermissionError):  # Windows removes nothing that is open
            # Whoever locks the nameless file from here on finds the whole target.
            place.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"no room left for {target}: free some and run the same command again to go on"
            ) from exc
        raise DownloadFailed(f"{target} cannot be written: {exc.strerror or exc}") from exc


def _unwatched(_done: int, _total: int | None) -> None:
    """Watch nothing."""
