from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from neardup_cli import settings as settings_module
from neardup_cli.errors import BadInput
from neardup_cli.settings import HARMLESS, Settings, load_settings
from neardup_cli.trust import distrust_folder, trust_folder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, an empty home, and nothing in the environment."""
    for name in list(os.environ):
        if name.startswith(("NEARDUP_", "XDG_")):
            monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(platformdirs, "user_config_path", lambda *_, **__: tmp_path / "config")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: tmp_path / "data")
    return tmp_path


@pytest.fixture
def in_work(home: Path) -> Callable[[str], Path]:
    return lambda text: write(home / "work", text)


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "neardup.toml"
    path.write_text(text)
    return path


type Write = Callable[[str], Path]


def test_defaults(home: Path) -> None:
    found = load_settings()
    assert (found.model, found.threshold, found.hamming, found.workers) == (None, None, None, None)
    assert (found.input_size, found.top_k, found.max_pixels, found.image_dirs) == (288, 10, 500_000_000, [])
    assert found.catalog_location == home / "data" / "catalog.db"
    assert found.worker_count >= 1


def test_flags_before_environment_before_file_before_defaults(
    in_work: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().hamming is None
    in_work("hamming = 3\nthreshold = 0.3\ntop_k = 33")
    assert load_settings().hamming == 3
    monkeypatch.setenv("NEARDUP_HAMMING", "5")
    monkeypatch.setenv("NEARDUP_THRESHOLD", "0.5")
    assert load_settings().hamming == 5
    found = load_settings(hamming=7)
    assert (found.hamming, found.threshold, found.top_k, found.input_size) == (7, 0.5, 33, 288)


def test_flag_that_was_not_given_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARDUP_MODEL", "sscd")
    assert load_settings(model=None).model == "sscd"
    assert load_settings(model=None, threshold=0.0).threshold == 0.0


def test_file_of_the_working_folder_goes_before_that_of_the_user(home: Path, in_work: Write) -> None:
    """Key by key: a folder must not unsay what the user has set for all of them."""
    user = write(home / "config", "hamming = 3\ntop_k = 33")
    assert settings_module.config_file() == user
    assert load_settings().hamming == 3
    mine = in_work("hamming = 4")
    assert settings_module.config_file() == mine
    found = load_settings()
    assert (found.hamming, found.top_k) == (4, 33)


def test_no_file() -> None:
    assert settings_module.config_file() is None


def test_folder_of_that_name_is_no_file(home: Path) -> None:
    (home / "work" / "neardup.toml").mkdir()
    assert settings_module.config_file() is None


def test_dotenv_of_a_photo_folder_is_not_read(home: Path) -> None:
    (home / "work" / ".env").write_text("NEARDUP_HAMMING=9\n")
    assert load_settings().hamming is None


def test_image_dirs_are_split_like_path(in_work: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(settings_module._user_folder(), 'image_dirs = ["~/a:b", "c"]')
    assert load_settings().image_dirs == ["~/a:b", "c"]
    monkeypatch.setenv("NEARDUP_IMAGE_DIRS", os.pathsep.join(["/p", "~/q r", "s"]))
    assert load_settings().image_dirs == ["/p", "~/q r", "s"]
    monkeypatch.setenv("NEARDUP_IMAGE_DIRS", "/p")
    assert load_settings().image_dirs == ["/p"]
    monkeypatch.setenv("NEARDUP_IMAGE_DIRS", "")  # the usual way of saying: unset
    assert load_settings().image_dirs == []
    assert load_settings(image_dirs=["x"]).image_dirs == ["x"]


BAD = [
    ("threshold", "1.5"),
    ("threshold", "nan"),
    ("threshold", "high"),
    ("hamming", "65"),
    ("hamming", "-1"),
    ("hamming", "2.5"),
    ("input_size", "300"),
    ("input_size", "32"),
    ("input_size", "672"),
    ("top_k", "0"),
    ("workers", "0"),
    ("max_pixels", "0"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_value_is_named_wherever_it_comes_from(
    name: str, value: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match=f"bad setting: {name}: ") as caught:
        load_settings(**{name: value})
    assert "(in " not in str(caught.value)
    with monkeypatch.context() as patch:
        patch.setenv(f"NEARDUP_{name.upper()}", value)
        with pytest.raises(BadInput, match=f"bad setting: {name}: ") as caught:
            load_settings()
        assert "\n" not in str(caught.value)
        assert f"(NEARDUP_{name.upper()})" in str(caught.value)
    file = write(home / "config", f"{name} = {value if value != 'high' else repr(value)}")
    with pytest.raises(BadInput, match=f"bad setting: {name}: ") as caught:
        load_settings()
    assert f"(in {file})" in str(caught.value)


def test_several_bad_values_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEARDUP_HAMMING", "99")
    with pytest.raises(BadInput, match=r"threshold: .*hamming: |hamming: .*threshold: "):
        load_settings(threshold=7)


def test_unknown_setting_in_the_file(in_work: Write) -> None:
    file = in_work("hamning = 3\ncatalogue = 1")
    with pytest.raises(BadInput, match="no such setting: catalogue, hamning ") as caught:
        load_settings()
    assert str(file) in str(caught.value)
    assert "hamming" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["hamming = ", "[", "a = 1\na = 2", "top_k = " + "[" * 5_000],
    ids=["no value", "no end", "twice", "nested"],
)
def test_file_that_is_not_toml(in_work: Write, text: str) -> None:
    path = in_work(text)
    with pytest.raises(BadInput, match="cannot be read: ") as caught:
        load_settings()
    assert str(path) in str(caught.value)


def test_file_that_is_not_text(in_work: Write) -> None:
    in_work("").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match=r"neardup\.toml cannot be read"):
        load_settings()


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_file(in_work: Write) -> None:
    path = in_work("hamming = 3")
    path.chmod(0)
    with pytest.raises(BadInput, match=r"neardup\.toml cannot be read: .*ermission denied"):
        load_settings()


@pytest.mark.usefixtures("bound_by_permissions")
def test_forbidden_folder(home: Path) -> None:
    """Whether there is a file cannot be told, and what it sets might matter."""
    folder = platformdirs.user_config_path("neardup", appauthor=False)
    folder.mkdir(parents=True)
    folder.chmod(0)
    with pytest.raises(BadInput, match=r"neardup\.toml cannot be read: .*ermission denied"):
        load_settings()
    folder.chmod(0o700)


# --- what a working folder may say ------------------------------------------------------------------------

LEADING = {
    "catalog": '"postgresql+psycopg://me@evil.example/x"',
    "model": '"./evil.onnx"',
    "engine": '"ray"',
    "ray_address": '"ray://evil.example:10001"',
    "image_dirs": '["/etc"]',
    "max_pixels": "100000000000",
    "previews": "false",
    "workers": "100000",
}


def test_every_setting_is_harmless_or_not_on_purpose() -> None:
    assert HARMLESS | LEADING.keys() == Settings.model_fields.keys()
    assert not HARMLESS & LEADING.keys()


@pytest.mark.parametrize("name", LEADING)
def test_a_folder_cannot_lead_anywhere(
    name: str, in_work: Write, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = in_work(f"threshold = 0.4\n{name} = {LEADING[name]}")
    found = load_settings()
    assert getattr(found, name) == Settings.model_fields[name].get_default(call_default_factory=True)
    assert found.threshold == 0.4
    (said,) = caplog.messages
    assert f"{file}: {name} is not taken" in said
    for way_out in ("`neardup trust`", str(home / "config" / "neardup.toml"), f"NEARDUP_{name.upper()}"):
        assert way_out in said
    assert "\n" not in said
    load_settings()
    assert len(caplog.messages) == 1  # once is enough


def test_all_that_is_not_taken_is_named_but_for_what_would_not_count(
    in_work: Write, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_work("\n".join(f"{name} = {value}" for name, value in LEADING.items()))
    monkeypatch.setenv("NEARDUP_CATALOG", "mine.db")
    load_settings(model="sscd")
    assert "engine, ray_address, image_dirs, max_pixels, previews, workers are not taken" in caplog.text


def test_what_the_user_has_set_counts_where_the_folder_does_not(home: Path, in_work: Write) -> None:
    write(home / "config", 'model = "sscd"\ncatalog = "mine.db"\nhamming = 3')
    in_work('model = "evil"\ncatalog = "evil.db"\nhamming = 5')
    found = load_settings()
    assert (found.model, found.catalog, found.hamming) == ("sscd", "mine.db", 5)


def test_a_trusted_folder_is_believed(
    home: Path, in_work: Write, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    in_work('model = "mine.onnx"\nworkers = 3')
    trust_folder(home / "work")
    found = load_settings()
    assert (found.model, found.workers) == ("mine.onnx", 3)
    below = home / "work" / "below"
    write(below, 'model = "evil.onnx"')
    monkeypatch.chdir(below)  # a folder in it is another one, which anybody may have unpacked there
    assert load_settings().model is None
    monkeypatch.chdir(home / "work")
    distrust_folder(home / "work")
    assert load_settings().model is None
    assert len(caplog.messages) == 2


def test_a_name_in_the_notice_draws_nothing(
    home: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "a\x1b[31m\nb"
    write(folder, "workers = 3")
    monkeypatch.chdir(folder)
    load_settings()
    assert "workers is not taken" in caplog.text
    assert not {"\x1b", "\n"} & set(caplog.messages[0])


def test_a_working_folder_that_is_gone(home: Path) -> None:
    (home / "work").rmdir()
    assert load_settings().hamming is None


def test_catalog_location(home: Path) -> None:
    assert load_settings(catalog="~/c.db").catalog_location == home / "home" / "c.db"
    assert load_settings(catalog="c.db").catalog_location == home / "work" / "c.db"
    assert load_settings(catalog="/x/c.db").catalog_location == Path("/x/c.db")
    unknown = load_settings(catalog="~nobody-of-this-name/c.db").catalog_location
    assert unknown == home / "work" / "~nobody-of-this-name" / "c.db"


def test_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(workers=3).worker_count == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 4}, raising=False)
    assert load_settings().worker_count == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert load_settings().worker_count == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert load_settings().worker_count == 1


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().top_k = 3


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())
