"""`find_copies`: the decision of `dups`, of images that a program has."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from neardup_cli import Catalog, Copies, DupsOptions, ScanOptions, find_copies, find_duplicates, scan
from neardup_cli.errors import BadInput, ModelMissing, PathNotFound
from neardup_cli.images import given
from neardup_cli.pipeline.status import catalog_status
from neardup_cli.progress import Silent

if TYPE_CHECKING:
    from tests.conftest import Draw, Lacking


def grouped(result: Copies) -> set[frozenset[Any]]:
    return {frozenset(group.members) for group in result.groups}


@pytest.fixture(autouse=True)
def no_catalog_of_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make sure that nothing comes where the user's catalog would be, and nothing stays behind."""
    monkeypatch.setenv("NEARDUP_CATALOG", str(tmp_path / "user" / "catalog.db"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    yield
    assert not (tmp_path / "user").exists()
    assert not (tmp_path / "cache").exists()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert given._lent == {}


@pytest.fixture(scope="module")
def result(photographs: dict[str, Image.Image]) -> Copies:
    """The answer about images of every kind: 0 and 1 are copies, 2 and 3 too, 4 has none."""
    small = io.BytesIO()
    photographs["astronaut"].resize((200, 200)).save(small, "JPEG", quality=70)
    coffee = photographs["coffee"]
    return find_copies(
        [
            photographs["astronaut"],
            small.getvalue(),
            np.asarray(coffee),
            io.BytesIO(_jpeg(coffee.convert("L"))),
            photographs["chelsea"],
        ],
        labels=["a", "a", "b", "c", None],
    )


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    return stream.getvalue()


def test_the_same_is_decided_as_by_dups(photos: Path, tmp_path: Path) -> None:
    """To the last number: from a folder, from paths, and of the groups' order and reasons too."""
    with Catalog.open(tmp_path / "own.db", create=True) as catalog:
        scan(catalog, photos, ScanOptions())
        report = find_duplicates(catalog, DupsOptions())
    for images in (photos, [os.fsencode(path) for path in sorted(photos.rglob("*.*g"))]):
        found = find_copies(images)
        assert [(group.id, real(group.keep), group.reason) for group in found.groups] == [
            (group.id, group.keep, group.reason) for group in report.groups
        ]
        assert [tuple(map(real, group.members)) for group in found.groups] == [
            tuple(member.path for member in group.members) for group in report.groups
        ]
        assert [(real(pair.a), real(pair.b), pair.similarity, pair.confidence) for pair in found.pairs] == [
            (match.a, match.b, match.similarity, match.confidence)
            for group in report.groups
            for match in group.matches
        ]


def real(name: str | os.PathLike[str] | bytes) -> bytes:
    return os.path.realpath(os.fsencode(name))


def test_images_of_every_kind(result: Copies) -> None:
    assert grouped(result) == {frozenset({0, 1}), frozenset({2, 3})}
    assert (result.keep, result.drop) == ([0, 2, 4], [1, 3])
    assert {(pair.a, pair.b) for pair in result.pairs} == {(0, 1), (2, 3)}
    assert all(pair.confidence is not None and pair.confidence > 0.9 for pair in result.pairs)
    assert [row.label for row in result.images] == ["a", "a", "b", "c", None]
    assert [row.format for row in result.images] == [None, "JPEG", None, "JPEG", None]
    assert [row.role for row in result.images] == ["kept", "smaller", "kept", "edited", None]
    assert repr(result) == "<Copies: 2 copies in 2 groups among 5 images>"
    assert result.unreadable == {}
    assert result.parameters["model"] == "sscd_distilled"


def test_its_embeddings(result: Copies) -> None:
    ids, vectors = result.embeddings
    assert (ids, vectors.shape) == ((0, 1, 2, 3, 4), (5, 512))
    assert vectors.dtype == np.float16
    near = vectors.astype(np.float32) @ vectors.T.astype(np.float32)
    assert near[0, 1] > near[0, 2] + 0.3


def test_a_notebook_shows_it(result: Copies) -> None:
    shown = result._repr_html_()
    assert shown.count('src="data:image/jpeg;base64,') == 4
    assert shown.count("<b>keep</b>") == 2
    assert "2 copies in 2 groups among 5 images" in shown


def test_it_can_be_pickled(result: Copies) -> None:
    again = pickle.loads(pickle.dumps(result))
    assert (again.groups, again.pairs, again.images) == (result.groups, result.pairs, result.images)


def test_a_generator_is_held_a_chunk_at_a_time(draw: Draw, tmp_path: Path) -> None:
    """Of 400 images that come one by one, a few chunks exist at any time."""
    data = np.asarray(Image.open(draw(tmp_path / "one.png", 1)).convert("RGB"))
    alive: set[int] = set()
    most = 0

    class Counted(bytearray):
        def __del__(self) -> None:
            alive.discard(id(self))

    def images() -> Iterator[Counted]:
        nonlocal most
        for number in range(400):
            one = Counted(_jpeg(Image.fromarray(np.roll(data, number % 50, axis=1))))
            alive.add(id(one))
            most = max(most, len(alive))
            yield one
            del one

    found = find_copies(images(), hash_only=True, workers=1)
    assert len(found.images) == 400
    assert most < 250


@pytest.mark.parametrize("images", [[], {}, iter(())], ids=["list", "mapping", "generator"])
def test_of_nothing_there_are_no_copies(images: Any) -> None:
    found = find_copies(images, hash_only=True)
    assert (len(found.groups), len(found.images), found.embeddings.ids) == (0, 0, ())
    assert repr(found) == "<Copies: 0 copies in 0 groups among 0 images>"


def test_what_cannot_be_read_is_listed(photos: Path, tmp_path: Path) -> None:
    found = find_copies(
        {"good": photos / "coffee.png", "gone": tmp_path / "x.jpg", "torn": b"\xff\xd8\xff\xe0 torn"}
    )
    assert set(found.unreadable) == {"gone", "torn"}
    assert "no such file" in found.unreadable["gone"]
    assert [row.error is None for row in found.images] == [True, False, False]
    assert found.keep == ["good", "gone", "torn"]
    assert "2 unreadable" in repr(found)


def test_the_same_file_twice_is_a_copy_of_itself(photos: Path) -> None:
    path = photos / "coffee.png"
    found = find_copies([path, path], ids="ab", hash_only=True)
    assert grouped(found) == {frozenset("ab")}
    [pair] = found.pairs
    assert pair.stage == "exact"


def test_the_same_object_twice_is_a_copy_of_itself(photographs: dict[str, Image.Image]) -> None:
    found = find_copies([photographs["coffee"]] * 8, hash_only=True)
    [members] = grouped(found)
    assert members == set(range(8))


def test_ids_of_any_kind(photographs: dict[str, Image.Image]) -> None:
    ids = [("a", 1), 7, "x/../y", b"\xff", None]
    found = find_copies([photographs["coffee"]] * 5, ids, hash_only=True)
    [members] = grouped(found)
    assert members == {("a", 1), 7, "x/../y", b"\xff", 4}
    with pytest.raises(BadInput, match="look the same"):
        find_copies([photographs["coffee"]] * 2, ["1", 1], hash_only=True)


# --- with a catalog -------------------------------------------------------------------------------------


def test_a_catalog_keeps_what_is_learnt(photographs: dict[str, Image.Image], tmp_path: Path) -> None:
    place = tmp_path / "own.db"
    images = {
        "a": photographs["coffee"],
        "b": photographs["coffee"].convert("L"),
        "c": photographs["chelsea"],
    }
    first = find_copies(images, catalog=place)
    assert find_copies(images, catalog=str(place)).pairs == first.pairs
    assert find_copies(images, catalog=os.fsencode(place)).groups == first.groups
    with Catalog.open(place) as catalog:
        assert catalog_status(catalog).files == 3
        assert find_copies(images, catalog=catalog).groups == first.groups
        assert catalog_status(catalog).contents == 3  # it is still open
        report = find_duplicates(catalog, DupsOptions())  # without the images, from what was kept
    assert len(report.groups) == 1
    assert report.groups[0].keep.startswith(b"given://")


def test_what_else_a_catalog_holds_takes_no_part(photos: Path, tmp_path: Path) -> None:
    place = tmp_path / "own.db"
    find_copies(photos, catalog=place)
    alone = find_copies([photos / "coffee.png", photos / "chelsea.jpg"], catalog=place)
    assert (len(alone.groups), len(alone.images)) == (0, 2)
    both = find_copies([photos / "coffee.png", photos / "coffee-grey.jpg"], catalog=place)
    assert len(both.groups) == 1
    with Catalog.open(place) as catalog:
        assert catalog_status(catalog).files == 7


def test_an_image_that_has_changed_is_seen_as_it_is(
    photographs: dict[str, Image.Image], tmp_path: Path
) -> None:
    place = tmp_path / "own.db"
    assert len(find_copies([photographs["coffee"], photographs["coffee"]], catalog=place).groups) == 1
    assert len(find_copies([photographs["coffee"], photographs["chelsea"]], catalog=place).groups) == 0


# --- options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"threshold": 5}, "threshold"),
        ({"preset": "foo"}, "preset"),
        ({"grouping": "foo"}, "grouping: 'foo' is none of coherent, linked"),
        ({"min_confidence": 0.1}, "min_confidence"),
        ({"hamming": 99}, "hamming"),
        ({"device": "gpu"}, "device"),
        ({"workers": 0}, "workers"),
        ({"hash_only": True, "threshold": 0.5}, "threshold needs embeddings"),
    ],
)
def test_a_bad_option_is_named(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        find_copies([], **options)


def test_what_is_not_there() -> None:
    with pytest.raises(PathNotFound, match="nowhere"):
        find_copies("nowhere")
    with pytest.raises(ModelMissing, match="resnet"):
        find_copies([], model="resnet")


def test_hashes_alone_need_no_model(photos: Path) -> None:
    found = find_copies(photos, hash_only=True)
    assert found.embeddings.vectors.shape == (0, 0)
    assert any(len(group.members) == 3 for group in found.groups)


def test_what_would_be_lost_is_proven_when_asked_for(photos: Path) -> None:
    found = find_copies(photos, prove=True)
    lost = {Path(row.id).name: row.losses for row in found.images}
    assert lost["coffee-grey.jpg"] is not None
    assert "colour" in lost["coffee-grey.jpg"]
    assert lost["astronaut-again.jpg"] == ()


def test_threads_may_ask_at_once(photographs: dict[str, Image.Image]) -> None:
    coffee, chelsea = photographs["coffee"], photographs["chelsea"]
    with ThreadPoolExecutor(2) as pool:
        asked = [
            pool.submit(find_copies, [a, b], hash_only=True) for a, b in ((coffee, coffee), (coffee, chelsea))
        ]
        same, other = (one.result() for one in asked)
    assert (len(same.groups), len(other.groups)) == (1, 0)
    assert threading.active_count() < 20


def test_progress_is_told(photos: Path) -> None:
    told: list[tuple[str, int | None]] = []

    class Watch(Silent):
        def start(self, task: str, total: int | None) -> None:
            told.append((task, total))

        def advance(self, steps: int = 1) -> None:
            told.append(("step", steps))

    find_copies(sorted(photos.glob("*.jpg")), hash_only=True, progress=Watch())
    assert ("Reading", 5) in told
    assert sum(steps or 0 for task, steps in told[: told.index(("Reading", 5)) + 6] if task == "step") >= 5


def test_a_bar_is_drawn_where_one_is_wanted(photos: Path, capfd: pytest.CaptureFixture[str]) -> None:
    find_copies(photos, hash_only=True, progress=True)
    assert "Reading" in capfd.readouterr().err
    find_copies(photos, hash_only=True)
    assert capfd.readouterr().err == ""


# --- what it needs --------------------------------------------------------------------------------------


def test_a_library_that_is_missing_is_one_clear_error(photos: Path) -> None:
    code = f"""
import sys
sys.modules |= {{"pandas": None, "pyarrow": None, "tqdm.auto": None}}
from neardup_cli import find_copies
from neardup_cli.errors import MissingExtra
found = find_copies({str(photos)!r}, hash_only=True)
for ask in (found.to_pandas, found.to_arrow, found.pairs.to_arrow, lambda: find_copies([], progress=True)):
    try:
        ask()
    except MissingExtra as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert len(lines) == 4, done.stderr
    assert lines[0].startswith("a data frame needs pandas: run `")
    assert lines[1].startswith("a table of Arrow needs pyarrow: run `")
    assert lines[3].startswith("a progress bar needs tqdm: run `")
    assert all("[data" in line or "data]" in line for line in lines)


def test_asking_imports_no_library_of_tables(photos: Path) -> None:
    code = f"""
import sys
from neardup_cli import find_copies
find_copies({str(photos)!r}, hash_only=True)._repr_html_()
assert not {{"pandas", "pyarrow", "tqdm", "IPython", "polars"}} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_data_set_of_pytorch(photos: Path, lacking: Lacking) -> None:
    try:
        from torch.utils.data import Dataset
    except ImportError:
        lacking("pip install 'neardup-cli[torch]'")

    class Photos(Dataset[tuple[Image.Image, int]]):  # type: ignore[misc]
        def __init__(self) -> None:
            self.paths = sorted(photos.glob("*.jpg"))

        def __len__(self) -> int:
            return len(self.paths)

        def __getitem__(self, place: int) -> tuple[Image.Image, int]:
            return Image.open(self.paths[place]), place % 2

    found = find_copies(Photos(), hash_only=True)
    assert [row.label for row in found.images] == [0, 1, 0, 1, 0]
    assert len(found.groups) == 1


def test_the_rows_of_a_parquet_file(photos: Path, tmp_path: Path) -> None:
    """As Hugging Face writes them: an image is its bytes and its name."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    paths = sorted(photos.glob("*.jpg"))
    rows = [{"image": {"bytes": path.read_bytes(), "path": path.name}, "label": 3} for path in paths]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    found = find_copies(pq.read_table(tmp_path / "train.parquet").to_pylist(), hash_only=True)
    assert [(row.id, row.label, row.error) for row in found.images] == [(n, 3, None) for n in range(5)]
    assert len(found.groups) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its files open
def test_the_samples_of_webdataset(photos: Path, tmp_path: Path) -> None:
    import webdataset

    with webdataset.TarWriter(str(tmp_path / "shard.tar")) as shard:
        for number, path in enumerate(sorted(photos.glob("*.jpg"))):
            shard.write({"__key__": f"{number:04d}", "jpg": path.read_bytes(), "cls": number % 2})
    for samples in (
        webdataset.WebDataset(str(tmp_path / "shard.tar"), shardshuffle=False),
        webdataset.WebDataset(str(tmp_path / "shard.tar"), shardshuffle=False).decode("pil"),
    ):
        found = find_copies(samples, hash_only=True)
        assert (len(found.images), len(found.groups), found.unreadable) == (5, 1, {})
    assert [row.label for row in found.images] == [0, 1, 0, 1, 0]
