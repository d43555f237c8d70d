"""The house rules: who may import whom, what `--help` may cost, and that everything is documented."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

import neardup_cli
from neardup_cli import errors
from neardup_cli.cli.app import app
from neardup_cli.cli.group import SUMMARIES

if TYPE_CHECKING:
    from tests.conftest import Lacking

CHECKOUT = Path(__file__).parents[1]
README = CHECKOUT / "README.md"
HEAVY = (
    "numpy",
    "faiss",
    "onnxruntime",
    "torch",
    "cv2",
    "sqlalchemy",
    "alembic",
    "PIL",
    "pydantic_settings",
    "blake3",
)
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(neardup_cli.__path__, "neardup_cli.")
    if "._migrations" not in module.name
)
NEED_PYTORCH = ["neardup_cli.embedders.torchscript"]
GROUP: Any = typer.main.get_command(app)
LOADED: dict[str, Any] = {name: GROUP.load(name) for name in SUMMARIES}
COMMANDS: dict[str, Any] = LOADED | {
    f"{above} {name}": command
    for above, group in LOADED.items()
    for name, command in getattr(group, "commands", {}).items()
}


def exceptions() -> list[type[errors.NeardupError]]:
    """Return every class of errors.py."""
    return [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.NeardupError) and kind.__module__ == errors.__name__
    ]


def in_a_fresh_python(code: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def readme() -> str:
    return README.read_text(encoding="utf-8")


def test_rooms_import_downward_only() -> None:
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    done = subprocess.run(
        [command, "--no-cache"],
        cwd=CHECKOUT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
    assert b"kept" in done.stdout


@pytest.mark.parametrize(
    "arguments", [["--help"], ["scan", "--help"], ["--version"], ["dups", "--nonsense"]], ids=" ".join
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import atexit, sys
from neardup_cli.cli.app import main
atexit.register(lambda: sys.stdout.write("\\nimported:" + ",".join({set(HEAVY)!r} & sys.modules.keys())))
sys.argv = ["neardup", *{arguments!r}]
try:
    main()
except SystemExit as left:
    assert left.code in (0, 2), left
"""
    assert in_a_fresh_python(code).rpartition("imported:")[2] == ""


def test_importing_the_package_costs_nothing() -> None:
    code = "import sys, neardup_cli, neardup_cli.errors; print(*sorted(sys.modules))"
    loaded = in_a_fresh_python(code).split()
    assert [name for name in loaded if name.startswith("neardup_cli")] == [
        "neardup_cli",
        "neardup_cli.errors",
    ]
    assert not set(HEAVY) & set(loaded)


def import_each_first(names: list[str]) -> None:
    """Make sure that no module relies on another having been imported before it: no circle, no warning."""
    code = f"""
import sys
for name in {names!r}:
    # What is foreign stays, or this would take minutes: extension modules load once.
    for loaded in [loaded for loaded in sys.modules if loaded.split(".")[0] == "neardup_cli"]:
        del sys.modules[loaded]
    __import__(name)
"""
    in_a_fresh_python(code)


def test_every_module_can_be_imported_first() -> None:
    import_each_first([name for name in MODULES if name not in NEED_PYTORCH])


def test_what_needs_pytorch_can_be_imported_first(lacking: Lacking) -> None:
    if importlib.util.find_spec("torch") is None:
        lacking("pip install 'neardup-cli[torch]'")
    assert set(NEED_PYTORCH) <= set(MODULES)
    import_each_first(NEED_PYTORCH)


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert (ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or "").strip()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert inspect.getdoc(command.callback)
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), parameter.name


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_list_says_of_a_command_what_its_own_help_begins_with(name: str) -> None:
    said = inspect.getdoc(LOADED[name].callback) or ""
    assert SUMMARIES[name] == said.partition("\n\n")[0]
    # What Click has room for at 80 columns, or it would end in the middle of a word's meaning.
    assert len(SUMMARIES[name]) <= 80 - 6 - max(map(len, SUMMARIES))


def test_every_command_is_listed() -> None:
    folder = Path(neardup_cli.__file__).parent / "cli"
    files = {path.stem: path.read_text() for path in folder.glob("*.py")}
    commands = {name for name, text in files.items() if text.startswith(f'"""`neardup {name}`')}
    assert commands == set(SUMMARIES)


def test_every_command_has_a_file_of_its_own() -> None:
    for name, command in COMMANDS.items():
        # A group's commands are in files of their own or, where there is little to them, in the group's.
        files = {re.sub("[- ]", "_", part) for part in (name, name.partition(" ")[0])}
        assert command.callback.__module__ in {f"neardup_cli.cli.{file}" for file in files}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_names_every_command(name: str) -> None:
    assert re.search(rf"`(\$ )?neardup {name}\b|^(\$ )?neardup {name}\b", readme(), re.MULTILINE), name


def test_the_readme_shows_no_option_that_is_not_there() -> None:
    known = {
        option
        for command in [GROUP, *COMMANDS.values()]
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--help", "-h"}
    shown = set()
    for line in re.findall(r"neardup [^`\n]+", readme()):
        own = re.split(r"[|;]|&&|#", line)[0]  # what follows belongs to other programs
        shown |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", own))
    assert shown - known == set()


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
def test_the_readme_lists_every_exit_code(kind: type[errors.NeardupError]) -> None:
    assert re.search(rf"^\|\s*`?{kind.exit_code}`?\s*\|", readme(), re.MULTILINE), kind.exit_code


def test_the_readme_lists_no_exit_code_that_is_not_there() -> None:
    listed = {int(code) for code in re.findall(r"^\|\s*`?(\d+)`?\s*\|", readme(), re.MULTILINE)}
    assert listed <= {kind.exit_code for kind in exceptions()} | {0, 130}
    assert {0, 130} <= listed


def test_the_tree_in_errors_is_the_tree_of_the_classes() -> None:
    drawn = dict(re.findall(r"^\s+[│├└─ ]*(\w+) +(\d+) ", errors.__doc__ or "", re.MULTILINE))
    owners = {
        kind.__name__: str(kind.exit_code)
        for kind in exceptions()
        if "exit_code" in vars(kind) or not kind.__subclasses__()
    }
    assert drawn == owners


def test_no_process_of_ours_takes_modules_from_the_working_folder() -> None:
    """`python -m` looks there first: a folder's own json.py would run."""
    begun = re.compile(r'\[sys\.executable, (?P<flag>"-\w"), "-m"|\[sys\.executable, "-m"(?!, "pip")')
    found = [
        (path.name, match["flag"])
        for path in Path(neardup_cli.__file__).parent.rglob("*.py")
        for match in begun.finditer(path.read_text(encoding="utf-8"))
    ]
    assert len(found) >= 3
    assert {flag for _, flag in found} == {'"-P"'}
