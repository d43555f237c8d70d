"""Addresses that fsspec reads; its in-memory file system stands for an object store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from neardup_cli.errors import MissingExtra
from neardup_cli.images import remote
from neardup_cli.images.walk import Walker
from tests.conftest import Lacking


@pytest.fixture
def bucket(lacking: Lacking) -> Iterator[Any]:
    """A store with a few objects."""
    try:
        import fsspec
    except ModuleNotFoundError:
        lacking("the ray extra, which brings fsspec")
    store = fsspec.filesystem("memory")
    pictures = ("b.jpg", "a/z.PNG", "a/ümläut.jpg", "a-b/x.jpg")
    for name in (*pictures, "notes.txt", ".hidden/c.jpg", "a/.d.jpg", "tmp/e.jpg"):
        store.pipe_file(f"/bucket/{name}", name.encode())
    yield store
    store.rm("/bucket", recursive=True)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        (b"s3://bucket/x.jpg", True),
        (b"gs://b", True),
        (b"memory://a", True),
        (b"/photos/s3://x", False),
        (b"photos/x.jpg", False),
        (b"c://x", False),
        (b"s3:/x", False),
        (b"", False),
    ],
)
def test_what_is_an_address(path: bytes, *, is_one: bool) -> None:
    assert remote.is_remote(path) is is_one


@pytest.mark.usefixtures("bucket")
def test_walk_is_in_the_order_of_bytes() -> None:
    [run] = Walker(exclude=["tmp"]).walk(b"memory://bucket")
    found = [path for path, _ in run.files]
    assert found == sorted(found)
    names = [b"a-b/x.jpg", b"a/z.PNG", "a/ümläut.jpg".encode(), b"b.jpg"]
    assert found == [b"memory:///bucket/" + name for name in names] or found == [
        b"memory://bucket/" + name for name in names
    ]
    reasons = {os.path.basename(entry.path): entry.reason for entry in run.skipped}
    assert reasons == {
        b"notes.txt": "not an image file",
        b"c.jpg": "hidden",
        b".d.jpg": "hidden",
        b"e.jpg": "excluded",
    }


@pytest.mark.usefixtures("bucket")
def test_objects() -> None:
    assert remote.read(b"memory://bucket/b.jpg") == b"b.jpg"
    status = remote.status_of(b"memory://bucket/a/z.PNG")
    assert status.st_size == 7
    assert status.st_mtime_ns > 1_600_000_000 * 10**9
    assert remote.is_there(b"memory://bucket/a")
    assert not remote.is_there(b"memory://bucket/nothing")
    with pytest.raises(OSError, match="nothing"):
        remote.read(b"memory://bucket/nothing.jpg")


@pytest.mark.usefixtures("bucket")
def test_an_object_that_changed_has_another_stamp(bucket: Any) -> None:
    before = remote.status_of(b"memory://bucket/b.jpg")
    bucket.pipe_file("/bucket/b.jpg", b"other")
    assert remote.status_of(b"memory://bucket/b.jpg").st_mtime_ns > before.st_mtime_ns


@pytest.mark.usefixtures("bucket")
def test_no_such_kind_of_place() -> None:
    [run] = Walker().walk(b"nowhere://bucket")
    [entry] = run.skipped
    assert entry.unreadable
    assert entry.reason.startswith("no such kind of place")


@pytest.mark.usefixtures("bucket")
def test_what_fsspec_needs_for_a_place_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    def lacks(_: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", lacks)
    with pytest.raises(MissingExtra, match="s3fs for s3://"):
        remote.is_there(b"s3://bucket")
