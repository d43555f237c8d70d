"""neardup: find the copies in a collection of images.

    from neardup_cli import DuplicateDetector

    DuplicateDetector(image_dir="photos").detect("new.jpg").is_duplicate

The functions that the command line itself is made of take an open `Catalog`: `scan`, `find_duplicates`,
`query`, `catalog_status`, `examine`. Names are imported when first used, so that importing the package
costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Catalog",
    "Copies",
    "Detection",
    "DuplicateDetector",
    "DupsOptions",
    "QueryOptions",
    "ScanOptions",
    "__version__",
    "build_hash_db",
    "catalog_status",
    "compare",
    "examine",
    "find_copies",
    "find_duplicates",
    "load_rules",
    "query",
    "scan",
]

if TYPE_CHECKING:
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.compare import compare, load_rules
    from neardup_cli.pipeline.copies import Copies, find_copies
    from neardup_cli.pipeline.detector import Detection, DuplicateDetector, build_hash_db
    from neardup_cli.pipeline.doctor import examine
    from neardup_cli.pipeline.dups import DupsOptions, find_duplicates
    from neardup_cli.pipeline.query import QueryOptions, query
    from neardup_cli.pipeline.scan import ScanOptions, scan
    from neardup_cli.pipeline.status import catalog_status

_HOMES = {
    "Catalog": "catalog.database",
    "Copies": "pipeline.copies",
    "Detection": "pipeline.detector",
    "DuplicateDetector": "pipeline.detector",
    "DupsOptions": "pipeline.dups",
    "QueryOptions": "pipeline.query",
    "ScanOptions": "pipeline.scan",
    "build_hash_db": "pipeline.detector",
    "catalog_status": "pipeline.status",
    "compare": "pipeline.compare",
    "examine": "pipeline.doctor",
    "find_copies": "pipeline.copies",
    "find_duplicates": "pipeline.dups",
    "load_rules": "pipeline.compare",
    "query": "pipeline.query",
    "scan": "pipeline.scan",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
