"""`neardup models`, and a scan with a TorchScript model."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import Neardup

FORKED = True


@pytest.fixture
def offline(neardup: Neardup) -> Neardup:
    """A machine whose only way out is a proxy that nobody runs, and whose cache is its own."""
    proxy = dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
    return replace(neardup, environment={"XDG_CACHE_HOME": str(neardup.home / "cache"), **proxy})


def test_list(offline: Neardup) -> None:
    document = offline.json("models", "list")
    assert document["schema"] == "neardup.models/1"
    assert document["bundled"] == ["sscd", "sscd_distilled"]
    assert [one["name"] for one in document["published"] if one["checksum"] == "pinned"] == [
        "sscd_disc_mixup"
    ]
    assert not any(one["here"] for one in document["published"])
    lines = offline.succeed("models", "list").decode().splitlines()
    assert len(lines) == 9
    assert offline.succeed("models").decode().splitlines() == lines


def test_path(offline: Neardup) -> None:
    assert Path(offline.succeed("models", "path", "sscd").decode().strip()).is_file()
    assert "run `neardup models pull sscd_disc_mixup`, or bring https" in offline.fail(
        8, "models", "path", "sscd_disc_mixup"
    )
    offline.fail(8, "models", "path", "nothing-of-this-name")


def test_verify(offline: Neardup, photos: Path) -> None:
    assert offline.succeed("models", "verify") == b""
    place = offline.home / "cache" / "neardup" / "models" / "sscd_disc_mixup.torchscript.pt"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"not the weights")
    assert "is not sscd_disc_mixup as pinned" in offline.fail(9, "models", "verify")
    said = offline.fail(9, "scan", photos, "--model", "sscd_disc_mixup")
    assert "is not sscd_disc_mixup as pinned" in said


def test_scan_of_weights_that_are_not_here_makes_no_catalog(offline: Neardup, photos: Path) -> None:
    assert "is not on this machine" in offline.fail(8, "scan", photos, "--model", "sscd_disc_large")
    assert not offline.catalog.exists()


def test_scan_with_a_torchscript_model(neardup: Neardup, photos: Path, archives: dict[str, Path]) -> None:
    shutil.copy(archives["traced"], neardup.home / "mine.pt")
    scanned = neardup.json("scan", photos, "--model", "mine.pt", "--device", "cpu")
    assert (scanned["model"], scanned["embedded"], scanned["unreadable"]) == ("mine.pt", 6, 0)
    # Later commands find the model by its name in the catalog.
    found = neardup.json("query", photos / "astronaut-small.jpg")
    assert found["queries"][0]["matches"][0]["path"].startswith(str(photos / "astronaut"))
    said = neardup.fail(9, "scan", photos, "--model", photos / "coffee.png", "--rehash")
    assert "is not an ONNX model" in said


def test_no_such_device(neardup: Neardup, photos: Path) -> None:
    said = neardup.run("scan", photos, "--device", "mps").stderr.decode()
    assert "runs no model on mps" in said or not said
    assert "cpu" in neardup.fail(2, "scan", photos, "--device", "abacus")


def test_torch_is_an_extra(neardup: Neardup, photos: Path, tmp_path: Path) -> None:
    """Where PyTorch cannot be imported, one line says what to install."""
    (tmp_path / "torch.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n"
    )
    model = tmp_path / "mine.pt"
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("mine/constants.pkl", b"")
        archive.writestr("mine/code/__torch__.py", b"")
    without = neardup.finding_first(tmp_path)
    assert without.fail(13, "scan", photos, "--model", model).endswith("[torch]'`")
    assert json.loads(without.succeed("models", "list", "--json"))["default"] == "sscd_distilled"
