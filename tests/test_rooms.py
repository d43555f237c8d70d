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
from docs.scripts.exit_codes import page as listed_exit_codes
from neardup_cli import errors
from neardup_cli.cli.app import app
from neardup_cli.cli.group import SUMMARIES

if TYPE_CHECKING:
    from tests.conftest import Lacking

CHECKOUT = Path(__file__).parents[1]
PAGES = (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md")))
EXIT_CODES = CHECKOUT / "docs" / "reference" / "exit-codes.md"
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
OF_OTHER_PROGRAMS = {"--write"}  # of the benchmarks
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


def documentation() -> str:
    """Return what people have written: the README and the pages, without what is put in from the program."""
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def exit_codes() -> str:
    """Return the page of exit codes as it is shown, with what is put in from the program."""
    return EXIT_CODES.read_text(encoding="utf-8").replace("<!-- made: exit-codes -->", listed_exit_codes())


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


def test_a_clean_up_goes_on_without_what_compares_images(tmp_path: Path) -> None:
    code = f"""
import sys
from neardup_cli.cli.app import main
for words in (["scan", "--hash-only", {str(tmp_path)!r}], ["clean", "--resume"]):
    sys.argv = ["neardup", *words, "--catalog", {str(tmp_path / "catalog.db")!r}]
    try:
        main()
    except SystemExit:
        pass
print("imported:", *sys.modules)
"""
    loaded = in_a_fresh_python(code).rpartition("imported:")[2].split()
    assert "neardup_cli.pipeline.apply" in loaded
    assert not {"cv2", "faiss", "neardup_cli.pipeline.dups"} & set(loaded)


def test_importing_the_package_costs_nothing() -> None:
    code = "import sys, neardup_cli, neardup_cli.errors; print(*sorted(sys.modules))"
    loaded = in_a_fresh_python(code).split()
    assert [name for name in loaded if name.startswith("neardup_cli")] == [
        "neardup_cli",
        "neardup_cli.errors",
    ]
    assert not set(HEAVY) & set(loaded)


WATCHING = """
import builtins, graphlib, pkgutil, sys

package = sys.argv[1]
real, imports, bound = builtins.__import__, {}, []

def watching(name, globals=None, locals=None, fromlist=(), level=0):
    found = real(name, globals, locals, fromlist, level)
    importer = (globals or {}).get("__name__", "")
    loading = importer.startswith(package) and globals["__spec__"]._initializing
    if loading and name.split(".")[0] == package:
        named = {one: getattr(found, one, None) for one in fromlist or ()}
        # One that is still loading is no attribute of its package yet.
        modules = {f"{name}.{one}" for one in named if f"{name}.{one}" in sys.modules}
        homes = {str(getattr(value, "__module__", "")) for value in named.values()}  # of what comes late
        needed = modules | {name} | {home for home in homes if home.split(".")[0] == package}
        # A package is there before what is in it: `bound` has those that name its modules.
        above = {one for one in needed if f"{importer}.".startswith(f"{one}.")}
        imports.setdefault(importer, set()).update(needed - above)
        packages = [one for one in modules if hasattr(sys.modules[one], "__path__")]
        bound.extend(f"{importer} names {one}" for one in (packages if fromlist else [name]))
    return found

builtins.__import__ = watching
top = real(package)
for module in pkgutil.walk_packages(top.__path__, f"{package}."):
    if "._migrations" not in module.name and module.name not in sys.argv[2:]:
        real(module.name)
assert imports
assert not bound, bound
graphlib.TopologicalSorter(imports).prepare()
"""


def import_and_watch(package: str, *left_out: str, cwd: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    """Import each module of a package; it ends with an error if one could rely on another.

    A module relies on others having been imported before it in two ways only: if modules import each other in
    a circle while they load, and if it names a package and takes modules from it that it does not import.
    Where there is neither, each may come first. To try that with each of 400 in turn takes half a minute.
    """
    command = [sys.executable, "-W", "error", "-c", WATCHING, package, *left_out]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


def import_each_first(names: list[str]) -> None:
    """Make sure that no module relies on another having been imported before it: no circle, no warning."""
    code = f"""
import sys
for name in {names!r}:
    # What is foreign stays: extension modules load once.
    for loaded in [loaded for loaded in sys.modules if loaded.split(".")[0] == "neardup_cli"]:
        del sys.modules[loaded]
    __import__(name)
"""
    in_a_fresh_python(code)


def test_every_module_can_be_imported_first() -> None:
    done = import_and_watch("neardup_cli", *NEED_PYTORCH)
    assert done.returncode == 0, done.stderr
    import_each_first(["neardup_cli.web.app", "neardup_cli.cli.app", "neardup_cli.records.matches"])


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"one": "from strange import two", "two": "import os"}, None),
        (
            {"one": "from strange.two import x", "two": "import os; x = 1; import strange.one as y"},
            "two names strange.one",
        ),
        ({"one": "from strange.two import x", "two": "x = 1; from strange import one"}, "CycleError"),
        ({"one": "import strange.two", "two": ""}, "one names strange.two"),
        ({"one": "from strange import deep; deep.two", "deep.two": ""}, "one names strange.deep"),
        ({"one": "import warnings; warnings.warn('old', DeprecationWarning)"}, "DeprecationWarning"),
    ],
)
def test_what_could_rely_on_another_import_is_seen(
    tmp_path: Path, files: dict[str, str], complaint: str | None
) -> None:
    for name, text in {"__init__": "", **files}.items():
        path = tmp_path.joinpath("strange", *name.split(".")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for folder in tmp_path.glob("strange/*/"):
        (folder / "__init__.py").write_text("from strange.deep import two")
    done = import_and_watch("strange", cwd=tmp_path)
    assert (done.returncode == 0) == (complaint is None), done.stderr
    assert complaint is None or complaint in done.stderr


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


LEANING = re.compile(
    r"(Do (the same|so|it|both|that)\b|As above|Likewise|Return (the same|them|it)\b|Both[,.] )"
)


def test_every_docstring_stands_alone() -> None:
    """An editor shows one at a time: none begins with what only its neighbour explains."""
    leaning = [
        f"{path.name}: {said[:60]}"
        for path in sorted(Path(neardup_cli.__path__[0]).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and (said := ast.get_docstring(node) or "")
        and LEANING.match(said)
    ]
    assert leaning == []


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
def test_the_documentation_names_every_command(name: str) -> None:
    assert re.search(
        rf"`(\$ )?neardup {name}\b|^(    )?(\$ )?neardup {name}\b", documentation(), re.MULTILINE
    ), name


def options_that_are_there() -> set[str]:
    return {
        option
        for command in [GROUP, *COMMANDS.values()]
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--help", "-h"}


def test_the_documentation_shows_no_option_that_is_not_there() -> None:
    shown = set()
    for line in re.findall(r"neardup [^`\n]+", documentation()):
        own = re.split(r"[|;]|&&|#", line)[0]  # what follows belongs to other programs
        shown |= set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", own))
    assert shown - options_that_are_there() == set()


def test_the_documentation_speaks_of_no_option_that_is_not_there() -> None:
    """As above, where an option stands alone: `--prove`, or `--keep KEYS`."""
    spoken = set(re.findall(r"`(--[a-z][a-z-]*)[^`\n]*`", documentation()))
    assert spoken - options_that_are_there() - OF_OTHER_PROGRAMS == set()


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__name__)
def test_the_documentation_lists_every_exit_code(kind: type[errors.NeardupError]) -> None:
    assert re.search(rf"^\|\s*`?{kind.exit_code}`?\s*\|", exit_codes(), re.MULTILINE), kind.exit_code


def test_the_documentation_lists_no_exit_code_that_is_not_there() -> None:
    listed = {int(code) for code in re.findall(r"^\|\s*`?(\d+)`?\s*\|", exit_codes(), re.MULTILINE)}
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
