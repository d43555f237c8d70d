from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neardup_cli.images.files import regular_handle
from neardup_cli.images.formats import IMAGE_EXTENSIONS, has_image_extension
from neardup_cli.images.walk import Walker, file_stamp, is_below, outermost


def touch(folder: Path | bytes, *names: str | bytes) -> None:
    """Make empty files; names with slashes make folders too."""
    for name in names:
        path = os.path.join(os.fsencode(folder), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT))


def taken(walker: Walker, folder: Path | bytes) -> list[bytes]:
    """Paths below the folder of the files that a walk gives, in its order."""
    root = os.fsencode(folder)
    runs = list(walker.walk(root))
    return [os.path.relpath(path, root) for run in runs for path, _ in run.files]


def skipped(walker: Walker, folder: Path) -> dict[bytes, str]:
    root = os.fsencode(folder)
    entries = [entry for run in walker.walk(root) for entry in run.skipped]
    assert len({entry.path for entry in entries}) == len(entries)
    return {os.path.relpath(entry.path, root): entry.reason for entry in entries}


# --- order ----------------------------------------------------------------------------------------------

# What sorts around "/" and ".", what is not UTF-8, and what ends lines.
letters = st.sampled_from([b"a", b"b", b"-", b" ", b"!", b"0", b"\n", b"\xff", b"\xc3\xa9", b"A", b"~", b"'"])
names = st.lists(letters, min_size=1, max_size=3).map(b"".join)
trees = st.lists(
    st.tuples(st.lists(names, max_size=3), names, st.sampled_from([b".jpg", b".PNG", b".a.webp"])),
    max_size=12,
)


@settings(max_examples=40)
@given(trees)
def test_order_is_that_of_the_whole_paths(tree: list[tuple[list[bytes], bytes, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = os.fsencode(os.path.realpath(place))
        made = {b"/".join([root, *folders, name + extension]) for folders, name, extension in tree}
        for path in made:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_CREAT))
        runs = list(Walker().walk(root))
    assert [path for run in runs for path, _ in run.files] == sorted(made)
    assert [entry for run in runs for entry in run.skipped] == []


def test_folder_among_files_that_begin_like_it(tmp_path: Path) -> None:
    touch(tmp_path, "a/b.jpg", "a.jpg", "a-b.jpg", "a0.jpg", "a.b/c.jpg", "a/.b/d.jpg", "a!/e.jpg")
    assert taken(Walker(hidden=True), tmp_path) == [
        b"a!/e.jpg",
        b"a-b.jpg",
        b"a.b/c.jpg",
        b"a.jpg",
        b"a/.b/d.jpg",
        b"a/b.jpg",
        b"a0.jpg",
    ]


def test_status_comes_with_the_path(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"12345")
    [run] = Walker().walk(os.fsencode(tmp_path))
    [(path, status)] = run.files
    assert (path, status.st_size, run.root) == (os.fsencode(tmp_path / "a.jpg"), 5, os.fsencode(tmp_path))
    assert file_stamp(status) == file_stamp((tmp_path / "a.jpg").stat())


# --- what is taken --------------------------------------------------------------------------------------


def test_extensions(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.JPEG", "c.HeIc", "d.txt", "e", "jpg", "f.jpg.txt", "g.", "h.avif", "png")
    assert taken(Walker(), tmp_path) == [b"a.jpg", b"b.JPEG", b"c.HeIc", b"h.avif"]
    assert skipped(Walker(), tmp_path) == dict.fromkeys(
        [b"d.txt", b"e", b"f.jpg.txt", b"g.", b"jpg", b"png"], "not an image file"
    )
    assert all(has_image_extension(b"x." + extension.upper()) for extension in IMAGE_EXTENSIONS)
    assert not has_image_extension(b"/folder.jpg/file")


def test_hidden(tmp_path: Path) -> None:
    touch(tmp_path, ".a.jpg", ".cache/b.jpg", "c/.d.jpg", "c/e.jpg")
    assert taken(Walker(), tmp_path) == [b"c/e.jpg"]
    assert skipped(Walker(), tmp_path) == dict.fromkeys([b".a.jpg", b".cache", b"c/.d.jpg"], "hidden")
    assert taken(Walker(hidden=True), tmp_path) == [b".a.jpg", b".cache/b.jpg", b"c/.d.jpg", b"c/e.jpg"]
    assert taken(Walker(), tmp_path / ".cache") == [b"b.jpg"]  # whoever names a folder means it


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.png", "a.jpg sub/b.jpg sub/deep/d.jpg thumbs/e.jpg"),
        ("thumbs", "a.jpg sub/b.jpg sub/c.png sub/deep/d.jpg"),
        ("sub", "a.jpg thumbs/e.jpg"),
        ("sub/*", "a.jpg thumbs/e.jpg"),
        ("sub/deep", "a.jpg sub/b.jpg sub/c.png thumbs/e.jpg"),
        ("*/deep/*", "a.jpg sub/b.jpg sub/c.png thumbs/e.jpg"),
        ("deep/d.jpg", "a.jpg sub/b.jpg sub/c.png sub/deep/d.jpg thumbs/e.jpg"),
        ("[ab].jpg", "sub/c.png sub/deep/d.jpg thumbs/e.jpg"),
        ("A.JPG", "a.jpg sub/b.jpg sub/c.png sub/deep/d.jpg thumbs/e.jpg"),
        ("?.jpg", "sub/c.png"),
        ("*", ""),
    ],
)
def test_exclude(tmp_path: Path, pattern: str, left: str) -> None:
    touch(tmp_path, "a.jpg", "sub/b.jpg", "sub/c.png", "sub/deep/d.jpg", "thumbs/e.jpg")
    assert taken(Walker([pattern]), tmp_path) == left.encode().split()


def test_excluded_folder_is_not_entered(tmp_path: Path) -> None:
    touch(tmp_path, "keep/a.jpg", "skip/b.jpg", "skip/deep/c.jpg")
    walker = Walker(["nothing", "skip"])
    assert skipped(walker, tmp_path) == {b"skip": "excluded"}
    assert taken(walker, tmp_path) == [b"keep/a.jpg"]
    # A pattern is about what lies below the root, never about the root.
    assert taken(Walker(["skip", "*/skip/*"]), tmp_path / "skip") == [b"b.jpg", b"deep/c.jpg"]


def test_exclude_names_that_are_not_text(tmp_path: Path) -> None:
    touch(tmp_path, b"\xff.jpg", b"new\nline.jpg", b"c.jpg")
    assert taken(Walker(["*\n*"]), tmp_path) == [b"c.jpg", b"\xff.jpg"]
    assert taken(Walker([os.fsdecode(b"\xff*")]), tmp_path) == [b"c.jpg", b"new\nline.jpg"]
    assert taken(Walker(["?.jpg"]), tmp_path) == [b"new\nline.jpg"]


def test_special_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    monkeypatch.chdir(tmp_path)  # a socket's name has to be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        assert taken(Walker(), tmp_path) == []
        assert skipped(Walker(), tmp_path) == dict.fromkeys(
            [b"pipe.jpg", b"socket.png"], "not a regular file"
        )
    [run] = Walker().walk(os.fsencode(tmp_path / "pipe.jpg"))
    assert [entry.reason for entry in run.skipped] == ["not a regular file"]


def test_single_file_is_taken_whatever_its_name(tmp_path: Path) -> None:
    touch(tmp_path, ".hidden.txt")
    path = os.fsencode(tmp_path / ".hidden.txt")
    [run] = Walker(["*"]).walk(path)
    assert ([name for name, _ in run.files], run.root, run.skipped) == ([path], path, [])


def test_root_that_is_gone(tmp_path: Path) -> None:
    [run] = Walker().walk(os.fsencode(tmp_path / "gone"))
    assert [(entry.reason, entry.unreadable) for entry in run.skipped] == [
        ("no such file or directory", True)
    ]


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.jpg", "b/y.jpg", "c/z.jpg")
    (tmp_path / "b").chmod(0)
    walker = Walker()
    entries = [entry for run in walker.walk(os.fsencode(tmp_path)) for entry in run.skipped]
    assert [(entry.path, entry.reason, entry.unreadable) for entry in entries] == [
        (os.fsencode(tmp_path / "b"), "permission denied", True)
    ]
    assert taken(walker, tmp_path) == [b"a/x.jpg", b"c/z.jpg"]
    (tmp_path / "b").chmod(0o400)  # names can be read, and nothing of the files
    entries = [entry for run in walker.walk(os.fsencode(tmp_path)) for entry in run.skipped]
    (tmp_path / "b").chmod(0o700)
    assert [entry.path for entry in entries] == [os.fsencode(tmp_path / "b" / "y.jpg")]


# --- links ----------------------------------------------------------------------------------------------


def test_links_are_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "a/b.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "c.jpg").symlink_to(tmp_path / "a" / "b.jpg")
    (tmp_path / "dead.jpg").symlink_to("nowhere")
    walker = Walker()
    assert taken(walker, tmp_path) == [b"a/b.jpg"]
    assert skipped(walker, tmp_path) == dict.fromkeys(
        [b"a/loop", b"a/self", b"c.jpg", b"dead.jpg"], "symbolic link"
    )
    assert walker.link_targets == []


def test_followed_links_are_collected_under_their_real_paths(tmp_path: Path) -> None:
    tmp_path = tmp_path.resolve()
    touch(tmp_path, "a/b.jpg", "else/c.jpg")
    (tmp_path / "a" / "link").symlink_to("../else")
    (tmp_path / "a" / "via").symlink_to("link")
    (tmp_path / "a" / "loop").symlink_to(".")
    walker = Walker(follow_links=True)
    assert taken(walker, tmp_path / "a") == [b"b.jpg"]
    assert walker.link_targets == [os.fsencode(tmp_path / name) for name in ("else", "a", "else")]


def test_excluded_links_are_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "a/b.jpg")
    (tmp_path / "a" / "skip").symlink_to(tmp_path)
    (tmp_path / "a" / ".hidden").symlink_to(tmp_path)
    walker = Walker(["skip"], follow_links=True)
    assert taken(walker, tmp_path / "a") == [b"b.jpg"]
    assert walker.link_targets == []


def test_walked_roots_are_not_entered_again(tmp_path: Path) -> None:
    touch(tmp_path, "a/b.jpg", "a/c/d.jpg", "e.jpg", "f.jpg")
    walker = Walker(walked={os.fsencode(tmp_path / "a" / "c"), os.fsencode(tmp_path / "e.jpg")})
    assert taken(walker, tmp_path) == [b"a/b.jpg", b"f.jpg"]
    assert skipped(walker, tmp_path) == {}


# --- folders of applications ---


def test_folders_of_applications_are_left_out_and_named(tmp_path: Path) -> None:
    touch(
        tmp_path, "a.jpg", "@eaDir/a.jpg/b.jpg", ".Trash-1000/files/c.jpg", "L.photoslibrary/originals/d.jpg"
    )
    touch(tmp_path, "sub/#RECYCLE/e.jpg", "sub/f.lrdata")  # the last one is a file
    left_out = dict.fromkeys(
        [b"@eaDir", b".Trash-1000", b"L.photoslibrary", b"sub/#RECYCLE"], "folder of an application"
    )
    assert taken(Walker(), tmp_path) == [b"a.jpg"]
    assert skipped(Walker(), tmp_path) == {**left_out, b"sub/f.lrdata": "not an image file"}
    assert taken(Walker(app_folders=True), tmp_path) == [
        b".Trash-1000/files/c.jpg",
        b"@eaDir/a.jpg/b.jpg",
        b"L.photoslibrary/originals/d.jpg",
        b"a.jpg",
        b"sub/#RECYCLE/e.jpg",
    ]
    assert b"@eaDir/a.jpg/b.jpg" not in taken(Walker(["@eaDir"], app_folders=True), tmp_path)


# --- names that say nothing ---


def test_what_is_in_a_file_decides_where_its_name_says_nothing(tmp_path: Path) -> None:
    odd = [b"a.jpg_large", b"b", b"c.jpg.bak", b"d.jpeg!d", b"e.jpg.part", b"f.img", b"g.jpg ", b"h.jpg~"]
    for name in odd:
        (tmp_path / os.fsdecode(name)).write_bytes(b"\xff\xd8\xff\xe0")
    (tmp_path / "notes").write_bytes(b"Dear diary")
    (tmp_path / "film.mov").write_bytes(b"\xff\xd8\xff\xe0")  # never opened: its name says what it is
    (tmp_path / ".hidden").write_bytes(b"\xff\xd8\xff\xe0")
    os.mkfifo(tmp_path / "pipe")
    assert taken(Walker(), tmp_path) == odd
    assert skipped(Walker(), tmp_path) == {
        b"notes": "not an image file",
        b"film.mov": "film: not read",
        b".hidden": "hidden",
        b"pipe": "not an image file",
    }
    assert taken(Walker(sniffs=False), tmp_path) == [*odd, b"notes"]


# --- depth ---


def deepen(folder: Path, name: bytes, depth: int) -> bytes:
    """Make folders in each other without their path, an image in the last one; return its path."""
    path, descriptor = os.fsencode(folder), os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=descriptor)
        below = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        path, descriptor = path + b"/" + name, below
    os.close(os.open(b"deep.jpg", os.O_CREAT, dir_fd=descriptor))
    os.close(descriptor)
    return path + b"/deep.jpg"


@pytest.mark.parametrize(("name", "depth"), [(b"d", 1_500), (b"d" * 200, 60), (b"\xff", 3_000)])
def test_any_depth_that_the_system_allows(tmp_path: Path, name: bytes, depth: int) -> None:
    touch(tmp_path, "a.jpg", "z.jpg")
    deep = deepen(tmp_path, name, depth)
    try:
        found = {path: status for run in Walker().walk(os.fsencode(tmp_path)) for path, status in run.files}
        places = [os.fsencode(tmp_path / "a.jpg"), deep, os.fsencode(tmp_path / "z.jpg")]
        assert list(found) == sorted(places)
        opened = regular_handle(deep)
        assert opened is not None
        assert os.path.samestat(opened[1], found[deep])
        os.close(opened[0])
    finally:  # pytest's own way of removing a folder is not made for this
        subprocess.run(["rm", "-rf", tmp_path / os.fsdecode(name)], check=True)


# --- mounts ---------------------------------------------------------------------------------------------


def test_files_on_another_disk_belong_to_its_mount_point(tmp_path: Path, mount: Callable[..., None]) -> None:
    place = tmp_path / "b"
    place.mkdir()
    touch(tmp_path, "a/1.jpg", "c/2.jpg")
    mount(place, "-t", "tmpfs", "tmpfs")
    touch(place, "3.jpg", "deep/4.jpg")
    found = {
        os.path.basename(path): os.path.relpath(run.root, os.fsencode(tmp_path))
        for run in Walker().walk(os.fsencode(tmp_path))
        for path, _ in run.files
    }
    assert found == {b"1.jpg": b".", b"2.jpg": b".", b"3.jpg": b"b", b"4.jpg": b"b"}


# --- paths ----------------------------------------------------------------------------------------------

components = st.lists(names.filter(lambda name: name not in (b".", b"..")), max_size=3)
absolute = components.map(lambda parts: b"/" + b"/".join(parts))


def parts(path: bytes) -> list[bytes]:
    return [part for part in path.split(b"/") if part]


@given(absolute, absolute)
def test_is_below_compares_whole_names(path: bytes, folder: bytes) -> None:
    assert is_below(path, folder) == (parts(path)[: len(parts(folder))] == parts(folder))


@given(st.lists(absolute, max_size=8))
def test_outermost_keeps_what_lies_in_no_other(paths: list[bytes]) -> None:
    expected = {path for path in paths if not any(is_below(path, other) for other in paths if other != path)}
    kept = outermost(paths)
    assert sorted(kept) == sorted(expected)
    assert kept == sorted(kept, key=lambda path: path.rstrip(b"/") + b"/")


@pytest.mark.parametrize(
    ("given_paths", "kept"),
    [
        ([b"/a", b"/a/b", b"/a.b", b"/a0"], [b"/a.b", b"/a", b"/a0"]),
        ([b"/-x", b"/", b"/a"], [b"/"]),
        ([b"/a/b", b"/a-b", b"/a"], [b"/a-b", b"/a"]),
        ([b"/a", b"/a"], [b"/a"]),
        ([], []),
    ],
)
def test_outermost_by_hand(given_paths: list[bytes], kept: list[bytes]) -> None:
    assert outermost(given_paths) == kept


def test_numbers_of_64_bits_fit_a_signed_column() -> None:
    status = os.stat_result((0, (1 << 64) - 1, 1 << 63, 1, 0, 0, 5, 0, 0, 0), {"st_mtime_ns": 9})
    stamp = file_stamp(status)
    assert (stamp.size, stamp.mtime_ns, stamp.device, stamp.inode) == (5, 9, -(1 << 63), -1)
