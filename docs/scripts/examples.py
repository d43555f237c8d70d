"""An example of every JSON document, from a small gallery on which every command is run.

    python -m docs.scripts.examples        # writes docs/reference/examples/*.json

`tests/test_docs.py` makes them again, holds the files here against what comes out, and the keys against
`docs/reference/json.md`.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from neardup_cli.errors import UnreadableImage
from neardup_cli.evaluation.compare import Compared, State
from neardup_cli.evaluation.compare_report import compare_document
from neardup_cli.evaluation.fetch import Fetched
from neardup_cli.evaluation.fetch_report import fetch_document
from neardup_cli.evaluation.photos import render_photo

FOLDER = Path(__file__).parents[1] / "reference" / "examples"
HOME = "/home/me"
_LONGEST_LIST = 3
_FIRST_DAY = 1_767_225_600  # 2026
_SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>
"""


def make(folder: Path) -> dict[str, Any]:
    """Return a document by its name (`dups` for `neardup.dups/1`), made below an empty folder."""
    photos, away = folder / "photos", folder / "put-away"
    _render(folder)
    put = ("--action", "quarantine", "--to", away)
    a, cut = photos / "2024" / "a.jpg", photos / "phone" / "a-cut.jpg"
    with home_of_its_own(folder):
        told = {"scan": asked("scan", photos, "--json")}
        told["status"] = asked("status", "--json")
        told["dups"] = asked("dups", "--prove", "--json")
        told["folders"] = asked("folders", "--json")
        told["plan"] = asked("clean", "--carry-metadata", *put, "--json")
        told["compare"] = asked("compare", a, cut, "--json")
        told["explain"] = asked("explain", a, cut, "--json")
        told["query"] = asked("query", folder / "new" / "a.webp", "--json")
        told["check"] = asked("check", folder / "new", "--json")
        splits = ("--split", f"train={photos / '2024'}", "--split", f"test={photos / 'phone'}")
        told["leaks"] = asked("leaks", *splits, "--json")
        told["report"] = _report(folder / "groups.html")
        told["doctor"] = asked("doctor", "--verify-files", "--json")
        told["models"] = asked("models", "list", "--json")
        told |= _cleaned_up(away)
        asked("keep", a)
        told["ignored"] = asked("ignored", "--json")
        told |= _evaluated(folder)
    return told


def _render(folder: Path) -> None:
    """Write two photographs, copies of them, one broken file, and one that is new."""
    for name in ("photos/2024", "photos/phone", "new", "originals"):
        (folder / name).mkdir(parents=True)
    first, second = render_photo(107, (640, 427)), render_photo(114, (640, 427))
    year, phone = folder / "photos" / "2024", folder / "photos" / "phone"
    first.save(year / "a.jpg", quality=92)
    first.save(phone / "a-sent.jpg", quality=60)
    first.crop((0, 60, 560, 427)).save(phone / "a-cut.jpg", quality=90)
    second.save(year / "b.jpg", quality=92)
    (year / "b (1).jpg").write_bytes((year / "b.jpg").read_bytes())
    (phone / "a-sent.jpg.xmp").write_text(_SIDECAR)
    (folder / "new" / "notes.txt").write_text("none")
    for broken in (year / "c.jpg", folder / "new" / "broken.jpg"):
        broken.write_bytes((year / "b.jpg").read_bytes()[:2000])
    first.save(folder / "new" / "a.webp", quality=80)
    for day, path in enumerate(sorted(folder.glob("photos/*/*"))):
        os.utime(path, (_FIRST_DAY + 86_400 * day,) * 2)
    for name, image in (("a.jpg", first), ("b.jpg", second)):
        _small(image).save(folder / "originals" / name, quality=92)


def _small(image: Image.Image) -> Image.Image:
    return image.resize((320, 214))


def _cleaned_up(away: Path) -> dict[str, Any]:
    told = {"clean": asked("clean", "--apply", "--action", "quarantine", "--to", away, "--json")}
    told["batches"] = asked("undo", "--list", "--json")
    told["journal"] = json.loads((away / ".neardup-journal.jsonl").read_text().splitlines()[0])
    told["undo"] = asked("undo", "--json")
    return told


def _report(file: Path) -> dict[str, Any]:
    """Return the data block of an HTML report."""
    asked("report", file)
    found = re.search(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', file.read_text(), re.DOTALL)
    assert found is not None, "the report has no data block"
    document: dict[str, Any] = json.loads(found[1])
    return document


def _evaluated(folder: Path) -> dict[str, Any]:
    originals, copies = folder / "originals", folder / "copies"
    attacks = ("--attack", "jpeg-30", "--attack", "crop-50")
    told = {"eval-attacks": asked("eval", "attacks", originals, copies, *attacks, "--json")}
    measured = ("--queries", copies, "--references", originals)
    told["eval-run"] = asked("eval", "run", *measured, "--json")
    told["eval-tune"] = asked(
        "eval", "tune", "--attacks", originals, *attacks, "--precision", "0.9", "--json"
    )
    archive = Fetched(folder / "data" / "copydays" / "original", 206_000_000, 157, None)
    told["eval-fetch"] = fetch_document("copydays", [archive])
    told["eval-compare"] = compare_document(
        [
            Compared("neardup", State.MEASURED, "0.1.0", "", 4, 4, 4, 4, 5.1, 7.2, 310.0),
            Compared("czkawka", State.NOT_INSTALLED, reason="it is not installed"),
        ],
        {"queries": 4, "true_pairs": 4, "truth": "a manifest"},
    )
    return told


@contextmanager
def home_of_its_own(folder: Path) -> Iterator[None]:
    """Let neardup find no settings and no catalog but those below a folder."""
    before = dict(os.environ)
    kept = {name: value for name, value in before.items() if not name.startswith(("NEARDUP_", "XDG_"))}
    own = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / ".config"), "COLUMNS": "100"}
    here = Path.cwd()
    try:
        os.environ.clear()
        os.environ.update({**kept, **own, "NEARDUP_CATALOG": str(folder / "catalog.db")})
        os.chdir(folder)
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


def asked(*arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
    """Run a command in this process, where its imports and model are warm, and return what it prints.

    A broken image among those that are asked about is named in the document, and is an error after it.
    """
    from neardup_cli.cli.app import app

    printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(printed), redirect_stderr(io.StringIO()), suppress(UnreadableImage):
        app([str(one) for one in arguments], prog_name="neardup", standalone_mode=False)
    printed.flush()
    text = printed.buffer.getvalue().decode()
    return json.loads(text) if "--json" in arguments else text


def shown(document: Any, folder: Path) -> str:  # noqa: ANN401 - JSON
    """Return a document as the page shows it: with a home for the folder, and the beginning of long lists."""
    text = json.dumps(_shortened(document), indent=2, ensure_ascii=False).replace(str(folder), HOME)
    text = text.replace(str(folder)[1:], HOME[1:])
    numbers = re.compile(r"\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]")
    return numbers.sub(lambda found: f"[{', '.join(found[1].replace(',', ' ').split())}]", text)


def _shortened(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        short = [_shortened(one) for one in value]
        plain = all(not isinstance(one, Mapping) for one in value) and len(value) <= 2 * _LONGEST_LIST
        return short if plain else short[:_LONGEST_LIST]
    if isinstance(value, Mapping):
        return {key: _shortened(one) for key, one in value.items()}
    return value


def main() -> None:
    """Write all examples."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as made:
        folder = Path(made).resolve()
        for name, document in make(folder).items():
            (FOLDER / f"{name}.json").write_text(shown(document, folder) + "\n", encoding="utf-8")
            sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()
