"""The Python API: is this image a copy of one that we have?"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import platformdirs
from blake3 import blake3

from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import BadInput, UnreadableImage
from neardup_cli.images.given import AnyImage, AnyPath
from neardup_cli.pipeline.paths import AnyPaths, many_paths
from neardup_cli.pipeline.probe import source_of
from neardup_cli.pipeline.query import QueryOptions, Question, Searcher
from neardup_cli.pipeline.scan import ScanOptions, scan
from neardup_cli.pipeline.survey import real_roots
from neardup_cli.records.answers import QueryMatch, QueryResult
from neardup_cli.records.matches import Stage
from neardup_cli.settings import Settings, load_settings

_SEEN_BY_SSCD = (Stage.VERIFIER, Stage.GEOMETRY)

_NO_NAME = re.compile(r"[^\w.-]+")


@dataclass(frozen=True, slots=True)
class Detection:
    """The answer of `DuplicateDetector.detect`.

    Attributes:
        is_duplicate: whether the image is a copy of a catalogued one.
        stage: what decided: "sieve" (dHash, or the very same bytes), "verifier" (SSCD, where it is
            in doubt confirmed by geometry), or "unique".
        match: the best match, or None.
        sieve_matches: the same bytes, or hashes within the radius of which SSCD is certain, best first.
        verifier_matches: matches that SSCD decided, with geometry where it was in doubt, best first.
        neighbours: the nearest catalogued files that do not match, best first.
        cannot_tell: no copy was found, and there may be one among the neighbours that are `untold`.
    """

    is_duplicate: bool
    stage: Literal["sieve", "verifier", "unique"]
    match: QueryMatch | None
    sieve_matches: tuple[QueryMatch, ...]
    verifier_matches: tuple[QueryMatch, ...]
    neighbours: tuple[QueryMatch, ...]
    cannot_tell: bool = False


class DuplicateDetector:
    """Answers whether an image is a copy of one in a collection.

        detector = DuplicateDetector(image_dir="photos")
        detector.detect("new.jpg").is_duplicate

    The model and the index are loaded once; `detect` may be called from several threads.
    """

    def __init__(
        self,
        image_dir: AnyPath | None = None,
        hash_db: AnyPath | None = None,
        *,
        model: str | None = None,
        threshold: float | None = None,
        hamming: int | None = None,
        verify: bool = True,
        preset: str | None = None,
        min_confidence: float | None = None,
    ) -> None:
        """Open a collection, bringing it up to date first if `image_dir` is given.

        Args:
            image_dir: folder to scan; only files below it can match. None takes all of `hash_db`.
            hash_db: catalog file, or the URL of a PostgreSQL database. None takes a catalog of the folder's
                own, in the user's cache (`own_catalog`); without a folder, the one of the settings (see
                `neardup_cli.settings`).
            model: "sscd", "sscd_distilled" or an .onnx file; None takes the catalog's, or the default.
            threshold: SSCD cosine similarity from which an image matches; None takes the default, 0.2.
            hamming: radius of the sieve in bits of 64; None takes the default.
            verify: let the pixels decide where SSCD alone is not certain.
            preset: how sure a match has to be: "strict", "normal" or "loose"; None takes the settings'.
            min_confidence: the probability in [0.5, 1] itself, in place of a preset.

        Raises:
            CatalogMissing: neither an `image_dir` nor a catalog.
            PathNotFound: `image_dir` is not there.
            ModelMismatch: the catalog has no vectors of `model`.
            BadInput: a number is out of range, or a word unknown.
        """
        if image_dir is not None:
            hash_db = own_catalog(image_dir) if hash_db is None else hash_db
        settings = _settings(hash_db, preset=preset, min_confidence=min_confidence)
        self._options = QueryOptions(
            model=model,
            threshold=threshold,
            hamming=hamming,
            verify=verify,
            preset=settings.preset,
            min_confidence=settings.min_confidence,
            under=() if image_dir is None else image_dir,
            device=settings.device,
        )
        if image_dir is not None:  # what is asked has been looked at: a slip costs no scan
            build_hash_db(image_dir, hash_db, model=model)
        self._catalog = Catalog.open(settings.catalog_location)
        try:
            self._searcher = Searcher(self._catalog, self._options)
        except BaseException:
            self._catalog.close()
            raise

    def detect(self, image: AnyImage, top_k: int = 5, *, threshold: float | None = None) -> Detection:
        """Look an image up; the file itself, should it be in the collection, is not its own copy.

        Args:
            image: the path of an image file, its bytes, a binary stream of them, which stays open, a Pillow
                image, or an array of pixels (height × width × channels).
            top_k: at most so many matches and neighbours together.
            threshold: overrules the detector's for this image.

        Raises:
            BadInput: `top_k` is less than one, `threshold` out of range, or `image` no image.
            UnreadableImage: it is not there or cannot be read as an image.
        """
        if top_k < 1:
            raise BadInput(f"top_k must be at least 1, not {top_k}")
        if threshold is not None and not -1 <= threshold <= 1:
            raise BadInput(f"threshold: {threshold:g} is not between -1 and 1")
        source = source_of(image)
        (result,) = self._searcher.query_many([Question(source, top_k, threshold)])
        if result.error is not None:
            named = f"{os.fsdecode(source)}: " if isinstance(source, bytes) else ""
            raise UnreadableImage(named + result.error)
        return as_detection(result)

    def close(self) -> None:
        """Close the catalog."""
        self._catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def as_detection(result: QueryResult) -> Detection:
    """Sort the answer to a query by what decided it."""
    sieved = tuple(match for match in result.matches if match.stage in (Stage.EXACT, Stage.SIEVE))
    verified = tuple(match for match in result.matches if match.stage in _SEEN_BY_SSCD)
    return Detection(
        is_duplicate=bool(sieved or verified),
        stage="sieve" if sieved else "verifier" if verified else "unique",
        match=(sieved + verified)[0] if sieved or verified else None,
        sieve_matches=sieved,
        verifier_matches=verified,
        neighbours=tuple(match for match in result.matches if not match.is_match),
        cannot_tell=result.cannot_tell,
    )


def build_hash_db(
    image_dir: AnyPaths,
    hash_db: AnyPath | None = None,
    *,
    model: str | None = None,
    hash_only: bool = False,
    workers: int | None = None,
) -> Path:
    """Scan one or several folders into a catalog; what has not changed since the last time is not read.

    Args:
        image_dir: folder, or folders.
        hash_db: catalog file or URL, made if it is not there; None takes the one of the settings.
        model: "sscd", "sscd_distilled" or an .onnx file; None takes the catalog's, or the default.
        hash_only: compute hashes and no embeddings.
        workers: threads; None takes one a core.

    Returns:
        The catalog file; of a catalog in PostgreSQL, the path that its index files are called after.

    Raises:
        PathNotFound: a folder is not there.
        CatalogBusy: another scan is writing to the catalog.
    """
    settings = _settings(hash_db, model=model, workers=workers)
    options = ScanOptions.from_settings(settings, hash_only=hash_only)
    folders = real_roots(many_paths(image_dir))  # a slip must not leave an empty catalog behind
    with Catalog.open(settings.catalog_location, create=True) as catalog:
        scan(catalog, folders, options)
        return catalog.path


def own_catalog(image_dir: AnyPath) -> Path:
    """Return where the catalog of a folder alone is kept: in the user's cache, named after the folder."""
    folder = os.path.realpath(os.fsencode(image_dir))
    name = _NO_NAME.sub("_", os.fsdecode(os.path.basename(folder)))[:40]
    cache = platformdirs.user_cache_path("neardup", appauthor=False)
    return cache / "folders" / f"{name}-{blake3(folder).hexdigest()[:12]}.db"


def _settings(hash_db: AnyPath | None, **others: object) -> Settings:
    return load_settings(catalog=None if hash_db is None else os.fsdecode(hash_db), **others)
