"""Which command brings an extra, by what each installer leaves behind."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import sysconfig
from pathlib import Path

import pytest

from neardup_cli import installation
from neardup_cli.installation import PACKAGE, install_command, missing_extra

URL = "https://example.org/neardup.git"


class Environment:
    """An environment in which neardup is installed one way or another."""

    def __init__(self, prefix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prefix, self._patch = prefix, monkeypatch
        self.checkout = prefix.parent / "a checkout"
        self.checkout.mkdir()
        monkeypatch.setattr(sys, "prefix", str(prefix))
        monkeypatch.setattr(sys, "executable", str(prefix / "bin" / "python"))
        monkeypatch.delenv("VIRTUAL_ENV", raising=False)
        self.installed()

    def installed(self, source: object = None, installer: str = "pip\n") -> None:
        """Let the package's metadata say where it came from, and who installed it."""
        site = self.prefix / "site" / "neardup_cli-1.dist-info"
        site.mkdir(parents=True, exist_ok=True)
        (site / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1\n")
        (site / "INSTALLER").write_text(installer)
        if source is not None:
            (site / "direct_url.json").write_text(source if isinstance(source, str) else json.dumps(source))
        found = importlib.metadata.PathDistribution(site)
        self._patch.setattr(importlib.metadata, "distribution", lambda _: found)

    def from_checkout(self, *, editable: bool = False, installer: str = "pip\n") -> None:
        info = {"editable": True} if editable else {}
        self.installed({"url": self.checkout.as_uri(), "dir_info": info}, installer)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    (tmp_path / "venv").mkdir()
    return Environment(tmp_path / "venv", monkeypatch)


def test_from_an_index(here: Environment) -> None:
    assert install_command("web") == f"`{here.prefix}/bin/python -m pip install '{PACKAGE}[web]'`"


def test_in_an_active_environment_pip_is_the_right_one(
    here: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", str(here.prefix))
    assert install_command("web") == f"`pip install '{PACKAGE}[web]'`"
    monkeypatch.setenv("VIRTUAL_ENV", str(here.prefix.parent))  # another one is active
    assert install_command("web").startswith(f"`{here.prefix}/bin/python -m pip install ")


def test_from_a_checkout(here: Environment) -> None:
    here.from_checkout()
    assert install_command("web").endswith(f" -m pip install '{here.checkout}[web]'`")


def test_from_an_editable_checkout(here: Environment) -> None:
    here.from_checkout(editable=True)
    assert install_command("web").endswith(f" -m pip install --editable '{here.checkout}[web]'`")


def test_a_checkout_that_is_gone_is_named_as_one(here: Environment) -> None:
    here.from_checkout()
    here.checkout.rmdir()
    assert install_command("web").startswith("in a checkout of neardup: `")
    assert install_command("web").endswith(" -m pip install '.[web]'`")


def test_from_a_repository(here: Environment) -> None:
    here.installed({"url": URL, "vcs_info": {"vcs": "git", "commit_id": "abc1"}})
    assert install_command("web").endswith(f" -m pip install '{PACKAGE}[web] @ git+{URL}@abc1'`")


def test_from_a_wheel(here: Environment) -> None:
    here.installed({"url": "file:///x/neardup.whl", "archive_info": {}})
    assert install_command("web").endswith(f" -m pip install '{PACKAGE}[web] @ file:///x/neardup.whl'`")


def test_an_environment_of_uv_has_no_pip(here: Environment) -> None:
    here.from_checkout(installer="uv")
    python = here.prefix / "bin" / "python"
    assert install_command("web") == f"`uv pip install --python {python} '{here.checkout}[web]'`"


@pytest.mark.parametrize(
    ("asked", "extras"),
    [("{}", "web"), ("{}[streamlit]", "streamlit,web"), (f"{PACKAGE}[ray,web] @ git+{URL}", "ray,web")],
)
def test_pipx(here: Environment, asked: str, extras: str) -> None:
    here.from_checkout(installer="uv")  # pipx may have uv do the work
    record = {"main_package": {"package": PACKAGE, "package_or_url": asked.format(here.checkout)}}
    (here.prefix / "pipx_metadata.json").write_text(json.dumps(record))
    assert install_command("web") == f"`pipx install --force '{here.checkout}[{extras}]'`"


def test_uv_tool(here: Environment) -> None:
    here.from_checkout(editable=True, installer="uv")
    receipt = here.prefix / "uv-receipt.toml"
    receipt.write_text(f'[tool]\nrequirements = [{{ name = "{PACKAGE}", editable = "/x" }}]\n')
    assert install_command("web") == f"`uv tool install --editable '{here.checkout}[web]'`"
    receipt.write_text(f'[tool]\nrequirements = [{{ name = "{PACKAGE}", extras = ["ray"] }}]\n')
    assert install_command("web") == f"`uv tool install --editable '{here.checkout}[ray,web]'`"


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"url": 3}', "null"])
def test_records_that_cannot_be_read(here: Environment, broken: str) -> None:
    here.installed(broken)
    for name in ("pipx_metadata.json", "uv-receipt.toml"):
        (here.prefix / name).write_text(broken)
        assert install_command("web").endswith(f" '{PACKAGE}[web]'`")
        (here.prefix / name).unlink()


def test_a_system_that_forbids_it(here: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert " --break-system-packages " not in install_command("web")
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert " --break-system-packages " in install_command("web")


def test_never_installed(here: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    checkout = Path(installation.__file__).parents[1]
    assert install_command("web").endswith(f" -m pip install --editable '{checkout}[web]'`")


def test_the_error_says_who_needs_what() -> None:
    error = missing_extra("`neardup serve` needs fastapi", "web")
    assert str(error) == f"`neardup serve` needs fastapi: run {install_command('web')}"
    assert error.exit_code == 13
