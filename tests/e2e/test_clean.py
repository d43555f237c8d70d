"""`neardup clean` and `neardup undo`, as their users run them: plan, edit, apply, take back, be killed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import select
import shutil
import signal
import stat
import subprocess
import sysconfig
import tempfile
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from neardup_cli import build_hash_db

if TYPE_CHECKING:
    from tests.conftest import Draw, Lacking
    from tests.e2e.conftest import Neardup

COMMAND = Path(sysconfig.get_path("scripts")) / "neardup"
OLD = 1_500_000_000_123_456_789


def snapshot(*roots: Path) -> str:
    """A hash of the paths, bytes, times and modes below some folders."""
    lines = []
    for root in roots:
        for path in sorted(root.rglob("*")):
            status = path.lstat()
            mode = oct(stat.S_IMODE(status.st_mode))
            if path.is_symlink():
                lines.append(f"{path} -> {os.readlink(path)}")
            elif path.is_dir():
                lines.append(f"{path}/ {mode}")
            else:
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                lines.append(f"{path} {digest} {status.st_mtime_ns} {mode}")
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


@pytest.fixture
def photos(tmp_path: Path, neardup: Neardup, draw: Draw) -> Path:
    """Three pictures, each with an exact copy in `copies`; the first copy has a raw file and a sidecar."""
    for place in ("files", "info"):
        (neardup.home / ".local/share/Trash" / place).mkdir(parents=True)
    folder = tmp_path / "photos"
    for seed in range(3):
        original = draw(folder / f"{seed}.png", seed)
        copy = folder / "copies" / f"{seed} of the copies.png"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(original, copy)
        copy.chmod(0o600)
        os.utime(original, ns=(OLD, OLD))
        os.utime(copy, ns=(OLD + 5, OLD + 5))
    for extension in ("xmp", "nef"):
        (folder / "copies" / f"0 of the copies.{extension}").write_text(extension)
    build_hash_db(os.fsencode(folder), neardup.catalog, hash_only=True)
    return folder


@pytest.fixture
def away(request: pytest.FixtureRequest, tmp_path: Path, lacking: Lacking) -> Iterator[Path]:
    """A folder that is not there yet: on this disk, or on another one."""
    if request.param == "here":
        yield tmp_path / "away"
        return
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        lacking("there is no second file system")
    folder = Path(tempfile.mkdtemp(dir=memory, prefix="neardup-test-"))
    yield folder / "away"
    shutil.rmtree(folder)


PREFERRED = ("--keep", "oldest", "--hamming", "0")


@pytest.mark.parametrize("action", ["trash", "hardlink", "symlink"])
def test_apply_and_undo(action: str, photos: Path, neardup: Neardup) -> None:
    trash = neardup.home / ".local"
    before = snapshot(photos, trash)
    dry = neardup.succeed("clean", "--action", action, *PREFERRED).decode()
    assert dry.count("\nkeep\t") == 3
    assert snapshot(photos, trash) == before
    done = neardup.json("clean", "--action", action, *PREFERRED, "--apply")
    assert (done["schema"], done["batch"], done["refused"]) == ("neardup.clean/1", 1, [])
    assert done["done"] == (5 if action == "trash" else 3)
    after = snapshot(photos, trash)
    assert after != before
    undone = neardup.json("undo")
    assert (undone["schema"], undone["done"], undone["refused"]) == ("neardup.undo/1", done["done"], [])
    assert snapshot(photos, trash) == before


@pytest.mark.parametrize("action", ["quarantine", "move"])
@pytest.mark.parametrize("away", ["here", "there"], indirect=True)
def test_apply_and_undo_with_a_folder(action: str, away: Path, photos: Path, neardup: Neardup) -> None:
    before = snapshot(photos)
    other = away.parent.stat().st_dev != photos.stat().st_dev
    arguments: list[str | Path] = ["clean", "--action", action, "--to", away, *PREFERRED]
    if other:  # never in silence
        plan = neardup.json(*arguments)
        assert plan["summary"]["acts"] == 0
        assert all("--across-devices" in left["reason"] for group in plan["groups"] for left in group["left"])
        arguments.append("--across-devices")
    plan = neardup.json(*arguments)
    assert plan["summary"]["acts"] == 3
    assert not away.exists()
    assert neardup.json(*arguments, "--apply")["done"] == 5
    assert not any(path.is_file() for path in (photos / "copies").iterdir())
    act = plan["groups"][0]["acts"][0]
    moved = Path(act["target"])
    assert moved.is_relative_to(away)
    assert moved == (away / act["path"].lstrip("/") if action == "quarantine" else away / moved.name)
    status = moved.stat()
    assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) == (OLD + 5, 0o600)
    neardup.succeed("undo")
    assert snapshot(photos) == before
    assert not away.exists()


def test_reflink(photos: Path, neardup: Neardup) -> None:
    """Where the file system cannot, each file is named with the reason, and the exit code tells."""
    before = snapshot(photos)
    done = neardup.run("clean", "--action", "reflink", *PREFERRED, "--apply")
    assert snapshot(photos) == before
    if done.returncode == 18:
        assert done.stderr.decode().count("the file system cannot share blocks") == 3
        assert b"neardup: 3 files could not be acted upon" in done.stderr
    else:
        neardup.succeed("undo")
        assert snapshot(photos) == before


def test_delete(photos: Path, neardup: Neardup) -> None:
    before = snapshot(photos)
    dry = neardup.run("clean", "--action", "delete", *PREFERRED)
    assert b"delete cannot be undone" in dry.stderr
    assert b"has no copy beside the file to keep" in dry.stdout  # of the copy with the raw file
    message = neardup.fail(2, "clean", "--action", "delete", *PREFERRED, "--apply")
    assert "--permanently" in message
    assert snapshot(photos) == before
    assert neardup.json("clean", "--action", "delete", *PREFERRED, "--apply", "--permanently")["done"] == 2
    assert "for good" in neardup.fail(2, "undo", "--batch", "1")
    assert "nothing to undo" in neardup.fail(2, "undo")


def test_list(photos: Path, neardup: Neardup) -> None:
    listed = neardup.succeed("clean", "--action", "list", *PREFERRED, "-0").split(b"\0")
    assert sorted(filter(None, listed)) == sorted(map(os.fsencode, (photos / "copies").glob("*.png")))
    assert "only lists" in neardup.fail(2, "clean", "--action", "list", "--apply")


def test_a_report_on_stdin(photos: Path, neardup: Neardup) -> None:
    report = neardup.succeed("dups", "--hamming", "0", "--json")

    def clean(text: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [os.fspath(COMMAND), "clean", "-", *arguments]
        return subprocess.run(
            command, input=text, env=neardup.variables(), capture_output=True, timeout=60, check=False
        )

    piped = json.loads(clean(report, "--json", "--keep", "oldest").stdout)
    assert piped == neardup.json("clean", *PREFERRED)
    document = json.loads(report)
    document["groups"] = document["groups"][:1]
    assert clean(json.dumps(document).encode(), "--apply").returncode == 0
    assert len(list((photos / "copies").glob("*.png"))) + len(list(photos.glob("*.png"))) == 5
    wrong = clean(b"{}")
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert wrong.stderr.startswith(b"neardup: not the output of `neardup dups --json`")


def test_a_plan_is_saved_edited_and_replayed(photos: Path, neardup: Neardup) -> None:
    plan_file = neardup.home / "plan.json"
    saved = neardup.run("clean", *PREFERRED, "--plan-out", plan_file)
    assert saved.returncode == 0
    plan = json.loads(plan_file.read_text())
    assert plan == neardup.json("clean", *PREFERRED) == neardup.json("clean", "--plan", plan_file)
    victim = plan["groups"][0]["acts"][0]["path"]
    plan["groups"] = plan["groups"][:1]
    plan_file.write_text(json.dumps(plan))
    neardup.succeed("clean", "--plan", plan_file, "--apply")
    assert not Path(victim).exists()
    assert len(list((photos / "copies").glob("*.png"))) == 2
    neardup.succeed("undo")
    plan["groups"][0]["acts"][0]["path"] = plan["groups"][0]["keep"]["path"]
    plan_file.write_text(json.dumps(plan))
    before = snapshot(photos)
    assert "and acts upon it" in neardup.fail(2, "clean", "--plan", plan_file, "--apply")
    assert "no options" in neardup.fail(2, "clean", "--plan", plan_file, "--action", "move")
    assert snapshot(photos) == before
    picture = photos / "0.png"
    assert "is no plan" in neardup.fail(2, "clean", *PREFERRED, "--plan-out", picture)
    assert snapshot(photos) == before


def test_every_other_document(photos: Path, neardup: Neardup) -> None:
    neardup.succeed("clean", *PREFERRED, "--apply")
    batches = neardup.json("undo", "--list")
    assert batches["schema"] == "neardup.batches/1"
    (batch,) = batches["batches"]
    assert (batch["batch"], batch["action"], batch["state"], batch["files"]) == (
        1,
        "trash",
        "applied",
        {"done": 5},
    )
    assert b"1\t" in neardup.succeed("undo", "--list")
    (photos / "copies" / "1 of the copies.png").write_text("in the way")
    undone = neardup.run("undo", "--batch", "1", "--json")
    assert undone.returncode == 18
    (refused,) = json.loads(undone.stdout)["refused"]
    assert refused == {
        "path": str(photos / "copies" / "1 of the copies.png"),
        "reason": "something else stands there now",
    }
    assert b"neardup: 1 file could not be put back: see above" in undone.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clean", "--keep", "prettiest"], "'prettiest' is none of resolution"),
        (["clean", "--only", "exact,blurred"], "'blurred' is none of exact"),
        (["clean", "photos"], "the only argument is -"),
        (["clean", "--resume"], "nothing to resume"),
        (["clean", "--interactive"], "needs a terminal"),
        (["clean", "-0"], "goes with --action list"),
        (["undo", "--list", "--batch", "7"], "--list lists"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_asked(arguments: list[str], message: str, named_neardup: Neardup) -> None:
    assert message in named_neardup.fail(2, *arguments)


@pytest.fixture(scope="module")
def small_catalog(tmp_path_factory: pytest.TempPathFactory, draw: Draw) -> Path:
    base = tmp_path_factory.mktemp("small")
    draw(base / "photos" / "1.png", 1)
    return build_hash_db(os.fsencode(base / "photos"), base / "catalog.db", hash_only=True)


@pytest.fixture
def named_neardup(neardup: Neardup, small_catalog: Path) -> Neardup:
    shutil.copy(small_catalog, neardup.catalog)
    return neardup


def test_killed_commands(photos: Path, neardup: Neardup) -> None:
    """The commands themselves, at a few moments; tests/cleanup/test_kill.py has the many."""
    trash = neardup.home / ".local"
    before = snapshot(photos, trash)
    originals = {path.read_bytes() for path in photos.rglob("*.*")}
    for number in range(3):
        started = neardup.start("clean", *PREFERRED, "--apply")
        time.sleep(0.35 + 0.15 * number)
        started.send_signal(signal.SIGKILL)
        started.wait()
        there = {
            path.read_bytes() for root in (photos, trash) for path in root.rglob("*.*") if path.is_file()
        }
        assert there >= originals
        if any(batch["state"] == "applying" for batch in neardup.json("undo", "--list")["batches"]):
            assert "neardup clean --resume" in neardup.fail(2, "clean", *PREFERRED, "--apply")
            neardup.succeed("clean", "--resume")
        if snapshot(photos, trash) != before:
            neardup.succeed("undo")
        assert snapshot(photos, trash) == before


class Terminal:
    """A command on a pseudo-terminal, to press keys."""

    def __init__(self, neardup: Neardup, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [COMMAND, *arguments],
            env={**neardup.variables(), "TERM": "xterm", "COLUMNS": "160"},
            cwd=neardup.home,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            # So that Ctrl-C reaches it; no thread of this process could be in the way.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(theirs)
        self.shown = ""

    def wait_for(self, text: str) -> None:
        """Read until a text has come."""
        deadline = time.monotonic() + 60
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self._ours], [], [], 1)[0]:
                try:
                    data = os.read(self._ours, 65536)
                except OSError:  # how Linux says that nobody holds the other end any more
                    data = b""
                assert data, self.shown
                self.shown += data.decode()
        self.shown = self.shown.partition(text)[2]

    def press(self, keys: str) -> None:
        """Press keys at the next question."""
        self.wait_for("q quit")
        os.write(self._ours, keys.encode())

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        while select.select([self._ours], [], [], 60)[0]:
            try:
                data = os.read(self._ours, 65536)
            except OSError:
                break
            if not data:
                break
            self.shown += data.decode()
        os.close(self._ours)
        return self._process.wait(60)


def test_interactive(photos: Path, neardup: Neardup) -> None:
    """Keep the second file of one group, call nothing else a copy, and have that one done."""
    plan = neardup.json("clean", *PREFERRED)
    first, second, third = ((group["keep"]["path"], group["acts"][0]["path"]) for group in plan["groups"])
    terminal = Terminal(neardup, "clean", *PREFERRED, "--interactive", "--apply")
    terminal.wait_for("group 1 of 3")
    terminal.press("?")  # no such key: it asks again
    terminal.press("2")
    terminal.wait_for("group 2 of 3")
    terminal.press("n")  # the same bytes cannot be called different
    terminal.wait_for("cannot be called different")
    terminal.press("a")
    terminal.press("s")
    assert terminal.ended() == 0
    assert "moved to the trash" in terminal.shown
    assert [Path(path).exists() for path in first] == [False, True]
    assert all(Path(path).exists() for path in (*second, *third))
    rulings = {one["ruling"] for one in neardup.json("ignored")["decisions"]}
    assert rulings == {"keep"}
    neardup.succeed("undo")
    assert all(Path(path).exists() for path in first)


def test_interactive_decisions_are_kept_when_it_is_left(photos: Path, neardup: Neardup, draw: Draw) -> None:
    """Not duplicates, then quit: nothing is done, and the group never comes again."""
    before = snapshot(photos)
    other = shutil.copy(photos / "0.png", photos / "other.png")
    with open(other, "ab") as stream:
        stream.write(b"more bytes, the same picture")
    neardup.succeed("scan", "--hash-only", photos)
    asked = ["clean", "--only", "exact,unknown", "--hamming", "4"]
    groups = neardup.json(*asked)["groups"]
    place = next(
        number for number, group in enumerate(groups) if len(group["acts"]) + len(group["left"]) == 2
    )
    terminal = Terminal(neardup, *asked, "--interactive", "--apply")
    for _ in range(place):
        terminal.press("s")
    terminal.press("n")
    terminal.press("q")
    assert terminal.ended() == 0
    assert "nothing to do" in terminal.shown
    Path(other).unlink()
    assert snapshot(photos) == before
    assert any(one["ruling"] == "not-duplicates" for one in neardup.json("ignored")["decisions"])


def test_ctrl_c_says_how_to_go_on(photos: Path, neardup: Neardup) -> None:
    terminal = Terminal(neardup, "clean", *PREFERRED, "--interactive", "--apply")
    terminal.press("\x03")
    assert terminal.ended() == 130


def test_a_plan_on_a_terminal(photos: Path, neardup: Neardup) -> None:
    terminal = Terminal(neardup, "clean", *PREFERRED)
    assert terminal.ended() == 0
    assert "keep" in terminal.shown
    assert "3 copies in 3 groups to the trash" in terminal.shown
    assert "nothing was done: add --apply" in terminal.shown
