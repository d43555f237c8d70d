from __future__ import annotations

import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from neardup_cli.embedders import registry, weights
from neardup_cli.embedders.weights import PUBLISHED, Weights, find_weights
from neardup_cli.errors import DownloadCorrupt, DownloadFailed, ModelInvalid, ModelMissing
from neardup_cli.records.weights import ChecksumOrigin

UNPINNED = find_weights("sscd_disc_large")
PINNED = find_weights("sscd_disc_mixup")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that a server on this machine publishes in the place of Meta's."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    folder = tmp_path / "published"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(weights, "_PUBLISHED", f"http://127.0.0.1:{server.server_port}")
        yield folder
        server.shutdown()


def archive(path: Path, filling: bytes = b"weights", *, names: tuple[str, ...] = ("constants.pkl",)) -> Path:
    """Write what looks like a TorchScript file to somebody who does not run it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as made:
        for name in (*names, "code/__torch__.py", "data/0"):
            made.writestr(f"model/{name}", filling)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_addresses_are_metas() -> None:
    """As listed in the README of github.com/facebookresearch/sscd-copy-detection."""
    assert PINNED.url == "https://dl.fbaipublicfiles.com/sscd-copy-detection/sscd_disc_mixup.torchscript.pt"
    assert {one.name: one.dimension for one in PUBLISHED} == {
        "sscd_disc_blur": 512,
        "sscd_disc_advanced": 512,
        "sscd_disc_mixup": 512,
        "sscd_disc_large": 1024,
        "sscd_imagenet_blur": 512,
        "sscd_imagenet_advanced": 512,
        "sscd_imagenet_mixup": 512,
    }
    assert not {one.name for one in PUBLISHED} & set(registry.BUNDLED_MODELS)


def test_pull_records_the_checksum_of_the_first_time(published: Path, cache: Path) -> None:
    source = archive(published / UNPINNED.path.name)
    seen: list[tuple[int, int | None]] = []
    pulled = weights.pull(UNPINNED, lambda done, total: seen.append((done, total)))
    assert pulled.path == cache / "models" / "sscd_disc_large.torchscript.pt"
    assert pulled.path.read_bytes() == source.read_bytes()
    assert (pulled.sha256, pulled.origin) == (sha256(source), ChecksumOrigin.RECORDED)
    assert seen[-1] == (source.stat().st_size, source.stat().st_size)
    assert UNPINNED.record.read_text() == f"{sha256(source)}  sscd_disc_large.torchscript.pt\n"
    assert registry.model_path("sscd_disc_large") == pulled.path
    assert registry.model_label("sscd_disc_large") == "sscd_disc_large"
    assert weights.verify(UNPINNED) == pulled


def test_pull_replaces_a_damaged_file_and_refuses_another(published: Path) -> None:
    source = archive(published / UNPINNED.path.name)
    whole = source.read_bytes()
    weights.pull(UNPINNED)
    UNPINNED.path.write_bytes(whole[:-1] + b"x")
    with pytest.raises(ModelInvalid, match=r"not sscd_disc_large as recorded .* run `neardup models pull"):
        weights.verify(UNPINNED)
    weights.pull(UNPINNED)
    assert UNPINNED.path.read_bytes() == whole
    archive(source, b"other weights")
    UNPINNED.path.unlink()
    with pytest.raises(DownloadCorrupt):
        weights.pull(UNPINNED)
    assert not UNPINNED.path.exists()


def test_pull_is_held_to_the_pinned_size_and_checksum(published: Path) -> None:
    archive(published / PINNED.path.name)
    with pytest.raises(DownloadCorrupt, match="98,791,638 were expected"):
        weights.pull(PINNED)
    assert not PINNED.path.exists()


def test_pull_of_something_else_leaves_nothing(published: Path) -> None:
    (published / UNPINNED.path.name).write_text("<html>Sign in to this network</html>")
    with pytest.raises(ModelInvalid, match="is no ZIP archive"):
        weights.pull(UNPINNED)
    assert not UNPINNED.path.exists()
    assert not UNPINNED.record.exists()


def test_a_machine_without_network_is_told_what_to_bring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_PUBLISHED", "ftp://nowhere")
    with pytest.raises(DownloadFailed) as caught:
        weights.pull(UNPINNED)
    said = str(caught.value)
    assert f"{UNPINNED.url} is no http address; or bring that file from another machine" in said
    assert f"put it at {UNPINNED.path} and run `neardup models verify sscd_disc_large`" in said
    with pytest.raises(ModelMissing) as missing:
        registry.model_path("sscd_disc_large")
    assert f"bring {UNPINNED.url} here as {UNPINNED.path}" in str(missing.value)


def test_what_was_brought_by_hand_is_checked() -> None:
    archive(PINNED.path)
    with pytest.raises(ModelInvalid, match="not sscd_disc_mixup as pinned"):
        weights.verify(PINNED)
    archive(UNPINNED.path)
    assert weights.status(UNPINNED).origin is ChecksumOrigin.UNKNOWN
    assert weights.verify(UNPINNED).sha256 == sha256(UNPINNED.path)
    assert weights.status(UNPINNED).origin is ChecksumOrigin.RECORDED
    with pytest.raises(ModelInvalid, match="not sscd_disc_mixup as pinned"):
        registry.load_embedder("sscd_disc_mixup")


def test_no_such_weights() -> None:
    with pytest.raises(
        ModelMissing, match="no published weights are called 'sscd': give one of sscd_disc_blur"
    ):
        find_weights("sscd")


def test_an_archive_that_unpacks_to_far_more_than_its_size(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("model/constants.pkl", b"")
        made.writestr("model/code/__torch__.py", bytes(80 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ModelInvalid, match="unpacks to more than it can hold"):
        weights.check_archive(path)
    weights.check_archive(archive(tmp_path / "good.pt"))
    with pytest.raises(ModelInvalid, match="some other ZIP archive"):
        weights.check_archive(archive(tmp_path / "word.docx", names=("document.xml",)))


def test_the_record_is_that_of_sha256sum() -> None:
    archive(UNPINNED.path)
    UNPINNED.record.write_text("")
    assert weights.status(UNPINNED).origin is ChecksumOrigin.UNKNOWN
    UNPINNED.record.write_text(f"{'0' * 64}  {UNPINNED.path.name}\n")
    with pytest.raises(ModelInvalid, match="as recorded"):
        weights.verify(UNPINNED)


def test_every_name_has_a_place_of_its_own() -> None:
    assert len({one.path for one in PUBLISHED}) == len({one.url for one in PUBLISHED}) == len(PUBLISHED)
    assert all(isinstance(one, Weights) for one in PUBLISHED)
