"""Fixtures that several rooms share; no test needs a download."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from skimage import data

from neardup_cli.catalog.database import Catalog
from neardup_cli.catalog.seal import SUFFIX
from tests import networks, postgres, ray_cluster
from tests.compiled import share_compiled_statements

# Two busy cores make any single example slow now and then; that says nothing about the code.
settings.register_profile("neardup", deadline=None, max_examples=60)
settings.load_profile("neardup")

share_compiled_statements()

# What a script starts in the background ignores Ctrl-C, and so would the programs that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The rooms whose files take longest, first: what is handed out last has to be short, or a core waits for it.
LONGEST = ("e2e", "cleanup", "evaluation", "pipeline", "fuzz", "embedders", "cli", "web", ".")

type Draw = Callable[[Path, int], Path]
type NewCatalog = Callable[[Path], Path]
type Mount = Callable[..., None]
type Lacking = Callable[[str], NoReturn]

_CAPABILITY_VERSION = 0x20080522
_OVERRIDING = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest rooms first; `make test` hands out files in this order."""
    places = {Path(__file__).parent / room: place for place, room in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.parent, len(places)))


@pytest.fixture(scope="session")
def lacking() -> Lacking:
    """A function that skips a test for want of something; in CI, where all of it is, the test fails."""

    def give_up(reason: str) -> NoReturn:
        if os.environ.get("NEARDUP_CI") == "1":
            pytest.fail(f"CI has to have this: {reason}")
        pytest.skip(reason)

    return give_up


@pytest.fixture(scope="session")
def photographs() -> dict[str, Image.Image]:
    """The photographs that come with scikit-image, 320 pixels wide at most."""
    found = {}
    for name in ("astronaut", "coffee", "chelsea", "rocket"):
        found[name] = Image.fromarray(getattr(data, name)())
        found[name].thumbnail((320, 320))
    return found


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory, photographs: dict[str, Image.Image]) -> Path:
    """A folder of four photographs, two edited copies and one exact copy; to be read only.

    Copies: astronaut.jpg, astronaut-small.jpg and astronaut-again.jpg (same bytes as the first);
    coffee.png and coffee-grey.jpg. Alone: chelsea.jpg, below/rocket.png.
    """
    folder = tmp_path_factory.mktemp("photos")
    (folder / "below").mkdir()
    astronaut, coffee = photographs["astronaut"], photographs["coffee"]
    astronaut.save(folder / "astronaut.jpg", quality=92)
    (folder / "astronaut-again.jpg").write_bytes((folder / "astronaut.jpg").read_bytes())
    astronaut.resize((200, 200)).save(folder / "astronaut-small.jpg", quality=70)
    coffee.save(folder / "coffee.png")
    coffee.convert("L").save(folder / "coffee-grey.jpg", quality=80)
    photographs["chelsea"].save(folder / "chelsea.jpg", quality=90)
    photographs["rocket"].save(folder / "below" / "rocket.png")
    return folder


@pytest.fixture(scope="session")
def draw() -> Draw:
    """A function that writes a small picture: `draw(path, seed)`; other seeds are other pictures."""

    def write(path: Path, seed: int) -> Path:
        levels = np.random.default_rng(seed).integers(0, 256, (6, 7, 3), dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(levels).resize((56, 48), Image.Resampling.BICUBIC)
        picture.save(path, path.suffix.removeprefix(".").replace("jpg", "jpeg"), compress_level=1)
        return path

    return write


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> NewCatalog:
    """A function that puts an empty catalog at a path: made once and copied, for each waits for the disk."""
    made = tmp_path_factory.mktemp("empty") / "catalog.db"
    Catalog.open(made, create=True).close()

    def put(path: Path) -> Path:
        for ending in ("", SUFFIX):
            shutil.copy2(f"{made}{ending}", f"{path}{ending}")
        return path

    return put


@pytest.fixture
def catalog(tmp_path: Path, empty_catalog: NewCatalog) -> Iterator[Catalog]:
    """An empty catalog, open."""
    with Catalog.open(empty_catalog(tmp_path / "catalog.db")) as opened:
        yield opened


@pytest.fixture(scope="session")
def archives(lacking: Lacking, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A network of SSCD's kind, scripted and traced; see `tests/networks.py`."""
    if (reason := networks.missing()) is not None:
        lacking(reason)
    return networks.archives(tmp_path_factory)


@pytest.fixture(scope="session")
def ray_address(lacking: Lacking) -> Iterator[str]:
    """The address of a Ray cluster of these tests' own; see `tests/ray_cluster.py`."""
    if (reason := ray_cluster.missing()) is not None:
        lacking(reason)
    with ray_cluster.cluster() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_server(lacking: Lacking) -> Iterator[str]:
    """A PostgreSQL server of these tests' own; see `tests/postgres.py`."""
    if (reason := postgres.missing()) is not None:
        lacking(reason)
    with postgres.server() as place:
        yield place


@pytest.fixture(scope="session")
def empty_postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with an empty catalog, to be copied."""
    cache = tmp_path_factory.mktemp("cache")
    with postgres.database(postgres_server) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        Catalog.open(url, create=True).close()
        patch.undo()
        yield url


@pytest.fixture
def postgres_url(postgres_server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, and a cache folder of its own for what stands beside a catalog."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture
def mount(lacking: Lacking) -> Iterator[Mount]:
    """A function that mounts: `mount(place, "-t", "tmpfs", "tmpfs")`; the end of the test unmounts."""
    places: list[Path] = []

    def mount_on(place: Path, *how: str) -> None:
        if shutil.which("mount") is None:
            lacking("there is no mount command")
        done = subprocess.run(["mount", *how, str(place)], capture_output=True, text=True, check=False)
        if done.returncode:
            lacking(f"nothing can be mounted here: {done.stderr.strip()}")
        places.append(place)

    yield mount_on
    for place in reversed(places):
        if f" {place} " in Path("/proc/mounts").read_text():  # `is_mount` does not see a folder mounted twice
            subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def xfs(tmp_path: Path, mount: Mount, lacking: Lacking) -> Path:
    """An empty disk whose files can share their blocks."""
    if shutil.which("mkfs.xfs") is None:
        lacking("mkfs.xfs (Debian's package xfsprogs)")
    image, disk = tmp_path / "disk.img", tmp_path / "xfs"
    image.touch()
    os.truncate(image, 400 << 20)  # the smallest that XFS makes; next to nothing of it is written
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    disk.mkdir()
    mount(disk, "-o", "loop", str(image))
    return disk


@pytest.fixture
def bound_by_permissions(lacking: Lacking) -> Iterator[None]:
    """Make `chmod` bind this thread, even where the tests run as root."""
    if os.name != "posix":
        lacking("POSIX permissions")
    if os.geteuid() != 0:
        yield
        return
    if not sys.platform.startswith("linux"):
        lacking("root is above permissions here")
    libc = ctypes.CDLL(None, use_errno=True)
    header = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    before = ctypes.create_string_buffer(24)
    if libc.capget(header, before) != 0:
        lacking("capabilities cannot be read here")
    effective, *others = struct.unpack("6I", before.raw)
    if libc.capset(header, struct.pack("6I", effective & ~_OVERRIDING, *others)) != 0:
        lacking("capabilities cannot be dropped here")
    yield
    libc.capset(header, before.raw)
