"""The application: its parts put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.staticfiles import StaticFiles

from neardup_cli import __version__
from neardup_cli.web import problems
from neardup_cli.web.gate import Gate
from neardup_cli.web.intake import Intake
from neardup_cli.web.metrics import Meter, Metrics
from neardup_cli.web.options import ServeOptions
from neardup_cli.web.routes import clean, decisions, detect, groups, page, pictures, scan
from neardup_cli.web.service import Service

_ABOUT = """Near-duplicate images: look a picture up, go through the groups of copies, decide, clean up.

Paths are those of the catalog; nothing outside it is ever read."""


def create_app(catalog: Path | str, options: ServeOptions) -> FastAPI:
    """Return the application over a catalog, which is opened when it starts.

    Raises (when it starts):
        CatalogMissing, CatalogTooNew, CatalogCorrupt: the catalog cannot be opened.
    """
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = await run_in_threadpool(Service, catalog, options, metrics)
        app.state.service = service
        try:
            yield
        finally:
            await run_in_threadpool(service.close)

    app = FastAPI(
        title="neardup",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # they would load their scripts from another host
        redoc_url=None,
        responses=problems.responses(),
    )
    problems.install(app)
    for part in (page, detect, groups, pictures, decisions, clean, scan):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=page.STATIC), name="static")
    # The last one added is the first one asked.
    app.add_middleware(Intake, limits=options.limits)
    app.add_middleware(Gate, access=options.access)
    app.add_middleware(Meter, metrics=metrics)
    return app
