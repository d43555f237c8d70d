"""Writing a sidecar beside a file that stays, before the file goes whose facts it holds; removing it again.

The journal has all of its bytes before it is begun, so that after a kill the disk shows how far it came: it
is there with just these bytes, or it is not there at all. It is removed again, if it still is what was
written, once no file is gone for whose sake it was: after an undo, and where no file went after all.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress

from neardup_cli.catalog import sidecars
from neardup_cli.catalog.database import Catalog
from neardup_cli.cleanup import files, renaming
from neardup_cli.cleanup.reasons import Refused, named, reason_of
from neardup_cli.fingerprints.content import content_digest
from neardup_cli.images.walk import is_below
from neardup_cli.plans import Batch, FileState, OperationState, WrittenSidecar
from neardup_cli.system import handles


def ensure_written(catalog: Catalog, batch: Batch, path: bytes) -> None:
    """Have a sidecar of a batch on the disk, as the journal has it.

    Raises:
        Refused: it cannot be written, something else has its name, or it was changed since it was written.
        OSError: it cannot be read.
    """
    with catalog.read() as connection:
        sidecar = sidecars.stored_sidecar(connection, batch.id, path)
    if sidecar is None:
        raise Refused(f"the journal does not say what {named(path)} has to be")
    if sidecar.state is OperationState.DONE:
        if not _is_there(sidecar):
            raise Refused(f"{named(path)}, which was written for it, was changed since")
        return
    if files.is_there(path):
        raise Refused(f"{named(path)} is there already, and no sidecar is written to")
    with catalog.write_durably() as connection:
        sidecars.set_sidecar_state(connection, batch.id, path, OperationState.BEGUN)
    try:
        _write(batch, sidecar)
    except OSError as exc:
        with catalog.write() as connection:
            sidecars.set_sidecar_state(connection, batch.id, path, OperationState.PLANNED)
        raise Refused(f"{named(path)} cannot be written: {reason_of(exc)}") from exc
    with catalog.write() as connection:
        sidecars.set_sidecar_state(connection, batch.id, path, OperationState.DONE)


def settle(catalog: Catalog, batch: Batch) -> None:
    """Find out of each sidecar whether a kill came before or after it was written."""
    with catalog.read() as connection:
        begun = sidecars.begun_sidecars(connection, batch.id)
    for sidecar in begun:
        state, reason = _settled(batch, sidecar)
        with catalog.write() as connection:
            sidecars.set_sidecar_state(connection, batch.id, sidecar.path, state, reason)


def _settled(batch: Batch, sidecar: WrittenSidecar) -> tuple[OperationState, str | None]:
    """Return how far a sidecar is; it stays begun, for a reason, as long as that cannot be told."""
    try:
        _tidy(batch, sidecar)
        if not _is_there(sidecar):
            return OperationState.PLANNED, None
        files.sync_folder(os.path.dirname(sidecar.path))
    except OSError as exc:
        return OperationState.BEGUN, reason_of(exc)
    return OperationState.DONE, None


def remove_unneeded(catalog: Catalog, batch: Batch, offline: Sequence[bytes] = ()) -> None:
    """Remove the sidecars of a batch for whose sake no file is gone; those that were changed since stay.

    Args:
        catalog: keeps the journal.
        batch: of which no file waits any more.
        offline: folders whose disk is not mounted.
    """
    with catalog.read() as connection:
        unneeded = sidecars.unneeded_sidecars(connection, batch.id)
    for sidecar in unneeded:
        reason = _reason_to_stay(batch, sidecar, offline)
        state = OperationState.UNDONE if reason is None else OperationState.DONE
        with catalog.write() as connection:
            sidecars.set_sidecar_state(connection, batch.id, sidecar.path, state, reason)


def _reason_to_stay(batch: Batch, sidecar: WrittenSidecar, offline: Sequence[bytes]) -> str | None:
    """Remove a sidecar, or say why it stays."""
    if any(is_below(sidecar.path, disk) for disk in offline):
        return "the disk that it is on is not mounted"
    try:
        _remove(batch, sidecar)
    except (Refused, OSError) as exc:
        return reason_of(exc)
    return None


def _write(batch: Batch, sidecar: WrittenSidecar) -> None:
    """Write all of it under a name of our own, make that durable, and give it its name."""
    part = _part(batch, sidecar)
    beside = os.lstat(sidecar.beside)
    with suppress(FileNotFoundError):
        os.unlink(part)
    writing = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | handles.NO_LINK | handles.OWN, 0o600)
    try:
        with open(writing, "wb") as stream:
            stream.write(sidecar.content)
            stream.flush()
            with suppress(PermissionError):  # only root may give a file away
                handles.give(writing, beside.st_uid, beside.st_gid)
            handles.set_mode(writing, stat.S_IMODE(beside.st_mode) & 0o666 | stat.S_IRUSR | stat.S_IWUSR)
            os.fsync(writing)
        renaming.rename_exclusive(part, sidecar.path)
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise
    try:
        files.sync_folder(os.path.dirname(sidecar.path))
    except OSError:  # who knows whether it would still be there after a power cut
        with suppress(OSError):
            os.unlink(sidecar.path)
        raise


def _remove(batch: Batch, sidecar: WrittenSidecar) -> None:
    """Remove what was written, and no other file that has come under its name.

    Raises:
        Refused: it was changed since.
        OSError: it cannot be removed.
    """
    _tidy(batch, sidecar)
    aside = _aside(batch, sidecar)
    if files.is_there(aside):
        renaming.bring_back(aside, sidecar.path)
    if not files.is_there(sidecar.path):
        return
    status = files.found(sidecar.path, _state(sidecar))
    if status is None:
        raise Refused("changed since it was written, and so it stays")
    renaming.rename_this(sidecar.path, aside, status)
    try:
        os.unlink(aside)
    except OSError:
        if files.is_there(aside):
            renaming.bring_back(aside, sidecar.path)
        raise
    files.sync_folder(os.path.dirname(sidecar.path))


def _tidy(batch: Batch, sidecar: WrittenSidecar) -> None:
    """Remove the temporary file of a writing that was cut short."""
    with suppress(FileNotFoundError):
        os.unlink(_part(batch, sidecar))


def _is_there(sidecar: WrittenSidecar) -> bool:
    return files.found(sidecar.path, _state(sidecar)) is not None


def _state(sidecar: WrittenSidecar) -> FileState:
    return FileState(sidecar.path, len(sidecar.content), 0, content_digest(sidecar.content))


def _part(batch: Batch, sidecar: WrittenSidecar) -> bytes:
    """Return the name of its temporary file, not made of its own, which may be as long as names can be."""
    mark = content_digest(sidecar.path).hex()[:16].encode()
    return os.path.join(os.path.dirname(sidecar.path), b".neardup-%s-xmp-%s" % (batch.token.encode(), mark))


def _aside(batch: Batch, sidecar: WrittenSidecar) -> bytes:
    return _part(batch, sidecar) + b"-aside"
