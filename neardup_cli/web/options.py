"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass, field

from neardup_cli.pipeline.dups import DupsOptions
from neardup_cli.pipeline.query import QueryOptions
from neardup_cli.pipeline.scan import ScanOptions
from neardup_cli.web.tokens import Tokens

UPLOAD_PIXELS = 100_000_000
"""Pixels of an upload, at most: a stranger's picture gets less trust than one's own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost.

    Attributes:
        upload_bytes: size of an uploaded file.
        upload_seconds: how long its bytes may take to come.
        body_rate: bytes a second that a body has to come with, on average, after some seconds of grace.
        body_bytes: size of any other request's body.
        uploads_at_once: how many are received and looked up at the same time; others wait unread.
        uploads_waiting: how many may wait; beyond, the answer is 503.
        answer_seconds: how long a lookup, a preview or a comparison may take, waiting included.
        preview_bytes: memory for previews that were made already.
    """

    upload_bytes: int = 64 << 20
    upload_seconds: float = 60.0
    body_rate: int = 8_000
    body_bytes: int = 4 << 20
    uploads_at_once: int = 32
    uploads_waiting: int = 512
    answer_seconds: float = 60.0
    preview_bytes: int = 128 << 20


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.

    Attributes:
        loopback: the server listens on this machine's own addresses only.
        tokens: one of them is demanded of every request; None lets everybody in who reaches the server.
        names: further values of the Host header to answer to.
    """

    loopback: bool = True
    tokens: Tokens | None = None
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Everything a server needs besides its catalog."""

    query: QueryOptions = field(default_factory=QueryOptions)
    dups: DupsOptions = field(default_factory=DupsOptions)
    scan: ScanOptions = field(default_factory=ScanOptions)
    access: Access = field(default_factory=Access)
    limits: Limits = field(default_factory=Limits)
    workers: int = 2
