"""What is data and what is talk; what a terminal gets and what a pipe; file names of every kind."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from neardup_cli import __version__, build_hash_db
from neardup_cli.reports.paths import parse_data_path
from tests.e2e.terminal import on_terminal

if TYPE_CHECKING:
    from tests.conftest import Draw, Lacking
    from tests.e2e.conftest import Neardup, Scanned

COMMAND = Path(sysconfig.get_path("scripts")) / "neardup"
FORKED = True
ESCAPE = b"\x1b"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
BOXES = re.compile("[\u2500-\u259f]")
TORN = b"torn \x1b[7m\n\xff.jpg"
NAMES = [
    b"plain.png",
    b"two words.png",
    b"not \xff\xfe utf-8.png",
    b"line\nbreak.png",
    b"return\r.png",
    b"tab\there.png",
    b"\x1b[31mred\x1b]0;title\x07.png",
    b"c1 \xc2\x9b2J.png",
    b"\xe2\x80\xaegnp.txt.png",
    b"quote\"d 'twice' `and` $more.png",
    b"comma, semicolon; %41%ff #.png",
    b"-n.png",
    b"[bold red]markup[bold].png",
    b"back\\slash\\x1b.png",
    b"\xf0\x9f\x90\x88.png",
]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory, draw: Draw) -> bytes:
    """A folder of exact copies of one picture, by names that shells and terminals trip over."""
    folder = tmp_path_factory.mktemp("names")
    content = draw(folder / "first.png", 1).read_bytes()
    (folder / "first.png").unlink()
    for name in NAMES:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(content)
    Path(os.fsdecode(os.path.join(os.fsencode(folder), TORN))).write_bytes(b"\xff\xd8\xff")
    return os.fsencode(folder)


@pytest.fixture(scope="module")
def named_catalog(tmp_path_factory: pytest.TempPathFactory, names: bytes) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "catalog.db"
    return build_hash_db(names, path, hash_only=True)


@pytest.fixture
def named(neardup: Neardup, named_catalog: Path) -> Neardup:
    """A `neardup` that has scanned `names`."""
    shutil.copy(named_catalog, neardup.catalog)
    return neardup


@pytest.fixture(scope="module")
def crowded_catalog(tmp_path_factory: pytest.TempPathFactory, draw: Draw) -> Path:
    """A catalog of 500 groups: more lines than a pipe holds."""
    folder = tmp_path_factory.mktemp("crowd")
    for number in range(500):
        first = draw(folder / f"a picture with a long name, number {number:03d}.png", number)
        for copy in range(3):
            os.link(first, first.with_suffix(f".{copy}.png"))
    return build_hash_db(folder, tmp_path_factory.mktemp("catalog") / "catalog.db", hash_only=True)


def both_cores[T, R](work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Run commands two at a time: what they cost is their start."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, items))


def test_every_json_is_one_document_from_which_every_name_can_be_had(named: Neardup, names: bytes) -> None:
    first, other, torn = (os.path.join(names, name) for name in (NAMES[2], NAMES[6], TORN))
    commands: dict[str, Sequence[str | bytes]] = {
        "scan": [names, "--hash-only"],
        "dups": [],
        "query": [first, torn],
        "compare": ["--hash-only", first, other],
        "status": [],
        "doctor": [],
    }

    def document(name: str) -> Any:
        done = named.run(name, *commands[name], "--json")
        assert done.returncode == (12 if name == "query" else 0)
        text = done.stdout.decode("utf-8")
        assert text.replace("\n", "").isprintable()
        return json.loads(text)

    found = dict(zip(commands, both_cores(document, commands), strict=True))
    assert {name: document["schema"] for name, document in found.items()} == {
        name: f"neardup.{name}/1" for name in commands
    }
    expected = {os.path.join(names, name) for name in NAMES}
    assert [parse_data_path(entry["path"]) for entry in found["scan"]["skipped"]] == [torn]
    (group,) = found["dups"]["groups"]
    assert {parse_data_path(member["path"]) for member in group["members"]} == expected
    assert parse_data_path(group["keep"]) in expected
    assert {parse_data_path(match[side]) for match in group["matches"] for side in "ab"} == expected
    answer, failed = found["query"]["queries"]
    assert parse_data_path(answer["path"]) == first
    assert {parse_data_path(match["path"]) for match in answer["matches"]} < expected - {first}
    assert parse_data_path(failed["path"]) == torn
    assert failed["error"]
    assert [parse_data_path(found["compare"][side]) for side in "ab"] == [first, other]
    assert [parse_data_path(root["path"]) for root in found["status"]["roots"]] == [names]
    assert parse_data_path(found["status"]["catalog"]) == os.fsencode(named.catalog)


def test_every_format_carries_every_name(named: Neardup, names: bytes) -> None:
    formats = ["jsonl", "csv", "pairs", "paths"]
    lines, table, pairs, paths = both_cores(lambda name: named.succeed("dups", "--format", name), formats)
    expected = {os.path.join(names, name) for name in NAMES}
    (group,) = map(json.loads, lines.decode().splitlines())
    assert {parse_data_path(member["path"]) for member in group["members"]} == expected

    rows = list(csv.DictReader(io.StringIO(table.decode(), newline="")))
    assert {parse_data_path(row["path"]) for row in rows} == expected
    assert [row["keep"] for row in rows] == ["yes", *["no"] * (len(NAMES) - 1)]
    assert {row["group"] for row in rows} == {group["id"]}

    rows = list(csv.DictReader(io.StringIO(pairs.decode(), newline="")))
    assert {parse_data_path(row[side]) for row in rows for side in "ab"} == expected
    assert {row["stage"] for row in rows} == {"exact"}

    redundant = sorted(expected - {parse_data_path(group["keep"])})
    assert paths == b"".join(path + b"\n" for path in redundant)


def test_paths_go_through_xargs(named: Neardup, tmp_path: Path, lacking: Lacking) -> None:
    for tool in ("xargs", "ls", "cp", "tee"):
        if shutil.which(tool) is None:
            lacking(tool)
    copies = tmp_path / "copies"
    copies.mkdir()
    script = """
    "$0" dups --format paths -0 | tee "$1/../list" | xargs -0 ls -d -- &&
    xargs -0 cp -t "$1" -- < "$1/../list"
    """
    done = subprocess.run(
        ["sh", "-c", script, COMMAND, copies], env=named.variables(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(os.listdir(copies)) == len(NAMES) - 1
    assert set(os.listdir(os.fsencode(copies))) < set(NAMES)


def test_piped_output_is_plain_and_talk_is_elsewhere(named: Neardup, names: bytes) -> None:
    commands: list[list[str | bytes]] = [
        ["dups"],
        ["status"],
        ["doctor"],
        ["scan", names, "--hash-only"],
        ["--help"],
        ["dups", "-h"],
    ]
    for arguments, done in zip(commands, both_cores(lambda given: named.run(*given), commands), strict=True):
        text, said = done.stdout.decode(), done.stderr.decode()
        assert not BOXES.search(text), text
        assert not [char for char in text + said if not char.isprintable() and char not in "\n\t"]
        assert bool(said) == (arguments[0] in ("dups", "scan") and "-h" not in arguments)
        match arguments:
            case ["dups"]:
                lines = text.splitlines()
                kinds = [line.split("\t")[0] for line in lines]
                assert kinds == [lines[0], "keep", *["copy"] * (len(NAMES) - 1), ""]
                assert said.count("\n") == 1  # the sum
            case ["scan", *_]:
                assert said.startswith("unreadable: ")
                assert text.startswith(f"{len(NAMES) + 1} images seen")


def test_a_terminal_gets_a_table(scanned: Scanned) -> None:
    seen = on_terminal(scanned.neardup, "dups")
    assert seen.code == 0
    assert ESCAPE in seen.terminal
    plain = COLOUR.sub("", seen.terminal.decode())
    for word in ("Path", "Size", "Pixels", "Stage", "Sim.", "keep", "copy"):
        assert word in plain
    assert "\t" not in plain
    photo = scanned.truth.files[0].path
    seen = on_terminal(scanned.neardup, "query", photo)
    assert seen.code == 0
    assert "Bits" in COLOUR.sub("", seen.terminal.decode())


def test_a_terminal_is_never_given_a_name_raw(named: Neardup, names: bytes) -> None:
    torn = os.path.join(names, TORN)
    commands: list[list[str | bytes]] = [
        ["dups"],
        ["dups", "--json"],
        ["dups", "--format", "paths"],
        ["query", torn],
    ]
    table, *others = both_cores(lambda arguments: on_terminal(named, *arguments), commands)
    for seen in (table, *others):
        # The program's own colours are taken away; what a name would have brought stays.
        text = COLOUR.sub("", seen.terminal.decode().replace("\x1b[31mred", "RAW"))
        assert "RAW" not in text
        assert not [char for char in text if not char.isprintable() and char not in "\r\n\t"], text
    assert b"[bold red]markup[bold].png" in table.terminal  # nor is it taken for markup
    seen = on_terminal(named, "scan", torn, "--hash-only", stream="stderr")
    assert b"\x1b[7m" not in seen.terminal
    assert rb"torn \x1b[7m\n\xff.jpg: corrupt" in seen.terminal


def test_progress_goes_to_a_terminal_only(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    for seed in range(200):
        draw(tmp_path / "pictures" / f"{seed}.png", seed)
    seen = on_terminal(neardup, "scan", tmp_path / "pictures", "--hash-only", stream="stderr")
    assert seen.code == 0
    assert b"Reading" in seen.terminal
    assert b"/s" in seen.terminal
    assert seen.piped.startswith(b"200 images seen")
    assert ESCAPE not in seen.piped
    silent = neardup.run("scan", tmp_path / "pictures", "--hash-only", "--rehash")
    assert silent.stderr == b""


def test_a_reader_that_leaves_early_hears_no_complaint(neardup: Neardup, crowded_catalog: Path) -> None:
    catalog = replace(neardup, environment={"NEARDUP_CATALOG": str(crowded_catalog)})
    with subprocess.Popen(
        [COMMAND, "dups", "--json"],
        env=catalog.variables(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read()
        process.wait(60)
    assert b"rror" not in said, said
    assert b"Traceback" not in said
    assert said.count(b"\n") <= 1  # the sum of a report that was written already


def test_a_reader_that_never_reads(named: Neardup) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [COMMAND, "dups"], env=named.variables(), stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert b"rror" not in done.stderr, done.stderr


def test_head_is_quiet(neardup: Neardup, crowded_catalog: Path, lacking: Lacking) -> None:
    if shutil.which("head") is None:
        lacking("head")
    catalog = replace(neardup, environment={"NEARDUP_CATALOG": str(crowded_catalog)})
    done = subprocess.run(
        ["sh", "-c", '"$0" dups | head -1', COMMAND],
        env=catalog.variables(),
        capture_output=True,
        check=False,
    )
    assert done.stdout.startswith(b"# ")
    assert done.stdout.count(b"\n") == 1
    assert b"rror" not in done.stderr, done.stderr


def test_under_and_limit(neardup: Neardup, tmp_path: Path, draw: Draw) -> None:
    for folder in ("one", "one more", "two"):
        for seed in range(3):
            draw(tmp_path / folder / f"{seed}.png", seed)
            shutil.copy(tmp_path / folder / f"{seed}.png", tmp_path / folder / f"{seed} again.png")
    build_hash_db(
        [tmp_path / "one", tmp_path / "one more", tmp_path / "two"], neardup.catalog, hash_only=True
    )
    document = neardup.json("dups", "--under", tmp_path / "one", "--limit", "2")
    assert len(document["groups"]) == 2
    assert (document["summary"]["groups"], document["summary"]["groups_shown"]) == (3, 2)
    folders = {
        Path(member["path"]).parent.name for group in document["groups"] for member in group["members"]
    }
    assert folders == {"one"}
    both = neardup.run("dups", "--under", tmp_path / "one", "--under", tmp_path / "two", "--format", "paths")
    assert {Path(os.fsdecode(path)).parent.name for path in both.stdout.splitlines()} == {"one", "two"}


def test_version_help_and_completion(neardup: Neardup) -> None:
    neardup = neardup.started()  # Typer looks for the shell among the processes that it comes from
    assert neardup.succeed("--version") == f"neardup {__version__}\n".encode()
    short, long = neardup.succeed("-h"), neardup.succeed("--help")
    assert short == long
    assert b"_neardup_completion" in neardup.succeed("--show-completion", "bash")
    variables = {"_NEARDUP_COMPLETE": "complete_bash", "COMP_WORDS": "neardup co", "COMP_CWORD": "1"}
    assert replace(neardup, environment=variables).succeed().split() == [b"compare"]
    assert not list(neardup.home.iterdir())


def test_settings_come_from_the_environment_and_from_a_file(
    named: Neardup, tmp_path: Path, draw: Draw
) -> None:
    pictures, other = draw(tmp_path / "pictures" / "0.png", 0).parent, tmp_path / "other.db"
    lines = [f'image_dirs = ["{pictures}"]', "hamming = 7", f'catalog = "{other}"']
    (named.home / "neardup.toml").write_text("\n".join(lines))
    untrusted = named.run("scan", "--hash-only")
    assert untrusted.returncode == 2
    assert b"neardup.toml: image_dirs is not taken from a folder that you do not trust: " in untrusted.stderr
    named.succeed("trust")
    assert named.json("scan", "--hash-only")["seen"] == 1
    assert not other.exists()  # the environment is stronger than the file
    variable = replace(named, environment={"NEARDUP_HAMMING": "3"})
    flag = replace(variable, environment={**variable.environment, "NEARDUP_CATALOG": str(other)})
    assert variable.json("dups")["parameters"]["hamming"] == 3
    assert flag.json("dups", "--hamming", "2", "--catalog", named.catalog)["parameters"]["hamming"] == 2


def test_the_locale_does_not_matter(named: Neardup, names: bytes) -> None:
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    plain = replace(named, environment=locale).started()
    members = json.loads(plain.succeed("dups", "--json"))["groups"][0]["members"]
    assert {parse_data_path(member["path"]) for member in members} == {os.path.join(names, n) for n in NAMES}
