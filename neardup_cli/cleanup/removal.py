"""Acts that cannot be taken back."""

from __future__ import annotations

import os
from typing import ClassVar, override

from neardup_cli.cleanup import files
from neardup_cli.cleanup.act import Act, Ready, keeper_of
from neardup_cli.cleanup.copying import make_durable
from neardup_cli.cleanup.reasons import Refused
from neardup_cli.plans import Intent, Operation


class _Removal(Act):
    """The file goes, and nobody here can bring it back; `lost` says why."""

    lost: ClassVar[str]

    @override
    def intend(self, operation: Operation, intent: Intent) -> Intent:
        return intent

    @override
    def happened(self, operation: Operation, intent: Intent) -> bool:
        return not files.is_there(operation.file.path)

    @override
    def may_be_undone(self, operation: Operation, intent: Intent) -> bool:
        return files.is_there(operation.file.path)

    @override
    def may_be_done(self, operation: Operation, intent: Intent) -> bool:
        return False

    @override
    def obstacle(self, operation: Operation, intent: Intent) -> None:
        if not files.is_there(operation.file.path):
            raise Refused(self.lost)

    @override
    def backward(self, operation: Operation, intent: Intent) -> None:
        self.obstacle(operation, intent)


class Deletion(_Removal):
    """The file goes for good."""

    lost = "deleted for good"

    @override
    def forward(self, ready: Ready) -> None:
        make_durable(keeper_of(ready.operation).path)
        ready.look_again()
        self._remove(ready.operation, ready.operation.file.path, ready.status)

    @override
    def happened(self, operation: Operation, intent: Intent) -> bool:
        self._bring_back(operation, operation.file.path)
        return super().happened(operation, intent)


class SystemTrash(_Removal):
    """The trash of macOS, by send2trash; it does not tell where the file goes, so no way back."""

    lost = "it is in the system's trash, which only the system puts back"

    @override
    def forward(self, ready: Ready) -> None:
        from send2trash import send2trash

        ready.look_again()
        send2trash(os.fsdecode(ready.operation.file.path))
