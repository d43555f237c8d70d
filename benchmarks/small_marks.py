"""Is a small mark on a copy seen? And which copies are accused of one that they have not?

A copy that something was drawn over is `overlay`, and `neardup clean` leaves it alone; what is merely encoded
again, resized or turned goes. Each photograph is compared with copies of both sorts as `dups` does it: with a
line of text from 9 to 3 % of its height, a sticker or a logo, and without. Counted is how many of the copies
that the geometric stage aligns are called `overlay`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._pictures import opened, photo_files
from neardup_cli.choices import Kind
from neardup_cli.evaluation.attacks import Attack
from neardup_cli.evaluation.edits.base import Edit
from neardup_cli.evaluation.edits.codecs import Jpeg, Webp
from neardup_cli.evaluation.edits.colour import Gamma, Grey
from neardup_cli.evaluation.edits.composition import Stickers
from neardup_cli.evaluation.edits.geometry import Crop, Mirror, Resize, Rotate, Turn
from neardup_cli.evaluation.edits.lettering import Caption, Watermark
from neardup_cli.evaluation.edits.texture import Blur, Noise, Sharpen
from neardup_cli.images.decode import decode
from neardup_cli.matching.explain import explain_match
from neardup_cli.matching.verify import verify_pair
from neardup_cli.pipeline.geometry import features_of, subject_of
from neardup_cli.pipeline.picture import as_preview

SEEN, ACCUSED = 75.0, 0.3  # per cent

MARKS: dict[str, Edit] = {
    **{f"text of {share:.0%}": Caption(share) for share in (0.09, 0.06, 0.05, 0.04, 0.03)},
    **{f"sticker of {share:.0%}": Stickers(1, share) for share in (0.1, 0.07)},
    "logo": Watermark(),
}
SAVED: dict[str, tuple[Edit, ...]] = {
    "": (Jpeg(80),),
    ", JPEG 50": (Jpeg(50),),
    ", half": (Resize(0.5), Jpeg(75)),
}
MARKED = tuple(
    Attack(mark + how, (edit, *saved)) for mark, edit in MARKS.items() for how, saved in SAVED.items()
)
SAME = (
    *(Attack(f"JPEG {quality}", (Jpeg(quality),)) for quality in (10, 20, 30, 40, 50, 60, 75, 90)),
    *(Attack(f"WebP {quality}", (Webp(quality),)) for quality in (20, 40, 75)),
    *(
        Attack(f"{scale:.0%}, JPEG {quality}", (Resize(scale), Jpeg(quality)))
        for scale in (0.25, 0.5, 0.61, 1.5)
        for quality in (40, 75)
    ),
    Attack("twice", (Jpeg(50), Resize(0.8), Jpeg(50))),
    Attack("turned", (Turn(90), Jpeg(75))),
    Attack("mirrored", (Mirror(), Jpeg(75))),
    Attack("grey", (Grey(), Jpeg(75))),
    Attack("gamma", (Gamma(0.6), Jpeg(75))),
    Attack("noise", (Noise(12), Jpeg(75))),
    Attack("blurred", (Blur(3), Jpeg(75))),
    Attack("sharpened", (Sharpen(), Jpeg(75))),
    Attack("slanted", (Rotate(5), Jpeg(75))),
    *(Attack(f"cut to {share:.0%}", (Crop(share), Jpeg(75))) for share in (0.8, 0.5)),
)


def overlays(photo: Path, attacks: Sequence[Attack]) -> Iterator[bool | None]:
    """Say of each copy of a photograph whether it is called `overlay`; None if it was not aligned."""
    image, original = opened(photo), as_preview(decode(photo.read_bytes()))
    features, subject = features_of(original), subject_of(original)
    for attack in attacks:
        copy = as_preview(decode(attack.save_as.encode(attack.run(image, photo.name))))
        verdict = verify_pair(features, features_of(copy))
        if not verdict.matched:
            yield None
            continue
        yield Kind.OVERLAY in explain_match(subject, subject_of(copy), verdict).edits


def main() -> None:
    """Make copies, explain them, count."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--photos", type=int, default=40, help="how many photographs (40)")
    parser.add_argument("--first", type=int, default=0, help="the first of them, of all in order (0)")
    options = _bench.parse(parser)
    cv2.setNumThreads(1)
    everything = photo_files(options.folder)
    photos = everything[options.first :: max(1, len(everything) // options.photos)][: options.photos]
    figures = []
    for title, attacks, limit in (("marked", MARKED, SEEN), ("not marked", SAME, ACCUSED)):
        found = list(zip(*(list(overlays(photo, attacks)) for photo in photos), strict=True))
        aligned = [[said for said in column if said is not None] for column in found]
        rows: list[list[str | float]] = [
            [attack.name, f"{sum(column)} of {len(column)}"]
            for attack, column in zip(attacks, aligned, strict=True)
        ]
        _bench.print_table((title, "overlay"), rows)
        seen, count = sum(map(sum, aligned)), sum(map(len, aligned))
        print(f"together {seen:,} of {count:,}\n")
        name = f"called overlay of the copies that are {title}"
        figures.append(Figure(name, 100 * seen / count, limit, at_least=attacks is MARKED, unit=" %"))
    _bench.finish(figures)


if __name__ == "__main__":
    main()
