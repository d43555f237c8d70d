"""Which act does which action."""

from __future__ import annotations

from neardup_cli.choices import Action
from neardup_cli.cleanup.act import Act
from neardup_cli.cleanup.relocation import Relocation
from neardup_cli.cleanup.removal import Deletion, SystemTrash
from neardup_cli.cleanup.replacement import Hardlink, Reflink, Symlink
from neardup_cli.cleanup.trash import is_freedesktop
from neardup_cli.cleanup.trashing import Trash
from neardup_cli.plans import Batch


def act_for(batch: Batch) -> Act:
    """Return what does the action of a batch."""
    kinds: dict[Action, type[Act]] = {
        Action.TRASH: Trash if is_freedesktop() else SystemTrash,
        Action.QUARANTINE: Relocation,
        Action.MOVE: Relocation,
        Action.HARDLINK: Hardlink,
        Action.SYMLINK: Symlink,
        Action.REFLINK: Reflink,
        Action.DELETE: Deletion,
    }
    return kinds[batch.action](batch)
