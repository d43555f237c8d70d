"""What `neardup eval tune` prints, and what it would write into neardup.toml."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.metrics import Interval
from neardup_cli.evaluation.tuning import Dial, Labelled, Tuned


def tune_document(tuned: Sequence[Tuned], pairs: Labelled, wanted: float) -> dict[str, Any]:
    """Return what `neardup eval tune --json` prints."""
    return {
        "schema": "neardup.eval-tune/1",
        "wanted_precision": wanted,
        "true_pairs": pairs.positives,
        "false_pairs": int((~pairs.true).sum()),
        "dials": [
            {
                "dial": one.dial.value,
                "preset": one.preset or None,
                "setting": one.setting,
                "precision": round(one.quality.precision, 5),
                "precision_next": _rounded(one.precision),
                "recall": round(one.quality.recall, 5),
                "recall_interval": _rounded(one.recall),
                "curve": [[point.setting, *(round(share, 5) for share in point[1:])] for point in one.curve],
            }
            for one in tuned
        ],
    }


def tune_lines(tuned: Sequence[Tuned], pairs: Labelled, wanted: float) -> Iterator[str]:
    """Yield a line a dial."""
    false = int((~pairs.true).sum())
    yield f"{pairs.positives:,} pairs of copies, {false:,} of others; wanted precision {wanted:g}"
    for one in tuned:
        name = f"{one.dial.value}, {one.preset}" if one.preset else one.dial.value
        if one.setting is None:
            yield f"{name}\tno setting is that precise"
            continue
        yield (
            f"{name}\t{one.setting:g}\tprecision {one.quality.precision:.4f} "
            f"(on other photographs {_shown(one.precision)})\t"
            f"recall {one.quality.recall:.4f} ({_shown(one.recall)})"
        )


def settings_to_apply(tuned: Sequence[Tuned], *, verify: bool) -> dict[str, str | int | float]:
    """Return the keys of neardup.toml that the dials stand for.

    Args:
        tuned: the dials.
        verify: take the threshold with geometry, and its preset; else the one of SSCD alone.

    Raises:
        BadInput: the wanted precision is out of reach.
    """
    by_dial = {one.dial: one for one in tuned}
    values: dict[str, str | int | float] = {}
    if (threshold := by_dial.get(Dial.FUNNEL if verify else Dial.PLAIN)) is not None:
        values["threshold"] = _setting(threshold)
        if threshold.preset:
            values["preset"] = threshold.preset
    radius = by_dial[Dial.HAMMING]
    # Hashes seldom are precise enough where SSCD is: their radius stays as it was then.
    if radius.setting is not None or threshold is None:
        values["hamming"] = int(_setting(radius))
    return values


def _setting(one: Tuned) -> float:
    if one.setting is None:
        raise BadInput(f"no setting of {one.dial.value} is as precise as wanted: nothing was written")
    return one.setting


def _rounded(interval: Interval) -> list[float]:
    return [round(interval.low, 5), round(interval.high, 5)]


def _shown(interval: Interval) -> str:
    return f"{interval.low:.3f} to {interval.high:.3f}"
