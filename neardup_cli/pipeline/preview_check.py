"""What `doctor` looks at where a catalog has previews: that each is a whole picture of a preview's size."""

from __future__ import annotations

from collections.abc import Iterator

from neardup_cli.catalog import previews
from neardup_cli.catalog.database import Catalog
from neardup_cli.errors import UnreadableImage
from neardup_cli.images.preview import check_preview
from neardup_cli.records.health import Finding

_DECODED_EVERY = 50  # decoding takes a millisecond: all that 100,000 pictures have would take two minutes


def check_previews(catalog: Catalog, *, repair: bool) -> Iterator[Finding]:
    """Yield what is found about the previews; nothing if there are none.

    Args:
        catalog: the catalog.
        repair: forget those that are damaged; the next scan makes them anew.
    """
    with catalog.read() as connection:
        number = previews.kept_previews(connection).number
    if not number:
        return
    wrong = _wrong(catalog)
    problem = f"{len(wrong)} of {number} are damaged"
    if wrong and repair:
        with catalog.write() as connection:
            previews.forget_previews(connection, wrong)
        yield Finding("previews", ok=True, detail=f"{problem}; the next scan makes them anew", repaired=True)
        return
    yield Finding("previews", not wrong, f"{problem}: run `neardup doctor --repair`" if wrong else "")


def _wrong(catalog: Catalog) -> set[int]:
    """Return the contents whose preview is no whole picture; of one in fifty all pixels are decoded."""
    with catalog.read() as connection:
        wrong = set(previews.wrong_previews(connection))
    after = 0
    # A page at a time: no long read holds up whoever writes.
    while True:
        with catalog.read() as connection:
            page = previews.previews_after(connection, after)
        if not page:
            return wrong
        for content, preview in page:
            try:
                check_preview(preview, whole=content % _DECODED_EVERY == 0)
            except UnreadableImage:
                wrong.add(content)
        after = page[-1][0]
