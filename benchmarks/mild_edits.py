"""Are copies found at the default settings? Exact copies and mild edits, whole commands, both networks.

One folder holds the photographs, a byte-for-byte copy of each, and each after every one of `mild_attacks()`
(re-encoded, resized, grey, captioned), saved as the attack says. `neardup scan` and `neardup dups --json`
then run with no option but the network's name.

Against the truth: a copy is found if its group holds its original. A pair is false if `dups` lists it as a
match and its two files come from different photographs; it is listed by path, for two photographs may really
show the same.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._pictures import in_processes, opened, photo_files

ORIGINAL, EXACT = "original", "exact"
FOUND = 99.0  # per cent of the mild edits

type Job = tuple[Path, str, Path]
"""A photograph, the number that names it, and the folder that its copies go into."""


def write_copies(job: Job) -> None:
    """Write a photograph, its exact copy and its mild edits, each into the folder of its edit."""
    from neardup_cli.evaluation.attacks import mild_attacks

    photo, name, folder = job
    for edit in (ORIGINAL, EXACT):
        shutil.copyfile(photo, _place(folder, edit, name, photo.suffix))
    image = opened(photo)
    for attack in mild_attacks():
        edited = attack.run(image, photo.name)
        _place(folder, attack.name, name, attack.save_as.suffix).write_bytes(attack.save_as.encode(edited))


def _place(folder: Path, edit: str, name: str, suffix: str) -> Path:
    (folder / edit).mkdir(parents=True, exist_ok=True)
    return folder / edit / (name + suffix)


@dataclass(frozen=True)
class Verdict:
    """What one network found: of each edit how many copies, and the false pairs as (a, b, similarity)."""

    found: Counter[str]
    false: list[tuple[str, str, float | None]]


def judge(report: dict[str, Any], folder: Path) -> Verdict:
    """Compare the groups with the truth, which the paths tell: EDIT/PHOTOGRAPH.suffix."""
    found: Counter[str] = Counter()
    false: list[tuple[str, str, float | None]] = []
    for group in report["groups"]:
        edits_of = defaultdict(set)
        for member in group["members"]:
            edits_of[_photo(member["path"])].add(_edit(member["path"]))
        for edits in edits_of.values():
            if ORIGINAL in edits:
                found.update(edits)
        for match in group["matches"]:
            if _photo(match["a"]) != _photo(match["b"]):
                a, b = (os.path.relpath(match[side], folder) for side in "ab")
                false.append((a, b, match["similarity"]))
    return Verdict(found, sorted(false, key=lambda pair: -(pair[2] or 0)))


def _photo(path: str) -> str:
    return Path(path).stem


def _edit(path: str) -> str:
    return Path(path).parent.name


def main() -> None:
    """Make the copies, ask both networks, compare."""
    parser = _bench.arguments(__doc__)
    parser.add_argument("--photos", type=int, help="only the first so many photographs")
    parser.add_argument("--keep", type=Path, help="make the copies in this new folder and leave them there")
    options = _bench.parse(parser)
    photos = photo_files(options.folder)[: options.photos]
    with _bench.workspace() as work:
        # Resolved, because reports show real paths.
        folder = (options.keep or work / "copies").resolve()
        if folder.exists():
            sys.exit(f"{folder} exists already")
        in_processes(
            write_copies, [(photo, f"{at:04d}_{photo.stem}", folder) for at, photo in enumerate(photos)]
        )
        verdicts = {}
        for model in _bench.MODELS:
            catalog = work / f"{model}.db"
            _bench.note(f"scanning with {model}")
            _bench.cold_scan(folder, catalog, "--model", model)
            verdicts[model] = judge(_bench.dups(catalog).json(), folder)
    report(verdicts, len(photos))


def report(verdicts: dict[str, Verdict], photos: int) -> None:
    """Print the table, the false pairs and the figures."""
    from neardup_cli.evaluation.attacks import mild_attacks

    mild = [attack.name for attack in mild_attacks()]
    print(f"{photos:,} photographs; copies in the group of their original, per cent\n")
    shares = {
        model: {edit: 100 * verdict.found[edit] / photos for edit in (EXACT, *mild)}
        for model, verdict in verdicts.items()
    }
    _bench.print_table(
        ("edit", *verdicts), [[edit, *(share[edit] for share in shares.values())] for edit in (EXACT, *mild)]
    )
    figures = []
    for model, verdict in verdicts.items():
        for a, b, similarity in verdict.false:
            print(f"false pair, {model}, similarity {similarity}: {a} | {b}")
        found = sum(shares[model][edit] for edit in mild) / len(mild)
        figures += [
            Figure(f"exact copies found, {model}", shares[model][EXACT], 100, at_least=True, unit=" %"),
            Figure(f"mild edits found, {model}", found, FOUND, at_least=True, unit=" %"),
            Figure(f"false pairs, {model}", len(verdict.false), 0),
        ]
    _bench.finish(figures)


if __name__ == "__main__":
    main()
