"""What a report of 5,000 groups weighs, and how long Chromium takes to show, filter and sort it.

The groups are made up, two to four files each, every file another picture; their thumbnails are real ones,
of the photographs in turn. The file is opened from disk by Debian's Chromium without a window. Times are
medians over the runs: to the first paint and to the first pictures from the start of the navigation, as the
browser reports them; for a filter or an order from the event until the next frame is drawn.

The bars are those of a page that answers at once: 1 s until something is there, 0.2 s for an answer.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from statistics import mean, median

from playwright.sync_api import Browser, sync_playwright

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._pictures import photo_files
from neardup_cli import __version__
from neardup_cli.choices import Kind
from neardup_cli.images.thumbnail import webp_thumbnail
from neardup_cli.pipeline.report import THUMBNAIL_BYTES, THUMBNAIL_SIDE
from neardup_cli.records.files import CatalogedFile, FileStamp
from neardup_cli.records.matches import Alignment, DuplicateGroup, DupsReport, FileMatch, Stage
from neardup_cli.reports.html import Album, Presence, Thumbnail, files_by_content, page_chunks

FOLDERS = (b"Lisbon", b"Winter", b"Garden", b"phone/DCIM", b"exports/web")
FIRST_PICTURES = """() => new Promise((resolve) => {
  const look = () => {
    const first = document.querySelector('.member img');
    if (first && first.complete) resolve(performance.now()); else requestAnimationFrame(look);
  };
  look();
})"""
ANSWER = """([id, value]) => new Promise((resolve) => {
  const field = document.getElementById(id);
  field.value = value;
  const start = performance.now();
  field.dispatchEvent(new Event('change'));
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
})"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def made_up_groups(count: int) -> Iterator[DuplicateGroup]:
    """Yield groups; the same ones every time."""
    dice = random.Random(5)
    numbers = iter(range(10 * count))
    for group in range(count):
        taken = datetime(2010, 1, 1) + timedelta(hours=group)
        members = []
        for member in range(dice.choice((2, 2, 2, 3, 3, 4))):
            number = next(numbers)
            name = b"/home/me/Photos/%d/%s/IMG_%05d_%d.jpg" % (
                dice.randrange(2005, 2025),
                dice.choice(FOLDERS),
                group,
                member,
            )
            stamp = FileStamp(dice.randrange(40_000, 6_000_000), 0, 1, number)
            members.append(CatalogedFile(name, stamp, number, number.to_bytes(32), 4000, 3000, "JPEG", taken))
        keeper, *copies = members
        matches = tuple(made_up_match(keeper, copy, dice) for copy in copies)
        freed = sum(copy.stamp.size for copy in copies)
        yield DuplicateGroup(f"{group:012x}", keeper.path, freed, (keeper, *copies), matches)


def made_up_match(a: CatalogedFile, b: CatalogedFile, dice: random.Random) -> FileMatch:
    """Return a match by geometry, of any kind but the same bytes."""
    kind = dice.choice([kind for kind in Kind if kind is not Kind.EXACT])
    alignment = Alignment(True, "", 40, (), False, 0.9, 1, 1, 1, 1, 0.9, 0.9, kind)
    return FileMatch(a.path, b.path, Stage.GEOMETRY, dice.uniform(0.2, 0.98), dice.randrange(30), alignment)


def write_page(path: Path, count: int, thumbnails: list[bytes]) -> int:
    """Write a report; return the number of pictures in it."""
    groups = tuple(made_up_groups(count))
    copies = sum(len(group.members) - 1 for group in groups)
    summary = {
        "groups": count,
        "groups_shown": count,
        "redundant_files": copies,
        "doubtful_files": 0,
        "doubtful_bytes": 0,
        "reclaimable_bytes": sum(group.reclaimable_bytes for group in groups),
        "pairs_left_out": 0,
        "crowded": 0,
        "similar_shots": 0,
    }
    presence = {member.path: Presence.SAME for group in groups for member in group.members}
    report = DupsReport({"under": [], "similar_shots": False}, groups, summary)
    album = Album(report, presence, datetime.now(), __version__)
    pictures = len(files_by_content(groups))
    with path.open("wb") as stream:
        stream.writelines(
            page_chunks(album, (Thumbnail(webp) for webp, _ in zip(cycle(thumbnails), range(pictures))))
        )
    return pictures


def browse(browser: Browser, path: Path) -> dict[str, float]:
    """Open the page, filter and sort it; return seconds by what was waited for."""
    page = browser.new_page(viewport={"width": 1360, "height": 900})
    page.goto(path.as_uri(), wait_until="commit")
    times = {"first pictures": page.evaluate(FIRST_PICTURES)}
    page.wait_for_load_state("load")
    times["first paint"] = page.evaluate(FIRST_PAINT)
    for what, field, value in (
        ("filter by kind", "kind", "cropped"),
        ("back to all", "kind", ""),
        ("sort by doubt", "order", "doubt"),
        ("sort by path", "order", "path"),
    ):
        times[what] = page.evaluate(ANSWER, [field, value])
    page.close()
    return {what: milliseconds / 1000 for what, milliseconds in times.items()}


def main() -> None:
    """Write the page, open it a few times."""
    parser = _bench.arguments(__doc__, runs=5)
    parser.add_argument("--groups", type=int, default=5000, help="groups in the report (5000)")
    options = _bench.parse(parser)
    program = shutil.which("chromium")
    if program is None:
        sys.exit("no chromium: install Debian's package of that name")
    started = time.process_time()
    thumbnails = [
        webp_thumbnail(photo.read_bytes(), side=THUMBNAIL_SIDE, most_bytes=THUMBNAIL_BYTES)
        for photo in photo_files(options.folder)
    ]
    cost = (time.process_time() - started) / len(thumbnails)
    with _bench.workspace() as work, sync_playwright() as playwright:
        path = work / "report.html"
        pictures = write_page(path, options.groups, thumbnails)
        size = path.stat().st_size
        print(f"{options.groups:,} groups, {pictures:,} pictures: {size / 1e6:.1f} MB")
        print(f"a thumbnail: {mean(map(len, thumbnails)):,.0f} bytes in {1000 * cost:.1f} ms of CPU\n")
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        runs = [browse(browser, path) for _ in range(options.runs)]
        browser.close()
    times = {what: median(run[what] for run in runs) for what in runs[0]}
    _bench.print_table(("waited for", "median seconds"), [[what, value] for what, value in times.items()])
    answers = [value for what, value in times.items() if not what.startswith("first")]
    _bench.finish(
        [
            Figure("bytes of the file a picture", size / pictures, THUMBNAIL_BYTES * 4 / 3 + 1000),
            Figure("first paint", times["first paint"], 1.0, unit=" s"),
            Figure("slowest answer to a filter or an order", max(answers), 0.2, unit=" s"),
        ]
    )


if __name__ == "__main__":
    main()
