"""The Streamlit app: look an image up, browse the groups. `neardup ui` starts it; needs an extra.

Streamlit runs this file from top to bottom at every click, and keeps what is decorated as cached. Whatever
holds a file's name is shown by `st.text`: nearly everything else reads Markdown, in which a name could load
a picture from another host.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import batched
from pathlib import Path

import streamlit as st

from neardup_cli import Catalog, Detection, DupsOptions, find_duplicates
from neardup_cli.catalog.changes import ChangeStamp, change_stamp
from neardup_cli.catalog.proofs import count_proofs
from neardup_cli.catalog.queries import file_at
from neardup_cli.choices import Kind, Loss
from neardup_cli.errors import NeardupError, UnreadableImage
from neardup_cli.images.thumbnail import webp_thumbnail
from neardup_cli.images.walk import os_reason
from neardup_cli.pipeline.detector import as_detection
from neardup_cli.pipeline.probe import Prepared
from neardup_cli.pipeline.query import QueryOptions, Question, Searcher
from neardup_cli.pipeline.stored_image import shown_preview
from neardup_cli.records.answers import QueryMatch
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch, Stage
from neardup_cli.reports.evidence import evidence
from neardup_cli.reports.json_report import losses
from neardup_cli.reports.paths import shown_path, shown_text
from neardup_cli.reports.text import dups_summary, shown_role, shown_saving
from neardup_cli.reports.units import shown_bytes, shown_confidence, shown_count, shown_similarity
from neardup_cli.rules.words import losses_words
from neardup_cli.settings import Settings, load_settings
from neardup_cli.web.decoders import Decoders
from neardup_cli.web.options import UPLOAD_PIXELS
from neardup_cli.web.uploads import prepared_alone

_LARGE, _SMALL = 640, 240  # longest sides, pixels
_BYTES_A_PIXEL = 1
_GROUPS_A_PAGE = 10
_COLUMNS = 5
_THRESHOLD = 0.2
_ANY = "any"
_VERDICTS = {
    Stage.EXACT: "Duplicate: a file with the very same bytes.",
    Stage.SIEVE: "Duplicate: nearly the same dHash, and SSCD agrees.",
    Stage.VERIFIER: "Duplicate: SSCD is certain.",
    Stage.GEOMETRY: "Duplicate: SSCD was in doubt, and the pixels agree.",
    None: "No duplicate: nothing in the catalog is a copy of it.",
}
_CANNOT_TELL = "Nobody can tell now: pictures that resemble it are away, and have no preview."


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="neardup", layout="wide")
    st.title("neardup")
    try:
        settings = load_settings()
        location = settings.catalog_location
        with Catalog.open(location) as catalog, catalog.read() as connection:
            stamp = change_stamp(connection)
            proofs = count_proofs(connection)
        looking, browsing = st.tabs(["Look an image up", "Browse the groups"])
        with looking:
            _look_up(_searcher(location, stamp, settings)[1], settings)
        with browsing:
            _browse(_report(location, stamp, proofs, settings))
    except NeardupError as exc:
        _complain(exc)


def _let_go(held: tuple[Catalog, Searcher]) -> None:
    held[0].close()


@st.cache_resource(
    max_entries=1, on_release=_let_go, hash_funcs={Settings: repr}, show_spinner="loading the model ..."
)
def _searcher(
    location: Path | str,
    stamp: ChangeStamp,  # noqa: ARG001 - another one is another catalog
    settings: Settings,
) -> tuple[Catalog, Searcher]:
    """Return the catalog as it is, and what looks images up in it."""
    options = QueryOptions.from_settings(settings)
    with ExitStack() as stack:
        catalog = stack.enter_context(Catalog.open(location))
        searcher = Searcher(catalog, replace(options, max_pixels=min(options.max_pixels, UPLOAD_PIXELS)))
        stack.pop_all()
    return catalog, searcher


@st.cache_resource(max_entries=1, on_release=Decoders.close, show_spinner=False)
def _decoders() -> Decoders:
    """Return the process that reads uploads: an image of a stranger's may be a bomb."""
    return Decoders(1)


@st.cache_resource(max_entries=1, hash_funcs={Settings: repr}, show_spinner="finding the groups ...")
def _report(
    location: Path | str,
    stamp: ChangeStamp,  # noqa: ARG001 - another one is another catalog
    proofs: int,  # noqa: ARG001 - so are more proofs
    settings: Settings,
) -> DupsReport:
    """Return the groups of the catalog as it is."""
    with Catalog.open(location) as catalog:
        return find_duplicates(catalog, DupsOptions.from_settings(settings))


def _look_up(searcher: Searcher, settings: Settings) -> None:
    asked, shown = st.columns([1, 2], gap="large")
    with asked:
        upload = st.file_uploader("An image; it is not kept", key="upload")
        threshold = st.slider(
            "Threshold: SSCD similarity from which a picture is looked at",
            0.0,
            1.0,
            _THRESHOLD if settings.threshold is None else max(0.0, settings.threshold),
            0.01,
            key="threshold",
            help="From 0.99 on it is a copy; in between, the pixels decide.",
        )
        top_k = st.slider("Show at most", 1, 50, min(50, settings.top_k), key="top_k")
    if upload is None:
        return
    stream = io.BytesIO(upload.getvalue())
    try:
        image = prepared_alone(_decoders(), stream, searcher.wanted, searcher.max_pixels)
    except UnreadableImage as exc:
        _complain(exc)
        return
    (result,) = searcher.query_many([Question(image, top_k, threshold)])
    if result.error is not None:
        _complain(UnreadableImage(result.error))
        return
    detection = as_detection(result)
    with shown:
        _show_verdict(image, detection)
    _show_matches("Matches", [*detection.sieve_matches, *detection.verifier_matches])
    _show_matches("Nearest without a match", detection.neighbours)


def _show_verdict(image: Prepared, detection: Detection) -> None:
    stage = None if detection.match is None else detection.match.stage
    verdict = _CANNOT_TELL if detection.cannot_tell else _VERDICTS[stage]
    (st.success if detection.is_duplicate else st.info)(verdict)
    query, match = st.columns(2)
    with query:
        st.markdown("**Your image**")
        if image.features.preview is not None:
            st.image(image.features.preview.pixels)
    if detection.match is not None:
        with match:
            st.markdown("**Best match**")
            _show_file(detection.match.path, _LARGE)
            st.text(f"{_place(detection.match.path)}\n{_scores(detection.match)}")


def _show_matches(title: str, matches: Sequence[QueryMatch]) -> None:
    if not matches:
        return
    st.subheader(f"{title} ({len(matches)})", divider="gray")
    for row in batched(matches, _COLUMNS):
        for column, match in zip(st.columns(_COLUMNS), row, strict=False):
            with column:
                _show_file(match.path, _SMALL)
                st.text(f"{_place(match.path)}\n{_scores(match)}")


def _scores(match: QueryMatch) -> str:
    parts = [] if match.stage is None else [f"decided by {match.stage.value}"]
    if match.confidence is not None and match.is_match:
        parts.append(f"confidence {shown_confidence(match.confidence)}")
    if match.similarity is not None:
        parts.append(f"similarity {shown_similarity(match.similarity)}")
    if match.hamming is not None:
        parts.append(f"{match.hamming} of 64 bits differ")
    if match.alignment is not None and match.is_match:
        parts.append(f"{match.alignment.agreement:.0%} of the detail agrees")
    parts.append(f"{match.width}×{match.height}, {shown_bytes(match.bytes)}")
    return "\n".join(parts)


def _browse(report: DupsReport) -> None:
    st.text(dups_summary(report))
    kind_asked, text_asked, page_asked = st.columns([1, 2, 1])
    kinds = {match.kind for group in report.groups for match in group.matches}
    with kind_asked:
        kind = st.selectbox("Kind", [_ANY, *(kind for kind in Kind if kind in kinds)], key="kind")
    with text_asked:
        text = st.text_input("Path", key="path", placeholder="part of a path")
    groups = [group for group in report.groups if _fits(group, kind, text)]
    pages = max(1, -(-len(groups) // _GROUPS_A_PAGE))
    with page_asked:
        page = int(st.number_input(f"Page, of {pages}", 1, pages, 1, key="page"))
    if not groups:
        st.info("No group fits.")
    for group in groups[(page - 1) * _GROUPS_A_PAGE : page * _GROUPS_A_PAGE]:
        _show_group(group)


def _fits(group: DuplicateGroup, kind: str, text: str) -> bool:
    named = any(text.lower() in shown_path(member.path).lower() for member in group.members)
    return named and (kind == _ANY or any(match.kind == kind for match in group.matches))


def _show_group(group: DuplicateGroup) -> None:
    reasons = evidence(group)
    with st.container(border=True):
        files = shown_count(len(group.members), "file")
        saving = shown_saving(group.reclaimable_bytes, group.doubtful_bytes)
        st.markdown(f"**{files}, {saving}** · `{group.id}`")
        st.text(shown_text(group.reason))
        if group.seen_in:
            st.text(f"Also seen in {', '.join(map(shown_path, group.seen_in))}")
        for row in batched(group.members, _COLUMNS):
            for column, member in zip(st.columns(_COLUMNS), row, strict=False):
                with column:
                    _show_file(member.path, _SMALL)
                    role = _role(group, member, reasons.get(member.path))
                    size = f"{member.width}×{member.height}, {shown_bytes(member.stamp.size)}"
                    st.text(f"{role}\n{_place(member.path)}\n{size}")


def _role(group: DuplicateGroup, member: CatalogedFile, match: FileMatch | None) -> str:
    if member.path == group.keep:
        return "keep"
    lost = losses(group, member)
    parts = [
        shown_role(group, member.path),
        losses_words(None if lost is None else [Loss(one) for one in lost]),
    ]
    if match is not None:
        parts += [match.stage.value if match.kind is None else match.kind.value]
        parts += [shown_similarity(match.similarity)] if match.similarity is not None else []
    return ", ".join(parts)


def _place(path: bytes) -> str:
    """Return a path on two lines: the name, then the folder."""
    return f"{shown_path(os.path.basename(path))}\n{shown_path(os.path.dirname(path))}"


def _show_file(path: bytes, side: int) -> None:
    """Show a catalogued picture, small, or why that is not possible."""
    try:
        st.image(_file_picture(path, side, _mtime_ns(path)))
    except UnreadableImage as exc:
        st.text(f"({shown_text(str(exc))})")
    except OSError as exc:
        st.text(f"({os_reason(exc)})")


def _mtime_ns(path: bytes) -> int | None:
    """Return when a file was changed last; None of one that is away."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


@st.cache_resource(max_entries=1, on_release=Catalog.close)
def _catalog(location: Path | str) -> Catalog:
    return Catalog.open(location)


@st.cache_data(max_entries=500, show_spinner=False)
def _file_picture(path: bytes, side: int, mtime_ns: int | None) -> bytes:
    """Return a picture from the catalog, if it is there large enough or the file is away, else from the file.

    A file that has changed since the scan is shown as it is.
    """
    room = _BYTES_A_PIXEL * side * side
    catalog = _catalog(load_settings().catalog_location)
    with catalog.read() as connection:
        file = file_at(connection, path)
    if file is not None and (mtime_ns is None or (side <= _SMALL and mtime_ns == file.stamp.mtime_ns)):
        small = shown_preview(catalog, file)
        if small is not None:
            return webp_thumbnail(small, side=side, most_bytes=room)
    with open(path, "rb") as stream:
        return webp_thumbnail(stream, side=side, most_bytes=room)


def _complain(error: NeardupError) -> None:
    st.error("That cannot be done.")
    st.text(shown_text(str(error)))


if __name__ == "__main__":
    main()
