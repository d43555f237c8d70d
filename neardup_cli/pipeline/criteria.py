"""What counts as a copy in a catalog: the rules, with the model whose vectors it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.errors import ModelMismatch
from neardup_cli.pipeline.models import stored_model
from neardup_cli.rules.copies import Limits, limits_for, parameters
from neardup_cli.rules.options import Matching


@dataclass(frozen=True, slots=True)
class Criteria:
    """A stored model, None for hashes alone, and the limits that go with it."""

    model: StoredModel | None
    limits: Limits

    def parameters(self) -> dict[str, Any]:
        """Return the model and the limits as the reports name them."""
        return parameters(None if self.model is None else self.model.identity.name, self.limits)


def resolve_criteria(catalog: Catalog, matching: Matching) -> Criteria:
    """Fill in what the user left open, from what the catalog holds.

    Raises:
        ModelMismatch: a model or a threshold is asked for and the catalog has no vectors for it.
    """
    stored = stored_model(catalog, matching.model)
    if stored is None and matching.threshold is not None:
        raise ModelMismatch(
            "a threshold needs embeddings and this catalog holds hashes alone: "
            "run `neardup scan` without --hash-only first, or leave --threshold out"
        )
    return Criteria(stored, limits_for(None if stored is None else stored.identity.name, matching))
