"""`scan`: bring the catalog up to date with what is on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

from neardup_cli.catalog import previews, scanning
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.choices import Device
from neardup_cli.images import DEFAULT_MAX_PIXELS
from neardup_cli.images.walk import APP_FOLDER, RAW_BESIDE, Walker
from neardup_cli.pipeline.models import ModelChoice, choose_model
from neardup_cli.pipeline.paths import AnyPaths, many_paths
from neardup_cli.pipeline.store import ResultStore
from neardup_cli.pipeline.survey import (
    Survey,
    is_offline,
    real_roots,
    refuse_app_folders,
    still_there,
    survey,
)
from neardup_cli.pipeline.work import Cause, Extracted, ToRead
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import Skipped
from neardup_cli.records.scans import Cluster, ScanSummary

if TYPE_CHECKING:
    from neardup_cli.embedders.base import Embedder
    from neardup_cli.settings import Settings

_CHUNK_HASHING = 32  # with embeddings, what the model likes to be given at once

# No model has this id: asked for its vectors, the catalog answers that all are missing.
_NO_SUCH_MODEL = -1


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How to scan.

    Attributes:
        model: a bundled name or a file; None takes the model that the catalog used last, or the default.
        input_size: nominal side of the network's input, pixels.
        hash_only: compute no embeddings; a later scan without it adds them.
        thorough: embed regions of the pictures too, for small pictures pasted into larger ones; a later scan
            with it adds them, one without it leaves those that are there alone.
        previews: keep a small version of each picture, so that its file is not opened again to compare it or
            to show it. A scan with it adds them; one without it removes those of what it scans. Without
            effect where `hash_only`.
        rehash: read every file again, even if its size and time say that it is unchanged.
        exclude, hidden, follow_links, app_folders, containers: see `Walker`.
        max_pixels: larger images are skipped.
        workers: threads, each of which uses one core.
        device: where the model runs.
        cluster: what reads, decodes and embeds instead of this process's threads.
    """

    model: str | None = None
    input_size: int = 288
    hash_only: bool = False
    thorough: bool = False
    previews: bool = True
    rehash: bool = False
    exclude: Sequence[str] = ()
    hidden: bool = False
    follow_links: bool = False
    app_folders: bool = False
    containers: bool = False
    max_pixels: int = DEFAULT_MAX_PIXELS
    workers: int = 1
    device: Device = Device.AUTO
    cluster: Cluster | None = None

    @property
    def makes_previews(self) -> bool:
        """Whether this scan makes previews."""
        return self.previews and not self.hash_only

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        hash_only: bool = False,
        thorough: bool = False,
        rehash: bool = False,
        exclude: Sequence[str] = (),
        hidden: bool = False,
        follow_links: bool = False,
        app_folders: bool = False,
        containers: bool = False,
        cluster: Cluster | None = None,
    ) -> Self:
        """Take the rest from the settings."""
        return cls(
            model=settings.model,
            input_size=settings.input_size,
            hash_only=hash_only,
            thorough=thorough,
            previews=settings.previews,
            rehash=rehash,
            exclude=exclude,
            hidden=hidden,
            follow_links=follow_links,
            app_folders=app_folders,
            containers=containers,
            max_pixels=settings.max_pixels,
            workers=settings.worker_count,
            device=settings.device,
            cluster=cluster,
        )


def scan(
    catalog: Catalog, paths: AnyPaths, options: ScanOptions, progress: Progress | None = None
) -> ScanSummary:
    """Find, read, hash, embed and record all images below `paths`.

    Work is stored every second: after a kill, the next scan goes on from there. What an earlier scan found in
    places that this one leaves out (hidden, excluded, in folders of applications) stays in the catalog as
    long as it is on disk.

    Raises:
        PathNotFound: one of the paths is not there; nothing was scanned then.
        BadInput: one belongs to an application, or none is a file or a folder; nothing was scanned then.
        CatalogBusy: another scan is writing to this catalog.
        ModelMissing, ModelInvalid: the model cannot be used.
        MissingExtra, ClusterFailed: the cluster cannot be used.
    """
    started = time.monotonic()
    watch = progress or Silent()
    roots = real_roots(many_paths(paths))
    if not options.app_folders:
        refuse_app_folders(roots)
    with catalog.scanner():
        model = None if options.hash_only else choose_model(catalog, options.model, options.input_size)
        found = _look_around(catalog, roots, options, model, watch)
        store = ResultStore(
            catalog,
            found.devices,
            replace=options.rehash,
            thorough=options.thorough,
            previews=options.makes_previews,
        )
        if found.to_read:
            _read_all(found, options, model, store, watch)
        elif model is not None and model.stored is not None:
            store.use_model(model.stored.identity)
        offline = _settle(catalog, store, found)
        _forget_previews(catalog, roots, options, store)
        with catalog.read() as connection:
            damaged = scanning.damaged_files(connection, roots)
    return replace(
        _summary(found, store, offline, model, time.monotonic() - started),
        damaged=tuple(Skipped(path, reason) for path, reason in damaged),
    )


def _look_around(
    catalog: Catalog, roots: Sequence[bytes], options: ScanOptions, model: ModelChoice | None, watch: Progress
) -> Survey:
    """Stage 1: walk, and compare with the catalog."""
    watch.start("Looking", None)
    walker = Walker(
        options.exclude,
        hidden=options.hidden,
        follow_links=options.follow_links,
        app_folders=options.app_folders,
        containers=options.containers,
        sniffs=False,  # what the catalog has needs no look
    )
    with catalog.read() as connection:
        regions = options.thorough
        model_id = None if model is None else _vectors_to_check(connection, model, regions=regions)
        lacking = options.makes_previews and not scanning.every_content_has_a_preview(connection)
        return survey(
            roots,
            walker,
            lambda root: scanning.known_folder(connection, root, model_id, regions=regions, previews=lacking),
            rehash=options.rehash,
            watch=watch.advance,
        )


def _vectors_to_check(connection: Connection, model: ModelChoice, *, regions: bool) -> int | None:
    """Return the model whose vectors the survey has to look for; none where all are there."""
    if model.stored is None:
        return _NO_SUCH_MODEL
    if scanning.every_content_has_a_vector(connection, model.stored.id, regions=regions):
        return None
    return model.stored.id


def _read_all(
    found: Survey, options: ScanOptions, model: ModelChoice | None, store: ResultStore, watch: Progress
) -> None:
    """Stage 2: read, decode and embed what is new, storing as it comes."""
    # Late: a scan that finds nothing new needs no decoder, and these take a quarter of a second to import.
    from neardup_cli.pipeline.effort import effort
    from neardup_cli.pipeline.extract import chunked

    embedder = None if model is None else model.load(options.device)
    if embedder is not None:
        store.use_model(embedder.identity)
    watch.start("Reading", len(found.to_read))
    cost = partial(effort, embeds=embedder is not None, thorough=options.thorough)
    watch.weigh(cost(found.to_read))
    batch = _CHUNK_HASHING if embedder is None else embedder.batch
    chunks = chunked(found.to_read, batch, options.workers)
    extract = _extracted_here if options.cluster is None else _extracted_on_cluster
    for extracted in extract(chunks, embedder, options, store):
        store.add(extracted)
        watch.worked(cost(file.source for file in extracted))
        watch.advance(len(extracted))
    store.close()


def scan_given(
    catalog: Catalog,
    chunks: Callable[[int], Iterator[list[ToRead]]],
    root: bytes,
    options: ScanOptions,
    progress: Progress | None = None,
) -> ResultStore:
    """Read, hash, embed and record images that a program gives one after the other.

    Args:
        catalog: takes what is learnt.
        chunks: gives them, in lists of at most as many as it is told; asked for the next one only when there
            is room for it.
        root: what they all belong to: no folder, for what a program gives may lie anywhere.
        options: how to scan.
        progress: told how many were read.

    Returns:
        What was stored, and what could not be read.
    """
    watch = progress or Silent()
    with catalog.scanner():
        model = None if options.hash_only else choose_model(catalog, options.model, options.input_size)
        embedder = None if model is None else model.load(options.device)
        store = ResultStore(
            catalog, {root: 0}, replace=False, thorough=options.thorough, previews=options.makes_previews
        )
        if embedder is not None:
            store.use_model(embedder.identity)
        given = chunks(_CHUNK_HASHING if embedder is None else embedder.batch)
        for extracted in _extracted_here(given, embedder, options, store):
            store.add(extracted)
            watch.advance(len(extracted))
        store.close()
        store.finish((), ())
    return store


def _extracted_here(
    chunks: Iterator[list[ToRead]], embedder: Embedder | None, options: ScanOptions, store: ResultStore
) -> Iterator[list[Extracted]]:
    from neardup_cli.engines.local import LocalEngine
    from neardup_cli.pipeline.extract import Extractor

    extractor = Extractor(
        embedder,
        store.done,
        options.max_pixels,
        store.claims,
        thorough=options.thorough,
        previews=options.makes_previews,
        has=store.has,
    )
    return LocalEngine(options.workers).map(extractor, chunks)


def _extracted_on_cluster(
    chunks: Iterator[list[ToRead]], embedder: Embedder | None, options: ScanOptions, store: ResultStore
) -> Iterator[list[Extracted]]:
    from neardup_cli.engines.ray import RayEngine
    from neardup_cli.pipeline.extract import ExtractorMaker

    make = ExtractorMaker(
        None if embedder is None else embedder.identity,
        options.input_size,
        options.device,
        options.max_pixels,
        options.thorough,
        options.makes_previews,
    )
    assert options.cluster is not None
    return RayEngine(options.cluster).map_made(make, chunks, store.done_digests())


def _settle(catalog: Catalog, store: ResultStore, found: Survey) -> int:
    """Stage 3: record what vanished, what moved and what came back; return how many files are offline."""
    # A raw file that has got an image beside it goes with that one, and is no image of its own any more.
    beside = {entry.path for entry in found.skipped if entry.reason == RAW_BESIDE}
    gone = [file for file in found.vanished if file.path in beside or not still_there(file.path)]
    with catalog.read() as connection:
        roots = {root.id: root for root in scanning.known_roots(connection)}
    offline = {row for row in {file.root_id for file in gone} if is_offline(*roots[row][1:])}
    missing = [file.id for file in gone if file.root_id not in offline]
    store.finish(missing, found.returned, found.ctimes)
    return len(gone) - len(missing)


def _forget_previews(
    catalog: Catalog, roots: Sequence[bytes], options: ScanOptions, store: ResultStore
) -> None:
    """Stage 4: remove the previews that a person does not want, and those of files that are gone."""
    unwanted = not options.previews
    if not unwanted and not store.has_written:
        return
    with catalog.write() as connection:
        removed = previews.forget_previews_of_gone_files(connection)
        if unwanted:
            removed += previews.forget_previews_below(connection, roots)
    if unwanted and removed:
        catalog.compact()


def _summary(
    found: Survey, store: ResultStore, offline: int, model: ModelChoice | None, seconds: float
) -> ScanSummary:
    skipped = sorted([*found.skipped, *store.skipped], key=lambda entry: entry.path)
    return ScanSummary(
        seen=found.seen,
        added=store.counts[Cause.NEW] - store.moved,
        changed=store.counts[Cause.CHANGED],
        unchanged=found.unchanged + store.counts[Cause.INCOMPLETE] + store.counts[Cause.SUSPECT],
        exact=max(0, store.exact - store.moved),
        moved=store.moved,
        missing=store.missing,
        offline=offline,
        embedded=store.embedded,
        regions=store.regions,
        previews=store.previews,
        skipped=tuple(skipped),
        seconds=seconds,
        model=None if model is None else model.name,
        app_folders=tuple(entry.path for entry in skipped if entry.reason == APP_FOLDER),
    )
