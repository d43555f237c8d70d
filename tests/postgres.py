"""A PostgreSQL server for the tests: started once, without a port, in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

_OWNER = "postgres"  # the server refuses to run as root


def missing() -> str | None:
    """Say what keeps a server from being started here; None if nothing does."""
    try:
        import psycopg  # noqa: F401
    except ModuleNotFoundError:
        return "the postgres extra: pip install 'neardup-cli[postgres]'"
    if _programs() is None:
        return "PostgreSQL's programs (Debian's package postgresql)"
    if os.geteuid() == 0 and (shutil.which("runuser") is None or not _has_owner()):
        return "a user called postgres, for the server refuses to run as root"
    return None


@contextmanager
def server() -> Iterator[str]:
    """Run a server; give the start of the URLs of its databases' socket, to be put after `/NAME`."""
    programs = _programs()
    assert programs is not None
    # Not below pytest's folders: a socket's path has to be short, and its owner has to get there.
    folder = Path(tempfile.mkdtemp(prefix="neardup-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _OWNER)
        data = folder / "data"
        _run(programs / "initdb", "-D", data, "-U", "tester", "--auth=trust", "--no-sync", "-E", "UTF8")
        # Nothing here has to outlive a power cut.
        settings = f"-c listen_addresses='' -k {folder} -c fsync=off -c synchronous_commit=off"
        _run(programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", settings, "start")
        try:
            yield f"?host={folder}"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(place: str, like: str = "") -> Iterator[str]:
    """Make a database of its own, empty or like another one's URL; give its URL."""
    import psycopg

    name = f"test_{uuid.uuid4().hex}"
    template = urlsplit(like).path.removeprefix("/") or "template1"
    host = place.removeprefix("?host=")
    with psycopg.connect(host=host, user="tester", dbname="postgres", autocommit=True) as connection:
        # Files are copied in a third of the time that it takes to log their blocks.
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield f"postgresql+psycopg://tester@/{name}{place}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _programs() -> Path | None:
    """Return the folder of initdb and pg_ctl; Debian keeps them off the PATH."""
    found = shutil.which("pg_ctl")
    candidates = [Path(found).resolve().parent] if found else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def _has_owner() -> bool:
    try:
        pwd.getpwnam(_OWNER)
    except KeyError:
        return False
    return True


def _run(*command: str | Path) -> None:
    become = ["runuser", "-u", _OWNER, "--"] if os.geteuid() == 0 else []
    # pg_ctl's server would keep a pipe open, and us waiting for its end.
    with tempfile.TemporaryFile() as said:
        whole = [*become, *command]
        done = subprocess.run(whole, stdout=said, stderr=said, cwd="/", check=False, timeout=120)
        said.seek(0)
        assert done.returncode == 0, said.read().decode(errors="replace")
