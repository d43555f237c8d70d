"""One image, one group, the right file kept? Photographs with seventeen edits each, judged as a person would.

Each photograph stands there as a camera left it (half of them with make, model and time, half bare), with an
exact copy, three re-encodings (JPEG 95-30, WebP, AVIF, HEIC), two smaller versions and seventeen edits, among
photographs without copies. `neardup scan`, `dups --json` and `clean --json` (a dry run) run on them at the
default settings.

- A family is one group if every group that holds one of its files is the same one, nobody else is in it, and
  it holds the original and at least 90 % of the family.
- The original stays if the group that holds it names it, or its exact copy, as the file to keep.
- Acted upon by default may be: exact copies, re-encodings and smaller versions, nearly all of them; a plain
  enlargement, which holds nothing that the original lacks, may go or stay. No original and no edit may.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import _bench
from benchmarks._bench import Figure
from benchmarks._cleaning import Act, Answer, Group, ask
from benchmarks._families import PLAIN, Entry, Truth, build
from benchmarks._files import spread
from benchmarks._pictures import photo_files

NEARLY_ALL = 0.9


@dataclass(slots=True)
class Judgement:
    """What a person would say of the groups and of the plan."""

    families: int = 0
    whole: int = 0
    """Families that are one group."""
    in_main: list[float] = field(default_factory=list)
    """For each family the share of its files in the group that holds most of them."""
    strangers: int = 0
    """Files in a group most of which is another family's."""
    holding: int = 0
    kept: int = 0
    """Groups that hold an original; those of them that keep it."""
    kept_instead: Counter[str] = field(default_factory=Counter)
    made: Counter[tuple[Truth, str]] = field(default_factory=Counter)
    acted: Counter[tuple[Truth, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def share(self, truth: Truth) -> float:
        """Of the files of one truth the share that the plan acts upon."""
        made = sum(count for (kind, _), count in self.made.items() if kind is truth)
        return self.count(truth) / made if made else 0.0

    def count(self, truth: Truth) -> int:
        """How many files of one truth the plan acts upon."""
        return sum(count for (kind, _), count in self.acted.items() if kind is truth)


def judge(entries: Sequence[Entry], answer: Answer) -> Judgement:
    """Compare what the program said with the truth."""
    truth = as_acted({entry.path: entry for entry in entries}, answer.acts)
    found = Judgement()
    _judge_groups(truth, answer.groups, found)
    for path, entry in truth.items():
        found.made[entry.truth, entry.how] += 1
        if path not in answer.acts:
            continue
        found.acted[entry.truth, entry.how] += 1
        act = answer.acts[path]
        other = truth[act.keep]
        if entry.truth not in (*PLAIN, Truth.ENLARGED) or other.family != entry.family:
            found.wrong.append(
                f"{entry.truth} ({entry.how}) of {entry.family}: {other.how} of {other.family}: {act}"
            )
    return found


def as_acted(truth: Mapping[str, Entry], acts: Mapping[str, Act]) -> Mapping[str, Entry]:
    """Swap an original and its exact copy where the copy stays: of the same bytes either is original."""
    swapped = dict(truth)
    for path, act in acts.items():
        goes, stays = truth[path], truth[act.keep]
        if goes.truth is Truth.ORIGINAL and stays.truth is Truth.EXACT and goes.family == stays.family:
            swapped[path] = replace(stays, path=path)
            swapped[act.keep] = replace(goes, path=act.keep)
    return swapped


def _judge_groups(truth: Mapping[str, Entry], groups: Sequence[Group], found: Judgement) -> None:
    size = Counter(entry.family for entry in truth.values())
    groups_of: defaultdict[str, list[tuple[int, Group]]] = defaultdict(list)
    for group in groups:
        members = Counter(truth[path].family for path in group.members)
        for family, count in members.items():
            groups_of[family].append((count, group))
        found.strangers += len(group.members) - max(members.values())
        if any(truth[path].truth is Truth.ORIGINAL for path in group.members):
            found.holding += 1
            kept = truth[group.keep]
            found.kept += kept.truth in (Truth.ORIGINAL, Truth.EXACT)
            if kept.truth not in (Truth.ORIGINAL, Truth.EXACT):
                found.kept_instead[kept.how] += 1
    for original in [entry for entry in truth.values() if entry.truth is Truth.ORIGINAL]:
        family = original.family
        count, main = max(groups_of[family], key=lambda at: at[0], default=(0, Group("", frozenset())))
        pure = len(main.members) == count
        enough = count >= NEARLY_ALL * size[family] and original.path in main.members
        found.families += 1
        found.in_main.append(count / size[family])
        found.whole += len(groups_of[family]) == 1 and pure and enough


def report(found: Judgement, shown: int) -> list[Figure]:
    """Print the tables; return the figures with their bars."""
    rows: list[list[str | float]] = [
        [str(truth), how, f"{found.acted[truth, how]} of {made}"]
        for (truth, how), made in sorted(found.made.items())
    ]
    _bench.print_table(("truth", "how", "acted upon"), rows)
    print(f"\nfamilies that are one group: {found.whole} of {found.families}")
    print(f"mean share of a family in its largest group: {sum(found.in_main) / max(1, found.families):.3f}")
    print(f"files in a group that is another family's: {found.strangers}")
    print(f"groups that keep their original: {found.kept} of {found.holding}")
    print(f"kept instead: {dict(found.kept_instead.most_common())}")
    print(f"wrong acts: {len(found.wrong)}" + "".join(f"\n  {line}" for line in found.wrong[:shown]))
    edits = found.count(Truth.EDIT) + found.count(Truth.STRANGER)
    return [
        Figure("families that are one group", found.whole / max(1, found.families), 0.97, at_least=True),
        Figure("groups that keep their original", found.kept / max(1, found.holding), 0.98, at_least=True),
        Figure("originals acted upon", found.count(Truth.ORIGINAL), 0),
        Figure("edits and strangers acted upon", edits, 0),
        *(Figure(f"{truth} acted upon", found.share(truth), 0.97, at_least=True) for truth in PLAIN),
    ]


def main() -> None:
    parser = _bench.arguments(__doc__, runs=1)
    parser.add_argument("--photos", type=Path, default=None, help="photographs to measure on (as --folder)")
    parser.add_argument("--count", type=int, default=200, help="how many photographs get a family (200)")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed: other photographs, other strengths"
    )
    parser.add_argument("--shown", type=int, default=20, help="how many wrong acts are printed (20)")
    options = _bench.parse(parser)
    photos = photo_files(options.photos or options.folder)
    chosen = spread(photos, options.count, options.seed)
    strangers = spread(sorted(set(photos) - set(chosen)), options.count, options.seed)
    with _bench.workspace() as space:
        folder = space / "photos"
        entries = build(chosen, strangers, folder, options.seed)
        _bench.note(f"{len(entries):,} files of {len(chosen)} families and {len(strangers)} strangers")
        found = judge(entries, ask(folder, space / "catalog.db"))
    _bench.finish(report(found, options.shown))


if __name__ == "__main__":
    main()
