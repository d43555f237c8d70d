"""MkDocs' hook: puts what is made from the code where a page asks for it.

    <!-- made: commands -->        what `MADE` names
    <!-- example: scan -->         docs/reference/examples/scan.json

A page without the site (on a forge, in an editor) shows nothing there, and says where else to look.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # MkDocs loads this file by its path, from wherever it runs

from docs.scripts import bars, commands, exit_codes, house, rest, settings, tables  # noqa: E402

STRANGER = "https://unpkg.com/"
EXAMPLES = ROOT / "docs" / "reference" / "examples"
MADE: dict[str, Callable[[], str]] = {
    "benchmarks": bars.page,
    "commands": commands.page,
    "settings": settings.page,
    "exit-codes": exit_codes.page,
    "rest": rest.page,
    "rooms": house.table,
    "catalog-drawing": tables.drawing,
    "catalog-tables": tables.page,
}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Return a page with its marks filled in."""
    return filled(markdown)


def on_post_build(config: Mapping[str, Any], **_: object) -> None:
    """Take the addresses out of the theme's scripts that it would load for old browsers and for diagrams."""
    for script in Path(config["site_dir"]).rglob("assets/javascripts/*.js"):
        text = script.read_text(encoding="utf-8")
        if STRANGER in text:
            script.write_text(text.replace(STRANGER, "/nowhere/"), encoding="utf-8")


def filled(markdown: str) -> str:
    """Return a text with its marks filled in.

    Raises:
        KeyError: a mark that nothing is made for.
    """
    markdown = re.sub(
        r"^<!-- made: ([\w-]+) -->$", lambda mark: MADE[mark[1]](), markdown, flags=re.MULTILINE
    )
    markdown = re.sub(r"^\|.*\|$", lambda row: _plain_bars(row[0]), markdown, flags=re.MULTILINE)
    return re.sub(
        r"^<!-- example: ([\w-]+) -->$", lambda mark: _example(mark[1]), markdown, flags=re.MULTILINE
    )


def _plain_bars(row: str) -> str:
    """Return a row of a table with `|` in code as it is: forges want a backslash there, MkDocs does not."""
    return re.sub(r"`[^`]*`", lambda code: code[0].replace("\\|", "|"), row)


def _example(name: str) -> str:
    text = (EXAMPLES / f"{name}.json").read_text(encoding="utf-8").rstrip()
    return f"```json\n{text}\n```"
