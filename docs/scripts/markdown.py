"""Small pieces of Markdown."""

from __future__ import annotations

import re


def cell(text: str) -> str:
    """Return a text for the cell of a table, on one line."""
    return (
        " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;") if "`" not in text else _coded(text)
    )


def _coded(text: str) -> str:
    """Return a text with code in it: between backquotes `<` stands for itself."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", "\\|"))
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)


def slug(heading: str) -> str:
    """Return the anchor that MkDocs, and GitHub for such headings, gives to a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    words = re.sub(r"[^\w\s-]", "", plain).strip().lower()
    return re.sub(r"[-\s]+", "-", words)
