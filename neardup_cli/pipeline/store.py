"""The last stage of a scan: results into the catalog, a batch at a time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from neardup_cli.catalog import queries, regions, scanning
from neardup_cli.catalog.database import Catalog, Connection
from neardup_cli.catalog.holdings import store_holdings
from neardup_cli.catalog.previews import store_previews
from neardup_cli.catalog.scanning import ContentState, FileRow
from neardup_cli.pipeline.work import Cause, Claims, Extracted, ReadFile, UnreadFile
from neardup_cli.records.files import Failure, Features, ModelIdentity, Skipped

_FLUSH_FILES = 256
_FLUSH_SECONDS = 1.0


class ResultStore:
    """Writes one scan's results; a kill loses at most the batch that was not yet full.

    Attributes:
        counts: files stored, by the cause they were read for; unreadable ones are not among them.
        exact: new files with the bytes of one that was read before, those that were moved among them.
        skipped: files that could not be read or decoded.
        claims: the contents that workers are at; given back when the catalog has them.
    """

    def __init__(
        self,
        catalog: Catalog,
        devices: Mapping[bytes, int],
        *,
        replace: bool,
        thorough: bool = False,
        previews: bool = False,
    ) -> None:
        self._catalog = catalog
        self._replace = replace
        self._thorough = thorough
        self._previews = previews
        self._model_id: int | None = None
        self._batch: list[ReadFile] = []
        self._forgotten: list[bytes] = []
        self._waiting: dict[bytes, list[ReadFile]] = {}
        self._flushed = time.monotonic()
        self.claims = Claims()
        self.counts: Counter[Cause] = Counter()
        self.skipped: list[Skipped] = []
        self.exact = 0
        self.embedded = self.regions = self.previews = self.moved = self.missing = 0
        with catalog.write() as connection:
            self._scan_id = scanning.begin_scan(connection)
            self._roots = {
                path: scanning.store_root(connection, path, device, self._scan_id)
                for path, device in devices.items()
            }

    @property
    def has_written(self) -> bool:
        """Whether any content came, or any file has gone."""
        return bool(self.counts or self.missing or self.moved or self.embedded or self.previews)

    def use_model(self, identity: ModelIdentity) -> None:
        """Store vectors under this model from now on."""
        with self._catalog.write() as connection:
            self._model_id = scanning.store_model(connection, identity, self._scan_id)

    def done(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return the contents that need nothing more; called by the workers."""
        if self._replace:  # what this scan has redone is still claimed, and so not asked about
            return set()
        return {digest for digest, state in self._states(digests).items() if state.done}

    def has(self, digests: Sequence[bytes]) -> dict[bytes, ContentState]:
        """Return what there is of some contents; called by the workers."""
        return {} if self._replace else self._states(digests)

    def done_digests(self) -> bytes:
        """Return all contents that need nothing more, for workers that cannot ask for each of them."""
        if self._replace:
            return b""
        with self._catalog.read() as connection:
            return scanning.done_digests(
                connection, self._model_id, regions=self._thorough, previews=self._previews
            )

    def _states(self, digests: Sequence[bytes]) -> dict[bytes, ContentState]:
        with self._catalog.read() as connection:
            return scanning.content_states(
                connection, digests, self._model_id, regions=self._thorough, previews=self._previews
            )

    def add(self, results: Sequence[Extracted]) -> None:
        """Take results; write them when enough have come together."""
        for result in results:
            if isinstance(result, UnreadFile):
                self._skip(result)
            else:
                self._batch.append(result)
        if len(self._batch) >= _FLUSH_FILES or time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write the batch in one transaction: contents, vectors and the files that hold them."""
        outcomes = {
            file.digest: (file.stamp.size, file.outcome) for file in self._batch if file.outcome is not None
        }
        with self._catalog.write() as connection:
            self.embedded += scanning.store_contents(
                connection, outcomes, self._model_id, replace=self._replace
            )
            if self._model_id is not None and outcomes:
                self.regions += regions.store_regions(
                    connection, outcomes, self._model_id, replace=self._replace
                )
            self.previews += store_previews(connection, outcomes)
            self._store_holdings(connection, outcomes)
            files = self._with_stored_contents(outcomes)
            states = scanning.content_states(connection, [file.digest for file in files], None)
            ready = [file for file in files if file.digest in states]
            before = scanning.digests_at(connection, _suspects(ready))
            rows = [FileRow(file.source.path, file.stamp, file.digest, file.source.root) for file in ready]
            scanning.store_files(connection, rows, self._roots, self._scan_id)
            scanning.forget_paths(connection, self._forgotten)
        for file in files:
            if file.digest not in states:
                self._waiting.setdefault(file.digest, []).append(file)
        for file in ready:
            self._count(file, states[file.digest].error, before.get(file.source.path))
        if not self._replace:
            self.claims.release(outcomes)
        self._batch, self._forgotten, self._flushed = [], [], time.monotonic()

    def close(self) -> None:
        """Write what is left; copies of a file that could not be read share its fate."""
        self.flush()
        for files in self._waiting.values():
            self.skipped += [
                Skipped(file.source.path, "same content as a file that could not be read", unreadable=True)
                for file in files
            ]

    def finish(
        self, missing: Sequence[int], returned: Sequence[int], ctimes: Mapping[int, int] | None = None
    ) -> None:
        """Record which files vanished and which came back, settle moves, and end the scan."""
        with self._catalog.write() as connection:
            scanning.mark_missing(connection, missing, self._scan_id)
            scanning.mark_present(connection, returned)
            scanning.store_ctimes(connection, ctimes or {})
            self.moved = scanning.settle_moves(connection, self._scan_id)
            if missing:  # but for those that a move accounts for
                self.missing = scanning.missing_since(connection, self._scan_id)
            scanning.finish_scan(connection, self._scan_id)

    def _store_holdings(
        self, connection: Connection, outcomes: Mapping[bytes, tuple[int, Features | Failure]]
    ) -> None:
        read = {
            digest: outcome.holdings
            for digest, (_, outcome) in outcomes.items()
            if isinstance(outcome, Features) and outcome.holdings is not None
        }
        if read:
            ids = queries.ids_of_digests(connection, read)
            store_holdings(connection, {ids[digest]: held for digest, held in read.items()})

    def _with_stored_contents(self, outcomes: Mapping[bytes, object]) -> list[ReadFile]:
        """Return the batch, and the files of earlier batches whose content has come with it."""
        return [*self._batch, *(file for digest in outcomes for file in self._waiting.pop(digest, ()))]

    def _count(self, file: ReadFile, error: str | None, before: bytes | None) -> None:
        if error is not None:
            self.skipped.append(Skipped(file.source.path, error, unreadable=True))
        elif before is not None and before != file.digest:
            self.counts[Cause.CHANGED] += 1
        else:
            self.counts[file.source.cause] += 1
            self.exact += file.source.cause is Cause.NEW and file.outcome is None

    def _skip(self, file: UnreadFile) -> None:
        self.skipped.append(Skipped(file.source.path, file.reason, unreadable=True))
        if file.source.cause is Cause.CHANGED:
            self._forgotten.append(file.source.path)


def _suspects(files: Sequence[ReadFile]) -> list[bytes]:
    return [file.source.path for file in files if file.source.cause is Cause.SUSPECT]
