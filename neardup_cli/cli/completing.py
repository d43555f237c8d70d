"""What a shell offers when somebody presses Tab: it is asked for then, and never says anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

from neardup_cli.choices import KeepKey, Kind, Loss
from neardup_cli.errors import NeardupError


def models(incomplete: str) -> list[str]:
    """Return the models that have names."""
    from neardup_cli.embedders.registry import BUNDLED_MODELS, PUBLISHED_MODELS

    return [name for name in (*BUNDLED_MODELS, *PUBLISHED_MODELS) if name.startswith(incomplete)]


def _several(words: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what completes the last of several words with commas between, by those not there yet."""
    known = list(words)

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        said = before.split(",")
        return [before + comma + word for word in known if word.startswith(last) and word not in said]

    return complete


kinds = _several(kind.value for kind in Kind)
losses = _several(loss.value for loss in Loss)
keys = _several(key.value for key in KeepKey)


def groups(incomplete: str) -> list[str]:
    """Return the groups that `dups` printed last; none where there is no catalog."""
    from neardup_cli.catalog.database import Catalog
    from neardup_cli.pipeline.named_groups import remembered_groups
    from neardup_cli.settings import load_settings

    with suppress(NeardupError), Catalog.open(load_settings().catalog_location) as opened:
        return [name for name in remembered_groups(opened) if name.startswith(incomplete)]
    return []
