"""Every question that is asked of a catalog. What a scan writes is in `scanning.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, not_, or_, select, text

from neardup_cli.catalog.models import Content, Embedding, Fact, File, Model, Root, Scan
from neardup_cli.records.files import CatalogedFile, FileStamp, ModelIdentity
from neardup_cli.records.members import is_container, member_range

if TYPE_CHECKING:  # a rescan asks for no arrays, and need not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    from neardup_cli.records.health import RootStatus

_PAGE = 10_000
_VARIABLES = 500  # ids a query; SQLite's oldest limit on bound variables is 999
_UNIT_TOLERANCE = 5e-3  # float16 keeps 11 bits of each coordinate
DIGEST_BYTES = 32


class StoredModel(NamedTuple):
    """A model of the catalog; `generation` grows when stored vectors are replaced or removed."""

    id: int
    identity: ModelIdentity
    generation: int


class Fingerprints(NamedTuple):
    """The hashes of the decodable contents that have a present file, in order of content id.

    Attributes:
        ids: (n,) content ids.
        hashes: (n,) signed 64-bit dHashes.
        flatness: (n,) share of meaningless hash bits, in [0, 1].
    """

    ids: NDArray[np.int64]
    hashes: NDArray[np.int64]
    flatness: NDArray[np.float32]


class StoredVectors(NamedTuple):
    """A page of embeddings: their row ids, content ids, and an (n, dimension) float16 array."""

    rows: NDArray[np.int64]
    ids: NDArray[np.int64]
    vectors: NDArray[np.float16]


class VectorState(NamedTuple):
    """What tells an index file whether it holds exactly the vectors of the catalog."""

    generation: int
    vectors: int
    last_row: int


def catalog_uuid(connection: Connection) -> str:
    """Return the identity of the catalog, which its index files repeat."""
    return str(connection.execute(select(Fact.c.value).where(Fact.c.name == "uuid")).scalar_one())


def below(folder: bytes) -> ColumnElement[bool]:
    """Say in SQL that a file is `folder` itself or lies in it; served by the index on paths.

    A member lies in its container.
    """
    ranges = [path_range(folder), *([member_range(folder)] if is_container(folder) else [])]
    return or_(File.c.path == folder, *(and_(File.c.path >= low, File.c.path < high) for low, high in ranges))


def knows_of(connection: Connection, folder: bytes) -> bool:
    """Return True if something in a folder was ever found, or it was scanned, or a part of it."""
    low, high = path_range(folder)
    root = (Root.c.path == folder) | and_(Root.c.path >= low, Root.c.path < high)
    asked = (select(File.c.id).where(below(folder)), select(Root.c.id).where(root))
    return any(connection.execute(one.limit(1)).first() is not None for one in asked)


def path_range(folder: bytes) -> tuple[bytes, bytes]:
    """Return the half-open range of paths that lie in a folder; "0" is the byte after "/"."""
    stem = folder.rstrip(b"/")
    return stem + b"/", stem + b"0"


def stored_models(connection: Connection) -> list[StoredModel]:
    """Return the models of the catalog, the one used last first."""
    rows = connection.execute(select(Model).order_by(Model.c.scan_id.desc(), Model.c.id.desc()))
    return [
        StoredModel(
            row.id, ModelIdentity(row.name, row.fingerprint, row.dimension, row.preprocessing), row.generation
        )
        for row in rows
    ]


def contents_in_several_files(connection: Connection, under: Sequence[bytes] = ()) -> list[int]:
    """Return the decodable contents that two or more present files hold: the exact copies."""
    query = (
        select(File.c.content_id)
        .join(Content, Content.c.id == File.c.content_id)
        .where(Content.c.error.is_(None), *_present(under))
        .group_by(File.c.content_id)
        .having(func.count() > 1)
        .order_by(File.c.content_id)
    )
    return list(connection.execute(query).scalars())


def files_of_contents(
    connection: Connection, ids: Collection[int], under: Sequence[bytes] = ()
) -> list[CatalogedFile]:
    """Return the present files of the given contents, by content and path."""
    stamp = (File.c.size, File.c.mtime_ns, File.c.device, File.c.inode, File.c.ctime_ns)
    columns_of_content = (
        Content.c.digest,
        Content.c.width,
        Content.c.height,
        Content.c.format,
        Content.c.captured_at,
        func.coalesce(Content.c.damage, ""),
    )
    query = (
        select(File.c.path, *stamp, File.c.content_id, *columns_of_content)
        .join(Content, Content.c.id == File.c.content_id)
        .where(File.c.content_id.in_(bindparam("ids", expanding=True)), *_present(under))
        .order_by(File.c.content_id, File.c.path)
    )
    files = []
    for some in batched(sorted(ids), _VARIABLES):
        for path, size, mtime_ns, device, inode, ctime_ns, *rest in connection.execute(query, {"ids": some}):
            files.append(CatalogedFile(path, FileStamp(size, mtime_ns, device, inode, ctime_ns), *rest))
    return files


def image_files(
    connection: Connection, under: Sequence[bytes] = (), *, readable: bool = True
) -> list[tuple[bytes, int, int]]:
    """Return path, content and size of all present files; of those that can be read alone if `readable`."""
    query = select(File.c.path, File.c.content_id, File.c.size).where(*_present(under)).order_by(File.c.path)
    if readable:
        query = query.join(Content, Content.c.id == File.c.content_id).where(Content.c.error.is_(None))
    return [(path, content, size) for path, content, size in connection.execute(query)]


def ids_of_digests(connection: Connection, digests: Collection[bytes]) -> dict[bytes, int]:
    """Return the content id of each digest that the catalog knows."""
    query = select(Content.c.digest, Content.c.id).where(
        Content.c.digest.in_(bindparam("digests", expanding=True))
    )
    found: dict[bytes, int] = {}
    for some in batched(digests, _VARIABLES):
        found.update((digest, content) for digest, content in connection.execute(query, {"digests": some}))
    return found


class Hashed(NamedTuple):
    """The dHash of a content, and the share of its bits that mean nothing."""

    dhash: int
    flatness: float


def hash_of(connection: Connection, content: int) -> Hashed | None:
    """Return the hash of a content, None where it could not be decoded."""
    query = select(Content.c.dhash, Content.c.flatness).where(Content.c.id == content)
    dhash, flatness = connection.execute(query).one()
    return None if dhash is None or flatness is None else Hashed(dhash, flatness)


def file_at(connection: Connection, path: bytes) -> CatalogedFile | None:
    """Return the present, decodable file of exactly this path, or None where the catalog has none."""
    query = select(File.c.content_id).join(Content, Content.c.id == File.c.content_id)
    found = query.where(File.c.path == path, Content.c.error.is_(None), *_present())
    content = connection.execute(found).scalar_one_or_none()
    if content is None:
        return None
    return next((file for file in files_of_contents(connection, [content]) if file.path == path), None)


def files_at(connection: Connection, paths: Collection[bytes]) -> dict[bytes, CatalogedFile]:
    """Return the present, decodable files of these paths; paths that the catalog lacks are left out."""
    query = (
        select(File.c.content_id)
        .join(Content, Content.c.id == File.c.content_id)
        .where(File.c.path.in_(bindparam("paths", expanding=True)), Content.c.error.is_(None), *_present())
    )
    contents: set[int] = set()
    for some in batched(paths, _VARIABLES):
        contents.update(connection.execute(query, {"paths": some}).scalars())
    wanted = set(paths)
    return {file.path: file for file in files_of_contents(connection, contents) if file.path in wanted}


def present_paths(connection: Connection) -> Iterator[bytes]:
    """Yield the paths of all present files, in order."""
    query = select(File.c.path).where(*_present()).order_by(File.c.path)
    with connection.execution_options(yield_per=_PAGE).execute(query) as result:
        yield from result.scalars()


def unreadable_files(connection: Connection, under: Sequence[bytes] = ()) -> list[tuple[bytes, str]]:
    """Return the present files whose content cannot be decoded, and why, by path."""
    query = (
        select(File.c.path, Content.c.error)
        .join(Content, Content.c.id == File.c.content_id)
        .where(Content.c.error.is_not(None), *_present(under))
        .order_by(File.c.path)
    )
    return [(path, str(error)) for path, error in connection.execute(query)]


def fingerprints(connection: Connection, under: Sequence[bytes] = ()) -> Fingerprints:
    """Return the dHashes of all contents that have a present file (below one of the folders `under`)."""
    import numpy as np

    present = select(File.c.content_id).where(*_present(under))
    query = (
        select(Content.c.id, Content.c.dhash, Content.c.flatness)
        .where(Content.c.error.is_(None), Content.c.id.in_(present))
        .order_by(Content.c.id)
    )
    rows = connection.execute(query).all()
    ids, hashes, flatness = zip(*rows, strict=True) if rows else ((), (), ())
    return Fingerprints(
        np.array(ids, dtype=np.int64), np.array(hashes, dtype=np.int64), np.array(flatness, dtype=np.float32)
    )


def vector_state(connection: Connection, model: StoredModel) -> VectorState:
    """Return what an up-to-date index of the model has to agree with."""
    query = select(func.count(), func.coalesce(func.max(Embedding.c.id), 0)).where(
        Embedding.c.model_id == model.id
    )
    count, last = connection.execute(query).one()
    return VectorState(model.generation, count, last)


def vectors_after(connection: Connection, model: StoredModel, row: int = 0) -> Iterator[StoredVectors]:
    """Yield the model's vectors whose row id is greater than `row`, in pages, oldest first."""
    import numpy as np

    query = (
        select(Embedding.c.id, Embedding.c.content_id, Embedding.c.vector)
        # `+ 0` keeps SQLite from the index on models: it would sort a gigabyte of vectors on disk.
        .where(Embedding.c.model_id + 0 == model.id, Embedding.c.id > row)
        .order_by(Embedding.c.id)
    )
    with connection.execution_options(yield_per=_PAGE).execute(query) as result:
        for page in result.partitions(_PAGE):
            rows, ids, blobs = zip(*page, strict=True)
            vectors = np.frombuffer(b"".join(blobs), dtype="<f2").reshape(len(page), -1)
            yield StoredVectors(np.array(rows, np.int64), np.array(ids, np.int64), vectors)


def drives(connection: Connection) -> list[int]:
    """Return the devices of the present files, the one with most files first, then the one scanned first."""
    query = (
        select(File.c.device)
        .where(*_present())
        .group_by(File.c.device)
        .order_by(func.count().desc(), func.min(File.c.root_id), File.c.device)
    )
    return list(connection.execute(query).scalars())


def root_statuses(connection: Connection) -> list[RootStatus]:
    """Return the roots with their present files; whether each is online is for the caller to see."""
    from neardup_cli.records.health import RootStatus  # only `status` asks

    query = (
        select(Root.c.path, func.count(File.c.id), func.coalesce(func.sum(File.c.size), 0))
        .outerjoin(File, and_(File.c.root_id == Root.c.id, File.c.missing_scan_id.is_(None)))
        .group_by(Root.c.id)
        .order_by(Root.c.path)
    )
    # PostgreSQL's sums of whole numbers are decimal ones.
    rows = connection.execute(query)
    return [RootStatus(path, files, int(size), online=True) for path, files, size in rows]


def root_paths(connection: Connection) -> list[bytes]:
    """Return the folders and files that were named to a scan, and the mount points found below them."""
    return list(connection.execute(select(Root.c.path).order_by(Root.c.path)).scalars())


def counts(connection: Connection) -> dict[str, int]:
    """Return the numbers of `files`, `missing` files, `contents`, `unreadable` contents, and `bytes`."""
    present = File.c.missing_scan_id.is_(None)
    held = select(File.c.content_id).where(present)
    files, size = connection.execute(
        select(func.count(), func.coalesce(func.sum(File.c.size), 0)).where(present)
    ).one()
    return {
        "files": files,
        "bytes": int(size),
        "missing": connection.execute(
            select(func.count()).where(File.c.missing_scan_id.is_not(None))
        ).scalar_one(),
        "contents": connection.execute(
            select(func.count()).select_from(Content).where(Content.c.id.in_(held))
        ).scalar_one(),
        "unreadable": connection.execute(
            select(func.count()).where(Content.c.error.is_not(None), Content.c.id.in_(held))
        ).scalar_one(),
    }


def formats(connection: Connection) -> dict[str, int]:
    """Return how many contents there are of each format, most first; "" stands for those that have none."""
    number = func.count().label("number")
    counted = select(Content.c.format, number).group_by(Content.c.format)
    rows = connection.execute(counted.order_by(number.desc(), Content.c.format))
    return {row[0] or "": row[1] for row in rows}


def last_scan(connection: Connection) -> datetime | None:
    """Return when a scan last ended (UTC)."""
    return connection.execute(select(func.max(Scan.c.finished_at))).scalar_one()


def schema_revision(connection: Connection) -> str:
    """Return the migration that the catalog is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def integrity_problems(connection: Connection) -> list[str]:
    """Let SQLite check its own file: pages, indexes, unique and foreign keys.

    PostgreSQL holds its keys in any case, and its pages are a matter of its own tools (pg_amcheck).
    """
    if connection.dialect.name != "sqlite":
        return []
    problems = [str(line) for (line,) in connection.exec_driver_sql("PRAGMA integrity_check") if line != "ok"]
    for table, row, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        problems.append(f"{table} row {row} points at a {parent} that is not there")
    return problems


def wrong_contents(connection: Connection) -> int:
    """Count the contents that are neither decoded nor marked as unreadable, or have a bad digest."""
    decoded = and_(Content.c.dhash.is_not(None), Content.c.width > 0, Content.c.height > 0)
    broken = or_(
        and_(Content.c.error.is_(None), not_(func.coalesce(decoded, False))),
        func.length(Content.c.digest) != DIGEST_BYTES,
    )
    return connection.execute(select(func.count()).select_from(Content).where(broken)).scalar_one()


def wrong_vectors(connection: Connection, model: StoredModel) -> int:
    """Count the vectors of a model that do not have its dimension, or a finite unit length."""
    import numpy as np

    expected = model.identity.dimension * np.dtype("<f2").itemsize
    wrong = connection.execute(
        select(func.count()).where(
            Embedding.c.model_id == model.id, func.length(Embedding.c.vector) != expected
        )
    ).scalar_one()
    if wrong:
        return wrong
    for page in vectors_after(connection, model):
        lengths = np.linalg.norm(page.vectors.astype(np.float32), axis=1)
        wrong += int(np.count_nonzero(~(np.abs(lengths - 1.0) < _UNIT_TOLERANCE)))
    return wrong


def _present(under: Sequence[bytes] = ()) -> list[ColumnElement[bool]]:
    """Say in SQL that a file is not missing and lies below one of the folders, if any are given."""
    conditions: list[ColumnElement[bool]] = [File.c.missing_scan_id.is_(None)]
    if under:
        conditions.append(or_(*(below(folder) for folder in under)))
    return conditions
