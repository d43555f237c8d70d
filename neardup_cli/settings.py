"""Settings: flags > NEARDUP_* environment > neardup.toml > defaults.

`neardup.toml` is read from the user's configuration folder and from the working folder, key by key; that of
the working folder goes before:

    model = "sscd"
    threshold = 0.5
    image_dirs = ["~/Pictures"]

Of a working folder that the user does not trust (`neardup trust`) only `HARMLESS` keys are taken: whoever
packed that folder must not choose where passwords go, which code runs or what is acted upon.
"""

from __future__ import annotations

import logging
import os
import re
import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from neardup_cli.choices import Device
from neardup_cli.errors import BadInput
from neardup_cli.trust import is_trusted

log = logging.getLogger("neardup.settings")
HARMLESS = frozenset(
    {"device", "hamming", "input_size", "min_confidence", "preset", "thorough", "threshold", "top_k"}
)
"""What the neardup.toml of any working folder may set: what counts as a copy, and how much is shown."""

CONFIG_NAME = "neardup.toml"
_URL = re.compile(r"[a-z][a-z0-9+.]*://")


def config_file() -> Path | None:
    """Return the neardup.toml that goes before all others here, or None."""
    return next(iter(_config_files()), None)


def _config_files() -> list[Path]:
    """Return the files that apply here, the working folder's first."""
    try:
        folders = [Path.cwd()]
    except FileNotFoundError:  # it was removed under us
        folders = []
    folders.append(_user_folder())
    return [file for folder in dict.fromkeys(folders) if _is_file(file := folder / CONFIG_NAME)]


def _is_file(file: Path) -> bool:
    """Return True if a file is there.

    Raises:
        BadInput: it cannot be told, and what it sets might matter.
    """
    try:
        return file.is_file()
    except OSError as exc:
        raise BadInput(f"{_shown(file)} cannot be read: {exc.strerror}") from exc


def _user_folder() -> Path:
    return platformdirs.user_config_path("neardup", appauthor=False)


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one neardup.toml sets, and what of it is not taken, because its folder is not trusted."""

    file: Path
    values: dict[str, Any]
    refused: tuple[str, ...] = ()


def _read_layer(file: Path) -> _Layer:
    """Read a neardup.toml.

    Raises:
        BadInput: it cannot be read, or sets what is no setting.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as exc:  # not TOML, or not UTF-8
        raise BadInput(f"{_shown(file)} cannot be read: {exc}") from exc
    except RecursionError as exc:
        raise BadInput(f"{_shown(file)} cannot be read: a value in it is nested too deeply") from exc
    except OSError as exc:
        raise BadInput(f"{_shown(file)} cannot be read: {exc.strerror}") from exc
    if unknown := sorted(values.keys() - Settings.model_fields.keys()):
        known = ", ".join(Settings.model_fields)
        raise BadInput(f"{_shown(file)}: no such setting: {', '.join(unknown)} (there are {known})")
    if file.parent == _user_folder() or values.keys() <= HARMLESS or is_trusted(file.parent):
        return _Layer(file, values)
    harmless = {name: value for name, value in values.items() if name in HARMLESS}
    return _Layer(file, harmless, tuple(name for name in values if name not in HARMLESS))


@cache  # once is enough in a run
def _tell_refused(file: Path, names: tuple[str, ...]) -> None:
    log.warning(
        "%s: %s not taken from a folder that you do not trust: `neardup trust` it, or use %s, a flag or %s",
        _shown(file),
        f"{', '.join(names)} {'is' if len(names) == 1 else 'are'}",
        _shown(_user_folder() / CONFIG_NAME),
        f"NEARDUP_{names[0].upper()}",
    )


def _shown(file: Path) -> str:
    """Return a path on one line, with nothing in it that a terminal would obey."""
    return text if (text := str(file)).isprintable() else ascii(text)


class Settings(BaseSettings):
    """Everything a user can set once instead of saying it with every command."""

    model_config = SettingsConfigDict(env_prefix="NEARDUP_", extra="forbid", frozen=True)

    catalog: str | None = Field(default=None, description="catalog file, or postgresql+psycopg:// URL")
    model: str | None = Field(default=None, description="a name of `neardup models`, or an .onnx or .pt file")
    device: Device = Field(default=Device.AUTO, description="where the model runs")
    input_size: int = Field(default=288, ge=64, le=640, multiple_of=32, description="network input, pixels")
    threshold: float | None = Field(default=None, ge=-1, le=1, description="SSCD similarity of a match")
    hamming: int | None = Field(default=None, ge=0, le=64, description="radius of the sieve, bits of 64")
    preset: Literal["strict", "normal", "loose"] = Field(default="normal", description="how sure a match is")
    min_confidence: float | None = Field(
        default=None, ge=0.5, le=1, description="probability of a match, in place of a preset"
    )
    top_k: int = Field(default=10, ge=1, description="neighbours that `query` shows")
    thorough: bool = Field(default=False, description="`scan` embeds regions of the pictures too")
    previews: bool = Field(default=True, description="`scan` keeps small versions of the pictures")
    image_dirs: Annotated[list[str], NoDecode] = Field(
        default_factory=list, description="what `scan` scans when no path is given"
    )
    max_pixels: int = Field(default=500_000_000, ge=1, description="larger images are skipped")
    engine: Literal["local", "ray"] = Field(
        default="local", description="where `scan` reads and embeds, and `dups` compares"
    )
    ray_address: str | None = Field(
        default=None, description="a running Ray cluster; one is started by default"
    )
    workers: int | None = Field(default=None, ge=1, description="threads of `scan`; one a core by default")

    @field_validator("image_dirs", mode="before")
    @classmethod
    def _split_like_path(cls, value: object) -> object:
        """NEARDUP_IMAGE_DIRS holds several folders the way PATH does."""
        return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - a photo folder's .env is none of ours
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources, strongest first."""
        layers = [_read_layer(file) for file in _config_files()]
        said = {**env_settings(), **init_settings()}
        for layer in layers:
            if refused := tuple(name for name in layer.refused if name not in said):
                _tell_refused(layer.file, refused)
        return (
            init_settings,
            env_settings,
            *(InitSettingsSource(settings_cls, init_kwargs=layer.values) for layer in layers),
        )

    @cached_property
    def catalog_location(self) -> Path | str:
        """Where the catalog is: a file or a URL, as set, or `catalog.db` in the user's data folder."""
        if self.catalog is not None:
            if _URL.match(self.catalog):
                return self.catalog
            # Unlike Path.expanduser, this takes the home of somebody unknown for a name like any other.
            return Path(os.path.expanduser(self.catalog)).absolute()
        return platformdirs.user_data_path("neardup", appauthor=False) / "catalog.db"

    @property
    def worker_count(self) -> int:
        """Threads to use: as many as this process may run at once."""
        if self.workers is not None:
            return self.workers
        if hasattr(os, "sched_getaffinity"):  # honours taskset and containers; Linux only
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1


def load_settings(**flags: object) -> Settings:
    """Build the settings from flags (those that are not None), the environment and neardup.toml.

    Raises:
        BadInput: a value is out of range or unknown; the message names it.
    """
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"
            f"{_origin(str(error['loc'][0]), given)}"
            for error in exc.errors()
        )
        raise BadInput(f"bad setting: {problems}") from exc


def _origin(name: str, given: dict[str, Any]) -> str:
    """Return where a bad value comes from, if it is not the command line."""
    if name in given:
        return ""
    if (variable := f"NEARDUP_{name.upper()}") in os.environ:
        return f" ({variable})"
    files = [file for file in _config_files() if name in _read_layer(file).values]
    return f" (in {_shown(files[0])})" if files else ""
