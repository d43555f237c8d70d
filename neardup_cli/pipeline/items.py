"""What a program gives to be compared, an image after the other: lists, generators, mappings, data sets."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol, runtime_checkable

from neardup_cli.errors import BadInput, PathNotFound
from neardup_cli.images.given import ArrayLike, checked, path_of
from neardup_cli.images.walk import Walker

_IMAGES = (
    "image",
    "img",
    "jpg",
    "jpeg",
    "png",
    "webp",
    "bytes",
    "path",
    "image_path",
    "filepath",
    "file_name",
)
_LABELS = ("label", "labels", "target", "cls")
_END = object()


@dataclass(frozen=True, slots=True)
class Item:
    """An image, what its program calls it, and its label if it has one."""

    id: Hashable
    image: object
    label: object = None


def items_of(
    images: object, ids: Iterable[Hashable] | None = None, labels: Iterable[object] | None = None
) -> Iterator[Item]:
    """Yield images one by one; only one of a generator's is held.

    An image without an id is called by its path as it was given, else by its place, from 0; those of a
    mapping are called by their keys. A folder stands for the images in it, each called by its path.

    Args:
        images: any iterable of images, of rows that hold one (`{"image": …, "label": …}`), or of pairs of an
            image and its label; a mapping of ids to images; an array of images; or the path of a folder.
        ids: what each image is called, all different.
        labels: what each image shows.

    Raises:
        BadInput: something is no image, or ids and images do not go together.
        PathNotFound: `images` is a path, and nothing is there.
    """
    named = _named(images, ids)
    told = iter(labels) if labels is not None else None
    for place, (name, given) in enumerate(named):
        image, label = _image_and_label(given)
        if told is not None and (label := next(told, _END)) is _END:
            raise BadInput(f"there are more images than labels ({place})")
        if (path := path_of(image)) is not None and os.path.isdir(path):
            if ids is not None or told is not None or isinstance(images, Mapping):
                raise BadInput(f"{os.fsdecode(path)} is a folder: give its images, or no ids and labels")
            yield from _below(image, path)
            continue
        if path is None:
            try:
                image = checked(image)
            except BadInput as exc:
                raise BadInput(f"image {place}: {exc}") from None
        yield Item(_default(image, path, place) if name is None else name, image, label)
    if told is not None and next(told, _END) is not _END:
        raise BadInput("there are fewer images than labels")


def _named(images: object, ids: Iterable[Hashable] | None) -> Iterator[tuple[Hashable | None, object]]:
    if isinstance(images, Mapping):
        if ids is not None:
            raise BadInput("a mapping names its images itself: leave ids out")
        yield from images.items()
        return
    names = iter(ids) if ids is not None else None
    for place, image in enumerate(_each(images)):
        name = None if names is None else next(names, _END)
        if name is _END:
            raise BadInput(f"there are more images than ids ({place})")
        yield name, image
    if names is not None and next(names, _END) is not _END:
        raise BadInput("there are fewer images than ids")


def _each(images: object) -> Iterator[object]:
    if isinstance(images, str | bytes | os.PathLike):
        if (path := path_of(images)) is None or not os.path.lexists(path):
            raise PathNotFound(f"no such folder: {os.fsdecode(path)}") if path else BadInput(_SEVERAL)
        return iter([images])
    shape = getattr(images, "shape", None)
    if isinstance(images, ArrayLike) and isinstance(shape, tuple) and not _is_stack(shape):
        raise BadInput(_SEVERAL)
    if isinstance(images, bytearray | memoryview) or hasattr(images, "getbands"):
        raise BadInput(_SEVERAL)
    if isinstance(images, Iterable):
        return iter(images)
    if isinstance(images, _Numbered):
        return (images[place] for place in range(len(images)))
    raise BadInput(f"{type(images).__name__} is no collection of images")


@runtime_checkable
class _Numbered(Protocol):
    """A data set of PyTorch's."""

    def __len__(self) -> int: ...
    def __getitem__(self, place: int, /) -> object: ...


_SEVERAL = "this is one image: give a list of them"


def _is_stack(shape: tuple[int, ...]) -> bool:
    """Return True if an array of this shape holds several images, or anything that is no image."""
    return len(shape) in (1, 4) or (len(shape) == 3 and shape[2] not in (1, 3, 4))


def _image_and_label(given: object) -> tuple[object, object]:
    """Take a row or a pair apart."""
    if isinstance(given, Mapping):
        name = next((name for name in _IMAGES if given.get(name) is not None), None)
        if name is None:
            raise BadInput(f"a row has no image: one of {', '.join(_IMAGES)} is wanted")
        label = next((given[name] for name in _LABELS if given.get(name) is not None), None)
        image = given[name]
        return (_image_and_label(image)[0] if isinstance(image, Mapping) else image), label
    if isinstance(given, tuple) and len(given) == 2:
        return given[0], given[1]
    return given, None


def _default(image: object, path: bytes | None, place: int) -> Hashable:
    return place if path is None or not isinstance(image, Hashable) else image


def _below(folder: object, path: bytes) -> Iterator[Item]:
    """Yield the images in a folder, each called by its path as the folder was given."""
    real = os.path.realpath(path)
    for run in Walker().walk(real):
        for found, _ in run.files:
            below = os.path.relpath(found, real)
            named: Hashable = os.path.join(path, below)
            if isinstance(folder, str):
                named = os.path.join(folder, os.fsdecode(below))
            elif isinstance(folder, os.PathLike):
                named = Path(os.fsdecode(path), os.fsdecode(below))
            yield Item(named, found)


def unique(items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, making sure that no two are called the same.

    Raises:
        BadInput: two are, or an id cannot be a key.
    """
    seen: set[Hashable] = set()
    for item, place in zip(items, count()):
        try:
            known = item.id in seen
        except TypeError:
            raise BadInput(
                f"the id of image {place} is a {type(item.id).__name__}, which cannot be a key"
            ) from None
        if known:
            raise BadInput(f"two images are called {item.id!r}: give each an id of its own")
        seen.add(item.id)
        yield item
