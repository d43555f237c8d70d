"""The piece of HTML that a notebook shows."""

from __future__ import annotations

from html.parser import HTMLParser

from neardup_cli.records.rows import FamilyRow
from neardup_cli.reports.notebook import Thumbnail, page

GROUP = FamilyRow("f", "<b>", ("<b>", b"\xff.jpg", 7), "", None, 0, ())


class Tags(HTMLParser):
    """The tags that are open, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, _: object) -> None:
        self.open += [] if tag == "img" else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data}|"


def test_names_are_text_and_all_is_closed() -> None:
    html = page("3 & more", [GROUP], {7: Thumbnail(b"\xff\xd8", "image/jpeg")}, 20, 8)
    tags = Tags(html)
    assert tags.open == []
    assert "<b>|" in tags.text
    assert "\\xff.jpg|" in tags.text
    assert "3 & more|" in tags.text
    assert 'src="data:image/jpeg;base64,/9g="' in html


def test_what_is_too_much_is_counted() -> None:
    text = Tags(page("x", [GROUP] * 5, {}, 2, 1)).text
    assert text.count("+ 2|") == 2
    assert "… and 3 more groups" in text
