"""Putting a link to the keeper in the place of a file with the same bytes."""

from __future__ import annotations

import errno
import os
import stat
from abc import abstractmethod
from contextlib import suppress
from typing import override

from neardup_cli.cleanup import copying, files, renaming
from neardup_cli.cleanup.act import Act, Ready, is_dressed, keeper_of
from neardup_cli.cleanup.reasons import Refused, named
from neardup_cli.images.walk import file_stamp
from neardup_cli.plans import Intent, Operation
from neardup_cli.system import handles

_CANNOT_CLONE = {errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.ENOSYS, errno.EXDEV}


class Replacement(Act):
    """The file's name stays and leads to the keeper's bytes: a temporary file takes its place in one step."""

    @override
    def intend(self, operation: Operation, intent: Intent) -> Intent:
        return intent

    @override
    def forward(self, ready: Ready) -> None:
        path = ready.operation.file.path
        part = self.part(ready.operation, os.path.dirname(path))
        copying.make_durable(keeper_of(ready.operation).path)
        ready.look_again()
        try:
            self._prepare(ready, part)
            ready.look_again()
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(part)
            raise
        renaming.replace_this(part, path, ready.status)

    @override
    def may_be_undone(self, operation: Operation, intent: Intent) -> bool:
        return file_stamp(os.lstat(operation.file.path)).inode == intent.inode

    @override
    def may_be_done(self, operation: Operation, intent: Intent) -> bool:
        return True  # it has the same bytes on either side

    @override
    def traces(self, operation: Operation, intent: Intent) -> list[bytes]:
        part = self.part(operation, os.path.dirname(operation.file.path))
        return [*super().traces(operation, intent), part]

    @override
    def happened(self, operation: Operation, intent: Intent) -> bool:
        with suppress(FileNotFoundError):
            os.unlink(self.part(operation, os.path.dirname(operation.file.path)))
        if file_stamp(os.lstat(operation.file.path)).inode == intent.inode:
            return False
        self._check_replaced(operation)
        return True

    @override
    def obstacle(self, operation: Operation, intent: Intent) -> None:
        if not is_dressed(operation, intent):
            self._check_replaced(operation)

    @override
    def backward(self, operation: Operation, intent: Intent) -> None:
        path = operation.file.path
        part = self.part(operation, os.path.dirname(path))
        with suppress(FileNotFoundError):
            os.unlink(part)
        if self._is_itself(operation, intent):
            return
        self._check_replaced(operation)
        before = os.lstat(path)
        # The attributes that it had went with it; those of the file kept are not its own.
        copying.copy_checked(self._bytes_at(operation), part, operation.file, intent, attributes=False)
        renaming.replace_this(part, path, before)
        files.sync_folder(os.path.dirname(path))

    @abstractmethod
    def _prepare(self, ready: Ready, part: bytes) -> None:
        """Make the temporary file that will take the place."""

    @abstractmethod
    def _check_replaced(self, operation: Operation) -> None:
        """Refuse if the path does not hold what this action puts there."""

    def _bytes_at(self, operation: Operation) -> bytes:
        """Return the path that the bytes are read from when the file is made whole again."""
        return operation.file.path

    def _is_itself(self, operation: Operation, intent: Intent) -> bool:
        """Return True if the path holds a file of its own, with the bytes, time and mode that it had."""
        return is_dressed(operation, intent) and bool(files.found(operation.file.path, operation.file))


class Hardlink(Replacement):
    """The name becomes another name of the keeper."""

    @override
    def intend(self, operation: Operation, intent: Intent) -> Intent:
        if file_stamp(os.lstat(keeper_of(operation).path)).device != intent.device:
            raise Refused("on another device than the file to keep: a hard link cannot reach it")
        return intent

    @override
    def _prepare(self, ready: Ready, part: bytes) -> None:
        os.link(keeper_of(ready.operation).path, part, follow_symlinks=False)

    @override
    def _check_replaced(self, operation: Operation) -> None:
        if not files.found(operation.file.path, operation.file):
            raise Refused("changed since: it is left as it is")

    @override
    def _is_itself(self, operation: Operation, intent: Intent) -> bool:
        with suppress(FileNotFoundError):
            if os.path.samestat(os.lstat(operation.file.path), os.lstat(keeper_of(operation).path)):
                return False
        return super()._is_itself(operation, intent)


class Symlink(Replacement):
    """The name becomes a symbolic link to the keeper."""

    @override
    def _prepare(self, ready: Ready, part: bytes) -> None:
        os.symlink(keeper_of(ready.operation).path, part)

    @override
    def _check_replaced(self, operation: Operation) -> None:
        path, keeper = operation.file.path, keeper_of(operation).path
        if not stat.S_ISLNK(os.lstat(path).st_mode) or os.readlink(path) != keeper:
            raise Refused("something else stands there now")
        if not files.found(keeper, operation.file):
            raise Refused(f"{named(keeper)}, which holds its bytes, was changed or is gone")

    @override
    def _bytes_at(self, operation: Operation) -> bytes:
        return keeper_of(operation).path


class Reflink(Replacement):
    """The file shares the keeper's blocks on disk until one of the two is written to."""

    @override
    def intend(self, operation: Operation, intent: Intent) -> Intent:
        if file_stamp(os.lstat(keeper_of(operation).path)).device != intent.device:
            raise Refused("on another device than the file to keep: blocks cannot be shared")
        return intent

    @override
    def _prepare(self, ready: Ready, part: bytes) -> None:
        reading = os.open(keeper_of(ready.operation).path, os.O_RDONLY | handles.NO_LINK | handles.OWN)
        try:
            writing = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | handles.OWN, 0o600)
            try:
                handles.share_blocks(reading, writing)
                copying.copy_attributes(ready.operation.file.path, writing)
            finally:
                os.close(writing)
        except OSError as exc:
            if exc.errno in _CANNOT_CLONE:
                raise Refused(
                    "the file system cannot share blocks between files (Btrfs and XFS can)"
                ) from exc
            raise
        finally:
            os.close(reading)
        copying.dress(part, ready.operation.file, ready.intent)
        if not files.found(part, ready.operation.file):
            raise Refused("the shared file does not read back as it should")

    @override
    def _check_replaced(self, operation: Operation) -> None:
        if not files.found(operation.file.path, operation.file):
            raise Refused("changed since: it is left as it is")
