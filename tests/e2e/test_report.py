"""`neardup report`: the command, and its page opened from a file in a real browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import DuplicateGroup, DupsReport, FileMatch, Stage
from neardup_cli.reports.html import MARK, Album, Presence, Thumbnail, files_by_content, page_chunks

if TYPE_CHECKING:
    from tests.conftest import Draw
    from tests.e2e.conftest import Neardup, Scanned

HOSTILE = (
    '"><script>document.title="taken"</script>.png',
    "<img src=x onerror=alert(1)>.png",
    "line\nbreak.png",
    "gnp.\u202egpj.png",
    "#fragment?query%20.png",
)
DRAWN_AT_ONCE = 150
OWN = ("file:", "data:")
WIDTH = 56  # pixels, of what `draw` draws

FORKED = True


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must not ask for anything but its file, report an error or open a dialog."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text))
    opened.on("dialog", lambda dialog: faults.append(dialog.message))
    opened.on(
        "request",
        lambda asked: None if asked.url.startswith(("file:", "data:")) else faults.append(asked.url),
    )
    yield opened
    context.close()
    assert faults == []


@pytest.fixture(scope="module")
def written(scanned: Scanned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the gallery."""
    out = tmp_path_factory.mktemp("report") / "out.html"
    done = scanned.neardup.run("report", out)
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stdout
    said = done.stderr.decode()
    assert str(out) in said
    assert said.count("\n") == 1
    return out


def groups(page: Page) -> list[str]:
    return page.locator(".group h2").all_inner_texts()


def test_the_command_refuses_what_is_no_report(scanned: Scanned, tmp_path: Path) -> None:
    out = tmp_path / "letter.html"
    out.write_text("<p>Dear")
    assert "--force" in scanned.neardup.fail(2, "report", out)
    assert "no such folder" in scanned.neardup.fail(3, "report", tmp_path / "no" / "out.html")
    assert "pictures" in scanned.neardup.fail(2, "report", scanned.truth.files[0].path, "--force")
    scanned.neardup.succeed("report", out, "--force", "--limit", "1")
    assert out.read_bytes().startswith(MARK)
    assert [path.name for path in tmp_path.iterdir() if path != scanned.neardup.home] == ["letter.html"]


def test_the_page_shows_what_dups_says(scanned: Scanned, written: Path, page: Page) -> None:
    document = scanned.neardup.json("dups")
    page.goto(written.as_uri())
    assert groups(page) == [Path(group["keep"]).name for group in document["groups"]]
    assert page.locator(".group").count() == len(document["groups"])
    members = sum(len(group["members"]) for group in document["groups"])
    assert page.locator(".member").count() == members
    expect(page.locator(".member img")).to_have_count(members)
    seen = page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    assert seen
    expect(page.locator("#count")).to_contain_text(f"{len(document['groups'])} groups")
    expect(page.locator("#count")).to_contain_text(f"{members - len(document['groups'])} other files")
    first = page.locator(".group").first
    expect(first.locator(".tag.keep")).to_have_count(1)
    expect(first.locator(".why.keeper")).not_to_be_empty()
    links = first.locator("a.path").evaluate_all("links => links.map((link) => link.href)")
    paths = [unquote(str(link)).removeprefix("file://") for link in links]  # brackets may stand as they are
    assert paths == [member["path"] for member in document["groups"][0]["members"]]


def test_filters_and_orders(scanned: Scanned, written: Path, page: Page) -> None:
    document = scanned.neardup.json("dups")
    page.goto(written.as_uri())
    everything = groups(page)
    page.select_option("#order", "path")
    keepers = sorted(document["groups"], key=lambda group: str(group["keep"]))
    assert groups(page) == [Path(group["keep"]).name for group in keepers]
    page.select_option("#kind", "exact")
    exact = [group for group in keepers if any(match["stage"] == "exact" for match in group["matches"])]
    assert 0 < len(exact) < len(everything)
    assert groups(page) == [Path(group["keep"]).name for group in exact]
    expect(page.locator("#count")).to_contain_text(f"{len(exact)} of {len(everything)} groups")
    page.get_by_role("button", name="Reset").click()
    expect(page.locator(".group")).to_have_count(len(everything))
    assert groups(page) == everything

    page.get_by_label("Name or path").fill("screenshot")
    named = [group for group in document["groups"] if "creenshot" in str(group["members"])]
    expect(page.locator(".group")).to_have_count(len(named))
    page.get_by_label("Name or path").fill("no such name")
    expect(page.locator("#count")).to_have_text(f"No group of {len(everything)} fits")
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Folder").fill("phone/")
    phone = [group for group in document["groups"] if "/phone/" in str(group["members"])]
    expect(page.locator(".group")).to_have_count(len(phone))
    page.get_by_role("button", name="Reset").click()
    page.get_by_label("Frees").select_option("100000")
    saving = [group["reclaimable_bytes"] + group["doubtful_bytes"] for group in document["groups"]]
    large = [size for size in saving if size >= 100_000]
    assert 0 < len(large) < len(everything)
    expect(page.locator(".group")).to_have_count(len(large))


def test_by_keyboard_alone(written: Path, page: Page) -> None:
    page.goto(written.as_uri())
    heading = "document.activeElement.closest('.group')?.querySelector('h2').textContent"
    focused = f"{heading} ?? document.activeElement.id"
    names = groups(page)
    for key, expected in (("j", names[0]), ("j", names[1]), ("k", names[0]), ("k", names[0]), ("/", "text")):
        page.keyboard.press(key)
        assert page.evaluate(focused) == expected, key
    page.keyboard.type("jk/")  # letters in a field are letters
    expect(page.locator("#text")).to_have_value("jk/")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")


def test_all_matches_of_a_group(scanned: Scanned, written: Path, page: Page) -> None:
    document = scanned.neardup.json("dups")
    page.goto(written.as_uri())
    (large, *_) = [group for group in document["groups"] if len(group["matches"]) > 1]
    shown = page.locator(f"#g-{large['id']}")
    shown.locator("summary").click()
    expect(shown.locator("tbody tr")).to_have_count(len(large["matches"]))


def test_what_a_screen_reader_finds(written: Path, page: Page) -> None:
    page.goto(written.as_uri())
    for role, name in (("search", "Filter and sort the groups"), ("combobox", "Kind"), ("main", None)):
        expect(page.get_by_role(role, name=name)).to_have_count(1)  # type: ignore[arg-type]
    expect(page.get_by_role("heading", level=2)).to_have_count(len(groups(page)))
    expect(page.get_by_role("list").first.get_by_role("listitem").first).to_have_accessible_name(
        groups(page)[0]
    )
    unnamed = page.evaluate(
        "[...document.querySelectorAll('a:not([aria-hidden]), button, input, select')]"
        ".filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out_of_the_window(written: Path, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(written.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_light_and_dark(written: Path, page: Page) -> None:
    papers = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.goto(written.as_uri())
        colours = "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        papers[scheme] = page.evaluate(colours)
    assert papers["light"] != papers["dark"]


def test_hostile_names_are_text(neardup: Neardup, tmp_path: Path, draw: Draw, page: Page) -> None:
    folder = tmp_path / "pictures"
    first = draw(folder / "first.png", 1)
    names = [os.fsencode(name) for name in HOSTILE] + [b"\xff.png"]
    for name in names:
        path = os.fsencode(folder) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(os.fsencode(first), path)
    (folder / "gone.png").write_bytes(first.read_bytes())
    neardup.succeed("scan", "--hash-only", folder)
    (folder / "gone.png").unlink()
    neardup.succeed("report", tmp_path / "out.html")
    page.goto((tmp_path / "out.html").as_uri())
    assert page.title() == "Copies – neardup report"
    shown = page.locator("a.path").all_inner_texts()
    assert len(shown) == len(names) + 2
    assert '"><script>document.title="taken"<' in page.locator(".folder").all_inner_texts()
    assert {"<img src=x onerror=alert(1)>.png", "line\\nbreak.png", "gnp.\\u202egpj.png", "\\xff.png"} <= set(
        shown
    )
    expect(page.locator(".absent")).to_have_text("gone")
    # Each link leads to its very file, whatever the name.
    for link in page.locator("a.path").all():
        address = str(link.get_attribute("href"))
        if link.inner_text() == "gone.png":
            continue
        other = page.context.new_page()
        other.goto(address)
        assert other.evaluate("document.images[0].naturalWidth") == WIDTH, address
        other.close()


def test_thousands_of_groups_are_drawn_a_few_at_a_time(tmp_path: Path, page: Page, draw: Draw) -> None:
    out = tmp_path / "out.html"
    with out.open("wb") as stream:
        stream.writelines(page_chunks(*thousands_of_groups(5000, draw(tmp_path / "one.png", 1))))
    page.goto(out.as_uri())
    expect(page.locator("#count")).to_contain_text("5,000 groups")
    assert 0 < page.locator(".group").count() <= DRAWN_AT_ONCE
    page.get_by_label("Name or path").fill("picture-4321")
    expect(page.locator("#count")).to_contain_text("1 of 5,000")
    assert groups(page) == ["picture-4321.png"]
    page.get_by_role("button", name="Reset").click()
    page.select_option("#order", "path")
    assert groups(page)[:2] == ["picture-0.png", "picture-1.png"]
    drawn = page.locator(".group").count()
    page.mouse.wheel(0, 100_000)
    expect(page.locator(".group").nth(drawn)).to_be_attached()
    assert page.locator(".group").count() <= drawn + DRAWN_AT_ONCE
    # The address of a group that is far down leads to it.
    page.goto(out.as_uri() + f"#g-{700:012x}")
    page.reload()
    expect(page.locator(f"#g-{700:012x}")).to_be_focused()


def thousands_of_groups(count: int, picture: Path) -> tuple[Album, Iterator[Thumbnail]]:
    found = []
    for number in range(count):
        stamp = FileStamp(1000, 0, 1, 2 * number)
        keeper = CatalogedFile(
            b"/p/picture-%d.png" % number, stamp, 2 * number, b"\xaa" * 32, 10, 10, "PNG", None
        )
        copy = CatalogedFile(
            b"/p/copy-%d.png" % number,
            FileStamp(900, 0, 1, 2 * number + 1),
            2 * number + 1,
            b"\xbb" * 32,
            9,
            9,
            "PNG",
            None,
        )
        match = FileMatch(keeper.path, copy.path, Stage.SIEVE, 0.9, 3)
        found.append(DuplicateGroup(f"{number:012x}", keeper.path, 900, (keeper, copy), (match,)))
    summary = {
        "groups": count,
        "groups_shown": count,
        "contents": 2 * count,
        "redundant_files": count,
        "doubtful_files": 0,
        "doubtful_bytes": 0,
        "reclaimable_bytes": 900 * count,
        "pairs_left_out": 0,
        "crowded": 0,
        "similar_shots": 0,
        "seconds": 0.0,
    }
    report = DupsReport({"under": [], "similar_shots": False}, tuple(found), summary)
    presence = {member.path: Presence.SAME for group in found for member in group.members}
    album = Album(report, presence, datetime(2026, 11, 22), "1.2.3")
    webp = picture.with_suffix(".webp")
    with Image.open(picture) as opened:
        opened.save(webp)
    small = Thumbnail(webp.read_bytes())
    return album, (small for _ in files_by_content(found))
