"""Moving a file to the freedesktop trash."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import override

from neardup_cli.cleanup import files, second_journal, trash
from neardup_cli.cleanup.act import Ready
from neardup_cli.cleanup.reasons import Refused
from neardup_cli.cleanup.relocation import Relocation, target_of
from neardup_cli.plans import Batch, Intent, Operation


class Trash(Relocation):
    """The file goes to the freedesktop trash, its note first."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self._taken: dict[tuple[bytes, bytes], int] = {}

    @override
    def intend(self, operation: Operation, intent: Intent) -> Intent:
        path = operation.file.path
        folder = trash.trash_folder(path)
        trash.make_folders(folder.path)
        place = trash.free_place(folder, os.path.basename(path), self._taken)
        return replace(intent, target=place.file, note=place.note)

    @override
    def forward(self, ready: Ready) -> None:
        path, note, target = ready.operation.file.path, ready.intent.note, target_of(ready.intent)
        if note is None:
            raise Refused("the journal does not say where in the trash it goes")
        trash.make_folders(os.path.dirname(os.path.dirname(target)))
        ready.look_again()
        line = second_journal.line_of(self._batch, os.path.dirname(target), ready)
        trash.write_note(
            note, path, trash.top_of(target), datetime.now(), line
        )  # local, says the specification
        try:
            self._relocate(ready.operation, ready.intent, ready.status, (path, target))
        except (Refused, OSError):
            with suppress(OSError):  # what is left of it is seen
                self._tidy(ready.operation, ready.intent)
            raise

    @override
    def may_be_done(self, operation: Operation, intent: Intent) -> bool:
        is_noted = intent.note is not None and files.is_there(intent.note)
        return is_noted or super().may_be_done(operation, intent)

    @override
    def traces(self, operation: Operation, intent: Intent) -> list[bytes]:
        note = [] if intent.note is None else [intent.note]
        return [*super().traces(operation, intent), *note]

    @override
    def _tidy(self, operation: Operation, intent: Intent) -> None:
        if intent.note is not None and not files.is_there(target_of(intent)):
            trash.remove_note(intent.note, operation.file.path)
