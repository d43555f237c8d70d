"""The review page in a real browser: look up, go through groups by keyboard, clean up, take it back."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from skimage import data

from neardup_cli.catalog.seal import SUFFIX
from tests.e2e.conftest import COMMAND, Neardup

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@dataclass
class Site:
    """A running `neardup serve` over a folder of its own, and what the browser complained about."""

    url: str
    folder: Path
    process: subprocess.Popen[str]
    token: str
    complaints: list[str] = field(default_factory=list)

    def note(self, complaint: str) -> None:
        self.complaints.append(complaint)

    def note_request(self, url: str) -> None:
        """The page may ask its own server alone."""
        if not url.startswith((self.url, "blob:")):
            self.note(url)

    def complained(self, *expected: str) -> list[str]:
        """Return what was noted, but for what a test brought about."""
        return [said for said in self.complaints if not any(part in said for part in expected)]

    def page(self, browser: Browser, size: dict[str, int] = WIDE, scheme: str = "light") -> Page:
        """Open the page in a window of its own; whatever goes wrong in it is noted."""
        context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.on("pageerror", lambda error: self.note(str(error)))
        page.on("console", lambda said: self.note(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: self.note_request(asked.url))
        page.goto(f"{self.url}?token={self.token}")
        page.wait_for_selector(".card[data-id]")
        return page


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, forked: Path) -> Path:
    """A catalog that has seen, compared and proven the images of every site, which lay elsewhere."""
    base = tmp_path_factory.mktemp("known")
    neardup = Neardup(base, command=forked / "neardup")
    folder = draw_groups(base / "photos")
    neardup.succeed("scan", folder)
    assert len(neardup.json("dups")["groups"]) == 5
    shutil.rmtree(folder)
    folder.mkdir()
    assert neardup.json("scan", folder)["missing"] == 10
    return neardup.catalog


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, forked: Path, known: Path) -> Iterator[Site]:
    yield from started(tmp_path_factory.mktemp("shared"), forked, known)


@pytest.fixture
def shared(running: Site) -> Site:
    """A site for tests that only look; what a browser remembers, each has for itself."""
    running.complaints.clear()
    return running


@pytest.fixture
def site(tmp_path: Path, forked: Path, known: Path) -> Iterator[Site]:
    """A site of a test's own."""
    yield from started(tmp_path, forked, known)


def draw_groups(folder: Path) -> Path:
    """Draw five groups: resized, cut, mirrored, encoded again, exact; the same bytes each time."""
    (folder / "old").mkdir(parents=True)
    for name in ("astronaut", "coffee", "chelsea", "rocket", "retina"):
        picture = Image.fromarray(getattr(data, name)())
        picture.thumbnail((480, 480))
        picture.save(folder / f"{name}.png")
        copies = {
            "astronaut": picture.resize((240, 240)),
            "coffee": picture.crop((60, 40, 400, 300)),
            "chelsea": picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
            "rocket": picture,
        }
        if name in copies:
            copies[name].save(folder / "old" / f"{name}-copy.jpg", quality=88)
    shutil.copy2(folder / "retina.png", folder / "old" / "retina-copy.png")
    return folder


def started(base: Path, forked: Path, known: Path) -> Iterator[Site]:
    """Serve `draw_groups`."""
    folder, home = draw_groups(base / "photos"), base / "home"
    home.mkdir()
    neardup = Neardup(home, {"XDG_DATA_HOME": str(home / "data")}, forked / "neardup")
    for ending in ("", SUFFIX):
        shutil.copy(f"{known}{ending}", f"{neardup.catalog}{ending}")
    summary = neardup.json("scan", folder)
    assert (summary["moved"], summary["embedded"]) == (10, 0)
    process = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", "--token-file", base / "token"],
        env=neardup.variables(),
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("neardup is at http://127.0.0.1:"), line
    site = Site(line.split()[3], folder, process, (base / "token").read_text().strip())
    wait_for_groups(site)
    yield site
    process.terminate()
    said = process.communicate(timeout=30)[1]
    assert "Traceback" not in said, said


def wait_for_groups(site: Site) -> None:
    """The page says "being computed" until then, and the browser would complain about every 503."""
    known = {"Authorization": f"Bearer {site.token}"}
    transport = httpx.HTTPTransport(retries=20)
    with httpx.Client(transport=transport, base_url=site.url, headers=known) as client:
        for _ in range(600):
            if client.get("/api/stats").status_code == 200:
                return
            time.sleep(0.1)
    raise AssertionError("the groups were never computed")


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_do_i_have_this_picture(browser: Browser, shared: Site, tmp_path: Path) -> None:
    page = shared.page(browser)
    picture = Image.fromarray(getattr(data, "coffee")()).convert("L")  # noqa: B009 - it has no types
    picture.save(tmp_path / "grey.jpg", quality=70)
    page.keyboard.press("l")
    page.set_input_files("#file", tmp_path / "grey.jpg")
    page.wait_for_selector(".verdict.yes")
    assert "Yes: you have it" in page.inner_text(".verdict")
    assert "coffee.png" in page.inner_text(".pair")
    page.wait_for_load_state("networkidle")
    widths = page.eval_on_selector_all(".pair img", "all => all.map(one => one.naturalWidth)")
    assert len(widths) == 2
    assert min(widths) > 0
    # Something else is new.
    Image.radial_gradient("L").save(tmp_path / "new.png")
    page.set_input_files("#file", tmp_path / "new.png")
    page.wait_for_selector(".verdict:not(.yes)")
    assert page.inner_text(".verdict") == "No: this one is new."
    # And what is no picture gets a reason.
    (tmp_path / "text.png").write_text("no picture")
    page.set_input_files("#file", tmp_path / "text.png")
    page.wait_for_selector("text=not an image")
    assert shared.complained("status of 422") == []


def test_a_group_by_keyboard_to_the_trash_and_back(browser: Browser, site: Site) -> None:
    before = tree(site.folder)
    weight = (site.folder / "old" / "astronaut-copy.jpg").stat().st_size
    page = site.page(browser)
    press = page.keyboard.press
    press("ArrowDown")
    assert "card" in (page.evaluate("document.activeElement.className") or "")
    page.select_option("select[name=order]", "path")
    page.locator("select[name=order]").blur()
    page.wait_for_timeout(600)
    press("ArrowRight")
    press("Home")
    press("Enter")
    page.wait_for_selector("#review:not([hidden]) #metadata tr")
    assert page.inner_text("#place") == "1 of 5"
    names = page.inner_text("#metadata")
    assert "astronaut.png" in names
    assert "astronaut-copy.jpg" in names
    assert "differs" in (page.get_attribute("#metadata tr:first-child", "class") or "")
    assert "240 × 240" in names
    assert "the original" in page.inner_text("#whykeep").lower()
    expect(page.locator("#why")).to_contain_text("Resized")
    press("j")
    expect(page.locator("#place")).to_have_text("2 of 5")
    press("k")
    expect(page.locator("#place")).to_have_text("1 of 5")
    press("a")
    expect(page.locator("#place")).to_have_text("2 of 5")
    assert page.inner_text("#basket") == "1"
    press("c")
    page.wait_for_selector("#clean:not([hidden]) .choice")
    page.locator(".choice button:not([disabled])").first.focus()
    press("Enter")
    page.wait_for_selector("#plan .row")
    assert "1 file in 1 group to the trash" in page.inner_text("#plan .total")
    assert tree(site.folder) == before
    press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Apply this plan"
    press("Enter")
    page.wait_for_selector("#outcome")
    assert page.inner_text("#outcome") == f"Done: 1 file, {weight / 1000:.1f} KB."
    gone = set(before) - set(tree(site.folder))
    assert [Path(path).name for path in gone] == ["astronaut-copy.jpg"]
    page.locator("#undobatch").focus()
    press("Enter")
    expect(page.locator("#outcome")).to_contain_text("Put back")
    assert tree(site.folder) == before
    assert site.complained("status of 404") == []  # pictures that were just moved away


def test_all_certain_groups_after_a_preview(browser: Browser, site: Site) -> None:
    before = tree(site.folder)
    page = site.page(browser)
    page.keyboard.press("c")
    expect(page.locator(".choice").nth(1)).to_contain_text("3 groups are certain")  # by their pixels
    page.get_by_role("button", name="Show the plan").nth(1).click()
    page.wait_for_selector("#plan .row")
    planned = page.inner_text("#planned")
    for name in ("astronaut-copy.jpg", "rocket-copy.jpg", "retina-copy.png"):
        assert name in planned
    for name in ("coffee-copy.jpg", "chelsea-copy.jpg"):  # cut, mirrored: somebody has to look
        row = page.locator("#planned .row", has_text=name)
        expect(row).to_contain_text("not touched")
        expect(row).to_contain_text("not acted on unasked")
    page.get_by_role("button", name="Apply this plan").click()
    page.wait_for_selector("#outcome")
    assert len(tree(site.folder)) == len(before) - 3
    expect(page.locator(".choice").nth(1)).to_contain_text("0 groups are certain")
    page.get_by_role("button", name="Undo").first.click()
    expect(page.locator("#outcome")).to_contain_text("Put back")
    assert tree(site.folder) == before
    expect(page.locator(".choice").nth(1)).to_contain_text("3 groups are certain")
    expect(page.locator("#outcome")).to_contain_text("Put back")
    assert site.complained("status of 404") == []  # pictures that were just moved away


def test_the_rules_are_shown_and_changed_before_a_plan(browser: Browser, shared: Site) -> None:
    page = shared.page(browser)
    page.get_by_role("option", name="coffee.png").click()
    expect(page.locator("#film .frame").nth(1)).to_contain_text("cropped, not proven")
    page.keyboard.press("a")
    page.keyboard.press("c")
    expect(page.locator("#rules summary")).to_contain_text("nothing may be lost")
    plan = page.get_by_role("button", name="Show the plan").first
    plan.click()
    left = page.locator("#planned .row", has_text="coffee-copy.jpg")
    expect(left).to_contain_text("not touched")
    expect(left).to_contain_text("loses ")
    lost = re.findall(r"loses ([a-z, ]+)", left.inner_text())[0].split(", ")
    expect(page.get_by_role("button", name="Apply this plan")).to_be_disabled()
    for loss in {"area", *lost}:
        page.locator(f"#rules input[value={loss}]").check()
    expect(page.locator("#rules summary")).to_contain_text("area")
    expect(page.locator("#rules input[value=cropped]")).to_be_checked()
    plan.click()
    expect(left).to_contain_text("trash")
    expect(left).to_contain_text(f"loses {', '.join(lost)}")
    page.get_by_label("Never touch files below these folders").first.fill(str(shared.folder / "old"))
    plan.click()
    expect(left).to_contain_text("protected")
    page.get_by_label("Never touch files below these folders").first.fill("/nowhere")
    plan.click()
    expect(page.locator("#plan .warning")).to_contain_text("no folder that was scanned")
    assert shared.complained("status of 400") == []


def test_deciding_and_taking_it_back(browser: Browser, site: Site) -> None:
    page = site.page(browser)
    page.select_option("select[name=kind]", "mirrored")
    expect(page.locator("#found")).to_have_text("1 group")
    page.select_option("select[name=kind]", "")
    page.select_option("select[name=order]", "path")
    expect(page.locator("#found")).to_have_text("5 groups")
    page.get_by_role("option", name="chelsea.png").click()
    page.wait_for_selector("#metadata tr")
    first = page.evaluate("location.hash")
    page.keyboard.press("n")
    expect(page.locator("#notice")).to_contain_text("is no copy")
    page.wait_for_timeout(100)
    assert page.evaluate("location.hash") != first  # on to the next group
    expect(page.locator("#summary")).to_contain_text("4 groups")
    page.keyboard.press("u")
    expect(page.locator("#summary")).to_contain_text("5 groups")
    assert site.complained("status of 404") == []  # pictures that were just moved away


def test_a_decision_shows_at_once(browser: Browser, site: Site) -> None:
    page = site.page(browser)
    page.select_option("select[name=order]", "path")
    page.get_by_role("option", name="astronaut.png").click()
    expect(page.locator("#place")).to_have_text("1 of 5")  # in the new order, once it is there
    page.keyboard.press("m")
    expect(page.locator("#whykeep")).to_contain_text("You said to keep it.")
    expect(page.locator("#metadata tr:first-child td").first).to_have_text("astronaut-copy.jpg")
    page.keyboard.press("u")
    expect(page.locator("#whykeep")).to_contain_text("The original")
    expect(page.locator("#place")).to_have_text("1 of 5")
    # The next group takes the place of one that is none any more, and none is passed over.
    page.keyboard.press("n")
    expect(page.locator("#place")).to_have_text("1 of 4")
    expect(page.locator("#metadata tr:first-child td").first).to_have_text("chelsea.png")
    page.keyboard.press("j")
    expect(page.locator("#place")).to_have_text("2 of 4")
    expect(page.locator("#metadata tr:first-child td").first).to_have_text("coffee.png")
    assert site.complained() == []


def test_what_is_not_there_any_more(browser: Browser, shared: Site) -> None:
    page = shared.page(browser)
    page.goto(f"{shared.url}#/g/0123456789ab")
    expect(page.locator("#notice")).to_contain_text("No such group")
    page.wait_for_selector("#groups:not([hidden])")
    page.evaluate("localStorage.setItem('neardup.accepted', JSON.stringify(['0123456789ab']))")
    page.reload()
    page.wait_for_selector(".card[data-id]")
    assert page.inner_text("#basket") == "1"
    page.keyboard.press("c")
    page.get_by_role("button", name="Show the plan").first.click()
    expect(page.locator("#plan")).to_contain_text("None of these groups is there any more")
    expect(page.locator(".choice").first).to_contain_text("0 groups accepted")
    assert shared.complained("status of 404") == []


def test_an_outline_ends_at_the_edges_of_its_picture(browser: Browser, shared: Site) -> None:
    """Cut off, not pressed into them: a slanted frame stays slanted."""
    page = shared.page(browser)
    clipped = "async (points) => (await import('/static/maps.js')).clipped(points)"
    inside = [[0.1, 0.2], [0.9, 0.1], [0.8, 0.9], [0.2, 0.8]]
    assert page.evaluate(clipped, inside) == inside
    diamond = page.evaluate(clipped, [[0.5, -0.25], [1.25, 0.5], [0.5, 1.25], [-0.25, 0.5]])
    corners = {(0.25, 0), (0.75, 0), (1, 0.25), (1, 0.75), (0.75, 1), (0.25, 1), (0, 0.75), (0, 0.25)}
    assert {(x, y) for x, y in diamond} == corners
    assert page.evaluate(clipped, [[2, 2], [3, 2], [3, 3], [2, 3]]) == []


def test_every_way_to_compare_draws_something_else(browser: Browser, shared: Site) -> None:
    page = shared.page(browser)
    page.goto(f"{shared.url}#/")
    page.select_option("select[name=kind]", "cropped")
    expect(page.locator("#found")).to_have_text("1 group")
    page.locator(".card[data-id]").first.click()
    expect(page.locator("#why")).to_contain_text("Cut to")
    page.wait_for_timeout(300)
    seen = set()
    for key in ("1", "2", "3", "4"):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        checked = page.locator("[data-mode][aria-pressed=true]").get_attribute("data-mode")
        drawn = page.evaluate("document.getElementById('stage').toDataURL()")
        assert drawn.startswith("data:image/png")
        seen.add((checked, drawn))
    assert len(seen) == 4
    page.keyboard.press("1")
    page.wait_for_timeout(100)
    whole = page.evaluate("document.getElementById('stage').toDataURL()")
    for _ in range(3):
        page.keyboard.press("+")
    page.wait_for_timeout(200)
    assert page.inner_text("#zoom") == "274 %"
    assert page.evaluate("document.getElementById('stage').toDataURL()") != whole
    page.keyboard.press("0")
    page.wait_for_timeout(200)
    page.keyboard.press("o")  # without the outline of what the cut one shows
    page.wait_for_timeout(200)
    assert page.evaluate("document.getElementById('stage').toDataURL()") != whole
    assert shared.complained() == []


def test_aligned_pictures_cancel_out(browser: Browser, shared: Site) -> None:
    """The difference of a picture and a part of it is dark where they overlap: the map is right."""
    page = shared.page(browser)
    page.select_option("select[name=kind]", "cropped")
    expect(page.locator("#found")).to_have_text("1 group")
    page.locator(".card[data-id]").first.click()
    expect(page.locator("#why")).to_contain_text("Cut to")
    page.keyboard.press("4")
    page.wait_for_timeout(500)
    level = page.evaluate(
        """() => {
            const canvas = document.getElementById('stage');
            const { width, height } = canvas;
            const side = Math.min(width, height) / 4;
            const at = [width / 2 - side / 2, height / 2 - side / 2, side, side];
            const { data } = canvas.getContext('2d').getImageData(...at);
            let sum = 0;
            for (let i = 0; i < data.length; i += 4) sum += data[i] + data[i + 1] + data[i + 2];
            return sum / (data.length / 4) / 3;
        }"""
    )
    assert level < 40  # of 255, four times amplified; two places of one picture differ by more than 100
    assert shared.complained() == []


def test_help_theme_and_filters(browser: Browser, shared: Site) -> None:
    page = shared.page(browser, scheme="dark")
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    page.keyboard.press("t")
    light = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert light != dark
    page.reload()
    page.wait_for_selector(".card[data-id]")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == light
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert "next, previous group" in page.inner_text("dialog")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="hidden")
    page.keyboard.press("/")
    page.keyboard.type(str(shared.folder / "nowhere"))
    expect(page.locator("#found")).to_have_text("0 groups")
    assert page.is_visible("#empty")
    assert shared.complained() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_is_cut_off_or_unnamed(
    browser: Browser, shared: Site, size: dict[str, int], scheme: str
) -> None:
    page = shared.page(browser, size, scheme)
    for view in ("#/", "#/look", "#/clean"):
        page.goto(f"{shared.url}{view}")
        page.wait_for_timeout(400)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll('button, a, input, select, canvas, [role=option]')]
                .filter(one => one.offsetParent)
                .filter(one => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
                .map(one => one.outerHTML)"""
        )
        assert unnamed == []
        assert page.eval_on_selector_all("img:not([alt])", "all => all.length") == 0
    page.goto(f"{shared.url}#/")
    page.locator(".card[data-id]").first.click()
    page.wait_for_selector("#metadata tr")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.is_visible("#accept")
    assert shared.complained() == []
