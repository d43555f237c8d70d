"""Catalogued pictures: previews, and two of them compared."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from neardup_cli.embedders.base import Embedder
from neardup_cli.pipeline.explain import explain
from neardup_cli.pipeline.probe import Probe
from neardup_cli.pipeline.stored_probe import stored_probe
from neardup_cli.records.files import CatalogedFile
from neardup_cli.web.documents import Comparison, DataPath
from neardup_cli.web.previews import Side, catalogued, is_changed, open_as_scanned
from neardup_cli.web.problems import responses
from neardup_cli.web.routes.detect import comparison
from neardup_cli.web.service import Served, Service

_FOREVER = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"
_NEVER = "no-store"

router = APIRouter(tags=["pictures"])


@router.get(
    "/preview",
    response_class=Response,
    responses={
        200: {"content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "The preview that the client has is the right one."},
        **responses(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    },
)
async def preview(
    served: Served,
    path: Annotated[DataPath, Query(description="A catalogued file; nothing else is ever read.")],
    side: Annotated[Side, Query(description="Longest side, pixels.")] = Side.THUMBNAIL,
    content: Annotated[
        str, Query(max_length=64, description="Start of its BLAKE3: then the answer may be kept for good.")
    ] = "",
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Return a catalogued picture scaled down and upright, as a JPEG without metadata."""
    file = await run_in_threadpool(catalogued, served.catalog, path)
    tag = served.previews.tag(file, side)
    named = len(content) >= 12 and file.digest.hex().startswith(content)
    headers = {"ETag": tag, "Cache-Control": _FOREVER if named else _ASK_AGAIN}
    if if_none_match is not None and tag in if_none_match:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    shown = await served.in_thread(lambda: served.previews.jpeg(file, side))
    if not shown.lasting:
        headers = {"Cache-Control": _NEVER}
    return Response(shown.jpeg, media_type="image/jpeg", headers=headers)


@router.get(
    "/api/compare",
    responses=responses(
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.SERVICE_UNAVAILABLE,
    ),
)
async def compare(
    served: Served, a: Annotated[DataPath, Query()], b: Annotated[DataPath, Query()]
) -> Comparison:
    """Say what happened between two catalogued pictures, and where the one lies in the other."""
    first, second = [await run_in_threadpool(catalogued, served.catalog, path) for path in (a, b)]
    return await served.in_thread(lambda: _compared(served, first, second))


def _compared(served: Service, a: CatalogedFile, b: CatalogedFile) -> Comparison:
    rules, limit = served.lookup.searcher().rules, served.options.scan.max_pixels
    first, second = (_side(served, file, rules.embedder, limit) for file in (a, b))
    return comparison(explain(first, second, rules, max_pixels=limit))


def _side(served: Service, file: CatalogedFile, embedder: Embedder | None, limit: int) -> Probe | bytes:
    """Return what the catalog knows of a file, which may be away, or its path, if it is what was scanned."""
    known = None if is_changed(file) else stored_probe(served.catalog, file, embedder, limit)
    if known is None:
        open_as_scanned(file).close()
        return file.path
    return known
