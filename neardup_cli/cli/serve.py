"""`neardup serve`."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli.doors import (
    NoTokenOption,
    OpenOption,
    TokenFileOption,
    TokenOption,
    address_of,
    chosen_tokens,
    listen,
    told,
)
from neardup_cli.cli.options import (
    CatalogOption,
    DeviceOption,
    HammingOption,
    MaxPixelsOption,
    MinConfidenceOption,
    ModelOption,
    PresetOption,
    ThresholdOption,
)
from neardup_cli.cli.output import hint, say
from neardup_cli.cli.policy import (
    AcceptLossOption,
    AcrossDrivesOption,
    KeepOption,
    OnlyOption,
    PreferOption,
    ProtectOption,
    asked_policy,
)
from neardup_cli.installation import missing_extra

if TYPE_CHECKING:
    from neardup_cli.plans import Policy
    from neardup_cli.settings import Settings
    from neardup_cli.web.options import Access, ServeOptions


def serve(
    catalog: CatalogOption = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8420,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
    no_token: NoTokenOption = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="Answer to this host name too; repeatable."),
    ] = None,
    open_browser: OpenOption = False,
    upload_mb: Annotated[
        int, typer.Option("--upload-mb", min=1, max=4096, help="Largest upload, megabytes.")
    ] = 64,
    model: ModelOption = None,
    device: DeviceOption = None,
    threshold: ThresholdOption = None,
    hamming: HammingOption = None,
    preset: PresetOption = None,
    min_confidence: MinConfidenceOption = None,
    max_pixels: MaxPixelsOption = None,
    keep: KeepOption = None,
    prefer: PreferOption = None,
    protect: ProtectOption = None,
    only: OnlyOption = None,
    accept_loss: AcceptLossOption = None,
    across_drives: AcrossDrivesOption = False,
) -> None:
    """Serve the review page and the REST API.

    The options of `clean` that say which file stays and what may go are where the page begins; there they can
    be changed before each plan.

    The address that is printed opens the page once, and the browser keeps a cookie. Programs send the token
    as `Authorization: Bearer …`: name a --token-file. Needs the extra `web`.
    """
    _demand_extra()
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.models import demand_device
    from neardup_cli.settings import load_settings
    from neardup_cli.web.options import Access

    settings = load_settings(
        catalog=catalog,
        model=model,
        device=device,
        threshold=threshold,
        hamming=hamming,
        preset=preset,
        min_confidence=min_confidence,
        max_pixels=max_pixels,
    )
    policy = asked_policy(
        keep=keep,
        prefer=prefer,
        protect=protect,
        only=only,
        accept_loss=accept_loss,
        across_drives=across_drives,
    )
    with Catalog.open(settings.catalog_location) as opened:  # what is wrong is said before anything is served
        demand_device(opened, settings.model, settings.device)
    listening = listen(host, port)
    loopback = _loopback(listening)
    tokens = chosen_tokens(token, token_file, no_token=no_token, loopback=loopback)
    access = Access(loopback, tokens, frozenset(allow_host or []))
    options = _options(settings, policy, access, upload_mb)
    with told(address_of(listening), tokens, token_file, open_browser=open_browser):
        _run(settings.catalog_location, options, listening)


def _demand_extra() -> None:
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as exc:
        raise missing_extra(f"`neardup serve` needs {exc.name}", "web") from exc


def _loopback(listening: socket.socket) -> bool:
    return ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback


def _options(settings: Settings, policy: Policy, access: Access, upload_mb: int) -> ServeOptions:
    from dataclasses import replace

    from neardup_cli.pipeline.dups import DupsOptions
    from neardup_cli.pipeline.query import QueryOptions
    from neardup_cli.pipeline.scan import ScanOptions
    from neardup_cli.web.options import UPLOAD_PIXELS, Limits, ServeOptions

    return ServeOptions(
        query=replace(
            QueryOptions.from_settings(settings), max_pixels=min(settings.max_pixels, UPLOAD_PIXELS)
        ),
        dups=replace(DupsOptions.from_settings(settings), policy=policy),
        scan=ScanOptions.from_settings(settings),
        access=access,
        limits=Limits(upload_bytes=upload_mb * 1_000_000),
        workers=settings.worker_count,
    )


def _run(catalog: Path | str, options: ServeOptions, listening: socket.socket) -> None:
    from neardup_cli.web.app import create_app
    from neardup_cli.web.server import serve_on

    try:
        serve_on(create_app(catalog, options), listening)
    except KeyboardInterrupt:
        say("stopped")
        hint("Next: `neardup clean` plans here what the page has shown, `neardup undo` takes back it")
