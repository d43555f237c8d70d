"""The Python API in a real notebook's kernel."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Lacking


@pytest.fixture
def kernel(lacking: Lacking, tmp_path: Path) -> Iterator[Any]:
    try:
        from jupyter_client.manager import start_new_kernel
    except ImportError:
        lacking("pip install ipykernel")
    manager, client = start_new_kernel(
        kernel_name="python3", env={**os.environ, "NEARDUP_CATALOG": str(tmp_path / "user.db")}
    )
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(kernel: Any, code: str) -> tuple[str, list[dict[str, str]]]:
    """Return what a cell writes, and what it displays."""
    written, displayed = "", []

    def take(message: dict[str, Any]) -> None:
        nonlocal written
        content = message["content"]
        if message["msg_type"] == "stream":
            written += content["text"]
        elif message["msg_type"] in ("execute_result", "display_data"):
            displayed.append(content["data"])
        elif message["msg_type"] == "error":
            written += "\n".join(content["traceback"])

    kernel.execute_interactive(code, timeout=120, output_hook=take)
    return written, displayed


@pytest.mark.filterwarnings("ignore")  # of what runs the kernel
def test_a_cell_shows_a_bar_and_thumbnails(kernel: Any, photos: Path, tmp_path: Path) -> None:
    written, displayed = run(
        kernel, f"from neardup_cli import find_copies\nr = find_copies({str(photos)!r})\nr"
    )
    assert "Reading" in written or any("Reading" in str(one) for one in displayed), written
    html = displayed[-1]["text/html"]
    assert html.count("data:image/jpeg;base64,") == 5
    assert displayed[-1]["text/plain"] == "<Copies: 3 copies in 2 groups among 7 images>"
    _, [frame] = run(kernel, "r.to_pandas()[['role', 'keep']]")
    assert "kept" in frame["text/html"]
    assert not (tmp_path / "user.db").exists()
