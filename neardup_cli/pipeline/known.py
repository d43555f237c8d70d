"""What is known of contents beside their matches: read from their files once, kept in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.holdings import store_holdings, stored_holdings
from neardup_cli.engines.local import LocalEngine
from neardup_cli.errors import UnreadableImage
from neardup_cli.images.files import open_image
from neardup_cli.pipeline.picture import stamp_now
from neardup_cli.progress import Progress, Silent
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings, table_name
from neardup_cli.rules.evidence import ALL_OF_IT, Evidence

_SAMPLED_ROWS = 1024  # in which a quantiser is looked for
_AT_ONCE = 500  # contents a transaction


def read_evidence(
    catalog: Catalog,
    files: Mapping[int, Sequence[CatalogedFile]],
    *,
    workers: int = 1,
    watch: Progress | None = None,
) -> dict[int, Evidence]:
    """Return what is known of contents; what nobody has read yet is read from one of their files.

    Files that are away, have changed or cannot be opened have none: nothing is concluded from that.

    Args:
        catalog: open; takes what is read.
        files: of each content.
        workers: threads.
        watch: shows how many were read.
    """
    with catalog.read() as connection:
        known = stored_holdings(connection, files)
    unread = [held for content, held in files.items() if content not in known]
    if unread:
        watch = watch or Silent()
        watch.start("Reading what files hold", len(unread))
        found: dict[int, Holdings] = {}
        for held, holdings in zip(unread, LocalEngine(workers).map(_read, unread), strict=True):
            if holdings is not None:
                found[held[0].content_id] = holdings
            watch.advance()
            if len(found) >= _AT_ONCE:
                _store(catalog, found)
                known.update(found)
                found = {}
        _store(catalog, found)
        known.update(found)
    return {content: Evidence(known[content]) for content in files if content in known}


def with_details(
    catalog: Catalog,
    evidence: Mapping[int, Evidence],
    files: Mapping[int, Sequence[CatalogedFile]],
    sized: Sequence[Sequence[int]],
    *,
    workers: int = 1,
    watch: Progress | None = None,
) -> dict[int, Evidence]:
    """Measure the real detail of contents that may be enlarged, and add it: each once, kept in the catalog.

    Args:
        catalog: open; takes what is measured.
        evidence: of the contents.
        files: of each content.
        sized: of each family the contents in question, the largest first; one with detail up to its last
            pixel settles it, and the smaller ones are not opened.
        workers: threads.
        watch: shows how many families were looked at.
    """
    found = dict(evidence)
    asked = [some for some in sized if any(_is_open(found, content) for content in some)]
    if not asked:
        return found
    watch = watch or Silent()
    watch.start("Measuring detail", len(asked))

    def measured(some: Sequence[int]) -> dict[int, Evidence]:
        return _measured(some, found, files)

    return _kept(catalog, found, LocalEngine(workers).map(measured, asked), watch)


def with_sources(
    catalog: Catalog,
    evidence: Mapping[int, Evidence],
    files: Mapping[int, Sequence[CatalogedFile]],
    asked: Mapping[int, Sequence[tuple[int, ...]]],
    *,
    workers: int = 1,
    watch: Progress | None = None,
) -> dict[int, Evidence]:
    """Look for the quantisers of coarser versions in finer ones; each once, kept in the catalog.

    Args:
        catalog: open; takes what is measured.
        evidence: of the contents.
        files: of each content.
        asked: contents, and the tables to look for.
        workers: threads.
        watch: shows how many were looked at.
    """
    found = dict(evidence)
    if not asked:
        return found
    watch = watch or Silent()
    watch.start("Looking for the original", len(asked))

    def measured(task: tuple[int, Sequence[tuple[int, ...]]]) -> dict[int, Evidence]:
        content, tables = task
        return _with_tables(content, tables, found[content], files[content])

    return _kept(catalog, found, LocalEngine(workers).map(measured, sorted(asked.items())), watch)


def _kept(
    catalog: Catalog,
    found: dict[int, Evidence],
    results: Iterable[Mapping[int, Evidence]],
    watch: Progress,
) -> dict[int, Evidence]:
    """Put what comes into what was found, and its holdings into the catalog."""
    for new in results:
        watch.advance()
        _store(catalog, {content: one.holdings for content, one in new.items() if one.holdings is not None})
        found.update(new)
    return found


def _with_tables(
    content: int, tables: Sequence[tuple[int, ...]], known: Evidence, files: Sequence[CatalogedFile]
) -> dict[int, Evidence]:
    from neardup_cli.images.whole import decode_whole  # late: OpenCV takes a fifth of a second to import
    from neardup_cli.matching.codec_noise import noise_left

    def look(stream: BinaryIO) -> list[tuple[str, float]]:
        grey = decode_whole(stream.read()).grey_levels()[:_SAMPLED_ROWS]
        return [(table_name(table), noise_left(grey, table)) for table in tables]

    held, new = known.holdings, _first_unchanged(files, look)
    if held is None or new is None:
        return {}
    return {content: Evidence(replace(held, bears=(*held.bears, *new)))}


def _is_open(evidence: Mapping[int, Evidence], content: int) -> bool:
    known = evidence.get(content)
    return known is not None and known.holdings is not None and not known.holdings.detail


def _measured(
    contents: Sequence[int],
    evidence: Mapping[int, Evidence],
    files: Mapping[int, Sequence[CatalogedFile]],
) -> dict[int, Evidence]:
    from neardup_cli.images.whole import decode_whole  # late: OpenCV takes a fifth of a second to import
    from neardup_cli.matching.detail import detail_share

    def look(stream: BinaryIO) -> float:
        return detail_share(decode_whole(stream.read()).grey_levels())

    new: dict[int, Evidence] = {}
    for content in contents:
        held = evidence[content].holdings if _is_open(evidence, content) else None
        if held is not None and (share := _first_unchanged(files[content], look)) is not None:
            new[content] = Evidence(replace(held, detail=share))
        known = new.get(content, evidence.get(content))
        if known is None or known.holdings is None or known.holdings.detail >= ALL_OF_IT:
            break
    return new


def with_colours(
    catalog: Catalog,
    evidence: Mapping[int, Evidence],
    files: Mapping[int, Sequence[CatalogedFile]],
    contents: Collection[int],
) -> dict[int, Evidence]:
    """Measure how colourful the previews of some contents are, and add it."""
    found = dict(evidence)
    if not contents:
        return found
    from neardup_cli.images.colourfulness import colourfulness  # late: Pillow takes its time to import
    from neardup_cli.images.preview import preview_pixels
    from neardup_cli.pipeline.stored_image import preview_of_content

    for content in sorted(contents):
        with suppress(UnreadableImage):
            value = colourfulness(preview_pixels(preview_of_content(catalog, files[content])))
            found[content] = replace(found.get(content, Evidence()), colourfulness=value)
    return found


def _store(catalog: Catalog, found: Mapping[int, Holdings]) -> None:
    with catalog.write() as connection:
        store_holdings(connection, found)


def _read(held: Sequence[CatalogedFile]) -> Holdings | None:
    from neardup_cli.images.holdings import read_holdings  # late: Pillow takes its time to import

    return _first_unchanged(held, read_holdings)


def _first_unchanged[Found](held: Sequence[CatalogedFile], look: Callable[[BinaryIO], Found]) -> Found | None:
    """Look at the first file of a content that is still what was scanned; None where there is none.

    What is found is kept by content: it must not be about what a file has become since.
    """
    for file in held:
        with suppress(OSError, UnreadableImage):
            if stamp_now(file.path) == file.stamp:
                with open_image(file.path) as stream:
                    return look(stream)
    return None
