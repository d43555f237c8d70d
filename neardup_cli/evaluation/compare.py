"""`neardup eval compare`: the same images for neardup and for other programs, each in a process of its own.

Every program is asked the same: which images of one folder are copies of each other? Recall counts the pairs
of a query and the reference that it was made of; precision all pairs that the program reports, where two
images are rightly paired if one picture can be seen in both.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from neardup_cli.errors import BadInput, NeardupError
from neardup_cli.evaluation.ground_truth import GroundTruth
from neardup_cli.evaluation.metrics import Quality
from neardup_cli.evaluation.pictures import picture_paths
from neardup_cli.progress import Progress, Silent

_PEERS = Path(__file__).with_name("peers")
_LAUNCHER = Path(__file__).with_name("launch.py")
_NOT_INSTALLED = 3
_INTERRUPTED = 130
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class State(StrEnum):
    """What became of a program."""

    MEASURED = "measured"
    NOT_INSTALLED = "not installed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Peer:
    """A program: the script that asks it, what the script is told besides the folder, and the package."""

    name: str
    package: str
    script: str
    arguments: tuple[str, ...] = ()


PEERS = (
    Peer("imagehash dHash", "imagehash", "imagehash_peer.py", ("dhash",)),
    Peer("imagehash pHash", "imagehash", "imagehash_peer.py", ("phash",)),
    Peer("PDQ", "pdqhash", "pdqhash_peer.py"),
    Peer("imagededup PHash", "imagededup", "imagededup_peer.py", ("phash",)),
    Peer("imagededup CNN", "imagededup", "imagededup_peer.py", ("cnn",)),
    Peer("immaculate pdq", "immaculate", "immaculate_peer.py", ("pdq",)),
    Peer("immaculate sscd_distilled", "immaculate", "immaculate_peer.py", ("sscd_distilled",)),
    Peer("immaculate sscd", "immaculate", "immaculate_peer.py", ("sscd",)),
    Peer("fastdup", "fastdup", "fastdup_peer.py"),
    Peer("CleanVision", "cleanvision", "cleanvision_peer.py"),
    Peer("czkawka", "czkawka", "czkawka_peer.py"),
)

OURS = {
    "neardup": ((), ()),
    "neardup --thorough": (("--thorough",), ()),
    "neardup --model sscd": (("--model", "sscd"), ()),
    "neardup --no-verify": ((), ("--no-verify",)),
    "neardup --hash-only": (("--hash-only",), ()),
}
"""Our own ways, with the arguments of `scan` and of `dups`."""


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """What is compared.

    Attributes:
        pythons: interpreter of the environment that a package is installed in; this one where none is given.
        only: packages to compare with; none for all.
        ours: which of our own ways to run.
        model: of our own runs that name none; None takes the default.
        timeout: seconds after which a program counts as failed.
    """

    pythons: Mapping[str, Path] = field(default_factory=dict)
    only: Sequence[str] = ()
    ours: Sequence[str] = tuple(OURS)
    model: str | None = None
    timeout: float = 3600.0


@dataclass(frozen=True, slots=True)
class Compared:
    """One program and how it did; the numbers are 0 where it was not measured, and `reason` says why.

    Attributes:
        quality: found and missed are pairs of a query and its reference.
        pairs: how many pairs it reports.
        right: how many of them are copies of each other.
        seconds, cpu_seconds: of all its processes.
        peak_mb: the most memory that one of its processes held.
    """

    name: str
    state: State
    version: str = ""
    reason: str = ""
    found: int = 0
    positives: int = 0
    pairs: int = 0
    right: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0

    @property
    def recall(self) -> float:
        """The share of the copies that were paired with their originals."""
        return Quality(self.found, 0, self.positives - self.found).recall

    @property
    def precision(self) -> float:
        """The share of the reported pairs that are copies of each other."""
        return Quality(self.right, self.pairs - self.right, 0).precision


def compare(
    truth: GroundTruth,
    folders: Iterable[bytes],
    options: CompareOptions,
    progress: Progress | None = None,
) -> list[Compared]:
    """Run neardup and its peers, one after the other.

    Args:
        truth: the queries and what they are copies of.
        folders: of the references and the distractors.
        options: what is compared.
        progress: told how far it is.

    Raises:
        BadInput: a name or an interpreter is not there.
    """
    _check(options)
    watch = progress or Silent()
    peers = [peer for peer in PEERS if not options.only or peer.package in options.only]
    watch.start("Comparing", len(options.ours) + len(peers))
    results = []
    with tempfile.TemporaryDirectory(prefix="neardup-compare-") as work:
        gathered = _gather(truth, folders, Path(work) / "images")
        for name in options.ours:
            results.append(_ours(name, OURS[name], gathered, Path(work), options))
            watch.advance()
        for peer in peers:
            results.append(_theirs(peer, gathered, options))
            watch.advance()
    return results


def _check(options: CompareOptions) -> None:
    packages = sorted({peer.package for peer in PEERS})
    for package in (*options.only, *options.pythons):
        if package not in packages:
            raise BadInput(f"no peer is called {package}; there are {', '.join(packages)}")
    for package, python in options.pythons.items():
        if not os.access(python, os.X_OK):
            raise BadInput(f"{python}, given for {package}, is no Python interpreter")


@dataclass(frozen=True, slots=True)
class _Gathered:
    """All images in one folder under plain names, for programs that take no more than that.

    Attributes:
        shows: by name, the pictures that can be seen in an image.
        wanted: pairs of names to be found, each with the smaller name first.
    """

    folder: Path
    shows: Mapping[str, frozenset[bytes]]
    wanted: frozenset[tuple[str, str]]


def _gather(truth: GroundTruth, folders: Iterable[bytes], target: Path) -> _Gathered:
    target.mkdir()
    name_of: dict[bytes, str] = {}
    shows: dict[str, frozenset[bytes]] = {}

    def take(path: bytes, seen: frozenset[bytes]) -> None:
        if path in name_of:
            return
        name = f"{len(name_of):07d}{os.fsdecode(os.path.splitext(path)[1]).lower()}"
        _link(path, target / name)
        name_of[path] = name
        shows[name] = seen

    asked = {question.path for question in truth.questions}
    for folder in folders:
        root = os.path.realpath(folder)
        for relative in picture_paths(folder):
            path = os.path.join(root, relative)
            if path not in asked:
                take(path, frozenset({path}))
    for question in truth.questions:
        take(question.path, question.answers | question.neutral | {question.path})
    wanted = {
        _ordered(name_of[question.path], name_of[answer])
        for question in truth.questions
        for answer in question.answers
    }
    return _Gathered(target, shows, frozenset(wanted))


def _link(path: bytes, target: Path) -> None:
    """Give a file another name; several programs pass symbolic links over."""
    with suppress(OSError):
        os.link(path, target)
        return
    shutil.copyfile(os.fsdecode(path), target)


def _ordered(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)


class _Ran(NamedTuple):
    code: int
    stdout: bytes
    stderr: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


def _ours(
    name: str,
    arguments: tuple[tuple[str, ...], tuple[str, ...]],
    images: _Gathered,
    work: Path,
    options: CompareOptions,
) -> Compared:
    """Run `neardup scan` and `neardup dups` as their user would."""
    scan_arguments, dups_arguments = arguments
    catalog = work / f"{name.replace(' ', '')}.db"
    has_own = {"--hash-only", "--model"} & set(scan_arguments)
    model = ("--model", options.model) if options.model and not has_own else ()
    ours = [sys.executable, "-P", "-m", "neardup_cli"]
    scanned = _run(
        [*ours, "scan", str(images.folder), "--catalog", str(catalog), *model, *scan_arguments],
        options.timeout,
    )
    grouped = _run(
        [*ours, "dups", "--catalog", str(catalog), "--format", "json", *dups_arguments], options.timeout
    )
    for ran in (scanned, grouped):
        if ran.code:
            return Compared(name, State.FAILED, reason=_last_line(ran.stderr))
    from importlib.metadata import version

    pairs = _pairs_of_dups(json.loads(grouped.stdout))
    both = grouped._replace(
        seconds=scanned.seconds + grouped.seconds,
        cpu_seconds=scanned.cpu_seconds + grouped.cpu_seconds,
        peak_mb=max(scanned.peak_mb, grouped.peak_mb),
    )
    return _measured(name, version("neardup-cli"), pairs, both, images)


def _pairs_of_dups(document: Mapping[str, object]) -> set[tuple[str, str]]:
    """Return all pairs of the groups, as of every other program, and the matches between groups."""
    groups = document["groups"]
    if not isinstance(groups, list):
        raise NeardupError("`neardup dups --json` printed no groups")
    pairs: set[tuple[str, str]] = set()
    for group in groups:
        names = sorted(os.path.basename(member["path"]) for member in group["members"])
        pairs.update(itertools.combinations(names, 2))
    links = document.get("links", [])
    for link in links if isinstance(links, list) else []:
        pairs.add(_ordered(os.path.basename(link["a"]), os.path.basename(link["b"])))
    return pairs


def _theirs(peer: Peer, images: _Gathered, options: CompareOptions) -> Compared:
    """Run the script that asks a peer."""
    python = str(options.pythons.get(peer.package, sys.executable))
    ran = _run([python, str(_PEERS / peer.script), str(images.folder), *peer.arguments], options.timeout)
    if ran.code == _NOT_INSTALLED:
        return Compared(
            peer.name,
            State.NOT_INSTALLED,
            reason=f"pip install {peer.package} somewhere, and --peer-python {peer.package}=PYTHON",
        )
    try:
        answer = json.loads(ran.stdout)
        pairs = {_ordered(a, b) for a, b in answer["pairs"]}
        release = str(answer["version"])
    except (ValueError, KeyError, TypeError):
        return Compared(peer.name, State.FAILED, reason=_last_line(ran.stderr) or f"exit code {ran.code}")
    return _measured(peer.name, release, pairs, ran, images)


def _measured(name: str, version: str, pairs: set[tuple[str, str]], ran: _Ran, images: _Gathered) -> Compared:
    known = {pair for pair in pairs if pair[0] in images.shows and pair[1] in images.shows}
    return Compared(
        name,
        State.MEASURED,
        version,
        found=len(known & images.wanted),
        positives=len(images.wanted),
        pairs=len(known),
        right=sum(1 for a, b in known if images.shows[a] & images.shows[b]),
        seconds=ran.seconds,
        cpu_seconds=ran.cpu_seconds,
        peak_mb=ran.peak_mb,
    )


def _run(command: Sequence[str], timeout: float) -> _Ran:
    """Run a program to its end and measure it with its children.

    Through `launch.py`: Linux reports as the peak of a process at least what the process held that started
    it, and this one holds more than some of the peers ever will.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("NEARDUP_") and name != "PYTHONPATH"
    }
    with tempfile.TemporaryDirectory() as home:
        place = Path(home)
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(timeout), home, *command]
        done = subprocess.run(launcher, stdin=subprocess.DEVNULL, env=kept, cwd=home, check=False)
        if done.returncode == _INTERRUPTED:
            raise KeyboardInterrupt
        if done.returncode:
            raise NeardupError(f"{command[0]} cannot be run")
        measured = json.loads((place / "measured.json").read_text(encoding="ascii"))
        said = (place / "stderr").read_text(encoding="utf-8", errors="replace")
        return _Ran(stdout=(place / "stdout").read_bytes(), stderr=said, **measured)


def _last_line(said: str) -> str:
    lines = [line.strip() for line in _COLOURS.sub("", said).splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""
