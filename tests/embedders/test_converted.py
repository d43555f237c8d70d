"""Free weights as ONNX files: read without running anything, and the same vectors as PyTorch's."""

from __future__ import annotations

import hashlib
import io
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neardup_cli.embedders import converted, registry, weights
from neardup_cli.embedders.archive import read_module
from neardup_cli.embedders.converted import Conversion, convert, demand_converter
from neardup_cli.embedders.onnx import OnnxEmbedder
from neardup_cli.embedders.painted import painted_images
from neardup_cli.embedders.resnet import read_network
from neardup_cli.embedders.weights import PUBLISHED, Weights
from neardup_cli.errors import BadInput, MissingExtra, ModelInvalid, ModelMissing, PathNotFound
from neardup_cli.pipeline import convert as story
from neardup_cli.pipeline.convert import convert_weights
from tests.networks import DIMENSION, KINDS

NAME = "sscd_disc_mixup"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_cache(tmp_path / "cache", monkeypatch)


def use_cache(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("platformdirs.user_cache_path", lambda *_, **__: folder)
    patch.setattr(story, "MOST_IMAGES", story.LEAST_IMAGES)


def publish(archive: Path, patch: pytest.MonkeyPatch) -> Weights:
    """Put an archive in the place of Meta's, with its checksum."""
    data = archive.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    mine = replace(weights.find_weights(NAME), size=len(data), sha256=digest, dimension=DIMENSION)
    mine.path.parent.mkdir(parents=True, exist_ok=True)
    mine.path.write_bytes(data)
    patch.setattr(weights, "PUBLISHED", tuple(mine if one.name == NAME else one for one in PUBLISHED))
    return mine


@pytest.fixture
def here(archives: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Weights]:
    """A function that puts the archive of a kind in the place of Meta's."""
    return lambda kind: publish(archives[kind], monkeypatch)


@pytest.fixture(scope="module")
def conversions(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Conversion]:
    """What came of each kind, with all its files in a folder of its own; to be read only."""
    made = {}
    for kind, archive in archives.items():
        with pytest.MonkeyPatch.context() as patch:
            use_cache(tmp_path_factory.mktemp(kind), patch)
            made[kind] = convert_weights(publish(archive, patch), None)
    return made


def put(made: Conversion, mine: Weights) -> None:
    """Put what was made of weights beside them."""
    for path in made.full.parent.glob("*.onnx"):
        shutil.copy(path, mine.path.parent)


def embedded(path: Path, images: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    return OnnxEmbedder(path, "x", "", 288).embed(images)


@pytest.mark.parametrize("kind", KINDS)
def test_a_converted_network_gives_the_same_vectors(kind: str, conversions: dict[str, Conversion]) -> None:
    from neardup_cli.embedders.torchscript import TorchScriptEmbedder

    made = conversions[kind]
    assert made.likeness is not None
    assert made.likeness > 0.9999
    assert made.small is not None, made.reason
    assert made.agreement is not None
    assert made.agreement > 0.98
    folder = made.full.parent
    original = TorchScriptEmbedder(folder / f"{NAME}.torchscript.pt", "x", "", 288)
    images = [original.prepare(image) for image in painted_images(12, seed=99)]
    expected = original.embed(images)
    assert np.median(expected @ expected.T) < 0.5  # they are not all one direction
    assert (embedded(made.full, images) * expected).sum(axis=1).min() > 0.9999
    assert np.median((embedded(made.small, images) * expected).sum(axis=1)) > 0.98
    assert made.small.stat().st_size < made.full.stat().st_size / 3
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{NAME}.torchscript.pt",
        f"{NAME}_fp32.onnx",
        f"{NAME}_int8.onnx",
    ]


def test_the_full_file_is_the_same_wherever_it_is_made(
    here: Callable[[str], Weights], tmp_path: Path
) -> None:
    from neardup_cli.embedders.export import network_model

    network = read_network(here("scripted").path)
    assert network_model(network, "x") == network_model(read_network(here("traced").path), "x")
    assert [block.stride for block in network.blocks] == [1, 2, 1, 2, 2]
    assert network.power == 3.0


def test_it_is_a_model_by_its_name(
    here: Callable[[str], Weights], conversions: dict[str, Conversion], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelMissing, match=f"run `neardup models pull {NAME}`, which makes it"):
        registry.model_path(f"{NAME}_int8")
    monkeypatch.setattr(registry, "_is_bundled", lambda: False)
    assert registry.default_model() == "sscd_distilled"
    with pytest.raises(MissingExtra, match=rf"not free software: run .*models.* pull {NAME}` for a free one"):
        registry.model_path("sscd_distilled")
    mine = here("scripted")
    put(conversions["scripted"], mine)
    assert registry.model_path(f"{NAME}_fp32") == mine.path.with_name(f"{NAME}_fp32.onnx")
    assert registry.default_model() == f"{NAME}_int8"
    embedder = registry.load_embedder(f"{NAME}_int8")
    assert (embedder.identity.name, embedder.identity.dimension) == (f"{NAME}_int8", DIMENSION)
    monkeypatch.undo()
    assert registry.default_model() == "sscd_distilled"


def test_images_of_the_user(here: Callable[[str], Weights], tmp_path: Path) -> None:
    mine, folder = here("traced"), tmp_path / "images"
    with pytest.raises(PathNotFound):
        convert_weights(mine, folder)
    folder.mkdir()
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    for number, image in enumerate(painted_images(23, seed=5)):
        image.save(folder / f"{number}.png")
    with pytest.raises(BadInput, match="has 23 images that can be read, and 24 are needed"):
        convert_weights(mine, folder)
    Image.linear_gradient("L").save(folder / "last.png")
    assert convert_weights(mine, folder).small is not None


def test_other_vectors_than_pytorchs_are_refused(
    here: Callable[[str], Weights], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were the network another one after all, with layers of the same shapes, PyTorch would tell."""
    from neardup_cli.embedders import resnet

    mine = here("traced")
    monkeypatch.setattr(resnet, "_POOLING", 1.0)
    with pytest.raises(ModelInvalid, match="gives other vectors in PyTorch than as ONNX"):
        convert_weights(mine, None)
    assert [path.name for path in mine.path.parent.iterdir()] == [mine.path.name]


def test_eight_bits_that_are_not_good_enough_are_not_made(
    here: Callable[[str], Weights], conversions: dict[str, Conversion], monkeypatch: pytest.MonkeyPatch
) -> None:
    from neardup_cli.embedders import quantise

    mine = here("scripted")
    put(conversions["scripted"], mine)
    before = mine.path.with_name(f"{NAME}_int8.onnx")
    assert before.is_file()
    monkeypatch.setattr(quantise, "LEAST_AGREEMENT", 1.1)
    made = convert_weights(mine, None)
    assert (made.small, made.agreement) == (None, None)
    assert "in eight bits its vectors are not the same enough" in made.reason
    assert not before.exists()
    assert made.full.is_file()


def test_without_the_package_that_writes_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converted, "find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"needs the package onnx: run .*pull"):
        demand_converter()
    with pytest.raises(MissingExtra):
        convert(weights.find_weights(NAME), [])


# --- archives that are none, or not this one ----------------------------------------------------------------


def changed(source: Path, target: Path, member: str, content: bytes) -> Path:
    """Copy an archive with another member."""
    name, rest = without(source, member)
    target.write_bytes(rest)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(name, content)
    return target


@cache
def without(source: Path, member: str) -> tuple[str, bytes]:
    """Return the name of a member in full, and an archive of all others."""
    rest = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(rest, "w") as new:
        (name,) = (name for name in old.namelist() if name.partition("/")[2] == member)
        for entry in old.infolist():
            if entry.filename != name:
                new.writestr(entry.filename, old.read(entry))
    return name, rest.getvalue()


class Hostile:
    """What a pickle can do to whoever loads it."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (self._command,)


def test_nothing_in_an_archive_is_run(archives: dict[str, Path], tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    for protocol in range(2, 6):
        for value in (Hostile(f"touch {touched}"), {"weight": Hostile(f"touch {touched}")}):
            content = pickle.dumps(value, protocol)
            hostile = changed(archives["traced"], tmp_path / "hostile.pt", "data.pkl", content)
            with pytest.raises(ModelInvalid, match="cannot be read as a TorchScript archive"):
                read_network(hostile)
            assert not touched.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"", b".", b"\x80\x02.", b"\x80\x02}.", b"\x80\x02K\x01.", b"\x80\x02(((.", b"\x80\x02h\x05.",
        b"\x80\x02r\xff\xff\xff\xff.", b"\x80\x05\x96" + b"\xff" * 8 + b".", b"\x80\x02X\xff\xff\xff\x7fabc.",
        b"\x80\x02]q\x00h\x00a.", b"\x80\x02}b.", b"\x80\x02(lp0\n.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n).",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", b"\x80\x02cos\nsystem\n)R.", b"\x82\x01.",
    ],
)  # fmt: skip
def test_a_pickle_of_something_else(archives: dict[str, Path], tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ModelInvalid):
        read_network(changed(archives["traced"], tmp_path / "odd.pt", "data.pkl", content))


def test_every_byte_of_the_pickle_may_be_another(archives: dict[str, Path], tmp_path: Path) -> None:
    """Whatever it says then: it is refused in one line, or the network is one of the same shape."""
    with zipfile.ZipFile(archives["scripted"]) as archive:
        content = archive.read("scripted.torchscript/data.pkl")
    random = np.random.default_rng(20)
    for place in random.integers(0, len(content), 150):
        other = bytearray(content)
        other[place] = int(random.integers(0, 256))
        target = changed(archives["scripted"], tmp_path / "odd.pt", "data.pkl", bytes(other))
        try:
            assert read_network(target).weight.shape == (DIMENSION, 512)
        except ModelInvalid:
            continue


def test_numbers_that_are_cut_off(archives: dict[str, Path], tmp_path: Path) -> None:
    for content in (b"", bytes(3), bytes(10_000_000)):
        with pytest.raises(ModelInvalid, match=r"cannot be read|not as long as|too large"):
            read_network(changed(archives["traced"], tmp_path / "odd.pt", "data/0", content))
    big_endian = changed(archives["traced"], tmp_path / "odd.pt", "byteorder", b"big")
    with pytest.raises(ModelInvalid, match="big-endian"):
        read_network(big_endian)


def test_numbers_that_are_none(archives: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(archives["traced"]) as archive:
        size = len(archive.read("traced.torchscript/data/0"))
    nothing = np.full(size // 4, np.nan, "<f4").tobytes()
    with pytest.raises(ModelInvalid, match="not all finite"):
        read_network(changed(archives["traced"], tmp_path / "odd.pt", "data/0", nothing))


def test_another_network(archives: dict[str, Path], tmp_path: Path) -> None:
    import warnings

    import torch

    others = {
        "no ResNet": torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Flatten()),
        "no normalisation": torch.nn.Sequential(*[torch.nn.Linear(8, 8)] * 6),
        "something in between": torch.nn.Sequential(torch.nn.Conv1d(3, 4, 3)),
    }
    for name, network in others.items():
        path = tmp_path / "other.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.script(network).save(str(path))
        with pytest.raises(ModelInvalid, match="is not the network of SSCD"):
            read_network(path)
        assert name


def test_what_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelInvalid, match="is no ZIP archive"):
        read_module(path)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model/constants.pkl", b"")
        archive.writestr("model/code/__torch__.py", b"")
    path.write_bytes(out.getvalue())
    with pytest.raises(ModelInvalid, match="cannot be read as a TorchScript archive"):
        read_module(path)


def test_painted_images_are_the_same_for_the_same_seed() -> None:
    one, other = (list(painted_images(4, seed=3)) for _ in range(2))
    assert all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(one, other, strict=True))
    assert not np.array_equal(np.asarray(one[0]), np.asarray(one[3]))
