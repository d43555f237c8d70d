"""The Streamlit app behind the gate of `serve`, in a configuration that no folder can change.

Streamlit reads `.streamlit/config.toml` and `secrets.toml` of the working folder, which can turn its
protections off, load fonts from elsewhere and name what is watched. So it is started in an empty folder of
ours, and what matters is set from here, above all files. It asks nobody anything: it would ask a host of
Amazon's for its own address, to know who may open a WebSocket, and the gate answers that before.
"""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.types import ASGIApp

from neardup_cli.settings import Settings
from neardup_cli.web.gate import HEADERS, Gate
from neardup_cli.web.options import Access

HOST = "127.0.0.1"
_UPLOAD_MB = 64
_OPTIONS: dict[str, Any] = {
    # Nothing about anybody's images, not even that there are some, goes to another host.
    "browser.gatherUsageStats": False,
    "browser.serverAddress": HOST,
    "client.allowedOrigins": [],
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    "global.developmentMode": False,
    "logger.hideWelcomeMessage": True,
    "logger.level": "warning",
    "secrets.files": [],
    "server.address": HOST,
    "server.allowRunOnSave": False,
    "server.baseUrlPath": "",
    "server.corsAllowedOrigins": [],
    "server.enableAgentApi": False,
    "server.enableCORS": True,
    "server.enableStaticServing": False,
    "server.enableXsrfProtection": True,
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": _UPLOAD_MB,
    "server.runOnSave": False,
}
_SCRIPT = Path(__file__).with_name("streamlit_app.py")


@contextmanager
def streamlit_app(settings: Settings, access: Access) -> Iterator[ASGIApp]:
    """Give the app, behind the gate; the process stands in an empty folder while the block runs.

    Args:
        settings: what the app works with; the environment of this process is changed to say so.
        access: who may come in.
    """
    with TemporaryDirectory(prefix="neardup-ui-") as empty:
        _pass_on(settings)
        before = Path.cwd()
        os.chdir(empty)  # before Streamlit is imported, which looks around at once
        try:
            yield Gate(_app(Path(empty)), access, _headers(), websockets=True)
        finally:
            os.chdir(before)


def _app(empty: Path) -> ASGIApp:
    from streamlit import config
    from streamlit.starlette import App
    from streamlit.web.bootstrap import load_config_options

    app = App(_SCRIPT)
    # Neither the user's own file nor one beside the script has a say: only what stands above.
    config.get_config_files = lambda file_name: [str(empty / file_name)]
    load_config_options(_OPTIONS)
    served: ASGIApp = app
    return served


def _pass_on(settings: Settings) -> None:
    """Put the settings where the app finds them, relative to nothing; Streamlit's own variables go away."""
    for name in [name for name in os.environ if name.startswith("STREAMLIT_")]:
        del os.environ[name]
    said = settings.model_dump(mode="json", exclude_none=True, exclude={"image_dirs"})
    said["catalog"] = str(settings.catalog_location)
    if settings.model is not None and os.path.isfile(own := os.path.expanduser(settings.model)):
        said["model"] = os.path.abspath(own)
    os.environ.update({f"NEARDUP_{name.upper()}": str(value) for name, value in said.items()})


def _headers() -> Mapping[str, str]:
    """Return what every answer carries: Streamlit styles its page inline, and has one script there."""
    import streamlit

    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    inline = [
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ]
    policy = (
        f"default-src 'none'; script-src 'self' {' '.join(inline)}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' blob: data:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {**HEADERS, "Content-Security-Policy": policy}
