from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pytest
from blake3 import blake3
from PIL import Image

from neardup_cli.choices import Device
from neardup_cli.embedders.base import Embedder, unit_rows
from neardup_cli.embedders.graph import channels_first_sooner
from neardup_cli.embedders.onnx import OnnxEmbedder
from neardup_cli.embedders.registry import BUNDLED_MODELS, demand_device, load_embedder, model_path
from neardup_cli.errors import BadInput, ModelInvalid

# --- the bundled models ---------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=BUNDLED_MODELS)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return load_embedder(request.param)


@pytest.fixture(scope="module")
def small() -> Embedder:
    return load_embedder("sscd_distilled", input_size=96)


def encoded_again(image: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return Image.open(buffer)


def test_vectors_are_units_and_copies_are_close(
    embedder: Embedder, photographs: dict[str, Image.Image]
) -> None:
    originals = [photographs[name] for name in ("astronaut", "coffee", "chelsea")]
    copies = [encoded_again(image).resize((240, 180)) for image in originals]
    vectors = embedder.embed([embedder.prepare(image) for image in originals + copies])
    assert vectors.shape == (6, 512)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-5)
    similarities = vectors[:3] @ vectors[3:].T
    assert similarities.diagonal().min() > 0.75
    assert similarities[~np.eye(3, dtype=bool)].max() < 0.3


def test_ycbcr_input_is_close_to_rgb_input(embedder: Embedder, photographs: dict[str, Image.Image]) -> None:
    image = photographs["coffee"]
    a, b = embedder.embed([embedder.prepare(image), embedder.prepare(image.convert("YCbCr"))])
    assert a @ b > 0.99


def test_identity(embedder: Embedder) -> None:
    identity = embedder.identity
    assert (identity.name in BUNDLED_MODELS, identity.dimension) == (True, 512)
    assert len(identity.fingerprint) == 64


def shaped(photographs: dict[str, Image.Image]) -> list[Image.Image]:
    """Pictures of several shapes, mixed, more than a batch of one shape."""
    sizes = [(96, 96), (160, 90), (90, 160), (96, 96), (400, 50)]
    images = list(photographs.values())
    return [images[number % 4].resize(sizes[number % 5]) for number in range(21)] + images[:1] * 10


def test_order_is_kept_with_mixed_shapes(small: Embedder, photographs: dict[str, Image.Image]) -> None:
    prepared = [small.prepare(image) for image in shaped(photographs)]
    assert len({pixels.shape for pixels in prepared}) >= 4
    together = small.embed(prepared)
    alone = np.concatenate([small.embed([pixels]) for pixels in prepared])
    assert np.abs(together - alone).max() < 1e-3
    assert small.embed([]).shape == (0, 512)


def test_four_threads_get_what_one_gets(small: Embedder, photographs: dict[str, Image.Image]) -> None:
    batches = [[small.prepare(image)] * 3 for image in shaped(photographs)]
    expected = [small.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(small.embed, batches))
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(one, other)


# --- other files ----------------------------------------------------------------------------------------
#
# ONNX models are small protobuf messages; these few lines write what the tests need of them
# (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), for the `onnx` package is no dependency.

FLOAT, UINT8, INT64, STRING = 1, 2, 7, 8
type Dimension = int | str


def varint(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def value_info(name: str, kind: int, shape: Sequence[Dimension] | None) -> bytes:
    dimensions = [field(1, field(1 if isinstance(size, int) else 2, size)) for size in shape or ()]
    tensor = field(1, kind) + (b"" if shape is None else field(2, b"".join(dimensions)))
    return field(1, name) + field(2, field(1, tensor))


def node(kind: str, inputs: Sequence[str], output: str, attributes: Sequence[bytes] = ()) -> bytes:
    names = b"".join(field(1, name) for name in inputs)
    return names + field(2, output) + field(4, kind) + b"".join(field(5, one) for one in attributes)


def integer(name: str, value: int) -> bytes:
    return field(1, name) + field(3, value) + field(20, 2)


def integers(name: str, values: Sequence[int]) -> bytes:
    return field(1, name) + b"".join(field(8, value) for value in values) + field(20, 7)


def model(
    nodes: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    constants: Sequence[bytes] = (),
) -> bytes:
    graph = b"".join(field(1, one) for one in nodes) + field(2, "toy")
    graph += b"".join(field(5, one) for one in constants)
    graph += b"".join(field(11, one) for one in inputs) + b"".join(field(12, one) for one in outputs)
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


CPU = "CPUExecutionProvider"
IMAGES: Sequence[Dimension] = ("n", "h", "w", 3)
PLANES: Sequence[Dimension] = ("n", 3, "h", "w")
CAST = node("Cast", ["x"], "f", [integer("to", FLOAT)])


def channel_means(kind: int, shape: Sequence[Dimension], axes: Sequence[int]) -> bytes:
    """A model whose vector is the mean of each channel."""
    mean = node("ReduceMean", ["f"], "y", [integers("axes", axes), integer("keepdims", 0)])
    output = value_info("y", FLOAT, (shape[0], 3))
    return model([CAST, mean], [value_info("x", kind, shape)], [output])


@pytest.fixture
def load(tmp_path: Path) -> Callable[[bytes], OnnxEmbedder]:
    def write_and_load(content: bytes) -> OnnxEmbedder:
        path = tmp_path / "toy.onnx"
        path.write_bytes(content)
        return OnnxEmbedder(path, "toy", "fingerprint", 64, rewrite=True)

    return write_and_load


type Load = Callable[[bytes], OnnxEmbedder]


def pictures() -> list[np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]]:
    generator = np.random.default_rng(1)
    shapes = ((32, 64, 3), (64, 32, 3), (32, 64, 3))
    most = ([255, 90, 20], [50, 200, 90], [70, 80, 255])
    return [
        generator.integers(0, top, shape, dtype=np.uint8) for shape, top in zip(shapes, most, strict=True)
    ]


def test_uint8_images_are_given_as_they_are(load: Load) -> None:
    embedder = load(channel_means(UINT8, IMAGES, (1, 2)))
    assert embedder.identity.dimension == 3
    means = np.array([picture.mean(axis=(0, 1)) for picture in pictures()])
    assert embedder.embed(pictures()) == pytest.approx(unit_rows(means), abs=1e-5)


def test_float_planes_are_normalised_as_in_imagenet(load: Load) -> None:
    embedder = load(channel_means(FLOAT, PLANES, (2, 3)))
    means = np.array([picture.mean(axis=(0, 1)) for picture in pictures()]) / 255
    normalised = (means - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    assert embedder.embed(pictures()) == pytest.approx(unit_rows(normalised), abs=1e-4)


def test_size_of_the_input_is_the_users(load: Load) -> None:
    embedder = load(channel_means(UINT8, IMAGES, (1, 2)))
    assert embedder.prepare(Image.new("RGB", (100, 100))).shape == (64, 64, 3)
    assert "64" in embedder.identity.preprocessing


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (FLOAT, IMAGES),
        (UINT8, PLANES),
        (INT64, IMAGES),
        (FLOAT, ("n", 1, "h", "w")),
        (UINT8, ("n", "h", "w", 4)),
        (FLOAT, ("n", "c", "h", "w")),
        (FLOAT, ("n", 3)),
        (FLOAT, ()),
        (FLOAT, None),
    ],
)
def test_wrong_input(load: Load, kind: int, shape: Sequence[Dimension] | None) -> None:
    identity = node("Identity", ["x"], "y")
    content = model([identity], [value_info("x", kind, shape)], [value_info("y", kind, shape)])
    with pytest.raises(ModelInvalid, match=r"toy\.onnx is not an image embedding model: it takes tensor\("):
        load(content)


def test_no_input_at_all(load: Load) -> None:
    constant = node("Constant", [], "y", [integers("value_ints", [1, 2])])
    with pytest.raises(ModelInvalid, match="it takes 0 inputs, not one"):
        load(model([constant], [], [value_info("y", INT64, (2,))]))


def test_what_is_wrong_is_one_plain_line(load: Load, capfd: pytest.CaptureFixture[str]) -> None:
    """Names in a graph are of any bytes; onnxruntime prints some of its complaints to stdout."""
    good = channel_means(UINT8, IMAGES, (1, 2))
    for old, new in ((b"ReduceMean", b"Redu\x1b]0Mean"), (b"ReduceMean", b"\x87\xffduceMean")):
        with pytest.raises(ModelInvalid) as caught:
            load(good.replace(old, new))
        assert str(caught.value).isprintable()
    assert capfd.readouterr() == ("", "")


def test_a_vector_whose_length_is_the_images(load: Load) -> None:
    """It gives one length for what it is tried with, and another one for an image of another shape."""
    embedder = load(channel_means(UINT8, IMAGES, (1, 3)))
    with pytest.raises(ModelInvalid, match=r"gives \(1, 64\) for images of 64 x 32, not \(1, 96\)"):
        embedder.embed([np.zeros((32, 64, 3), np.uint8)])


def test_two_inputs(load: Load) -> None:
    mean = node("ReduceMean", ["f"], "m", [integers("axes", (1, 2)), integer("keepdims", 0)])
    content = model(
        [CAST, mean, node("Add", ["m", "b"], "y")],
        [value_info("x", UINT8, IMAGES), value_info("b", FLOAT, ("n", 3))],
        [value_info("y", FLOAT, ("n", 3))],
    )
    with pytest.raises(ModelInvalid, match="it takes 2 inputs, not one"):
        load(content)


@pytest.mark.parametrize(
    "shape",
    [(1, "h", "w", 3), ("n", 224, 224, 3), (1, 64, 96, 3)],
    ids=["one picture at a time", "one size", "both"],
)
def test_fixed_shapes(load: Load, shape: Sequence[Dimension]) -> None:
    """Chunks are embedded together, in any shape: what cannot do that has to fail before a scan begins."""
    with pytest.raises(ModelInvalid, match="cannot embed an image") as caught:
        load(channel_means(UINT8, shape, (1, 2)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("axes", "shape"), [((3,), ("n", "h", "w")), ((1, 2, 3), ("n",)), ((0, 1, 2), (3,))])
def test_output_that_is_not_one_vector_a_picture(
    load: Load, axes: Sequence[int], shape: Sequence[Dimension]
) -> None:
    mean = node("ReduceMean", ["f"], "y", [integers("axes", axes), integer("keepdims", 0)])
    content = model([CAST, mean], [value_info("x", UINT8, IMAGES)], [value_info("y", FLOAT, shape)])
    with pytest.raises(ModelInvalid, match=r"gives \(.*\) for .* not one vector"):
        load(content)


def test_vectors_of_one_number(load: Load) -> None:
    mean = node("ReduceMean", ["f"], "m", [integers("axes", (1, 2, 3)), integer("keepdims", 1)])
    flat = node("Flatten", ["m"], "y")
    content = model([CAST, mean, flat], [value_info("x", UINT8, IMAGES)], [value_info("y", FLOAT, ("n", 1))])
    with pytest.raises(ModelInvalid, match="not one vector"):
        load(content)


@pytest.mark.parametrize(("kind", "left"), [("Div", "z"), ("Sub", "m")], ids=["not a number", "zero"])
def test_vector_without_a_direction(load: Load, kind: str, left: str) -> None:
    mean = node("ReduceMean", ["f"], "m", [integers("axes", (1, 2)), integer("keepdims", 0)])
    zero = node("Sub", ["m", "m"], "z")
    last = node(kind, [left, left], "y")
    content = model(
        [CAST, mean, zero, last], [value_info("x", UINT8, IMAGES)], [value_info("y", FLOAT, ("n", 3))]
    )
    with pytest.raises(ModelInvalid, match="zero or not finite"):
        load(content)


def test_output_that_is_no_array_of_numbers(load: Load) -> None:
    mean = node("ReduceMean", ["f"], "m", [integers("axes", (1, 2)), integer("keepdims", 0)])
    inputs = [value_info("x", UINT8, IMAGES)]
    words = node("Cast", ["m"], "y", [integer("to", STRING)])
    several = node("SequenceConstruct", ["m", "m"], "y")
    tensor = field(1, FLOAT) + field(2, b"")
    sequence = field(1, "y") + field(2, field(4, field(1, field(1, tensor))))
    for content in (
        model([CAST, mean, words], inputs, [value_info("y", STRING, ("n", 3))]),
        model([CAST, mean, several], inputs, [sequence]),
    ):
        with pytest.raises(ModelInvalid, match="gives no numbers for an image"):
            load(content)


def test_integer_vectors_are_taken(load: Load) -> None:
    largest = node("ReduceMax", ["x"], "y", [integers("axes", (1, 2)), integer("keepdims", 0)])
    embedder = load(model([largest], [value_info("x", UINT8, IMAGES)], [value_info("y", UINT8, ("n", 3))]))
    largest_values = np.array([picture.max(axis=(0, 1)) for picture in pictures()], np.float64)
    assert embedder.embed(pictures()) == pytest.approx(unit_rows(largest_values), abs=1e-5)


# --- the order of the first steps ------------------------------------------------------------------------

MEAN, DEVIATION = (123.0, 116.0, 103.5), (58.0, 57.25, 57.5)
STEPS = (
    CAST,
    node("Sub", ["f", "mean"], "centred"),
    node("Div", ["centred", "deviation"], "scaled"),
    node("Transpose", ["scaled"], "planes", [integers("perm", (0, 3, 1, 2))]),
    node("ReduceMax", ["planes"], "y", [integers("axes", (2, 3)), integer("keepdims", 0)]),
)


def tensor(name: str, numbers: Sequence[float], dims: Sequence[int] = (3,), *more: bytes) -> bytes:
    sizes = b"".join(field(1, size) for size in dims)
    return (
        sizes
        + field(2, FLOAT)
        + field(8, name)
        + field(9, np.array(numbers, "<f4").tobytes())
        + b"".join(more)
    )


CONSTANTS = (tensor("mean", MEAN), tensor("deviation", DEVIATION))


def normalising(
    steps: Sequence[bytes] = STEPS, constants: Sequence[bytes] = CONSTANTS, shown: Sequence[bytes] = ()
) -> bytes:
    """A model that normalises before it puts the channels first."""
    vector = value_info("y", FLOAT, ("n", 3))
    return model(steps, [value_info("x", UINT8, IMAGES)], [vector, *shown], constants)


def outputs(content: bytes, pixels: np.ndarray[Any, Any]) -> Any:
    session = onnxruntime.InferenceSession(content, providers=[CPU])
    return session.run(None, {session.get_inputs()[0].name: pixels})[0]


def test_channels_come_first_sooner(load: Load) -> None:
    content = normalising()
    changed = channels_first_sooner(content)
    assert changed is not None
    assert changed != content
    pixels = np.stack([pictures()[0], pictures()[2]])
    assert np.array_equal(outputs(changed, pixels), outputs(content, pixels))
    brightest = (pixels.max(axis=(1, 2)) - MEAN) / DEVIATION
    assert load(content).embed(list(pixels)) == pytest.approx(unit_rows(brightest), abs=1e-5)


class Opened(onnxruntime.InferenceSession):  # type: ignore[misc]
    """A session that notes what it was opened with: a path, or bytes that somebody had in hand."""

    given: ClassVar[list[Path | bytes]] = []

    def __init__(self, model: Path | bytes, *more: Any, **options: Any) -> None:
        self.given.append(model)
        super().__init__(model, *more, **options)


@pytest.mark.parametrize("name", BUNDLED_MODELS)
def test_bundled_models_are_run_as_they_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their licence forbids to modify or adapt them, in memory too, and under any name."""
    monkeypatch.setattr(Opened, "given", [])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Opened)
    named = tmp_path / "mine.onnx"
    named.symlink_to(model_path(name))
    load_embedder(name, input_size=64)
    load_embedder(str(model_path(name)), input_size=64)
    load_embedder(str(named), input_size=64)
    assert Opened.given == [model_path(name), model_path(name), named]


def test_a_file_of_the_users_own_may_be_rewritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Opened, "given", [])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Opened)
    own = tmp_path / "mine.onnx"
    own.write_bytes(normalising())
    load_embedder(str(own), input_size=64)
    assert Opened.given == [channels_first_sooner(normalising())]


# Six numbers of the vector of one painted image, as the release before had them from a rewritten graph.
FORMER = {
    "sscd": [-0.01846, 0.07946, 0.00285, 0.01421, -0.05437, -0.0342],
    "sscd_distilled": [-0.06182, 0.0655, 0.00758, 0.01431, -0.12298, 0.00372],
}


@pytest.mark.parametrize("name", BUNDLED_MODELS)
def test_catalogs_made_with_a_rewritten_graph_stay_valid(name: str) -> None:
    """The same identity and the same vectors as before, so that nothing has to be embedded anew."""
    embedder = load_embedder(name)
    identity = embedder.identity
    assert (identity.name, identity.dimension) == (name, 512)
    assert identity.fingerprint == blake3(model_path(name).read_bytes()).hexdigest()
    assert identity.preprocessing == "rgb, aspect kept, area 288^2, bilinear"
    (vector,) = embedder.embed([painted()])
    assert vector[:6] == pytest.approx(FORMER[name], abs=1e-2)  # processors round the int8 model differently


def painted() -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """An image that is the same everywhere: waves of three colours."""
    down, across = np.mgrid[0:96, 0:128].astype(np.float64)
    waves = [np.sin(down / 7 + turn) * np.cos(across / 11 - turn) for turn in (0.0, 1.0, 2.0)]
    return np.rint(127 + 120 * np.stack(waves, axis=2)).astype(np.uint8)


@pytest.mark.parametrize(
    "content",
    [
        normalising(
            (*STEPS[:3], node("Transpose", ["scaled"], "planes", [integers("perm", (0, 3, 2, 1))]), STEPS[4])
        ),
        normalising((*STEPS[:2], node("Mul", ["centred", "deviation"], "scaled"), *STEPS[3:])),
        normalising((CAST, node("Sub", ["mean", "f"], "centred"), *STEPS[2:])),
        normalising((*STEPS[:2], node("Div", ["centred", "mean"], "scaled"), *STEPS[3:])),
        normalising((*STEPS, node("Identity", ["centred"], "again"))),
        normalising(shown=[value_info("scaled", FLOAT, IMAGES)]),
        normalising(constants=[tensor("mean", MEAN[:1], (1,)), CONSTANTS[1]]),
        normalising(constants=[tensor("mean", MEAN, (3,), field(14, 1)), CONSTANTS[1]]),
        normalising((CAST, node("Sub", ["f"], "centred"), *STEPS[2:])),
        normalising((*STEPS, node("QuantizeLinear", ["y"], "again"))),
        channel_means(UINT8, IMAGES, (1, 2)),
        normalising()[:-7],
        b"",
    ],
    ids=[
        "another turn",
        "multiplies",
        "subtracts from",
        "one constant for both",
        "read twice",
        "shown",
        "one number",
        "beside the file",
        "malformed",
        "quantised",
        "nothing to do",
        "truncated",
        "empty",
    ],
)
def test_other_graphs_are_left_alone(content: bytes) -> None:
    assert channels_first_sooner(content) is None


# --- where it runs ---------------------------------------------------------------------------------------

CUDA, OPENVINO, COREML = (f"{name}ExecutionProvider" for name in ("CUDA", "OpenVINO", "CoreML"))


@pytest.mark.parametrize(
    ("device", "installed", "taken", "batch"),
    [
        (Device.AUTO, [], [], 8),
        (Device.AUTO, [COREML], [], 8),  # in every wheel for macOS, and slow to start
        (Device.AUTO, [OPENVINO], [OPENVINO], 8),
        (Device.AUTO, [OPENVINO, CUDA], [CUDA, OPENVINO], 32),
        (Device.CUDA, [OPENVINO, CUDA], [CUDA], 32),
        (Device.MPS, [COREML], [COREML], 8),
        (Device.CPU, [CUDA, OPENVINO, COREML], [], 8),
    ],
)
def test_providers_are_used_where_they_are_installed(
    device: Device,
    installed: list[str],
    taken: list[str],
    batch: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is asked of onnxruntime, which has none of them here: the session itself runs on the CPU."""
    asked = []

    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, path: Path, options: Any, providers: list[str], enable_fallback: int) -> None:
            asked.append(providers)
            assert enable_fallback == (len(providers) > 1)
            super().__init__(path, options, providers=[CPU])

        def get_providers(self) -> list[str]:
            return asked[-1]

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*installed, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    path = tmp_path / "toy.onnx"
    path.write_bytes(channel_means(UINT8, IMAGES, (1, 2)))
    embedder = OnnxEmbedder(path, "toy", "fingerprint", 64, device)
    assert asked == [[*taken, CPU]]
    assert embedder.batch == batch


@pytest.mark.parametrize(
    ("device", "installed"), [(Device.CUDA, [OPENVINO, COREML]), (Device.MPS, [CUDA]), (Device.CUDA, [])]
)
def test_a_provider_that_is_not_installed(
    device: Device, installed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*installed, CPU])
    for ask in (load_embedder, demand_device):
        with pytest.raises(BadInput, match=f"runs no model on {device.value}: install"):
            ask("sscd_distilled", device=device)


def test_the_cpu_is_everywhere(load: Load) -> None:
    for device in (Device.AUTO, Device.CPU):
        demand_device("no-such-model", device)
    assert load(channel_means(UINT8, IMAGES, (1, 2)))._session.get_providers()[-1] == CPU
