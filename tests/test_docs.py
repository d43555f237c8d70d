"""The documentation says what is there, all of it, and its commands run."""

from __future__ import annotations

import ast
import importlib
import json
import os
import pkgutil
import pty
import re
import shlex
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from PIL import Image

import neardup_cli
from docs.scripts import examples, hooks, house, outside, rest
from docs.scripts.markdown import slug
from neardup_cli.choices import Action, KeepKey, Kind, Loss, Role
from neardup_cli.cli.app import app
from neardup_cli.cli.group import SUMMARIES
from neardup_cli.settings import HARMLESS, Settings

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"
README = CHECKOUT / "README.md"
JSON_PAGE = DOCS / "reference" / "json.md"
FIRST_HOUR = DOCS / "tutorial" / "photographs.md"
BESIDE = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md", "data/README.md")
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [README, *PAGES, *(CHECKOUT / name for name in BESIDE)]
GROUP: Any = typer.main.get_command(app)


def named(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def filled(path: Path) -> str:
    return hooks.filled(path.read_text(encoding="utf-8"))


def without_code(text: str) -> str:
    return re.sub(r"^( *)```.*?^\1```$|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


# The README


def test_the_readme_is_read_in_a_minute() -> None:
    assert len(README.read_bytes()) <= 8192


def test_the_readme_begins_with_the_two_commands_that_set_everything_up() -> None:
    indented = re.findall(r"^    (\S.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert [line.partition("#")[0].strip() for line in indented[:2]] == ["make demo", "make test"]
    targets = re.findall(r"^([a-z]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for command in re.findall(
        r"^    make (\w+)|`make (\w+)`", README.read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert "".join(command) in targets


def test_the_readme_quotes_rows_that_the_evaluation_has_written() -> None:
    rows = table_between(README, "programs")
    assert len(rows) == 5
    assert rows[0].startswith("| neardup ")
    assert set(rows) <= set(table_between(DOCS / "accuracy.md", "evaluation"))


def table_between(page: Path, mark: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    inside = text.partition(f"<!-- {mark}: begin -->")[2].partition(f"<!-- {mark}: end -->")[0]
    head = "| program |"
    assert inside.count(head) == 1
    return re.findall(r"^\|.+\|$", inside[inside.index(head) :], re.MULTILINE)[2:]


# Links


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_every_link_leads_somewhere(path: Path) -> None:
    text = without_code(path.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if path in PAGES:  # the site has nothing of the checkout but its own pages
            assert target.is_relative_to(DOCS), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    text = filled(path) if path.is_relative_to(DOCS) else path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), re.MULTILINE)
    return {slug(heading) for heading in headings}


def test_the_site_has_every_page_in_its_table_of_contents() -> None:
    listed = re.findall(
        r": ([\w/-]+\.md)$", (CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_nothing_is_left_to_be_filled_in(path: Path) -> None:
    assert re.findall(r"<!-- (?:made|example): .*-->", filled(path)) == []


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_blocks_of_code_are_blocks_of_code(path: Path) -> None:
    """An indented line is code only after an empty line: after text it would run on with the text."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^[^\s|].*\n    (?:neardup|make|pipx|pip|python|curl) .*", text, re.MULTILINE) == []


# What is shown from elsewhere


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="https://unpkg.com/a.js"></script>',
        '<link rel="stylesheet" href="https://fonts.googleapis.com/css?family=Roboto">',
        '<link href="//cdn.example/a.css" rel="stylesheet">',
        "<style>@font-face{src:url(https://fonts.example/a.woff2)}</style>",
        '<img alt="x" src="https://badges.example/a.svg">',
        '@import "https://example.org/a.css";',
    ],
)
def test_what_a_page_loads_from_elsewhere_is_found(markup: str) -> None:
    assert len(outside.loaded_from_outside(f"<p>{markup}</p>")) == 1


def test_a_link_to_elsewhere_and_what_is_here_are_not_loaded_from_elsewhere() -> None:
    page = '<a href="https://example.org/a.js">x</a> <script src="assets/a.js"></script> <img src="/a.png">'
    page += '<link rel="canonical" href="https://example.org/"> <style>p{background:url(a.png)}</style>'
    assert outside.loaded_from_outside(page) == []


def test_offences_are_named_with_their_file(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<a href="https://example.org">x</a>')
    (tmp_path / "assets" / "a.js").write_text('load("https://unpkg.com/mermaid@11/dist/mermaid.min.js")')
    found = list(outside.offences(tmp_path))
    assert found == [(Path("assets/a.js"), "https://unpkg.com/mermaid@11/dist/mermaid.min.js")]


def test_the_themes_scripts_lose_the_addresses_that_they_would_load(tmp_path: Path) -> None:
    script = tmp_path / "assets" / "javascripts" / "bundle.js"
    script.parent.mkdir(parents=True)
    script.write_text('load("https://unpkg.com/resize-observer-polyfill")')
    hooks.on_post_build({"site_dir": str(tmp_path)})
    assert list(outside.offences(tmp_path)) == []
    assert "resize-observer-polyfill" in script.read_text()


# Reference


def commands() -> dict[str, Any]:
    found = {}
    for name in SUMMARIES:
        found[name] = group = GROUP.load(name)
        found |= {f"{name} {below}": one for below, one in getattr(group, "commands", {}).items()}
    return found


@pytest.fixture(scope="module")
def command_sections() -> dict[str, str]:
    parts = re.split(r"^## neardup (.+)$", filled(DOCS / "reference" / "commands.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", commands())
def test_every_argument_and_option_is_in_the_reference(name: str, command_sections: dict[str, str]) -> None:
    section = command_sections[name]
    for parameter in commands()[name].params:
        for word in (*parameter.opts, *parameter.secondary_opts):
            shown = word if word.startswith("-") else (parameter.metavar or word.upper()).strip("[].")
            assert re.search(rf"^\| `[^`]*(?<![\w-]){re.escape(shown)}(?![\w-])", section, re.MULTILINE), word
        assert parameter.help.split()[0].strip("`") in section


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_reference(name: str) -> None:
    row = rf"^\| `{name}` \| `NEARDUP_{name.upper()}` \| [^|]+ \| [^|]* \| [^|]{{5,}} \| (yes|if trusted) \|$"
    found = re.search(row, filled(DOCS / "reference" / "settings.md"), re.MULTILINE)
    assert found is not None
    assert (found[1] == "yes") == (name in HARMLESS)


def test_the_neardup_toml_that_is_shown_can_be_read() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    shown = re.search(r"^```toml\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert Settings(**tomllib.loads(shown[1])).model == "sscd"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("how-to/find.md", Kind),
        ("how-to/clean.md", Action),
        ("how-to/clean.md", KeepKey),
        ("explanation/losses.md", Loss),
        ("reference/json.md", Role),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_every_word_that_a_person_chooses_from_is_explained(
    page: str, words: type[Kind | Action | KeepKey | Loss | Role]
) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [word.value for word in words if not re.search(rf"`{word.value}(`| )", text)] == []


def test_every_operation_and_document_of_the_api_is_in_the_reference() -> None:
    page, api = filled(DOCS / "reference" / "rest.md"), rest.document()
    for path, methods in api["paths"].items():
        for method in methods:
            assert f"\n### {method.upper()} {path}\n" in page
    for name, schema in api["components"]["schemas"].items():
        assert f"\n### {name}\n" in page
        section = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert [key for key in schema.get("properties", {}) if f"| `{key}` |" not in section] == []


def test_every_public_name_is_in_the_python_reference() -> None:
    page = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    shown = set()
    for target in re.findall(r"^::: ([\w.]+)$", page, re.MULTILINE):
        module, _, name = target.rpartition(".")
        assert getattr(importlib.import_module(module), name) is getattr(neardup_cli, name)
        shown.add(name)
    assert shown == set(neardup_cli.__all__) - {"__version__"}


def test_every_table_and_column_of_the_catalog_is_in_the_reference() -> None:
    from neardup_cli.catalog.models import METADATA

    page = filled(DOCS / "reference" / "catalog-schema.md")
    for table in METADATA.tables.values():
        section = page.partition(f"\n## {table.name}\n")[2].partition("\n## ")[0]
        assert len(section.strip().splitlines()[0]) > 20
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [
            column.name for column in table.columns
        ]


@pytest.mark.parametrize("page", ["accuracy.md", "performance.md"])
def test_every_figure_names_a_script_that_is_there(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    rows = text.partition("| what | measured | script |")[2].partition("\n\n")[0].splitlines()[2:]
    assert len(rows) >= 5
    for row in rows:
        script = re.search(r"\| `(\w+)[^`|]*` \|$", row)
        assert script is not None, row
        assert (CHECKOUT / "benchmarks" / f"{script[1]}.py").is_file()


# The house


def test_every_room_is_in_the_house() -> None:
    drawn = {room for layer in house.layers() for room in layer}
    rooms = {module.name for module in pkgutil.iter_modules(neardup_cli.__path__)}
    assert drawn == rooms - {"__main__", "_migrations"}


def test_the_picture_of_the_house_is_that_of_the_contract() -> None:
    drawn = house.PICTURE.read_text(encoding="utf-8")
    assert drawn == house.svg(), "draw it again: python -m docs.scripts.house"


# JSON documents

type Keys = dict[str, str]
"""Keys as they are written in a table, `groups[].id`, with what is said of each."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every document, as the program makes it now."""
    folder = tmp_path_factory.mktemp("examples").resolve()
    return {name: json.loads(examples.shown(one, folder)) for name, one in examples.make(folder).items()}


@pytest.fixture(scope="module")
def tables() -> dict[str, Keys]:
    """The keys of each section of the page."""
    parts = re.split(r"^##+ (.+)$", JSON_PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        rows = re.findall(r"^\| (`.+?`) \| (.+) \|$", text, re.MULTILINE)
        found[slug(heading)] = {
            key: said for keys, said in rows for key in re.findall(r"`([^`]+)`", keys) if said.strip()
        }
    return found


def walked(
    value: object, place: tuple[str, ...], section: str, tables: dict[str, Keys]
) -> Iterator[tuple[str, str | None]]:
    """Yield the section and key in which each key of a document is documented; None where it is in none."""
    keys, path = tables[section], ".".join(place)
    any_key = ".".join((*place[:-1], "*"))
    known = next((one for one in (path, any_key) if one in keys), None)
    if known is not None:
        yield section, known
        place = tuple(known.split("."))
    elif path.endswith("[]") and not isinstance(value, dict):
        return  # words and numbers in a list: it is the list that is documented
    elif place and not any(one.startswith((f"{path}.", f"{path}[")) for one in keys):
        part = part_of(keys, ".".join(place[:-1]))
        if part is None or place[-1] not in tables[part]:
            yield f"{section}: {path}", None
        else:
            yield from walked(value, place[-1:], part, tables)
        return
    if isinstance(value, list):
        for entry in value:
            yield from walked(entry, (*place[:-1], f"{place[-1]}[]"), section, tables)
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from walked(below, (*place, key), section, tables)


def part_of(keys: Keys, path: str) -> str | None:
    """Return the part of several documents that a key is said to be: its text links to it."""
    link = re.search(r"\(#([a-z-]+)\)", keys.get(path, ""))
    return link[1] if link is not None and link[1] in PARTS else None


PARTS = ("parameters", "match", "candidate", "planned-file", "skipped", "figures")


def test_every_json_document_is_documented(tables: dict[str, Keys], made: dict[str, Any]) -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(neardup_cli.__path__[0]).rglob("*.py")]
    schemas = {schema for text in sources for schema in re.findall(r'"(neardup\.[a-z-]+/\d+)"', text)}
    schemas |= {one["schema"] for one in made.values()}
    assert len(schemas) >= 22
    assert {slug(schema) for schema in schemas} == {name for name in tables if name.startswith("neardup")}
    page = JSON_PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"<!-- example: ([\w-]+) -->", page)) == set(made)


def test_every_key_of_a_json_document_is_documented(tables: dict[str, Keys], made: dict[str, Any]) -> None:
    unknown = {
        place
        for one in made.values()
        for place, key in walked(one, (), slug(one["schema"]), tables)
        if key is None
    }
    assert unknown == set()


def test_every_key_that_is_documented_is_there(tables: dict[str, Keys], made: dict[str, Any]) -> None:
    seen = {
        (section, key)
        for one in made.values()
        for section, key in walked(one, (), slug(one["schema"]), tables)
    }
    missing = {
        f"{section}: {key}"
        for section, keys in tables.items()
        for key, said in keys.items()
        if (section, key) not in seen and not said.startswith("only ")
    }
    assert missing == set()


def test_the_examples_are_what_the_program_makes(made: dict[str, Any]) -> None:
    shown = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in examples.FOLDER.glob("*.json")
    }
    again = "make them again: python -m docs.scripts.examples"
    assert {name: shape(one) for name, one in shown.items()} == {
        name: shape(one) for name, one in made.items()
    }, again


def shape(value: object) -> object:
    """Return what a document is made of: its keys, and the kinds of its values."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


# What the README and the first tutorial tell people to do


def console_blocks(path: Path) -> list[str]:
    return re.findall(r"^```console\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def told(block: str) -> list[str]:
    """Return the commands of a block: the lines after a prompt, or all where there is none."""
    lines = block.splitlines()
    prompted = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return prompted or [line for line in lines if line.startswith("neardup ")]


def test_the_commands_of_the_readme_print_what_it_shows(tmp_path: Path) -> None:
    [block] = console_blocks(README)
    shown = re.split(r"^\$ (.+)\n", block, flags=re.MULTILINE)[1:]
    printed = on_a_terminal("neardup demo gallery", tmp_path)
    for command, lines in zip(shown[::2], shown[1::2], strict=True):
        printed = on_a_terminal(command, tmp_path)
        for line in lines.splitlines():
            assert plain(line) in printed, f"{command}: {line}"


def on_a_terminal(command: str, home: Path) -> str:
    """Return what a command prints on a wide terminal, its spaces and its speed made plain."""
    program, *arguments = shlex.split(command)
    assert program == "neardup"
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEARDUP_")}
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "NEARDUP_CATALOG": str(home / "catalog.db")}
    with subprocess.Popen(
        [Path(sysconfig.get_path("scripts")) / "neardup", *arguments],
        env={**kept, **own, "TERM": "xterm-256color", "NO_COLOR": "1", "COLUMNS": "200"},
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        printed = b""
        try:
            while chunk := os.read(ours, 65536):
                printed += chunk
        except OSError:  # Linux says so when the last writer has gone
            pass
    os.close(ours)
    assert process.returncode == 0, printed
    return "\n".join(map(plain, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", printed.decode()).splitlines()))


def plain(line: str) -> str:
    line = re.sub(r"in [\d.]+ s, [\d,]+ images/s", "in … s, … images/s", line)
    return " ".join(line.split())


def test_the_first_hour_runs(tmp_path: Path) -> None:
    commands = [command for block in console_blocks(FIRST_HOUR) for command in told(block)]
    assert len(commands) >= 10
    photos = []
    with examples.home_of_its_own(tmp_path):
        for command in commands:
            program, *arguments = shlex.split(command)
            assert program == "neardup"
            examples.asked(*arguments)
            photos.append(len(list((tmp_path / "gallery").rglob("*.*"))))
    assert f"writes {photos[0]} files" in FIRST_HOUR.read_text(encoding="utf-8")
    put_away = photos[[command.startswith("neardup clean --apply") for command in commands].index(True)]
    assert put_away < photos[0]  # something went
    assert photos[-1] == photos[0]  # and came back


def fill_home(home: Path, images: dict[str, Image.Image]) -> None:
    """Write what the README's shorter blocks speak of: photographs, a copy, and a data set without a leak."""
    own = {"Photos/a.jpg": "coffee", "Phone/b.jpg": "chelsea", "Downloads/c.jpg": "coffee"}
    data_set = {"data/train/d.jpg": "rocket", "data/test/e.jpg": "astronaut", "data/test/f.jpg": "chelsea"}
    for path, name in {**own, **data_set}.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        images[name].save(home / path, quality=60 if path.startswith("Down") else 92)


def test_the_shorter_blocks_of_the_readme_run(tmp_path: Path, photographs: dict[str, Image.Image]) -> None:
    lines = re.findall(r"^    (neardup .+)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    # Servers do not end: tests/e2e/test_web_serve.py starts them.
    commands = [shlex.split(line, comments=True) for line in lines if not line.startswith("neardup serve")]
    assert len(commands) >= 10
    fill_home(tmp_path, photographs)
    with examples.home_of_its_own(tmp_path):
        for _, *arguments in commands:
            examples.asked(*map(os.path.expanduser, arguments))
    assert (tmp_path / "groups.html").stat().st_size > 0
    assert len(list((tmp_path / "copies").rglob("*.jpg"))) > 10


@pytest.mark.parametrize(
    "path", [README, DOCS / "reference/python.md", DOCS / "tutorial/data-set.md"], ids=named
)
def test_the_python_that_is_shown_runs(
    path: Path, tmp_path: Path, photographs: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("photos", "data/train"):
        (tmp_path / folder).mkdir(parents=True)
        photographs["coffee"].save(tmp_path / folder / "coffee.jpg")
    photographs["coffee"].save(tmp_path / "new.jpg", quality=60)
    monkeypatch.setenv("NEARDUP_CATALOG", str(tmp_path / "catalog.db"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    tree = ast.parse(blocks[0])
    *before, last = tree.body
    names: dict[str, Any] = {}
    exec(compile(ast.Module(before, []), named(path), "exec"), names)
    if not isinstance(last, ast.Expr):
        exec(compile(ast.Module([last], []), named(path), "exec"), names)
        assert names["report"].parameters["model"] == "sscd_distilled"
        return
    answer = eval(compile(ast.Expression(last.value), named(path), "eval"), names)
    assert (answer if isinstance(answer, bool) else answer[0]) is True


def test_the_python_of_the_page_on_notebooks_runs(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / "how-to" / "notebooks.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEARDUP_CATALOG", str(tmp_path / "user.db"))
    names: dict[str, Any] = {"photos": photos}
    for block in blocks:
        exec(compile(block, "notebooks.md", "exec"), names)
    assert (len(names["images"]), len(names["clean"])) == (5, 3)
    assert sorted(names["frame"].columns)[:2] == ["bytes", "confidence"]
    assert len(names["pairs"]) == len(names["result"].pairs) >= 2
    assert names["similarity"].shape == (5, 5)
    assert not (tmp_path / "user.db").exists()


def test_the_python_of_the_page_on_tables_runs(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (DOCS / "how-to" / "data-frames.md").read_text(encoding="utf-8")
    [block] = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    [command] = re.findall(r"^    neardup (export --images .+)$", page, re.MULTILINE)
    with examples.home_of_its_own(tmp_path):
        examples.asked("scan", str(photos), "--hash-only")
        examples.asked(*shlex.split(command))
        monkeypatch.chdir(tmp_path)
        first, second = block.split("\n\n")[1:]
        for part in (first, second):
            names: dict[str, Any] = {}
            exec(compile(f"import pandas, polars\n{part}", "data-frames.md", "exec"), names)
            assert (len(names["frame"]), len(names["copies"]) > 0) == (7, True)
