"""Writing settings into neardup.toml without touching what else is in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from neardup_cli.atomic import replacing
from neardup_cli.errors import BadInput
from neardup_cli.installation import missing_extra
from neardup_cli.settings import CONFIG_NAME, config_file, load_settings


def target_file() -> Path:
    """Return the neardup.toml that applies here, or the one of the working folder where there is none."""
    return config_file() or Path.cwd() / CONFIG_NAME


def write_settings(file: Path, values: Mapping[str, str | int | float]) -> None:
    """Set keys of a neardup.toml; its other keys, its order and its comments stay.

    Raises:
        MissingExtra: tomlkit is not there.
        BadInput: the file is no TOML, cannot be written, or would not be valid; it is left as it was then.
    """
    try:
        import tomlkit
        from tomlkit.exceptions import TOMLKitError
    except ImportError as exc:
        raise missing_extra("writing settings needs tomlkit", "eval") from exc

    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        document = tomlkit.parse(before)
    except (OSError, UnicodeDecodeError, TOMLKitError) as exc:
        raise BadInput(f"{file} cannot be read: {exc}") from exc
    load_settings(**values)
    for name, value in values.items():
        document[name] = value
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as stream:
            stream.write(tomlkit.dumps(document).encode("utf-8"))
    except OSError as exc:
        raise BadInput(f"{file} cannot be written: {exc.strerror}") from exc
