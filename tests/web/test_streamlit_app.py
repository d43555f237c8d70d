"""The Streamlit app, run by Streamlit's own test harness: no browser, the real catalog and model."""

from __future__ import annotations

import io
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from neardup_cli import build_hash_db
from neardup_cli.web import streamlit_app

MODEL = "sscd_distilled"
HOSTILE = "![](a.png) :red[x] $y$ <b>.jpg"


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path | str:
    """A catalog of the photographs, and of a copy with a name that Markdown would draw."""
    base = tmp_path_factory.mktemp("streamlit")
    shutil.copytree(photos, base / "photos")
    shutil.copy(photos / "chelsea.jpg", base / "photos" / HOSTILE)
    return build_hash_db(base / "photos", base / "catalog.db", model=MODEL)


@pytest.fixture
def app(collection: Path | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    for name in [name for name in os.environ if name.startswith("NEARDUP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("NEARDUP_CATALOG", str(collection))
    yield AppTest.from_file(str(streamlit_app.__file__), default_timeout=120)
    st.cache_resource.clear()


def edited(picture: Image.Image) -> bytes:
    """A copy that was never scanned."""
    out = io.BytesIO()
    picture.convert("L").resize((200, 140)).save(out, "WEBP", quality=60)
    return out.getvalue()


def texts(app: AppTest) -> str:
    return "\n".join(str(text.value) for text in app.text)


def upload(app: AppTest, data: bytes) -> AppTest:
    app.file_uploader(key="upload").set_value(("query.webp", data, "image/webp"))
    return app.run()


def test_an_edited_copy_is_a_duplicate(app: AppTest, photographs: dict[str, Image.Image]) -> None:
    assert not app.run().exception
    assert not app.success
    upload(app, edited(photographs["coffee"]))
    assert not app.exception
    assert app.success[0].value.startswith("Duplicate")
    assert "coffee.png" in texts(app)
    assert "similarity" in texts(app)
    assert app.subheader[0].value.startswith("Matches (2)")


def test_the_same_bytes(app: AppTest, photos: Path) -> None:
    upload(app.run(), (photos / "astronaut.jpg").read_bytes())
    assert app.success[0].value == "Duplicate: a file with the very same bytes."
    assert "decided by exact" in texts(app)


def test_the_threshold_and_the_number_of_answers(app: AppTest, photographs: dict[str, Image.Image]) -> None:
    mirrored = edited(photographs["coffee"].transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    upload(app.run(), mirrored)
    assert app.success
    app.slider(key="threshold").set_value(1.0).run()
    assert not app.success
    assert app.info[0].value.startswith("No duplicate")
    app.slider(key="threshold").set_value(0.2).run()
    assert app.success
    app.slider(key="top_k").set_value(1).run()
    assert sum(int(heading.value.rstrip(")").rpartition("(")[2]) for heading in app.subheader) == 1


def test_what_is_no_image(app: AppTest) -> None:
    upload(app.run(), b"no image at all")
    assert not app.exception
    assert app.error[0].value == "That cannot be done."
    assert texts(app).startswith("not an image")


def test_a_bomb_is_an_answer_and_takes_nothing_for_good(app: AppTest, photos: Path) -> None:
    """98 megapixels in some kilobytes: what reading it takes is another process's, and goes with it."""
    upload(app.run(), (photos / "astronaut.jpg").read_bytes())
    out = io.BytesIO()
    Image.new("1", (9_900, 9_900)).save(out, "PNG", compress_level=9)  # a bit a pixel is all that takes here
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    upload(app, out.getvalue())
    assert not app.exception
    assert (app.info or app.error)[0].value
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 60_000, grown  # kilobytes; its grey is 98 megabytes, its colours three times that


def test_too_many_pixels(app: AppTest) -> None:
    out = io.BytesIO()
    Image.new("1", (10_100, 10_100)).save(out, "PNG")
    upload(app.run(), out.getvalue())
    assert texts(app).startswith("too many pixels: 102,010,000, the limit is 100,000,000")


def test_the_groups(app: AppTest) -> None:
    app.run()
    assert "3 groups, 3 copies, " in texts(app)
    assert len([text for text in app.text if str(text.value).startswith("keep\n")]) == 3
    app.selectbox(key="kind").set_value("exact").run()
    assert len([text for text in app.text if str(text.value).startswith("keep\n")]) == 2
    app.text_input(key="path").set_value("ASTRONAUT").run()
    assert len([text for text in app.text if str(text.value).startswith("keep\n")]) == 1
    app.text_input(key="path").set_value("nothing").run()
    assert app.info[0].value == "No group fits."


def test_names_are_text_and_never_markdown(app: AppTest) -> None:
    app.run()
    assert HOSTILE in texts(app)
    drawn = [*app.markdown, *app.caption, *app.subheader, *app.title]
    assert not [element.value for element in drawn if "photos" in element.value or ".png" in element.value]


def test_no_catalog(app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARDUP_CATALOG", str(tmp_path / "none.db"))
    app.run()
    assert not app.exception
    assert app.error
    assert "neardup scan" in texts(app)


def test_a_new_scan_shows_at_once(
    tmp_path: Path, app: AppTest, photographs: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, catalog = tmp_path / "pictures", tmp_path / "own.db"
    folder.mkdir()
    photographs["coffee"].save(folder / "one.png")
    build_hash_db(folder, catalog, hash_only=True)
    monkeypatch.setenv("NEARDUP_CATALOG", str(catalog))
    assert "no copies" in texts(app.run())
    shutil.copy(folder / "one.png", folder / "two.png")
    build_hash_db(folder, catalog, hash_only=True)
    assert "1 group, 1 copy" in texts(app.run())


def test_a_picture_that_is_gone(
    tmp_path: Path, app: AppTest, photographs: dict[str, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, catalog = tmp_path / "pictures", tmp_path / "own.db"
    folder.mkdir()
    for name in ("one.png", "two.png"):
        photographs["coffee"].save(folder / name)
    build_hash_db(folder, catalog, hash_only=True)
    (folder / "two.png").unlink()
    monkeypatch.setenv("NEARDUP_CATALOG", str(catalog))
    assert "(no such file or directory)" in texts(app.run())
    assert not app.exception
