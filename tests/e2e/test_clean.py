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
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from neardup_cli import build_hash_db

if TYPE_CHECKING:
    from tests.conftest import Draw, Lacking
    from tests.e2e.conftest import Neardup

COMMAND = Path(sysconfig.get_path("scripts")) / "neardup"
OLD = 1_500_000_000_123_456_789

FORKED = True


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
    before, plan_file = snapshot(photos), neardup.home / "plan.json"
    arguments: list[str | Path] = ["--action", action, "--to", away, *PREFERRED, "--across-devices"]
    assert neardup.json("clean", *arguments, "--plan-out", plan_file, "--apply")["done"] == 5
    assert not any(path.is_file() for path in (photos / "copies").iterdir())
    act = json.loads(plan_file.read_bytes())["groups"][0]["acts"][0]
    moved = Path(act["target"])
    assert moved.is_relative_to(away)
    assert moved == (away / act["path"].lstrip("/") if action == "quarantine" else away / moved.name)
    status = moved.stat()
    assert (status.st_mtime_ns, stat.S_IMODE(status.st_mode)) == (OLD + 5, 0o600)
    neardup.succeed("undo")
    assert snapshot(photos) == before
    assert not away.exists()


@pytest.mark.parametrize("away", ["there"], indirect=True)
def test_another_disk_is_not_reached_unless_asked(away: Path, photos: Path, neardup: Neardup) -> None:
    before = snapshot(photos)
    plan = neardup.json("clean", "--action", "move", "--to", away, *PREFERRED, "--apply", "--plan-out", "p")
    assert plan["done"] == 0
    left = [
        left for group in json.loads((neardup.home / "p").read_bytes())["groups"] for left in group["left"]
    ]
    assert len(left) == 3
    assert all("--across-devices" in one["reason"] for one in left)
    assert snapshot(photos) == before


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


def test_reflink_on_xfs(photos: Path, neardup: Neardup, xfs: Path) -> None:
    shutil.copytree(photos, xfs / "photos")
    tagged = xfs / "photos" / "copies" / "1 of the copies.png"
    os.setxattr(tagged, "user.xdg.tags", b"Lisbon")
    build_hash_db(xfs / "photos", neardup.catalog, hash_only=True)
    before, inode = snapshot(xfs), tagged.stat().st_ino
    asked: list[str | Path] = ["--action", "reflink", *PREFERRED, "--under", xfs]
    assert neardup.json("clean", *asked, "--apply")["done"] == 3
    assert tagged.stat().st_ino != inode
    assert os.getxattr(tagged, "user.xdg.tags") == b"Lisbon"
    assert snapshot(xfs) == before
    assert neardup.json("undo")["done"] == 3
    assert snapshot(xfs) == before


def test_delete(photos: Path, neardup: Neardup) -> None:
    before = snapshot(photos)
    dry = neardup.run("clean", "--action", "delete", *PREFERRED)
    assert b"delete cannot be undone" in dry.stderr
    assert b"has no copy beside the file that stays" in dry.stdout  # of the copy with the raw file
    message = neardup.fail(2, "clean", "--action", "delete", *PREFERRED, "--apply")
    assert "--permanently" in message
    assert snapshot(photos) == before
    assert neardup.json("clean", "--action", "delete", *PREFERRED, "--apply", "--permanently")["done"] == 2
    assert "for good" in neardup.fail(2, "undo", "--batch", "1")


def test_list(photos: Path, neardup: Neardup) -> None:
    listed = neardup.succeed("clean", "--action", "list", *PREFERRED, "-0").split(b"\0")
    assert sorted(filter(None, listed)) == sorted(map(os.fsencode, (photos / "copies").glob("*.png")))


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
    before, plan_file = snapshot(photos), neardup.home / "plan.json"
    plan = neardup.json("clean", *PREFERRED, "--plan-out", plan_file)
    assert plan == json.loads(plan_file.read_text()) == neardup.json("clean", "--plan", plan_file)
    assert snapshot(photos) == before
    (first, second, _) = plan["groups"]
    plan["groups"] = [first]
    plan_file.write_text(json.dumps(plan))
    neardup.succeed("clean", "--plan", plan_file, "--apply")
    assert not Path(first["acts"][0]["path"]).exists()
    assert len(list((photos / "copies").glob("*.png"))) == 2
    second["acts"][0]["path"] = second["keep"]["path"]
    plan_file.write_text(json.dumps({**plan, "groups": [second]}))
    before = snapshot(photos)
    assert "and acts upon it" in neardup.fail(2, "clean", "--plan", plan_file, "--apply")
    assert "is no plan" in neardup.fail(2, "clean", *PREFERRED, "--plan-out", photos / "0.png")
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


def test_killed_commands(photos: Path, neardup: Neardup) -> None:
    """The commands themselves, right after their first act; tests/cleanup/test_kill.py has all moments."""
    trash = neardup.home / ".local"
    before = snapshot(photos, trash)
    originals = {path.read_bytes() for path in photos.rglob("*.*")}
    first = photos / "copies"

    def killed(*arguments: str) -> None:
        there = sorted(first.iterdir())
        started = neardup.start(*arguments)
        while sorted(first.iterdir()) == there and started.poll() is None:
            time.sleep(0.001)
        started.send_signal(signal.SIGKILL)
        started.wait()
        found = {
            path.read_bytes() for root in (photos, trash) for path in root.rglob("*.*") if path.is_file()
        }
        assert found >= originals

    killed("clean", *PREFERRED, "--apply")
    if any(batch["state"] == "applying" for batch in neardup.json("undo", "--list")["batches"]):
        assert "neardup clean --resume" in neardup.fail(2, "clean", *PREFERRED, "--apply")
        neardup.succeed("clean", "--resume")
    assert not list(first.glob("*.png"))
    killed("undo")
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
            data = b""
            with suppress(OSError):  # how Linux says that nobody holds the other end any more
                data = self._read(deadline)
            assert data, self.shown
            self.shown += data.decode()
        self.shown = self.shown.partition(text)[2]

    def press(self, keys: str) -> None:
        """Press keys at the next question."""
        self.wait_for("q quit")
        os.write(self._ours, keys.encode())

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        deadline = time.monotonic() + 60
        with suppress(OSError):  # see above
            while data := self._read(deadline):
                self.shown += data.decode()
        os.close(self._ours)
        return self._process.wait(60)

    def _read(self, deadline: float) -> bytes:
        """Wait for more to be shown; whoever goes on waiting at the deadline is a failure by that name."""
        while not select.select([self._ours], [], [], 1)[0]:
            assert time.monotonic() < deadline, f"still running, having shown: {self.shown}"
        return os.read(self._ours, 65536)


def test_interactive(photos: Path, neardup: Neardup) -> None:
    """Keep the second file of one group, call nothing else a copy, and have that one done."""
    plan = neardup.json("clean", *PREFERRED)
    first, second, third = ((group["keep"]["path"], group["acts"][0]["path"]) for group in plan["groups"])
    terminal = Terminal(neardup, "clean", *PREFERRED, "--interactive", "--apply")
    terminal.wait_for("group 1 of 3")
    terminal.press("?")  # no such key: it asks again
    terminal.press("\x1b[1~")  # the key Home: no digit, whatever a terminal calls it
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
    build_hash_db(photos, neardup.catalog, hash_only=True)
    asked = ["clean", "--only", "exact,unknown", "--hamming", "4"]
    neardup.json(
        *asked
    )  # its proofs stay, and what is proven counts as a saving, by which groups are ordered
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


def test_ctrl_c_at_a_question(photos: Path, neardup: Neardup) -> None:
    before = snapshot(photos)
    terminal = Terminal(neardup, "clean", *PREFERRED, "--interactive", "--apply")
    terminal.press("a")
    terminal.press("\x03")
    assert terminal.ended() == 130
    assert "stopped: the decisions so far are kept, and nothing was done" in terminal.shown
    assert snapshot(photos) == before


def test_a_plan_on_a_terminal(photos: Path, neardup: Neardup) -> None:
    terminal = Terminal(neardup, "clean", *PREFERRED)
    assert terminal.ended() == 0
    assert "keep" in terminal.shown
    assert "3 copies in 3 groups to the trash" in terminal.shown
    told = "Dry run: nothing was done. Add --apply to move them to the trash; `neardup undo` takes that back"
    assert told in " ".join(terminal.shown.split())


def test_emptied_folders_are_removed_and_come_back(photos: Path, neardup: Neardup) -> None:
    before, plan_file = snapshot(photos), neardup.home / "plan.json"
    neardup.succeed("clean", *PREFERRED, "--remove-empty-folders", "--plan-out", plan_file)
    assert snapshot(photos) == before
    assert json.loads(plan_file.read_bytes())["remove_empty_folders"] is True
    said = neardup.succeed("clean", "--plan", plan_file, "--apply").decode()
    assert "1 empty folder removed" in said
    assert not (photos / "copies").exists()
    neardup.succeed("undo")
    assert snapshot(photos) == before


def test_across_folders_and_inside_them(photos: Path, neardup: Neardup) -> None:
    inside = photos / "copies" / "again.png"
    shutil.copy(photos / "0.png", inside)
    neardup.succeed("scan", photos, "--hash-only")

    def acted(*arguments: str | Path) -> list[str]:
        plan = neardup.json("clean", *PREFERRED, *arguments)
        return sorted(Path(act["path"]).name for group in plan["groups"] for act in group["acts"])

    copies = ["0 of the copies.png", "1 of the copies.png", "2 of the copies.png"]
    assert acted() == [*copies, "again.png"]
    assert acted("--within", photos / "copies") == ["again.png"]
    assert acted("--between", photos, "--between", photos / "copies") == [*copies, "again.png"]
    assert acted("--min-size", "100000") == []
    said = neardup.fail(2, "clean", "--between", photos)
    assert "--between needs two folders or more" in said
    assert "no such path" in neardup.fail(3, "clean", "--within", photos / "nowhere")


def test_folders_of_applications(photos: Path, neardup: Neardup) -> None:
    library = photos / "Family.photoslibrary"
    (library / "originals").mkdir(parents=True)
    shutil.copy(photos / "0.png", library / "originals" / "0.png")
    before = snapshot(library)
    summary = neardup.json("scan", photos, "--hash-only")
    assert summary["app_folders"] == 1
    assert b"left out 1 folder of applications (Family.photoslibrary): --app-folders" in neardup.succeed(
        "scan", photos, "--hash-only"
    )
    said = neardup.fail(2, "scan", library)
    assert "is an application's own folder" in said
    assert "--app-folders" in said
    assert neardup.json("scan", photos, "--hash-only", "--app-folders")["added"] == 1
    plan = neardup.json("clean", *PREFERRED, "--prefer", photos / "copies")
    left = [entry for group in plan["groups"] for entry in group["left"]]
    assert [entry["reason"] for entry in left] == ["inside an application's own folder"]
    neardup.json("clean", *PREFERRED, "--apply")
    assert snapshot(library) == before


def test_copies_are_proven_without_acting(photos: Path, neardup: Neardup) -> None:
    with Image.open(photos / "1.png") as image:
        image.save(photos / "again.bmp")
        image.convert("L").save(photos / "grey.bmp")
    build_hash_db(photos, neardup.catalog, hash_only=True)
    before = snapshot(photos)
    asked = ("dups", "--hamming", "4", "--no-verify")

    def losses(*arguments: str) -> dict[str, list[str] | None]:
        groups = neardup.json(*asked, *arguments)["groups"]
        return {Path(one["path"]).name: one["losses"] for group in groups for one in group["members"]}

    proven = losses("--prove")
    assert proven["grey.bmp"] == ["colour"]
    assert (proven["again.bmp"], proven["1 of the copies.png"]) == ([], [])
    assert proven["1.png"] == []
    assert losses() == proven, "they are kept"
    assert "loses nothing" in neardup.succeed(*asked, "--prove").decode()
    assert snapshot(photos) == before
