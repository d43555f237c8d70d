"""How this neardup came here, and so which command brings it an extra.

What stands beside an installed package knows: `direct_url.json` says where it came from (PEP 610), pipx and
`uv tool` leave a record of theirs at the top of the environment, and `INSTALLER` names who wrote the files.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from neardup_cli.errors import MissingExtra

PACKAGE = "neardup-cli"
_PIPX_RECORD, _UV_RECORD = "pipx_metadata.json", "uv-receipt.toml"
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError)
"""What reading another program's record may come to; a command without it is better than none."""


def missing_extra(need: str, extra: str) -> MissingExtra:
    """Return the error that says what is missing, and the command that brings it.

    Args:
        need: who needs what, as the beginning of the line: "`neardup serve` needs fastapi".
        extra: its name in pyproject.toml.
    """
    return MissingExtra(f"{need}: run {install_command(extra)}")


def install_command(extra: str) -> str:
    """Return the command that installs an extra into the environment that runs now, in backquotes.

    A checkout that is not where it was any more is named as one, and has to be found by the reader.
    """
    prefix = Path(sys.prefix)
    source = _source()
    if (prefix / _PIPX_RECORD).is_file():
        had = _pipx_extras(prefix / _PIPX_RECORD)
        command = ["pipx", "install", "--force", *_editable(source)]
    elif (prefix / _UV_RECORD).is_file():
        had = _uv_extras(prefix / _UV_RECORD)
        command = ["uv", "tool", "install", *_editable(source)]
    else:
        had, command = [], [*_pip(), *_editable(source)]
    requirement = _requirement(source, sorted({*had, extra}))
    shown = f"`{' '.join(_quoted(word) for word in (*command, requirement))}`"
    return f"in a checkout of neardup: {shown}" if requirement.startswith(".") else shown


def _source() -> dict[str, Any]:
    """Return what PEP 610 says of this package; nothing if it came from an index."""
    text = _beside("direct_url.json")
    if text is None:  # run from a checkout that was never installed
        folder = Path(__file__).parents[1]
        there = (folder / "pyproject.toml").is_file()
        return {"url": folder.as_uri(), "dir_info": {"editable": True}} if there else {}
    try:
        found = json.loads(text or "{}")
        return found if isinstance(found.get("url", ""), str) else {}
    except _BROKEN:
        return {}


def _beside(name: str) -> str | None:
    """Return a file of the package's metadata, empty if it has none; None if the package has no metadata."""
    # Late, as all that is slow here: most who import this never miss anything.
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return distribution(PACKAGE).read_text(name) or ""
    except PackageNotFoundError:
        return None


def _editable(source: dict[str, Any]) -> list[str]:
    return ["--editable"] if (source.get("dir_info") or {}).get("editable") else []


def _requirement(source: dict[str, Any], extras: list[str]) -> str:
    """Return how an installer is told of this very package with extras."""
    name, url = f"[{','.join(extras)}]", source.get("url")
    if url is None:
        return PACKAGE + name
    if "dir_info" in source:
        from urllib.parse import urlsplit
        from urllib.request import url2pathname

        folder = url2pathname(urlsplit(url).path)
        return (folder if os.path.isdir(folder) else ".") + name
    if vcs := source.get("vcs_info"):
        return f"{PACKAGE}{name} @ {vcs.get('vcs', 'git')}+{url}@{vcs.get('commit_id', 'HEAD')}"
    return f"{PACKAGE}{name} @ {url}"


def _pip() -> list[str]:
    """Return the words that install into this environment, whatever `pip` there is on the PATH."""
    if (_beside("INSTALLER") or "").strip() == "uv":  # an environment of uv's has no pip
        return ["uv", "pip", "install", "--python", sys.executable]
    active = os.environ.get("VIRTUAL_ENV")
    if sys.prefix != sys.base_prefix:
        here = active is not None and os.path.realpath(active) == os.path.realpath(sys.prefix)
        return ["pip", "install"] if here else [sys.executable, "-m", "pip", "install"]
    import sysconfig

    managed = Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").is_file()
    # Whoever has neardup there has said so once (PEP 668).
    return [sys.executable, "-m", "pip", "install", *(["--break-system-packages"] if managed else [])]


def _pipx_extras(record: Path) -> list[str]:
    """Return the extras that pipx was asked for, which a new installation would lose."""
    try:
        asked = json.loads(record.read_text(encoding="utf-8"))["main_package"]["package_or_url"]
        named = asked.partition(" @ ")[0]
        return named.rpartition("[")[2].rstrip("]").split(",") if named.endswith("]") else []
    except _BROKEN:
        return []


def _uv_extras(record: Path) -> list[str]:
    """Return the extras that `uv tool install` was asked for."""
    import tomllib

    try:
        requirements = tomllib.loads(record.read_text(encoding="utf-8"))["tool"]["requirements"]
        own = next(entry for entry in requirements if entry["name"] == PACKAGE)
        return [str(extra) for extra in own.get("extras", [])]
    except (*_BROKEN, StopIteration):
        return []


def _quoted(word: str) -> str:
    if os.name == "nt":
        return f'"{word}"' if any(sign in word for sign in " [],@") else word
    import shlex

    return shlex.quote(word)
