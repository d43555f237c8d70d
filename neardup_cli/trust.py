"""The folders whose neardup.toml is believed entirely, because the user has said so (`neardup trust`).

A folder of photographs comes from anywhere: an archive, a shared disk, a repository. What its neardup.toml
may say without being trusted is in `settings.HARMLESS`. The list is in the user's configuration folder, as
git keeps `safe.directory`, and holds real paths: trusting one trusts no other that is linked to it later.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import platformdirs

from neardup_cli.atomic import OWNER_ALONE, replacing
from neardup_cli.errors import BadInput, PathNotFound

_NAME = "trusted.json"


def is_trusted(folder: Path) -> bool:
    """Return True if the user trusts this very folder; a list that cannot be read trusts nobody."""
    try:
        return os.path.realpath(folder) in trusted_folders()
    except BadInput:
        return False


def trusted_folders() -> list[str]:
    """Return the real paths of all trusted folders, sorted.

    Raises:
        BadInput: the list cannot be read.
    """
    path = _path()
    try:
        folders = json.loads(path.read_text(encoding="utf-8"))["folders"]
        if not all(isinstance(folder, str) for folder in folders):
            raise ValueError("not a list of folders")  # noqa: TRY301 - as any other damage
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise BadInput(f"{path} cannot be read: {exc}; remove it to trust no folder") from exc
    return sorted(set(folders))


def trust_folder(folder: Path) -> str:
    """Trust a folder from now on; return its real path.

    Raises:
        PathNotFound: there is no such folder.
        BadInput: the list cannot be read or written.
    """
    real = os.path.realpath(folder)
    if not os.path.isdir(real):
        raise PathNotFound(f"no such folder: {folder}")
    _write(sorted({*trusted_folders(), real}))
    return real


def distrust_folder(folder: Path) -> str:
    """Trust a folder no longer, whether it is still there or not; return its real path.

    Raises:
        BadInput: it was not trusted, or the list cannot be read or written.
    """
    real, known = os.path.realpath(folder), trusted_folders()
    if real not in known:
        raise BadInput(f"{real} is not trusted: `neardup trust --list` shows what is")
    _write([one for one in known if one != real])
    return real


def _path() -> Path:
    return platformdirs.user_config_path("neardup", appauthor=False) / _NAME


def _write(folders: list[str]) -> None:
    """Write the list whole or not at all; nobody else may read or write it."""
    path = _path()
    # Names that are not UTF-8 hold surrogates, which JSON keeps as escapes.
    text = json.dumps({"folders": folders}, indent=1) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, mode=OWNER_ALONE) as stream:
            stream.write(text.encode("ascii"))
    except OSError as exc:
        raise BadInput(f"{path} cannot be written: {exc.strerror}") from exc
