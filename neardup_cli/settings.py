"""Settings: flags > NEARDUP_* environment > neardup.toml > defaults.

`neardup.toml` is read from the working folder, or else from the user's configuration folder:

    model = "sscd"
    threshold = 0.5
    image_dirs = ["~/Pictures"]
"""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from neardup_cli.choices import Device
from neardup_cli.errors import BadInput

CONFIG_NAME = "neardup.toml"
_URL = re.compile(r"[a-z][a-z0-9+.]*://")


def config_file() -> Path | None:
    """Return the neardup.toml that applies here, or None."""
    for folder in (Path.cwd(), platformdirs.user_config_path("neardup", appauthor=False)):
        if (candidate := folder / CONFIG_NAME).is_file():
            return candidate
    return None


class Settings(BaseSettings):
    """Everything a user can set once instead of saying it with every command."""

    model_config = SettingsConfigDict(env_prefix="NEARDUP_", extra="forbid", frozen=True)

    catalog: str | None = Field(default=None, description="catalog file, or postgresql+psycopg:// URL")
    model: str | None = Field(default=None, description="a name of `neardup models`, or an .onnx or .pt file")
    device: Device = Field(default=Device.AUTO, description="where the model runs")
    input_size: int = Field(default=288, ge=64, le=640, multiple_of=32, description="network input, pixels")
    threshold: float | None = Field(default=None, ge=-1, le=1, description="SSCD similarity of a match")
    hamming: int | None = Field(default=None, ge=0, le=64, description="radius of the sieve, bits of 64")
    preset: Literal["strict", "normal", "loose"] = Field(default="normal", description="limits of geometry")
    top_k: int = Field(default=10, ge=1, description="neighbours that `query` shows")
    thorough: bool = Field(default=False, description="`scan` embeds regions of the pictures too")
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
        sources = [init_settings, env_settings]
        if (file := config_file()) is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, toml_file=file))
        return tuple(sources)

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
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors()
        )
        raise BadInput(f"bad setting: {problems}") from exc
    except ValueError as exc:  # tomllib's own error: the file is not TOML
        raise BadInput(f"{config_file() or CONFIG_NAME} cannot be read: {exc}") from exc
    except OSError as exc:
        raise BadInput(f"{config_file() or CONFIG_NAME} cannot be read: {exc.strerror}") from exc
