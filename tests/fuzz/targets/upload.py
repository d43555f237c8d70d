"""Uploads to `serve`: files of every format, bombs and polyglots, and the forms that they come in.

The first byte of an input says what the rest is: a file, put into a sound form, or a whole body.
"""

from __future__ import annotations

import logging
import random
import tempfile
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from neardup_cli.catalog.database import Catalog
from neardup_cli.pipeline.query import QueryOptions
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.web.app import create_app
from neardup_cli.web.options import Limits, ServeOptions
from tests.e2e.test_mutated import valid_files
from tests.fuzz.engine import Mutator, WrongAnswer
from tests.fuzz.mutate import changed_bytes, changed_directory, changed_part
from tests.fuzz.targets.image import bombs, polyglots
from tests.web.test_hostile import BODIES, DECODABLE, UPLOADS

MOST_PIXELS = 4_000_000
_FILE, _BODY = b"\0", b"\1"
_STATUSES = {200, 400, 401, 403, 413, 422}
_CODES = {"bad_request", "too_large", "bad_input"}


def scanned_folder(folder: Path) -> Path:
    """Scan a few images of all formats by their hashes; return the catalog."""
    photos = folder / "photos"
    photos.mkdir()
    for name, content in valid_files():
        (photos / name).write_bytes(content)
    with Catalog.open(folder / "catalog.db", create=True) as catalog:
        scan(catalog, [bytes(photos)], ScanOptions(hash_only=True, workers=1))
    return folder / "catalog.db"


def options() -> ServeOptions:
    """Return those of a server whose bombs are small ones."""
    return ServeOptions(
        query=QueryOptions(max_pixels=MOST_PIXELS), limits=Limits(upload_bytes=8 << 20), workers=1
    )


def nested(depth: int) -> bytes:
    """A body with a form in a form in a form."""
    inner = b"abc"
    for level in range(depth):
        mark = b"b%d" % level
        kind = b"Content-Type: multipart/form-data; boundary=b%d\r\n" % (level - 1)
        head = b'Content-Disposition: form-data; name="file"; filename="a"\r\n' + kind
        inner = b"--%s\r\n%s\r\n%s\r\n--%s--\r\n" % (mark, head, inner, mark)
    return b"multipart/form-data; boundary=b%d\n" % (depth - 1) + inner


def _in_the_file(change: Mutator, data: bytes, chance: random.Random) -> bytes:
    return data[:1] + change(data[1:], chance) if data[:1] == _FILE else _form(data, chance)


def _form(data: bytes, chance: random.Random) -> bytes:
    """Change a word of a form for another one."""
    words = (
        b"boundary=",
        b"name=",
        b"filename=",
        b'"file"',
        b"\r\n",
        b"--",
        b"form-data",
        b"multipart/",
        b";",
        b"=",
        b'"',
    )
    news = (
        *words,
        b"",
        b"\0",
        b"\xff",
        b"filename*=utf-8''%ff",
        b"Content-Transfer-Encoding: base64\r\n",
        b"a" * 70_000,
    )
    word = chance.choice(words)
    found = data.count(word)
    if not found or data[:1] == _FILE:
        return data[:1] + changed_bytes(data[1:], chance)
    parts = data.split(word)
    at = chance.randrange(found) + 1
    return word.join(parts[:at]) + chance.choice(news) + word.join(parts[at:])


class Uploads:
    """See above."""

    name = "upload"
    seconds = 12.0
    inputs_a_child = 300

    def seeds(self) -> Sequence[bytes]:
        """Return files and bodies, sound and hostile."""
        hostile = [data for name, data in UPLOADS.items() if name != DECODABLE]
        files = [*[content for _, content in valid_files()] * 3, *polyglots(), *bombs(), *hostile]
        bodies = [kind.encode() + b"\n" + body for body, kind in BODIES.values()]
        return [
            *(_FILE + data for data in files),
            *(_BODY + data for data in (*bodies, nested(2), nested(30))),
        ]

    def mutators(self) -> Sequence[Mutator]:
        """Return those that know formats, and one that knows forms."""
        return (*(partial(_in_the_file, change) for change in (changed_part, changed_directory)), _form)

    def prepare(self) -> None:
        """Start the application, without a socket."""
        self._complaints: list[str] = []
        logging.getLogger("neardup.web").addHandler(_Noting(self._complaints))
        folder = Path(tempfile.mkdtemp())
        self._folder = str(folder)
        app = create_app(scanned_folder(folder), options())
        with warnings.catch_warnings(action="ignore"):  # of the client that it is made with
            from starlette.testclient import TestClient
        self._client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
        self._client.__enter__()
        app.state.service.board.wait(60)

    def check(self, data: bytes) -> str:
        """Upload something; the answer is a document that says what it is, or what is wrong."""
        if data[:1] == _BODY:
            kind, _, body = data[1:].partition(b"\n")
            kind = bytes(byte for byte in kind if byte >= 0x20 and byte != 0x7F)
            answer = self._client.post("/api/detect", content=body, headers={b"Content-Type": kind})
        else:
            answer = self._client.post("/api/detect", files={"file": ("../../a\0.jpg", data[1:])})
        if answer.status_code not in _STATUSES:
            raise WrongAnswer(f"status {answer.status_code}: {answer.text[:200]}")
        if self._complaints:
            raise WrongAnswer(f"the server's log: {self._complaints.pop()}")
        told = answer.json()
        if answer.status_code != 200 and (told["error"] not in _CODES or self._folder in told["message"]):
            raise WrongAnswer(f"the message: {told}")
        return "answered" if answer.status_code == 200 else str(told["error"])


class _Noting(logging.Handler):
    def __init__(self, noted: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._noted = noted

    def emit(self, record: logging.LogRecord) -> None:
        self._noted.append(self.format(record))


TARGET = Uploads()
