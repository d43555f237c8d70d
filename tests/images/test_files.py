from __future__ import annotations

import os
from pathlib import Path

import pytest

from neardup_cli.images.files import read_whole, regular_handle


@pytest.mark.parametrize("at_once", [1, 3, 100])
@pytest.mark.parametrize(("expected", "got"), [(10, 10), (9, 10), (4, 5), (0, 1), (12, 10)])
def test_read_whole(
    expected: int, got: int, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of a file that is as long as expected or shorter, a byte more of a longer one, however it comes."""
    (tmp_path / "a").write_bytes(b"0123456789")
    read = os.read
    monkeypatch.setattr(os, "read", lambda handle, size: read(handle, min(size, at_once)))
    handle = os.open(tmp_path / "a", os.O_RDONLY)
    try:
        assert read_whole(handle, expected) == b"0123456789"[:got]
    finally:
        os.close(handle)


def test_regular_handle(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    opened = regular_handle(os.fsencode(tmp_path / "a"))
    assert opened is not None
    handle, status = opened
    assert status == os.fstat(handle)
    os.close(handle)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this system's folders")
def test_a_pipe_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert regular_handle(os.fsencode(tmp_path / "pipe")) is None
