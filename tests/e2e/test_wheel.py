"""The wheel, installed away from the checkout, is the whole program: it makes and upgrades its catalog."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import venv
import zipfile
from contextlib import closing
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import neardup_cli

if TYPE_CHECKING:
    from tests.conftest import Draw

CHECKOUT = Path(__file__).parents[2]
BUILT_FROM = ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "neardup_cli", "migrations")

MAKE_CATALOGS = """
import json, sys
from sqlalchemy import create_engine
from neardup_cli.catalog import migrate

for path, version in json.loads(sys.argv[1]).items():
    migrate.upgrade(create_engine(f"sqlite:///{path}"), version)
"""
RUN_COMMANDS = """
import json, sys
from neardup_cli.__main__ import main

for arguments in json.loads(sys.argv[1]):
    sys.argv = ["neardup", *arguments]
    try:
        main()
    except SystemExit as left:
        if left.code:
            raise
    print(end="\\0", flush=True)
"""


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel, and a folder far from the checkout to work in."""

    python: Path
    folder: Path

    def variables(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("NEARDUP_", "PYTHON"))
        }
        return {**kept, "HOME": str(self.folder), "NEARDUP_CATALOG": str(self.folder / "catalog.db")}

    def run(self, *command: str | Path) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.variables(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def neardup(self, *arguments: str | Path) -> Any:
        return json.loads(self.run(self.python.with_name("neardup"), *arguments, "--json"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy, so that nothing else in the checkout can get in and nothing is left there."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in BUILT_FROM:
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(CHECKOUT / name, source)
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        target,
        source,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("installed")
    venv.create(place / "venv", symlinks=os.name != "nt")
    scripts = Path(sysconfig.get_path("scripts", vars={"base": str(place / "venv")}))
    own = Path(
        sysconfig.get_path("purelib", vars={"base": str(place / "venv"), "platbase": str(place / "venv")})
    )
    # The dependencies of this environment by path alone: its own .pth files, such as that of the checkout,
    # are not read.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        scripts / "python",
        "install",
        "--no-deps",
        "--no-index",
    ]
    done = subprocess.run([*command, "--quiet", wheel], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Installed(scripts / "python", place)


def test_the_wheel_holds_what_it_needs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        about = Parser().parsestr(archive.read(metadata).decode())
    information = metadata.removesuffix("METADATA")
    package = {name for name in names if not name.startswith(information)}
    assert {name.split("/")[0] for name in package} == {"neardup_cli"}
    assert "neardup_cli/py.typed" in names
    assert "neardup_cli/_migrations/env.py" in names
    scripts = {f"neardup_cli/_migrations/versions/{path.name}" for path in versions()}
    assert scripts
    assert scripts <= names
    assert f"{information}licenses/LICENSE" in names
    assert f"{information}entry_points.txt" in names
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]
    sources = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "neardup_cli").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"neardup_cli/records/files.py", "neardup_cli/reports/page/report.html"} <= sources <= names
    assert about["Name"] == "neardup-cli"
    assert about["Version"] == neardup_cli.__version__
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == ">=3.12"
    assert about.get_payload()  # the README


def test_the_installed_program_makes_its_catalog_and_answers(
    installed: Installed, tmp_path: Path, draw: Draw
) -> None:
    where = installed.run(installed.python, "-c", "import neardup_cli; print(neardup_cli.__file__)")
    assert Path(where.strip()).is_relative_to(installed.folder)
    first = draw(tmp_path / "0.png", 0)
    shutil.copy(first, tmp_path / "again.png")
    assert installed.neardup("scan", tmp_path)["embedded"] == 1
    (group,) = installed.neardup("dups")["groups"]
    assert {Path(member["path"]).name for member in group["members"]} == {"0.png", "again.png"}
    assert installed.neardup("doctor")["healthy"]
    installed.run(installed.python.with_name("neardup"), "report", tmp_path / "out.html")
    assert "again.png" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_the_installed_program_upgrades_an_older_catalog(installed: Installed, tmp_path: Path) -> None:
    """From every version that there was; the tables are those of a new catalog."""
    newest = tmp_path / "newest.db"
    made, ran = tmp_path / "make.py", tmp_path / "run.py"
    made.write_text(MAKE_CATALOGS)
    ran.write_text(RUN_COMMANDS)
    old = {tmp_path / f"{path.name}.db": path.name.split("_")[0] for path in versions()}
    wanted = {str(newest): "head", **{str(path): version for path, version in old.items()}}
    installed.run(installed.python, made, json.dumps(wanted))
    assert tables(newest)
    assert len({tuple(tables(path)) for path in old}) > len(old) // 2
    first, *others = old
    assert installed.neardup("doctor", "--catalog", first)["healthy"]
    # In one process: each start takes a second.
    commands = [["doctor", "--catalog", str(path), "--json"] for path in others]
    answers = installed.run(installed.python, ran, json.dumps(commands)).split("\0")[:-1]
    assert [json.loads(answer)["healthy"] for answer in answers] == [True] * len(others)
    for path in old:
        assert tables(path) == tables(newest), path


def versions() -> list[Path]:
    return sorted((CHECKOUT / "migrations" / "versions").glob("[0-9]*.py"))


def tables(path: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
        ).fetchall()
