"""The tests make their own small networks of SSCD's interface; they need PyTorch, and no GPU."""

from __future__ import annotations

import copy
import warnings
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neardup_cli.choices import Device
from neardup_cli.embedders import trial
from neardup_cli.embedders.base import Embedder
from neardup_cli.embedders.registry import demand_device, load_embedder, model_path
from neardup_cli.embedders.shape import input_shape, preprocessing
from neardup_cli.errors import BadInput, ModelInvalid
from tests.conftest import Lacking

type Network = Callable[[Any], Any]

DIMENSION = 16


@pytest.fixture(scope="session")
def torch(lacking: Lacking) -> Any:
    try:
        import torch
    except ModuleNotFoundError:
        lacking("the torch extra: pip install 'neardup-cli[torch]'")
    return torch


@pytest.fixture(scope="session")
def network(torch: Any) -> Any:
    """Two convolutions, pooling and unit vectors, with parameters as SSCD has them."""
    nn = torch.nn
    torch.manual_seed(3)
    spread = nn.Linear(DIMENSION, DIMENSION, bias=False)
    # Layer normalisation gives vectors of length sqrt(n), so that this makes them unit vectors.
    spread.weight.data = torch.eye(DIMENSION) / DIMENSION**0.5
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, stride=4),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, DIMENSION, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.LayerNorm(DIMENSION, elementwise_affine=False, eps=1e-12),
        spread,
    ).eval()


@pytest.fixture(scope="session")
def save(torch: Any) -> Callable[[Path, Any], Path]:
    """A function that saves a module, or a function of a tensor, as a TorchScript file."""

    def write(path: Path, network: Any) -> Path:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of deprecation, and of functions that ignore their input
            example = torch.rand(2, 3, 64, 96)
            is_module = isinstance(network, torch.nn.Module)
            made = torch.jit.script(network) if is_module else torch.jit.trace(network, example)
            made.save(str(path))
        return path

    return write


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory, network: Any, save: Callable[[Path, Any], Path]) -> Path:
    return save(tmp_path_factory.mktemp("torchscript") / "small.pt", network)


@pytest.fixture(scope="session")
def embedder(file: Path) -> Embedder:
    return load_embedder(str(file), input_size=96, device=Device.CPU)


@pytest.fixture(autouse=True)
def untried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Try nothing in a process of its own, which takes seconds a file, but where that is the question."""
    if "cache" not in request.fixturenames:
        monkeypatch.setattr(trial, "run_trial", lambda _: 0)


def shaped(photographs: dict[str, Image.Image]) -> list[Image.Image]:
    sizes = [(96, 96), (160, 90), (90, 160), (96, 96), (400, 50)]
    images = list(photographs.values())
    return [images[number % 4].resize(sizes[number % 5]) for number in range(21)]


def test_identity(embedder: Embedder, file: Path) -> None:
    identity = embedder.identity
    assert (identity.name, identity.dimension) == (str(file), DIMENSION)
    assert identity.preprocessing == preprocessing(96)
    assert len(identity.fingerprint) == 64


def test_vectors_are_those_of_the_network_alone(
    torch: Any, embedder: Embedder, network: Any, photographs: dict[str, Image.Image]
) -> None:
    """Written out once more, step by step, as in SSCD's README."""
    prepared = [embedder.prepare(image) for image in photographs.values()]
    expected = []
    for pixels in prepared:
        tensor = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
        mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        tensor = (tensor - mean[:, None, None]) / deviation[:, None, None]
        with torch.inference_mode():
            expected.append(network(tensor[None])[0].numpy())
    found = embedder.embed(prepared)
    assert found.dtype == np.float32
    assert np.abs(found - np.stack(expected)).max() < 1e-5
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert (found @ found.T)[~np.eye(4, dtype=bool)].max() < 0.9999


def test_order_is_kept_with_mixed_shapes(embedder: Embedder, photographs: dict[str, Image.Image]) -> None:
    prepared = [embedder.prepare(image) for image in shaped(photographs)]
    assert len({pixels.shape for pixels in prepared}) >= 4
    alone = np.concatenate([embedder.embed([pixels]) for pixels in prepared])
    assert np.abs(embedder.embed(prepared) - alone).max() < 1e-5
    assert embedder.embed([]).shape == (0, DIMENSION)


def test_four_threads_get_what_one_gets(embedder: Embedder, photographs: dict[str, Image.Image]) -> None:
    batches = [[embedder.prepare(image)] * 3 for image in shaped(photographs)]
    expected = [embedder.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as threads:
        for found, wanted in zip(threads.map(embedder.embed, batches), expected, strict=True):
            assert np.abs(found - wanted).max() < 1e-5


# Made with torchvision 0.29.1 and Pillow 13.0.0: the transforms `small_288` and `skew_320` of the README of
# github.com/facebookresearch/sscd-copy-detection, and the same with Resize([256, 320]), applied to `picture`.
# For each: mean and deviation of the three channels, and eight values by (channel, row, column).
RECIPE: dict[str, tuple[tuple[int, int], int, Sequence[float], Sequence[float], dict[Any, float]]] = {
    "small_288": (
        (500, 500),
        288,
        (0.06515, 0.19565, 0.29416),
        (1.19124, 1.17394, 1.21906),
        {
            (2, 180, 197): 2.18684,
            (2, 166, 223): -0.72383,
            (2, 64, 15): -0.84584,
            (0, 82, 251): -0.67942,
            (2, 1, 143): -1.64758,
            (2, 37, 229): 2.18684,
            (0, 134, 235): -0.18281,
            (0, 98, 80): 1.30705,
        },
    ),
    "skew_320": (
        (640, 640),
        320,
        (0.07229, 0.20567, 0.34056),
        (1.15607, 1.1177, 1.1678),
        {
            (2, 200, 218): 2.13455,
            (2, 185, 248): 0.68793,
            (2, 72, 17): -0.1661,
            (0, 91, 279): 0.94743,
            (2, 1, 159): -1.54301,
            (2, 42, 255): -1.0027,
            (0, 149, 261): 0.03981,
            (0, 109, 89): 1.58104,
        },
    ),
    "our shape": (
        (640, 480),
        288,
        (0.06428, 0.20249, 0.31609),
        (1.15761, 1.16201, 1.19383),
        {
            (2, 160, 218): 1.15852,
            (2, 148, 248): -1.03756,
            (2, 57, 17): -0.60183,
            (0, 72, 279): -1.48429,
            (2, 1, 159): -1.56044,
            (2, 33, 255): -0.27068,
            (0, 119, 261): 0.57068,
            (0, 87, 89): -1.24454,
        },
    ),
}

# Another Pillow may round a resized pixel to the next of its 256 levels, and that is all.
ONE_LEVEL = 1 / 255 / 0.224 + 1e-4


def picture(size: tuple[int, int]) -> Image.Image:
    """Fine and coarse structure by a formula in whole numbers, the same on every machine."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    channels = [(x * x // 97 + 3 * y) % 256, (5 * x + y * y // 61) % 256, (x * y // 53) % 256]
    return Image.fromarray(np.stack(channels, axis=2).astype(np.uint8))


@pytest.mark.parametrize("name", RECIPE)
def test_preprocessing_is_torchvisions(name: str, file: Path) -> None:
    """Our input keeps the aspect ratio at an equal area; for square pictures that is SSCD's own recipe."""
    size, side, means, deviations, values = RECIPE[name]
    embedder: Any = load_embedder(str(file), input_size=side, device=Device.CPU)
    tensor = embedder.normalised(np.stack([embedder.prepare(picture(size))])).numpy()[0]
    assert tensor.shape == (3, *input_shape(size, side)[::-1])
    assert tensor.mean(axis=(1, 2)) == pytest.approx(means, abs=2e-4)
    assert tensor.std(axis=(1, 2)) == pytest.approx(deviations, abs=2e-4)
    for place, value in values.items():
        assert tensor[place] == pytest.approx(value, abs=ONE_LEVEL)


def test_the_plain_suffixes_are_torchscript(file: Path, tmp_path: Path) -> None:
    for ending in (".pt", ".pth", ".ts"):
        renamed = tmp_path / f"model{ending}"
        renamed.write_bytes(file.read_bytes())
        assert load_embedder(str(renamed), input_size=64).identity.dimension == DIMENSION


def test_no_such_device(torch: Any, file: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(BadInput, match="no cuda device here"):
        load_embedder(str(file), device=Device.CUDA)
    with pytest.raises(BadInput, match="no cuda device here"):
        demand_device(str(file), Device.CUDA)
    with pytest.raises(BadInput, match="runs no model on cuda"):
        load_embedder("sscd_distilled", device=Device.CUDA)


def unit(torch: Any, rows: Any) -> Any:
    return torch.nn.functional.normalize(rows, dim=1)


BROKEN: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "one number an image": (lambda _, x: x.mean(dim=(1, 2, 3)), r"gives \(2,\) for two images"),
    "a map": (lambda _, x: x[:, :, ::8, ::8], r"gives \(2, 3, 8, 12\) for two images"),
    "one vector for all": (lambda t, x: unit(t, x.mean(dim=(0, 2))[None].flatten(1)), "for two images"),
    "no unit vectors": (lambda _, x: x.mean(dim=(2, 3)) + 3, "gives no unit vectors: one is"),
    "zeros": (lambda _, x: x.mean(dim=(2, 3)) * 0, "gives no unit vectors: one is 0 long"),
    "nan": (lambda t, x: unit(t, x.mean(dim=(2, 3)) * float("nan")), "not finite"),
    "infinite": (lambda _, x: x.mean(dim=(2, 3)) * float("inf"), "not finite"),
    "two outputs": (lambda _, x: (x, x), "gives no tensor for an image, but tuple"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_embedding_model(
    name: str, torch: Any, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    function, reason = BROKEN[name]
    path = save(tmp_path / "bad.pt", lambda x: function(torch, x))
    with pytest.raises(ModelInvalid, match=reason) as caught:
        load_embedder(str(path), device=Device.CPU)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_network_of_another_input(torch: Any, save: Callable[[Path, Any], Path], tmp_path: Path) -> None:
    path = save(tmp_path / "grey.pt", torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(99, 4)))
    with pytest.raises(ModelInvalid, match="cannot embed an image: RuntimeError: ") as caught:
        load_embedder(str(path), device=Device.CPU)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_torchscript(torch: Any, file: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({"weights": torch.ones(3)}, path)
    with pytest.raises(ModelInvalid, match=r"bare weights \(a state_dict\): take the .torchscript.pt file"):
        load_embedder(str(path))
    for content in (b"", b"hello\n", file.read_bytes()[:-30], model_path("sscd_distilled").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(ModelInvalid, match="is not a TorchScript file: it is no ZIP archive") as caught:
            load_embedder(str(path))
        assert "\n" not in str(caught.value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/constants.pkl", b"")
        archive.writestr("model/code/x.py", b"")
    with pytest.raises(ModelInvalid, match="is not a TorchScript model: ") as caught:
        load_embedder(str(path))
    assert "\n" not in str(caught.value)


def test_python_pickles_in_the_archive_are_not_obeyed(file: Path, tmp_path: Path) -> None:
    """A pickle that Python would run `os.mkdir` for; PyTorch's own reader knows no such thing."""
    trap = tmp_path / "sprung"
    path = tmp_path / "model.pt"
    evil = b"cos\nmkdir\n(V" + str(trap).encode() + b"\ntR."
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(path, "w") as bad:
        for name in good.namelist():
            bad.writestr(name, evil if name.endswith(("/data.pkl", "/constants.pkl")) else good.read(name))
    with pytest.raises(ModelInvalid, match="is not a TorchScript model"):
        load_embedder(str(path))
    assert not trap.exists()


def test_half_precision_is_used_only_where_it_agrees(
    torch: Any, embedder: Embedder, network: Any, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    """Checked on the CPU, whose autocast is that of a GPU."""
    halves = (torch.float16, torch.bfloat16)
    good: Any = embedder
    probe = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    full = good.embed(list(probe))
    assert good.precision == torch.float32
    assert good._agreeing_precision(full, halves) == torch.float16
    overflowing = copy.deepcopy(network)
    overflowing[3].weight.data *= 1e7  # beyond what float16 can hold; the normalisation takes it back
    path = save(tmp_path / "large.pt", overflowing)
    wide: Any = load_embedder(str(path), input_size=64, device=Device.CPU)
    full = wide.embed(list(probe))
    assert wide._agreeing_precision(full, halves) == torch.bfloat16
    assert wide._agreeing_precision(full, halves[:1]) == torch.float32


# --- files of unknown origin are tried in a process of their own ------------------------------------------

ABORTS = Path(__file__).parents[1] / "fuzz_corpus" / "torchscript" / "the-process-died-of-sigabrt"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "neardup" / "models" / "tried"


def test_a_file_that_ends_the_process_is_one_line(torch: Any, tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(ABORTS.read_bytes())
    for _ in range(2):
        with pytest.raises(ModelInvalid, match="ends the process that loads it") as caught:
            load_embedder(str(path), input_size=64, device=Device.CPU)
        assert "\n" not in str(caught.value)
    assert not cache.exists()


def test_what_has_survived_is_not_tried_again(
    torch: Any, file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_embedder(str(file), input_size=64, device=Device.CPU)
    assert len(list(cache.iterdir())) == 1
    monkeypatch.setattr(trial, "run_trial", lambda _: pytest.fail("tried again"))
    load_embedder(str(file), input_size=96, device=Device.CPU)
