"""`find_copies`: the copies among images that a program has, in memory or with a catalog."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.previews import stored_previews
from neardup_cli.choices import Device, Grouping
from neardup_cli.errors import BadInput, ModelMismatch, UnreadableImage
from neardup_cli.images.given import AnyPath
from neardup_cli.images.preview import preview_pixels
from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
from neardup_cli.pipeline.handed import Called, Handed
from neardup_cli.pipeline.items import items_of
from neardup_cli.pipeline.notebook import shown_progress
from neardup_cli.pipeline.scan import ScanOptions, scan_given
from neardup_cli.pipeline.scope import scope
from neardup_cli.progress import Progress
from neardup_cli.records.embeddings import Embeddings
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DupsReport
from neardup_cli.records.rows import FamilyRow, ImageRow, PairRow
from neardup_cli.reports.notebook import Thumbnail, page
from neardup_cli.reports.rows import family_rows, image_rows, pair_rows
from neardup_cli.reports.tables import Rows, families_of, images_of, pairs_of
from neardup_cli.reports.units import shown_count
from neardup_cli.rules.options import word
from neardup_cli.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

type Images = AnyPath | Iterable[Any] | Mapping[Any, Any]
"""What `find_copies` takes; see there."""

_SHOWN_GROUPS, _SHOWN_MEMBERS = 20, 8
_THUMBNAIL = 160
_AT_HAND = (list, tuple, Mapping, np.ndarray)
"""Collections that hold their images in any case: these can be looked at again without holding more."""

_NO_WORD = "cannot be read"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Copies:
    """The answer of `find_copies`; a notebook shows it with thumbnails.

    Attributes:
        groups: the families, largest saving first.
        pairs: the matches.
        images: every image that was given, in that order, with what is known of it.
        unreadable: why an image cannot be read, by id.
        embeddings: of all images that were read; without rows where `hash_only` was asked for.
        cannot_tell: the number of pairs of which nobody can tell, since their pixels are out of reach.
        parameters: what counted as a copy.
    """

    groups: Rows[FamilyRow[Any]]
    pairs: Rows[PairRow[Any]]
    images: Rows[ImageRow[Any]]
    unreadable: Mapping[Any, str]
    embeddings: Embeddings[tuple[Any, ...]]
    cannot_tell: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    _thumbnails: Mapping[Any, Thumbnail] = field(default_factory=dict)

    @property
    def keep(self) -> list[Any]:
        """The ids of the images that stay: one of each group, and all that have no copy."""
        return [row.id for row in self.images if row.keep]

    @property
    def drop(self) -> list[Any]:
        """The ids of the copies: all others."""
        return [row.id for row in self.images if not row.keep]

    def to_arrow(self) -> pa.Table:
        """Return a row an image as a table of Arrow; `groups` and `pairs` have tables of their own.

        Raises:
            MissingExtra: pyarrow is not installed.
        """
        return self.images.to_arrow()

    def to_pandas(self) -> pd.DataFrame:
        """Return a row an image as a data frame; `groups` and `pairs` have data frames of their own.

        Raises:
            MissingExtra: pandas or pyarrow is not installed.
        """
        return self.images.to_pandas()

    def __repr__(self) -> str:
        return f"<Copies: {self._said()}>"

    def _repr_html_(self) -> str:
        return page(self._said(), self.groups, self._thumbnails, _SHOWN_GROUPS, _SHOWN_MEMBERS)

    def _said(self) -> str:
        copies = sum(len(group.copies) for group in self.groups)
        said = f"{shown_count(copies, 'copy', 'copies')} in {shown_count(len(self.groups), 'group')}"
        said += f" among {shown_count(len(self.images), 'image')}"
        if self.unreadable:
            said += f", {len(self.unreadable):,} unreadable"
        if self.cannot_tell:
            said += f", {shown_count(self.cannot_tell, 'pair')} of which nobody can tell"
        return said


def find_copies(
    images: Images,
    ids: Iterable[Hashable] | None = None,
    *,
    labels: Iterable[object] | None = None,
    catalog: AnyPath | Catalog | None = None,
    model: str | None = None,
    threshold: float | None = None,
    hamming: int | None = None,
    preset: str | None = None,
    min_confidence: float | None = None,
    verify: bool = True,
    grouping: str | Grouping = Grouping.COHERENT,
    similar_shots: bool = False,
    every_pair: bool = False,
    prove: bool = False,
    hash_only: bool = False,
    thorough: bool | None = None,
    device: str | Device | None = None,
    workers: int | None = None,
    progress: bool | Progress | None = None,
) -> Copies:
    """Find the copies among images, as `neardup dups` does among files.

    Args:
        images: any iterable (a generator too, of which little is held at once) of images: paths (str, Path or
            bytes), Pillow images, arrays of pixels (height × width, or × 3 or 4; uint8, uint16, bool, or
            floats in [0, 1]), encoded bytes, open binary files. Rows with an image in them
            (`{"image": …, "label": …}`, as of Hugging Face's data sets) and pairs of an image and its label
            (PyTorch's) are understood, also the path of a folder, and a mapping of ids to images.
        ids: what each image is called in the answer, all different. Without them a path is called as it was
            given, and anything else by its place, from 0.
        labels: what each image shows; the answer repeats them.
        catalog: a catalog's file or URL, made if it is not there, or an open one: it keeps what is learnt, so
            that the next call decodes nothing again. What else it holds takes no part. None keeps nothing;
            no catalog of the user's is touched.
        model: "sscd", "sscd_distilled" or an .onnx file; None takes the settings', or the default.
        threshold: SSCD similarity in [-1, 1] from which a pair is looked at.
        hamming: radius of the hash filter in bits of 64.
        preset: how sure a match has to be: "strict", "normal" or "loose".
        min_confidence: the probability in [0.5, 1] itself, in place of a preset.
        verify: let the pixels decide what hashes and vectors leave open.
        grouping: "coherent" families, or whatever is "linked".
        similar_shots: the same scene photographed twice counts, too.
        every_pair: look at all pairs, also at those that follow from others: for `pairs` that are all seen.
        prove: compare each copy with what stays at full size, for `losses`. Of a generator's images, only
            those with a path can be looked at again.
        hash_only: no model: hashes alone, which find what is nearly the same.
        thorough: look for small images inside larger ones, too.
        device: where the model runs: "auto", "cpu", "cuda" or "mps".
        workers: threads; None takes one a core.
        progress: None shows a bar in a notebook where tqdm is installed, True wherever tqdm is, False none;
            or what is told how far it is.

    Returns:
        The groups, the pairs, and what is known of each image. The order of the images does not change which
        of them are copies.

    Examples:
        >>> from PIL import Image
        >>> from neardup_cli import find_copies
        >>> red, blue = (Image.new("RGB", (64, 48), colour) for colour in ("red", "blue"))
        >>> result = find_copies({"first": red, "second": red.copy(), "other": blue}, progress=False)
        >>> result
        <Copies: 1 copy in 1 group among 3 images>
        >>> [(group.keep, group.copies) for group in result.groups]
        [('first', ('second',))]
        >>> result.drop
        ['second']

    Raises:
        BadInput: something is no image, ids do not go with the images, or an option is out of range.
        PathNotFound: `images` is a path, and nothing is there. An image in a list that is not there or cannot
            be read is among the `unreadable`.
        ModelMissing, ModelInvalid: the model cannot be used.
        CatalogBusy: another scan is writing to the catalog.
        MissingExtra: `progress=True`, and tqdm is not installed.
    """
    settings = load_settings(
        model=model,
        threshold=threshold,
        hamming=hamming,
        preset=preset,
        min_confidence=min_confidence,
        device=device,
        workers=workers,
        thorough=thorough,
        previews=True,
    )
    if hash_only and threshold is not None:
        raise BadInput("threshold needs embeddings: leave it or hash_only out")
    scanning = ScanOptions.from_settings(settings, hash_only=hash_only, thorough=settings.thorough)
    options = DupsOptions.from_settings(
        settings,
        verify=verify,
        grouping=word(Grouping, grouping, "grouping"),
        similar_shots=similar_shots,
        every_pair=every_pair,
        prove=prove,
    )
    items = items_of(images, ids, labels)
    with (
        _opened(catalog) as opened,
        shown_progress(progress) as watch,
        Handed(opened, items, at_hand=isinstance(images, _AT_HAND)) as handed,
    ):
        watch.start("Reading", _number(images))
        store = scan_given(opened, handed.chunks, handed.root, scanning, watch)
        handed.refused = {one.path: one.reason for one in store.skipped}
        found = find_duplicates(opened, replace(options, under=scope(opened, handed.called.keys())), watch)
        return _answer(opened, handed, found)


def _number(images: object) -> int | None:
    """Return how many images there are, where that is known."""
    try:
        return None if isinstance(images, str | bytes) else len(images)  # type: ignore[arg-type]
    except TypeError:
        return None


@contextmanager
def _opened(catalog: AnyPath | Catalog | None) -> Iterator[Catalog]:
    """Open the catalog that is meant; one that is open already stays so, and one of nobody's goes again."""
    if isinstance(catalog, Catalog):
        yield catalog
    elif catalog is not None:
        with Catalog.open(
            load_settings(catalog=os.fsdecode(catalog)).catalog_location, create=True
        ) as opened:
            yield opened
    else:
        with (
            tempfile.TemporaryDirectory(prefix="neardup-") as folder,
            Catalog.open(Path(folder, "catalog.db"), create=True) as opened,
        ):
            yield opened


def _answer(catalog: Catalog, handed: Handed, found: DupsReport) -> Copies:
    def called(path: bytes) -> Hashable:
        return handed.called[path].id

    with catalog.read() as connection:
        files = queries.files_at(connection, handed.called.keys())
    present = [files[path] for path in handed.called if path in files and path not in handed.refused]
    errors = {called(path): handed.refused.get(path, _NO_WORD) for path in handed.called if path not in files}
    errors |= {called(path): reason for path, reason in handed.refused.items()}
    rows = {row.id: row for row in image_rows(present, found.groups, called)}
    rows |= {name: ImageRow(name, error=reason) for name, reason in errors.items()}
    groups = list(family_rows(found.groups, called))
    return Copies(
        groups=families_of(groups),
        pairs=pairs_of(list(pair_rows(found, called))),
        images=images_of([_with_program(rows[known.id], known) for known in handed.called.values()]),
        unreadable=errors,
        embeddings=_embeddings(catalog, present, called),
        cannot_tell=found.summary["cannot_tell"],
        parameters={name: value for name, value in found.parameters.items() if name != "under"},
        _thumbnails=_thumbnails(catalog, groups, {called(path): file for path, file in files.items()}),
    )


def _with_program(row: ImageRow[Any], known: Called) -> ImageRow[Any]:
    """Say of an image what its program does; what has been given as pixels has no file to speak of."""
    if known.is_pixels:
        return replace(row, label=known.label, format=None, bytes=None, content=None)
    return replace(row, label=known.label)


def _embeddings(
    catalog: Catalog, present: Sequence[CatalogedFile], called: Callable[[bytes], Hashable]
) -> Embeddings[tuple[Any, ...]]:
    try:
        ids, vectors = catalog.embeddings()
    except ModelMismatch:  # hashes alone
        return Embeddings((), np.empty((0, 0), np.float16))
    row_of = {content: row for row, content in enumerate(ids.tolist())}
    rows = [(called(file.path), row_of[file.content_id]) for file in present if file.content_id in row_of]
    return Embeddings(tuple(name for name, _ in rows), vectors[[row for _, row in rows]])


def _thumbnails(
    catalog: Catalog, groups: Sequence[FamilyRow[Any]], files: Mapping[Any, CatalogedFile]
) -> dict[Any, Thumbnail]:
    """Make the thumbnails that a notebook would show, by id."""
    shown = [member for group in groups[:_SHOWN_GROUPS] for member in group.members[:_SHOWN_MEMBERS]]
    with catalog.read() as connection:
        kept = dict(stored_previews(connection, {files[member].content_id for member in shown}))
    found: dict[Any, Thumbnail] = {}
    for member in shown:
        if (preview := kept.get(files[member].content_id)) is not None:
            with suppress(UnreadableImage):
                pixels = preview_pixels(preview)
                pixels.thumbnail((_THUMBNAIL, _THUMBNAIL))
                stream = BytesIO()
                pixels.save(stream, "JPEG", quality=80)
                found[member] = Thumbnail(stream.getvalue(), "image/jpeg")
    return found
