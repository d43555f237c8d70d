"""`doctor --report`: what a bug report needs, and nothing that is only its writer's business."""

from __future__ import annotations

import locale
import os
import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from neardup_cli import __version__
from neardup_cli.catalog import queries
from neardup_cli.catalog.database import Catalog
from neardup_cli.embedders.registry import BUNDLED_MODELS, CONVERTED_MODELS, PUBLISHED_MODELS
from neardup_cli.errors import NeardupError
from neardup_cli.pipeline.doctor import examine
from neardup_cli.pipeline.status import catalog_status
from neardup_cli.records.health import BugReport, CatalogStatus
from neardup_cli.settings import Settings

_NAMED = frozenset({"catalog", "image_dirs", "ray_address"})
"""Settings that hold a path or an address."""

_PACKAGE = re.compile(r"[A-Za-z0-9._-]+")


def bug_report(settings: Settings) -> BugReport:
    """Collect versions, settings and counts; of paths, names and addresses nothing.

    Nothing is raised of a catalog that cannot be opened: that it cannot is a part of the report.
    """
    return BugReport(
        versions=dict(_versions()),
        settings={name: _setting(settings, name) for name in type(settings).model_fields},
        catalog=dict(_catalog(settings)),
    )


def _versions() -> Iterator[tuple[str, str]]:
    yield "neardup", __version__
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    yield "cores", f"{os.cpu_count() or 1}"
    yield "encoding", f"{sys.getfilesystemencoding()}, {locale.getencoding()}"
    packages = {found[0] for line in requires("neardup-cli") or () if (found := _PACKAGE.match(line))}
    for name in sorted(packages, key=str.lower):
        try:
            yield name, version(name)
        except PackageNotFoundError:  # of an extra that is not here
            continue


def _setting(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    if value is None or value == type(settings).model_fields[name].get_default(call_default_factory=True):
        return "default"
    if name in _NAMED:
        return "set"
    return _model(str(value)) if name == "model" else str(value)


def _model(name: str) -> str:
    known = name in (*BUNDLED_MODELS, *PUBLISHED_MODELS, *CONVERTED_MODELS)
    return name if known else "a file"


def _catalog(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "kind", "PostgreSQL" if isinstance(settings.catalog_location, str) else "SQLite"
    try:
        with Catalog.open(settings.catalog_location, compare=False) as catalog:
            yield from _counts(catalog_status(catalog))
            with catalog.read() as connection:
                for name, number in queries.formats(connection).items():
                    yield f"{name or 'unreadable'} contents", f"{number}"
            wrong = [finding.check for finding in examine(catalog) if not finding.ok]
    except NeardupError as exc:
        yield "opened", f"no: {type(exc).__name__}"
        return
    yield "checks that failed", f"{len(wrong)}"


def _counts(status: CatalogStatus) -> Iterator[tuple[str, str]]:
    for name in ("schema", "catalog_bytes", "index_bytes", "files", "missing", "contents", "unreadable"):
        yield name.replace("_", " "), f"{getattr(status, name)}"
    yield "image bytes", f"{status.image_bytes}"
    yield "roots", f"{len(status.roots)}, {sum(root.online for root in status.roots)} online"
    yield "previews", f"{status.previews}, {status.preview_bytes} bytes"
    for number, model in enumerate(status.models, 1):
        counted = f"{model.vectors} vectors, {model.regions} with regions, {model.compared} compared"
        yield f"model {number}", f"{_model(model.identity.name)}: {counted}; index {model.index}"
