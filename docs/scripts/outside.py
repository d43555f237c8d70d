"""What a browser would load from elsewhere to show the site: nothing, or this fails.

python -m docs.scripts.outside build/site
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*?\b(?:src|srcset)\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b(?=[^>]*\brel\s*=\s*[\"']?(?:stylesheet|preload|preconnect|icon|dns-prefetch|manifest))"
    r"[^>]*?\bhref\s*=\s*[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|url\(\s*[\"']?((?:https?:)?//[^\"')]+)|@import\s+[\"']((?:https?:)?//[^\"']+)"
)


def loaded_from_outside(text: str) -> list[str]:
    """Return the addresses of other hosts that a page or a style sheet loads by itself, links left out."""
    return [next(filter(None, found)) for found in _LOADED.findall(text)]


def offences(site: Path) -> Iterator[tuple[Path, str]]:
    """Yield each file of a site that loads something from elsewhere, and the address."""
    for file in sorted(site.rglob("*")):
        if file.suffix in {".html", ".css", ".js"}:
            find = _in_scripts if file.suffix == ".js" else loaded_from_outside
            for address in find(file.read_text(encoding="utf-8")):
                yield file.relative_to(site), address


def _in_scripts(text: str) -> list[str]:
    """Return the addresses of other hosts' scripts that a script names as a whole string."""
    return re.findall(
        r"[\"'](https?://(?:unpkg|cdn|[\w.]*jsdelivr|[\w.]*cloudflare)[^\"']*|https?://[^\"']+\.m?js)[\"']",
        text,
    )


def main() -> None:
    """Name what is loaded from elsewhere, and fail if there is any."""
    found = list(offences(Path(sys.argv[1])))
    for file, address in found:
        print(f"{file}: {address}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
