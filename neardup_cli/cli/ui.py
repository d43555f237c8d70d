"""`neardup ui`."""

from __future__ import annotations

import socket
from importlib.util import find_spec
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
from neardup_cli.cli.options import CatalogOption
from neardup_cli.cli.output import say
from neardup_cli.installation import missing_extra

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_HOST = "127.0.0.1"


def ui(
    catalog: CatalogOption = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8501,
    token: TokenOption = None,
    token_file: TokenFileOption = None,
    no_token: NoTokenOption = False,
    open_browser: OpenOption = False,
) -> None:
    """Look images up and browse the groups in the browser.

    The page is there for this machine alone, behind the same gate as that of `neardup serve`. Needs the extra
    `streamlit`.
    """
    if find_spec("streamlit") is None:
        raise missing_extra("`neardup ui` needs Streamlit", "streamlit")
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.settings import load_settings
    from neardup_cli.web.options import Access
    from neardup_cli.web.streamlit_server import streamlit_app

    settings = load_settings(catalog=catalog)
    Catalog.open(settings.catalog_location).close()  # what is wrong with it is said before anything is served
    listening = listen(_HOST, port)
    tokens = chosen_tokens(token, token_file, no_token=no_token, loopback=True)
    with (
        told(address_of(listening), tokens, token_file, open_browser=open_browser),
        streamlit_app(settings, Access(tokens=tokens)) as app,
    ):
        _run(app, listening)


def _run(app: ASGIApp, listening: socket.socket) -> None:
    """Run the app in this process until it is stopped."""
    from neardup_cli.web.server import serve_on

    try:
        serve_on(app, listening)
    except KeyboardInterrupt:
        say("stopped")
