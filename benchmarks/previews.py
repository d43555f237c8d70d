"""What do previews cost, what do they save, and do they decide as the images themselves do?

    python -m benchmarks.previews [--pictures 60] [--photos 24]

- Size and cost: the photographs of the folder are scanned into new catalogs, with previews and without, in
  turn; CPU time of the whole processes, children included. The bytes are those of the catalog's `status`.
- Originals opened: photographs enlarged to 12 megapixels, each with a copy at half the size, beside the same
  at 1 megapixel. The calls of what decodes files are counted while `dups`, `report` and the first page of
  `serve` are asked of either catalog, and their CPU time is compared.
- Decisions: photographs and their attacked copies, and drawn families of look-alikes, pair by pair: the
  verdict on the previews beside the one on the pixels that they were made of, and the one on those pixels
  with a noise of one grey level, which nobody would call other images: where no alignment is certain, so
  little decides.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import _bench
from benchmarks._bench import Figure, median_ratio, note
from benchmarks._pictures import photo_files

if TYPE_CHECKING:
    from PIL import Image

    from neardup_cli.images.decode import DecodedImage
    from neardup_cli.pipeline.geometry import Small

MODEL = "sscd_distilled"
KILOBYTES, MILLISECONDS = 16.0, 1.5
# Whatever their quality, and with a noise of one grey level too, some of the hardest attacks turn, half of
# them to a match.
OTHERWISE, NET = 1.5, 0.3
LARGE, SMALL = (4000, 3000), (1200, 900)
FAMILIES, MEMBERS = 12, 8


# --- what they cost ---------------------------------------------------------------------------------------


def costs(folder: Path, space: Path, runs: int) -> list[Figure]:
    """Scan with previews and without, in turn."""
    sides = {"with": "--previews", "without": "--no-previews"}
    measured = _bench.interleaved(
        runs,
        {
            name: lambda name=name, flag=flag: _bench.cold_scan(  # type: ignore[misc]
                folder, space / f"{name}.db", flag, "--model", MODEL
            )
            for name, flag in sides.items()
        },
    )
    status = _bench.run([_bench.neardup(), "status", "--catalog", space / "with.db", "--json"], space).json()
    cpu = {name: [one.cpu for one in of_side] for name, of_side in measured.items()}
    each = [(a - b) / status["contents"] * 1e3 for a, b in zip(cpu["with"], cpu["without"], strict=True)]
    print(f"{status['contents']} photographs: {status['preview_bytes'] / 1e6:.1f} MB of previews")
    print(f"CPU of the scan with / without: {median_ratio(cpu['with'], cpu['without']):.3f}")
    return [
        Figure(
            "bytes of a preview", status["preview_bytes"] / status["previews"] / 1e3, KILOBYTES, unit=" KB"
        ),
        Figure("CPU of a preview in a scan", sorted(each)[len(each) // 2], MILLISECONDS, unit=" ms"),
    ]


# --- what they save ---------------------------------------------------------------------------------------


def write_pictures(photos: Sequence[Path], folder: Path, size: tuple[int, int]) -> None:
    """Write photographs at a size, each with a copy at half of it."""
    from PIL import Image

    folder.mkdir()
    for number, path in enumerate(photos):
        with Image.open(path) as photo:
            image = photo.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        image.save(folder / f"{number:03d}.jpg", quality=90)
        image.reduce(2).save(folder / f"{number:03d} half.jpg", quality=80)


@dataclass(frozen=True)
class Asked:
    """How many originals were opened, and CPU seconds, for each question."""

    opened: dict[str, int]
    seconds: dict[str, float]


def ask(folder: Path, catalog: Path) -> Asked:
    """Scan, then count what each question opens."""
    from neardup_cli import Catalog, DupsOptions, ScanOptions, find_duplicates, scan
    from neardup_cli.pipeline.report import ReportOptions, write_report

    opened, seconds = {}, {}
    as_the_command = ReportOptions(DupsOptions())
    with Catalog.open(catalog, create=True) as known, counted() as calls:
        scan(known, [os.fsencode(folder)], ScanOptions(model=MODEL, workers=_bench.cores()))
        questions: dict[str, Callable[[], object]] = {
            "dups": lambda: find_duplicates(known, DupsOptions()),
            "report": lambda: write_report(known, os.fsencode(f"{catalog}.html"), as_the_command),
            "first page": lambda: first_page(catalog),
        }
        for name, question in questions.items():
            before, start = len(calls), time.process_time()
            question()
            opened[name], seconds[name] = len(calls) - before, time.process_time() - start
    return Asked(opened, seconds)


@contextmanager
def counted() -> Iterator[list[str]]:
    """Count the calls of what decodes files, wherever it was imported to."""
    from neardup_cli.images import decode, whole

    calls: list[str] = []
    with ExitStack() as ending:
        for module, name in ((decode, "decode"), (whole, "decode_whole")):
            real = getattr(module, name)

            def counting(*given: Any, real: Any = real, name: str = name, **options: Any) -> Any:  # noqa: ANN401
                calls.append(name)
                return real(*given, **options)

            for place in [one for key, one in sys.modules.items() if key.startswith("neardup_cli.")]:
                if getattr(place, name, None) is real:
                    setattr(place, name, counting)
                    ending.callback(setattr, place, name, real)
        yield calls


def first_page(catalog: Path) -> None:
    """Ask for the first page of groups and all of its thumbnails, as the page does."""
    from fastapi.testclient import TestClient

    from neardup_cli.web.app import create_app
    from neardup_cli.web.options import ServeOptions

    app = create_app(catalog, ServeOptions())
    with TestClient(app, base_url="http://127.0.0.1") as client:
        while (answer := client.get("/api/groups")).status_code == 503:
            time.sleep(0.05)
        for group in answer.json()["groups"]:
            for member in group["sample"]:
                assert client.get("/preview", params={"path": member["path"]}).status_code == 200


def savings(photos: Sequence[Path], space: Path) -> list[Figure]:
    """Ask about large and small versions of the same photographs."""
    asked = {}
    for name, size in (("warm", SMALL), ("small", SMALL), ("large", LARGE)):
        note(f"{name}: {len(photos)} photographs of {size[0]} x {size[1]}")
        some = photos[:4] if name == "warm" else photos
        write_pictures(some, space / name, size)
        asked[name] = ask(space / name, space / f"{name}-pictures.db")
    large, small = asked["large"], asked["small"]
    rows: list[list[str | float]] = [
        [question, f"{large.opened[question]}", large.seconds[question] / small.seconds[question]]
        for question in large.opened
    ]
    _bench.print_table(("asked of 12 megapixels", "originals opened", "CPU / that of 1 megapixel"), rows)
    print()
    ratio = sum(large.seconds.values()) / sum(small.seconds.values())
    return [
        Figure("originals opened", sum(large.opened.values()), 0),
        Figure("CPU time of 12 megapixels / of 1", ratio, 1.15),
    ]


# --- what they decide -------------------------------------------------------------------------------------


type Pair = tuple[str, int, int]
"""What two images are to each other ("copies", "strangers"), and their numbers."""


def pairs_of(photos: Sequence[Path]) -> tuple[list[DecodedImage], list[Pair]]:
    """Return decoded images, and pairs of photographs and their attacked copies, and of look-alikes."""
    from PIL import Image

    from benchmarks._lookalikes import FAMILIES as ALL
    from benchmarks._lookalikes import drawn
    from neardup_cli.evaluation.attacks import companions, standard_attacks
    from neardup_cli.images.decode import decode

    images: list[DecodedImage] = []
    pairs: list[Pair] = []
    opened = [Image.open(path).convert("RGB") for path in photos]
    for place, (path, photo) in enumerate(zip(photos, opened, strict=True)):
        original = len(images)
        images.append(decode(path.read_bytes()))
        others = companions(opened[:place] + opened[place + 1 :])
        for attack in standard_attacks():
            pairs.append(("copies", original, len(images)))
            images.append(decode(attack.save_as.encode(attack.run(photo, path.name, supplier=others))))
    for name in list(ALL)[:FAMILIES]:
        first = len(images)
        images += [decode(_png(drawn(name, number, 3))) for number in range(MEMBERS)]
        pairs += [("strangers", a, b) for a, b in combinations(range(first, len(images)), 2)]
    return images, pairs


def _png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def decisions(photos: Sequence[Path]) -> list[Figure]:
    """Compare the verdicts on previews with those on the pixels that these are made of."""
    from neardup_cli.pipeline.geometry import made_small
    from neardup_cli.pipeline.picture import as_preview

    images, pairs = pairs_of(photos)
    sides = {
        "pixels": [made_small(image) for image in images],
        "previews": [made_small(as_preview(image)) for image in images],
    }
    sides["noise"] = list(_noisy(sides["pixels"]))
    verdicts = {name: [_matches(small[a], small[b]) for _, a, b in pairs] for name, small in sides.items()}
    rows = []
    for kind in ("copies", "strangers"):
        of_kind = [place for place, pair in enumerate(pairs) if pair[0] == kind]
        found = {name: sum(of_side[place] for place in of_kind) for name, of_side in verdicts.items()}
        rows.append([kind, f"{len(of_kind)}", *(f"{found[name]}" for name in sides)])
    _bench.print_table(("pairs", "number", *(f"match by {name}" for name in sides)), rows)
    apart = {
        name: sum(a != b for a, b in zip(verdicts["pixels"], verdicts[name], strict=True))
        for name in ("previews", "noise")
    }
    print(f"decided otherwise than by the pixels: {apart} of {len(pairs)}\n")
    new = sum(
        found and not before
        for (kind, _, _), before, found in zip(pairs, verdicts["pixels"], verdicts["previews"], strict=True)
        if kind == "strangers"
    )
    lost = int(rows[0][2]) - int(rows[0][3])
    return [
        Figure("strangers that previews match and pixels do not", new, 0),
        Figure("copies that previews lose, net", 100 * lost / int(rows[0][1]), NET, unit=" %"),
        Figure("decided otherwise", 100 * apart["previews"] / len(pairs), OTHERWISE, unit=" %"),
    ]


def _noisy(smalls: Sequence[Small]) -> Iterator[Small]:
    import numpy as np

    from neardup_cli.matching.explain import Subject
    from neardup_cli.matching.features import LocalFeatures

    rng = np.random.default_rng(1)
    for features, subject in smalls:
        noise = rng.integers(-1, 2, features.grey.shape)
        grey = np.clip(features.grey + noise, 0, 255).astype(np.uint8)
        pixels = np.clip(subject.pixels + noise[..., None], 0, 255).astype(np.uint8)
        yield LocalFeatures(grey), Subject(pixels, subject.size, None, subject.format)


def _matches(a: Small, b: Small) -> bool:
    from neardup_cli.matching.verify import verify_pair
    from neardup_cli.pipeline.geometry import Laid
    from neardup_cli.records.holdings import Holdings

    laid = Laid.of(verify_pair(a[0], b[0]), lambda: (a[1], b[1]), lambda: (Holdings(), Holdings()))
    return laid.alignment.matched


def main() -> None:
    parser = _bench.arguments(__doc__)
    parser.add_argument("--pictures", type=int, default=60, help="made at 12 megapixels (60)")
    parser.add_argument("--photos", type=int, default=24, help="whose attacked copies are decided on (24)")
    options = _bench.parse(parser)
    files = photo_files(options.folder)
    with _bench.workspace() as space:
        figures = costs(options.folder, space, options.runs)
        figures += savings(files[: options.pictures], space)
    every = max(1, len(files) // options.photos)
    figures += decisions(files[::every][: options.photos])
    _bench.finish(figures)


if __name__ == "__main__":
    main()
