"""What a program gives is taken apart, one image after the other."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.pipeline.items import Item, items_of, unique

ONE = np.zeros((4, 4, 3), np.uint8)
PICTURE = Image.new("RGB", (4, 4))


def test_images_are_called_by_their_paths_or_places() -> None:
    path = Path("a/b.jpg")
    found = list(items_of(iter(["a.jpg", path, b"c.jpg", PICTURE])))
    assert [item.id for item in found] == ["a.jpg", path, b"c.jpg", 3]
    assert [item.image for item in found] == ["a.jpg", path, b"c.jpg", PICTURE]


def test_ids_and_labels_go_along() -> None:
    found = list(items_of([PICTURE, "b.jpg"], iter("xy"), (label for label in (1, 2))))
    assert found == [Item("x", PICTURE, 1), Item("y", "b.jpg", 2)]


def test_a_mapping_names_its_images() -> None:
    assert [item.id for item in items_of({"x": PICTURE, ("y", 1): "b.jpg"})] == ["x", ("y", 1)]


@pytest.mark.parametrize(
    ("row", "image", "label"),
    [
        ({"image": PICTURE, "label": 3}, PICTURE, 3),
        ({"img": PICTURE, "target": "cat"}, PICTURE, "cat"),
        ({"image": {"bytes": b"\xff\xd8\xff", "path": None}, "label": 0}, b"\xff\xd8\xff", 0),
        ({"image": {"bytes": None, "path": "a.jpg"}}, "a.jpg", None),
        ((PICTURE, 7), PICTURE, 7),
    ],
)
def test_rows_and_pairs_are_taken_apart(row: Any, image: object, label: object) -> None:
    [item] = items_of([row])
    assert (item.image, item.label) == (image, label)


def test_a_stack_of_arrays_is_several_images() -> None:
    for stack in (np.zeros((3, 8, 8, 3), np.uint8), np.zeros((3, 8, 8), np.uint8)):
        assert len(list(items_of(stack))) == 3


def test_a_folder_stands_for_its_images(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos.parent)
    found = list(items_of(photos.name))
    assert len(found) == 7
    assert f"{photos.name}/below/rocket.png" in {item.id for item in found}
    assert {item.id for item in items_of([photos])} >= {photos / "below" / "rocket.png"}
    assert all(isinstance(item.image, bytes) for item in found)


class Numbered:
    """As a data set of PyTorch's: it has a length and places, and no iterator."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, place: int) -> tuple[Image.Image, int]:
        return PICTURE, place * 10  # it never ends by itself


def test_a_data_set_without_an_iterator_is_gone_through() -> None:
    assert [item.label for item in items_of(Numbered())] == [0, 10]


def test_a_generator_is_asked_for_one_at_a_time() -> None:
    given = 0

    def images() -> Iterator[Image.Image]:
        nonlocal given
        for _ in range(5):
            given += 1
            yield PICTURE

    items = items_of(images())
    next(items)
    next(items)
    assert given == 2


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda: items_of([PICTURE, PICTURE], "x"), r"more images than ids \(1\)"),
        (lambda: items_of([PICTURE], "xy"), "fewer images than ids"),
        (lambda: items_of([PICTURE, PICTURE], labels="x"), r"more images than labels \(1\)"),
        (lambda: items_of([PICTURE], labels="xy"), "fewer images than labels"),
        (lambda: items_of({"a": PICTURE}, "x"), "leave ids out"),
        (lambda: items_of([PICTURE, 7]), "image 1: int is no image"),
        (lambda: items_of([{"text": "x"}]), "a row has no image"),
        (lambda: items_of(PICTURE), "this is one image"),
        (lambda: items_of(ONE), "this is one image"),
        (lambda: items_of(b"\xff\xd8\xff\xe0"), "this is one image"),
        (lambda: items_of(bytearray(b"\xff\xd8\xff\xe0")), "this is one image"),
        (lambda: items_of(7), "int is no collection of images"),
        (lambda: items_of(["."], "x"), "is a folder"),
        (lambda: unique(items_of(["a.jpg", "a.jpg"])), "two images are called 'a.jpg'"),
        (lambda: unique(items_of([PICTURE], [[1]])), "the id of image 0 is a list"),  # type: ignore[list-item]
    ],
)
def test_what_does_not_fit_is_said(ask: Callable[[], Iterator[Item]], reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        list(ask())


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(PathNotFound, match="no such folder: nowhere"):
        list(items_of("nowhere"))


def test_an_open_file_is_an_image() -> None:
    stream = io.BytesIO(b"x")
    assert [item.image for item in items_of([stream])] == [stream]
