"""Without what Windows does not have, POSIX's modules and much of `os`, and without any extra.

Windows itself is not run here.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import neardup_cli

POSIX = ("fcntl", "grp", "posix_ipc", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")
OF_EXTRAS = (
    "fastapi", "filelock", "httpx", "imagehash", "matplotlib", "onnx", "psycopg", "pywt", "ray", "scipy",
    "skimage", "sklearn", "starlette", "streamlit", "tomlkit", "torch", "uvicorn",
)  # fmt: skip
"""What no plain installation brings, as far as scan, dups and clean could have come to rely on it."""

MISSING = (
    "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "chown", "environb", "fchmod", "fchown",
    "fdatasync", "fork", "getegid", "geteuid", "getgid", "getloadavg", "getuid", "getxattr", "killpg",
    "listxattr", "mkfifo", "posix_fadvise", "pread", "pwrite", "sched_getaffinity", "setxattr", "statvfs",
    "sysconf",
)  # fmt: skip
CHILD = """
import json, os, sys
import asyncio, multiprocessing, shutil, subprocess, tempfile, uuid  # those of others choose by the platform
import platformdirs, send2trash
posix, missing, commands = json.loads(sys.argv[1])
for name in posix:
    sys.modules[name] = None
for name in missing:
    if hasattr(os, name):
        delattr(os, name)
os.supports_dir_fd = os.supports_effective_ids = os.supports_follow_symlinks = set()
from neardup_cli.__main__ import main
for command in commands:
    sys.argv = ["neardup", *command]
    try:
        main()
    except SystemExit as exc:
        if exc.code:
            sys.exit(f"{command}: {exc.code}")
    print("-- end --", flush=True)
"""
PROGRAM = "evaluation/launch.py"
"""A program of its own for `eval compare`, which imports nothing of ours, and is not for Windows."""


def run_elsewhere(*commands: tuple[str, ...], folder: Path) -> list[str]:
    """Run commands, one after the other, in a process that has none of it; return what each printed."""
    asked = json.dumps([POSIX + OF_EXTRAS, MISSING, commands])
    home = {name: str(folder / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    known = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(neardup_cli.__path__[0]).parent), **home}
    done = subprocess.run(
        [sys.executable, "-P", "-W", "ignore", "-c", CHILD, asked],
        cwd=folder, env=known, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout.split("-- end --\n")[:-1]


def test_one_room_imports_what_only_posix_has() -> None:
    package = Path(neardup_cli.__path__[0])
    found = {
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name in POSIX for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in POSIX)
    }
    assert {name for name in found if not name.startswith("system/")} == {PROGRAM}
    assert len(found) > 2


def test_scan_dups_and_clean_work_without_it(photos: Path, tmp_path: Path) -> None:
    catalog = ("--catalog", str(tmp_path / "catalog.db"))
    folder, copies = str(photos), tmp_path / "copies"
    copies.mkdir()
    for photo in sorted(photos.iterdir())[:2]:
        (copies / photo.name).write_bytes(photo.read_bytes())
    away = ("--action", "quarantine", "--to", str(tmp_path / "away"), "--prefer", folder)
    scanned, found, planned, applied, undone, again = run_elsewhere(
        ("scan", folder, str(copies), "--json", *catalog),
        ("dups", "--json", *catalog),
        ("clean", "--json", *away, *catalog),
        ("clean", "--apply", "--json", *away, *catalog),
        ("undo", "--json", *catalog),
        ("doctor", "--verify-files", "--json", *catalog),
        folder=tmp_path,
    )
    assert json.loads(scanned)["added"] >= 4
    assert len(json.loads(found)["groups"]) >= 2
    assert json.loads(planned)["groups"]
    assert json.loads(applied)["done"] >= 2
    assert json.loads(undone)["done"] == json.loads(applied)["done"]
    assert json.loads(again)["healthy"]
    assert len(list(copies.iterdir())) == 2
