"""Which model a command uses, and what the catalog has of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from neardup_cli.catalog import queries, scanning
from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.queries import StoredModel
from neardup_cli.choices import Device
from neardup_cli.embedders import registry
from neardup_cli.embedders.shape import preprocessing
from neardup_cli.errors import ModelMismatch

if TYPE_CHECKING:
    from neardup_cli.embedders.base import Embedder


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model whose network is not loaded yet; `stored` is the catalog's record of it, if any."""

    name: str
    input_size: int
    stored: StoredModel | None

    def load(self, device: Device = Device.AUTO) -> Embedder:
        """Load the network."""
        return registry.load_embedder(self.name, input_size=self.input_size, device=device)


def choose_model(catalog: Catalog, name: str | None, input_size: int) -> ModelChoice:
    """Choose the model of a scan: the named one, or the catalog's last one, or the default.

    Raises:
        ModelMissing: there is no such model.
    """
    with catalog.read() as connection:
        if name is None:
            stored = queries.stored_models(connection)
            name = stored[0].identity.name if stored else registry.default_model()
        fingerprint = registry.fingerprint(registry.model_path(name))
        known = scanning.find_model(connection, fingerprint, preprocessing(input_size))
    return ModelChoice(name, input_size, known)


def stored_model(catalog: Catalog, name: str | None) -> StoredModel | None:
    """Return the model whose vectors answer a question: the named one, or the one used last.

    None means that the catalog holds hashes alone and no model was asked for.

    Raises:
        ModelMismatch: the named model has no vectors here.
    """
    with catalog.read() as connection:
        stored = queries.stored_models(connection)
    if name is None:
        return stored[0] if stored else None
    label = registry.model_label(name)
    for model in stored:
        if model.identity.name == label:
            return model
    have = ", ".join(model.identity.name for model in stored) or "hashes alone"
    raise ModelMismatch(
        f"the catalog has no vectors of {name} (it has {have}): "
        f"run `neardup scan --model {name}` first, or leave --model out"
    )


def demand_device(catalog: Catalog, name: str | None, device: Device) -> None:
    """Make sure that the model whose vectors answer can run on a device, without loading it.

    Raises:
        BadInput: the device is not here.
        ModelMismatch: see `stored_model`.
    """
    if (model := stored_model(catalog, name)) is not None:
        registry.demand_device(model.identity.name, device)


def input_size_of(model: StoredModel) -> int:
    """Return the nominal input size that a stored model's preprocessing names."""
    for size in range(64, 641, 32):
        if preprocessing(size) == model.identity.preprocessing:
            return size
    raise ModelMismatch(
        f"the vectors of {model.identity.name} were prepared in a way this version does not know "
        f"({model.identity.preprocessing}): scan again with this version"
    )
