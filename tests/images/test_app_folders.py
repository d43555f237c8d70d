"""Which folders belong to an application."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neardup_cli.images.app_folders import in_app_folder, is_app_folder

UUID = b"0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("folder", "below"),
    [
        (b"/p/Library.photoslibrary", b"/originals/0/A.jpg"),
        (b"/p/Photos Library.PhotosLibrary", b"/x"),
        (b"/p/iPhoto Library", b"/Masters/2012/a.jpg"),
        (b"/p/Aperture Library.aplibrary", b"/Masters/a.jpg"),
        (b"/p/Catalog Previews.lrdata", b"/0/A.jpg"),
        (b"/p/Lightroom Library.lrlibrary", b"/a.jpg"),
        (b"/p/Session.cocatalog", b"/Cache/a.jpg"),
        (b"/p/shoot/CaptureOne/Cache", b"/Proxies/a.jpg"),
        (b"/p/@eaDir", b"/IMG_1.jpg/SYNOPHOTO_THUMB_XL.jpg"),
        (b"/p/@EADIR", b"/a.jpg"),
        (b"/p/.@__thumb", b"/a.jpg"),
        (b"/p/#recycle", b"/a.jpg"),
        (b"/p/@Recycle", b"/a.jpg"),
        (b"/p/$RECYCLE.BIN", b"/S-1-5-21/$R1.jpg"),
        (b"/p/RECYCLER", b"/a.jpg"),
        (b"/p/.Trash-1000", b"/files/a.jpg"),
        (b"/p/.Trashes", b"/501/a.jpg"),
        (b"/home/u/.local/share/Trash/files", b"/a.jpg"),
        (b"/p/.dtrash", b"/files/a.jpg"),
        (b"/p/.thumbnails", b"/large/a.png"),
        (b"/p/System Volume Information", b"/a.jpg"),
        (b"/p/appdata_oc5f/preview", b"/1/2/256-256-crop.jpg"),
        (b"/p/thumbs/" + UUID, b"/ab/cd/x-preview.jpeg"),
        (b"/p/encoded-video/" + UUID, b"/a.mp4"),
        (b"/p/storage/sidecar", b"/a.jpg"),
        (b"/c/darktable/mipmaps-0a.d", b"/3/1.jpg"),
        (b"/p/.zfs", b"/snapshot/daily/a.jpg"),
        (b"/p/__MACOSX", b"/._a.jpg"),
    ],
)
def test_folders_of_applications(folder: bytes, below: bytes) -> None:
    assert is_app_folder(folder)
    assert in_app_folder(folder) == folder
    assert in_app_folder(folder + below) == folder
    assert in_app_folder(folder + b"x" + below) is None or b"Trash" in folder


@pytest.mark.parametrize(
    "path",
    [
        b"/p/photos/a.jpg",
        b"/p/thumbs/a.jpg",
        b"/p/preview/a.jpg",
        b"/p/Cache/a.jpg",
        b"/p/storage/a.jpg",
        b"/p/recycle/a.jpg",
        b"/p/photoslibrary/a.jpg",
        b"/p/my@eaDir/a.jpg",
        b"/p/Trash/a.jpg",
        b"/p/lrdata/a.jpg",
        b"/",
        b"/p/holiday.lrdata.d/a.jpg",
    ],
)
def test_folders_of_people(path: bytes) -> None:
    assert in_app_folder(path) is None


def test_the_outermost_folder_counts() -> None:
    path = b"/p/A.photoslibrary/resources/@eaDir/a.jpg"
    assert in_app_folder(path) == b"/p/A.photoslibrary"
    assert not is_app_folder(b"/p/A.photoslibrary/resources")
    assert is_app_folder(b"/p/A.photoslibrary/resources/@eaDir")


@given(st.lists(st.binary(min_size=1, max_size=6).filter(lambda name: b"/" not in name), max_size=4))
def test_what_is_found_is_a_folder_on_the_way(parts: list[bytes]) -> None:
    inside = b"/" + b"/".join([*parts, b"@eaDir", *parts])
    found = in_app_folder(inside)
    assert found is not None
    assert inside.startswith(found)
    assert is_app_folder(found)
    assert (inside + b"/")[len(found)] == ord("/")
