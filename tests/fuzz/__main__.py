"""`python -m tests.fuzz`: every target for its share of the time, and a table of what came of it."""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.engine import Finding, Tally, Target, fuzz, minimised

CORPUS = Path(__file__).parents[1] / "fuzz_corpus"


def main() -> int:
    """Fuzz; return 1 if anything was found."""
    arguments = _arguments()
    seed = random.SystemRandom().randrange(1 << 31) if arguments.seed is None else arguments.seed
    names = arguments.target or list(targets.NAMES)
    seconds = 60 * arguments.minutes / len(names)
    print(f"seed {seed}, {seconds:.0f} seconds a target", flush=True)
    print(f"{'target':<12} {'inputs':>9} {'a second':>9} {'lines':>6} {'crashes':>8} {'wrong':>6}  answers")
    total = Tally()
    with tempfile.TemporaryDirectory(prefix="neardup-fuzz-") as folder:
        tempfile.tempdir = folder
        for name in names:
            target = targets.load(name)
            tally = fuzz(target, seed=seed, seconds=seconds, learn=True)
            _print(name, tally)
            total.inputs += tally.inputs
            total.findings |= {f"{name}: {key}": found for key, found in tally.findings.items()}
            for finding in tally.findings.values():
                _keep(target, finding, save=arguments.save)
    print(f"{'all':<12} {total.inputs:>9,} {'':>9} {'':>6} {total.crashes:>8} {total.wrong:>6}")
    return 1 if total.findings else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="of all targets together")
    parser.add_argument("--target", action="append", choices=targets.NAMES, help="repeatable; all by default")
    parser.add_argument("--seed", type=int, help="of the mutations; another one each time by default")
    parser.add_argument("--save", action="store_true", help="keep findings in tests/fuzz_corpus")
    return parser.parse_args()


def _print(name: str, tally: Tally) -> None:
    answers = ", ".join(f"{answer} {count:,}" for answer, count in tally.answers.most_common(6))
    rate = tally.inputs / max(tally.seconds, 1e-9)
    print(
        f"{name:<12} {tally.inputs:>9,} {rate:>9.0f} {len(tally.lines):>6} "
        f"{tally.crashes:>8} {tally.wrong:>6}  {answers}",
        flush=True,
    )


def _keep(target: Target, finding: Finding, *, save: bool) -> None:
    """Show a finding, and put its smallest form into the corpus."""
    small = minimised(target, finding)
    print(f"  {finding.signature}: {len(small.data):,} bytes, {small.data[:200]!r}", file=sys.stderr)
    print(f"    {small.details[-1500:]}", file=sys.stderr)
    if save:
        slug = re.sub(r"\W+", "-", finding.signature.lower()).strip("-")[:60]
        place = CORPUS / target.name / slug
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(small.data)
        print(f"    kept as {place}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
