"""Members of containers are read where they lie."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neardup_cli.images import members, remote
from neardup_cli.images.walk import Walker, is_below, outermost
from neardup_cli.records.members import is_container, is_member, name_below, split_member

FILES = {
    "b.jpg": b"second" * 300,
    "a.jpg": b"first",
    "cat/c.png": b"third" * 1000,
    "a.json": b"{}",
    "grüße.jpg": b"fourth",
}
LONG = "x" * 120 + "/" + "y" * 150 + ".jpg"


def tar(path: Path, files: dict[str, bytes] = FILES, form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as shard:
        folder = tarfile.TarInfo("cat")
        folder.type = tarfile.DIRTYPE
        shard.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
    return path


def zipped(path: Path, files: dict[str, bytes] = FILES, how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.mkdir("cat")
        for name, data in files.items():
            archive.writestr(name, data)
    return path


MAKERS: dict[str, Callable[[Path], Path]] = {
    "pax.tar": tar,
    "gnu.tar": lambda path: tar(path, {**FILES, LONG: b"long"}, tarfile.GNU_FORMAT),
    "long.tar": lambda path: tar(path, {**FILES, LONG: b"long"}),
    "UPPER.TAR": lambda path: tar(path, {"a.jpg": b"first"}),
    "packed.zip": zipped,
    "stored.zip": lambda path: zipped(path, how=zipfile.ZIP_STORED),
    "comic.cbz": zipped,
}


@pytest.mark.parametrize("name", MAKERS)
def test_each_member_is_read_where_it_lies(name: str, tmp_path: Path) -> None:
    path = os.fsencode(MAKERS[name](tmp_path / name))
    found, trouble = members.find(path)
    assert trouble == ""
    assert [member for member, _ in found] == sorted(member for member, _ in found)
    container = os.stat(path)
    for member, status in found:
        below = os.fsdecode(member.removeprefix(path + b"!"))
        expected = b"long" if below == LONG else FILES[below]
        assert remote.read(member) == expected
        assert remote.status_of(member) == status
        assert (status.st_size, status.st_mtime_ns) == (len(expected), container.st_mtime_ns)
        assert remote.is_remote(member)
        assert not remote.is_far(member)
    assert len(found) == len({member for member, _ in found}) >= 1


def test_a_tar_file_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "in" / name).write_bytes(FILES[name])
    (tmp_path / "in" / "link.jpg").symlink_to("a.jpg")
    subprocess.run(["tar", "cf", tmp_path / "s.tar", "-C", tmp_path / "in", "."], check=True)
    found, _ = members.find(os.fsencode(tmp_path / "s.tar"))
    names = [os.path.basename(path) for path, _ in found]
    assert names == [b"a.jpg", b"b.jpg"]  # a link is no image of its own
    assert remote.read(found[0][0]) == FILES["a.jpg"]


def test_of_two_members_with_one_name_the_last_one_counts(tmp_path: Path) -> None:
    path = tar(tmp_path / "s.tar", {"a.jpg": b"old"})
    with tarfile.open(path, "a") as shard:
        info = tarfile.TarInfo("a.jpg")
        info.size = 3
        shard.addfile(info, io.BytesIO(b"new"))
    assert remote.read(os.fsencode(path) + b"!a.jpg") == b"new"


def test_a_container_that_changes_is_listed_anew(tmp_path: Path) -> None:
    path = os.fsencode(tar(tmp_path / "s.tar", {"a.jpg": b"old"}))
    assert remote.read(path + b"!a.jpg") == b"old"
    tar(tmp_path / "s.tar", {"b.jpg": b"other"})
    assert not remote.is_there(path + b"!a.jpg")
    assert remote.read(path + b"!b.jpg") == b"other"
    os.unlink(path)
    assert not remote.is_there(path + b"!b.jpg")


@pytest.mark.parametrize("name", ["packed.zip", "pax.tar"])
def test_threads_may_read_one_container(name: str, tmp_path: Path) -> None:
    path = os.fsencode(MAKERS[name](tmp_path / name))
    names = [*FILES] * 40
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda below: remote.read(path + b"!" + below.encode()), names))
    assert read == [FILES[below] for below in names]


@pytest.mark.parametrize(
    ("name", "reason"), [("x.tar", "no tar file"), ("x.zip", "no zip file"), ("x.cbz", "no zip file")]
)
def test_what_is_no_container_is_said(name: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(OSError, match=reason):
        members.find(os.fsencode(tmp_path / name))
    [run] = Walker().walk(os.fsencode(tmp_path / name))
    assert (run.files, [(entry.unreadable, reason in entry.reason) for entry in run.skipped]) == (
        [],
        [(True, True)],
    )


def test_of_a_torn_tar_file_the_whole_members_are_there(tmp_path: Path) -> None:
    path = tar(tmp_path / "s.tar", {"a.jpg": b"a" * 1000, "b.jpg": b"b" * 9000})
    with path.open("r+b") as stream:
        stream.truncate(6000)
    found, trouble = members.find(os.fsencode(path))
    assert [member.rpartition(b"!")[2] for member, _ in found] == [b"a.jpg"]
    assert trouble != ""
    [run] = Walker().walk(os.fsencode(path))
    assert len(run.files) == 1
    assert [entry.unreadable for entry in run.skipped] == [True]


def test_what_is_encrypted_or_torn_in_a_zip_file_is_unreadable(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.zip")
    data = bytearray(path.read_bytes())
    at = data.index(b"first") if b"first" in data else data.index(b"a.jpg") + 8
    data[at] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(OSError, match="cannot be unpacked"):
        remote.read(os.fsencode(path) + b"!a.jpg")
    data = bytearray(zipped(tmp_path / "y.zip").read_bytes())
    place = data.index(b"PK\x01\x02")  # of the first entry of the directory
    while data[place + 46 : place + 51] != b"a.jpg":
        place = data.index(b"PK\x01\x02", place + 1)
    data[place + 8] |= 1
    (tmp_path / "y.zip").write_bytes(data)
    with pytest.raises(OSError, match="encrypted"):
        remote.read(os.fsencode(tmp_path / "y.zip") + b"!a.jpg")


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        (b"/d/x.tar!a.jpg", (b"/d/x.tar", b"a.jpg")),
        (b"/d/x.ZIP!cat/a!b.jpg", (b"/d/x.ZIP", b"cat/a!b.jpg")),
        (b"/d/x.tar!in.zip!a.jpg", (b"/d/x.tar", b"in.zip!a.jpg")),
        (b"x.cbz!\n", (b"x.cbz", b"\n")),
        (b"/d/what!.jpg", None),
        (b"/d/x.tar!", None),
        (b"/d/x.target!a.jpg", None),
        (b"/d/x.tar/a.jpg", None),
        (b".tar!x", None),
    ],
)
def test_the_path_alone_tells_a_member(path: bytes, parts: tuple[bytes, bytes] | None) -> None:
    assert split_member(path) == parts
    assert is_member(path) == (parts is not None)


def test_a_member_lies_in_its_container_and_in_its_folder() -> None:
    assert is_below(b"/d/x.tar!a.jpg", b"/d/x.tar")
    assert is_below(b"/d/x.tar!a.jpg", b"/d")
    assert not is_below(b"/d/x.tar!a.jpg", b"/d/x")
    assert not is_below(b"/d/a.jpg!b", b"/d/a.jpg")
    assert outermost([b"/d/x.tar!a.jpg", b"/d/x.tar"]) == [b"/d/x.tar"]
    assert name_below(b"/d/x.tar!cat/a.jpg", b"/d/x.tar") == b"cat/a.jpg"
    assert name_below(b"/d/x.tar!a.jpg", b"/d") == b"x.tar!a.jpg"
    assert name_below(b"/e/a.jpg", b"/d") is None
    assert is_container(b"/d/x.tar")
    assert not is_container(b"/d/x.tar.gz")


# --- the walk -------------------------------------------------------------------------------------------


def test_containers_are_entered_where_that_is_wanted(tmp_path: Path) -> None:
    tar(tmp_path / "x.tar")
    (tmp_path / "x.tar 2.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "x.tar.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "x.tar!fake.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "wow!.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "folder.zip" / "in.jpg").write_bytes(b"\xff\xd8\xff")
    top = os.fsencode(tmp_path)
    runs = list(Walker(containers=True).walk(top))
    found = [os.path.relpath(path, top) for run in runs for path, _ in run.files]
    assert found == [
        b"folder.zip/in.jpg",
        b"wow!.jpg",
        b"x.tar 2.jpg",
        b"x.tar!a.jpg",
        b"x.tar!b.jpg",
        b"x.tar!cat/c.png",
        "x.tar!grüße.jpg".encode(),
        b"x.tar.jpg",
    ]
    skipped = {os.path.relpath(entry.path, top): entry.reason for run in runs for entry in run.skipped}
    assert skipped == {b"x.tar!fake.jpg": "named like a member of a container"}
    without = [path for run in Walker().walk(top) for path, _ in run.files]
    assert len(without) == 4


def test_members_are_left_out_as_files_are(tmp_path: Path) -> None:
    path = tar(
        tmp_path / "x.tar",
        {".hidden/a.jpg": b"1", "b.jpg": b"2", "raw/c.jpg": b"3", "__MACOSX/._b.jpg": b"4"},
    )
    [run] = Walker(["raw/*"]).walk(os.fsencode(path))
    assert [member.rpartition(b"!")[2] for member, _ in run.files] == [b"b.jpg"]
    assert {entry.reason for entry in run.skipped} == {"hidden", "excluded"}
