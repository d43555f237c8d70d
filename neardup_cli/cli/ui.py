"""`neardup ui`."""

from __future__ import annotations

import os
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.options import CatalogOption
from neardup_cli.cli.output import say
from neardup_cli.errors import BadInput
from neardup_cli.installation import missing_extra

_HOST = "127.0.0.1"
_UPLOAD_MB = 64


def ui(
    catalog: CatalogOption = None,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 8501,
) -> None:
    """Look images up and browse the groups in the browser.

    The page is there for this machine alone. Needs the extra `streamlit`.
    """
    if find_spec("streamlit") is None:
        raise missing_extra("`neardup ui` needs Streamlit", "streamlit")
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.settings import load_settings

    settings = load_settings(catalog=catalog)
    Catalog.open(settings.catalog_location).close()  # what is wrong with it is said before anything is served
    _demand_port(port)
    say(f"neardup is at http://{_HOST}:{port}/ (Ctrl-C stops it)")
    _run(settings.catalog_location, port)


def _demand_port(port: int) -> None:
    """Say in one line that the port is taken; Streamlit would say it in many."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((_HOST, port))
        except OSError as exc:
            raise BadInput(f"cannot listen on port {port}: {exc.strerror}; give another --port") from exc


def _run(catalog: Path | str, port: int) -> None:
    """Run the app in this process until it is stopped."""
    from streamlit.web.cli import main as streamlit

    # By its place: imported, it would begin before Streamlit has.
    app = Path(__file__).parents[1] / "web" / "streamlit_app.py"
    options = {
        "server.address": _HOST,
        "server.port": port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "server.maxUploadSize": _UPLOAD_MB,
        "browser.serverAddress": _HOST,
        # Nothing about anybody's pictures, not even that there are some, goes to another host.
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "logger.level": "warning",
        "logger.hideWelcomeMessage": "true",
    }
    os.environ["NEARDUP_CATALOG"] = str(catalog)  # the app reads its settings like any command
    flags = [f"--{name}={value}" for name, value in options.items()]
    streamlit(["run", *flags, str(app)], standalone_mode=False)
