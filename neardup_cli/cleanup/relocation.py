"""Moving a file away, under its own bytes."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import replace
from typing import override

from neardup_cli.cleanup import copying, files, renaming, second_journal
from neardup_cli.cleanup.act import Act, Ready, is_dressed
from neardup_cli.cleanup.reasons import Gone, Refused, named
from neardup_cli.images.walk import file_stamp
from neardup_cli.plans import Intent, Operation


class Relocation(Act):
    """The file goes elsewhere by a rename; to another device, if that is allowed, by a checked copy."""

    @override
    def intend(self, operation: Operation, intent: Intent) -> Intent:
        target = operation.target
        if target is None:
            raise Refused("the plan does not say where it goes")
        nearest = files.nearest_folder(os.path.dirname(target))
        if file_stamp(os.stat(nearest)).device != intent.device and not self._batch.across_devices:
            raise Refused(
                f"on another device than {named(nearest)}: name a folder on its own disk, "
                "or add --across-devices to have it copied, checked and removed"
            )
        files.writable_folder(nearest)
        if files.is_there(target):
            raise Refused(f"the name is taken: {named(target)}")
        return replace(intent, target=target, made=files.topmost_missing(os.path.dirname(target)))

    @override
    def forward(self, ready: Ready) -> None:
        target = target_of(ready.intent)
        try:
            files.make_folders(os.path.dirname(target))
            ready.look_again()
            self._relocate(ready.operation, ready.intent, ready.status, (ready.operation.file.path, target))
        except (Refused, OSError):
            self._tidy(ready.operation, ready.intent)
            raise

    @override
    def may_be_undone(self, operation: Operation, intent: Intent) -> bool:
        return files.is_there(operation.file.path)

    @override
    def may_be_done(self, operation: Operation, intent: Intent) -> bool:
        return files.is_there(target_of(intent))

    @override
    def traces(self, operation: Operation, intent: Intent) -> list[bytes]:
        target = target_of(intent)
        return [*super().traces(operation, intent), target, self.part(operation, os.path.dirname(target))]

    @override
    def happened(self, operation: Operation, intent: Intent) -> bool:
        source, target = operation.file.path, target_of(intent)
        self._bring_back(operation, source)
        self._clear_part(operation, os.path.dirname(target))
        if files.found(target, operation.file):
            if not files.found(source, operation.file):
                return True
            renaming.remove_double(target, source)  # whose original was not removed yet
        elif not files.is_there(source):
            raise Gone(f"neither there nor at {named(target)}")
        self._tidy(operation, intent)
        return False

    @override
    def obstacle(self, operation: Operation, intent: Intent) -> None:
        source, target = operation.file.path, target_of(intent)
        if not files.is_there(target):
            if not files.is_there(source):
                raise Gone(f"no longer at {named(target)}")
            return
        if files.is_there(source) and not is_dressed(operation, intent):
            raise Refused("something else stands there now")  # if it is, `backward` compares the bytes

    @override
    def backward(self, operation: Operation, intent: Intent) -> None:
        source, target, folder = operation.file.path, target_of(intent), os.path.dirname(operation.file.path)
        self._bring_back(operation, target)
        self._bring_back(operation, source)
        self._clear_part(operation, folder)
        if not files.is_there(target) or self._is_back_already(operation, intent):
            if not files.found(source, operation.file):
                raise Gone(f"no longer at {named(target)}")
        else:
            if files.is_there(source):
                raise Refused("something else stands there now")
            status = files.found(target, operation.file)
            if status is None:
                raise Refused(f"{named(target)} was changed since: it is left where it is")
            files.nearest_folder(folder)
            back = replace(intent, made=files.topmost_missing(folder))
            files.make_folders(folder)
            self._relocate(operation, back, status, (target, source))
        copying.dress(source, operation.file, intent)
        self._tidy(operation, intent)

    def _is_back_already(self, operation: Operation, intent: Intent) -> bool:
        """Finish an undo that was killed after the file was back and before it was gone from its target."""
        source, target = operation.file.path, target_of(intent)
        if not (
            is_dressed(operation, intent)
            and files.found(source, operation.file)
            and files.found(target, operation.file)
        ):
            return False
        renaming.remove_double(target, source)
        return True

    def _relocate(
        self, operation: Operation, intent: Intent, status: os.stat_result, way: tuple[bytes, bytes]
    ) -> None:
        """Bring the file of a status from one path to another; `intent.made` is what was made for that."""
        source, target = way
        try:
            renaming.rename_this(source, target, status)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            if not self._batch.across_devices:
                raise Refused(f"on another device than {named(os.path.dirname(target))}") from exc
            self._copy_over(operation, intent, status, way)

    def _copy_over(
        self, operation: Operation, intent: Intent, status: os.stat_result, way: tuple[bytes, bytes]
    ) -> None:
        """Copy to a name of our own, check, give it its name, make that durable, and only then remove."""
        source, target = way
        folder = os.path.dirname(target)
        part = self.part(operation, folder)
        copying.copy_checked(source, part, operation.file, intent)
        try:
            renaming.rename_exclusive(part, target)
        except OSError:
            os.unlink(part)
            raise
        try:
            files.sync_folder(folder, intent.made)
            self._remove(operation, source, status)
        except (Refused, OSError):
            if files.found(source, operation.file):  # it stays, and so its copy must not
                os.unlink(target)
            raise

    def _clear_part(self, operation: Operation, folder: bytes) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self.part(operation, folder))

    def _tidy(self, operation: Operation, intent: Intent) -> None:  # noqa: ARG002 - Trash needs both
        folder = os.path.dirname(target_of(intent))
        files.remove_empty(folder, intent.made)
        if second_journal.remove_alone(self._batch.to):
            files.remove_empty(folder, intent.made)


def target_of(intent: Intent) -> bytes:
    """Return where a file went."""
    if intent.target is None:
        raise Refused("the journal does not say where it went")
    return intent.target
