"""The pictures of an evaluation, drawn by matplotlib, which comes with the extra `eval`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neardup_cli.errors import BadInput
from neardup_cli.evaluation.metrics import Floats, curve
from neardup_cli.evaluation.run import Evaluation
from neardup_cli.installation import missing_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRUE_COLOUR, FALSE_COLOUR, QUIET_COLOUR = "#1b6ca8", "#d1495b", "#9aa5b1"


def require_matplotlib() -> None:
    """Find out before hours of work whether there is anything to draw with.

    Raises:
        MissingExtra: there is not.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as exc:
        raise missing_extra("plots need matplotlib", "eval") from exc


def plot_evaluation(found: Evaluation, folder: Path) -> list[Path]:
    """Draw the precision-recall curve, the scores of true and false pairs, and the recall of each attack.

    Raises:
        MissingExtra: there is no matplotlib.
        BadInput: the folder cannot be written.
    """
    require_matplotlib()
    names = ("precision-recall.svg", "scores.svg", "recall-by-attack.svg")
    targets = [folder / name for name in names]
    with _canvas(targets[0], (6, 4.5)) as axes:
        _draw_curves(axes, found)
    with _canvas(targets[1], (6, 4)) as axes:
        _draw_scores(axes, found)
    with _canvas(targets[2], (6.5, 1.2 + 0.2 * len(found.attacks))) as axes:
        _draw_attacks(axes, {name: one.quality.recall for name, one in found.attacks.items()})
    return targets


def plot_points(points: Mapping[str, tuple[float, float, float]], target: Path) -> None:
    """Draw programs by recall and precision; the area of a point grows with the seconds that it took.

    Args:
        points: recall, precision and seconds by name.
        target: the file.
    """
    require_matplotlib()
    with _canvas(target, (6.5, 4.5)) as axes:
        slowest = max((seconds for *_, seconds in points.values()), default=1.0) or 1.0
        for name, (recall, precision, seconds) in points.items():
            colour = TRUE_COLOUR if name.startswith("neardup") else QUIET_COLOUR
            axes.scatter(recall, precision, s=40 + 500 * seconds / slowest, color=colour, alpha=0.8)
            axes.annotate(name, (recall, precision), xytext=(6, 6), textcoords="offset points", fontsize=8)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.05), ylim=(0, 1.05))


def plot_tuning(
    curves: Mapping[str, tuple[Floats, Floats, Floats]], chosen: Mapping[str, float], target: Path
) -> None:
    """Draw precision and recall over each dial, with the place that was chosen.

    Args:
        curves: settings, precision and recall by the dial's name.
        chosen: the setting by the dial's name.
        target: the file.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(curves), 4), layout="constrained")
    panels: Sequence[Axes] = figure.subplots(1, len(curves), squeeze=False)[0]
    for axes, (name, (settings, precision, recall)) in zip(panels, curves.items(), strict=True):
        axes.plot(settings, precision, color=TRUE_COLOUR, label="precision")
        axes.plot(settings, recall, color=FALSE_COLOUR, label="recall")
        if name in chosen:
            axes.axvline(chosen[name], color=QUIET_COLOUR, linestyle="--", label="chosen")
        axes.set(xlabel=name, ylim=(0, 1.02))
        axes.legend(loc="lower center", fontsize=8)
    _save(figure, target)


def _draw_curves(axes: Axes, found: Evaluation) -> None:
    scored = found.scored
    rankings = (
        ("funnel", TRUE_COLOUR, scored.score),
        ("SSCD alone", FALSE_COLOUR, np.nan_to_num(scored.similarity, nan=-1.0)),
        ("dHash alone", QUIET_COLOUR, -scored.hamming.astype(np.float64)),
    )
    for label, colour, ranking in rankings:
        points = curve(ranking, scored.true, scored.positive_count)
        axes.step(points.recall, points.precision, where="post", color=colour, label=label)
    quality = found.overall.quality
    axes.plot(quality.recall, quality.precision, "o", color=TRUE_COLOUR, label="as decided")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.02), ylim=(0, 1.02))
    axes.legend(loc="lower left")


def _draw_scores(axes: Axes, found: Evaluation) -> None:
    near, true = found.scored.similarity, found.scored.true
    hashes_alone = bool(np.isnan(near).all())
    values = found.scored.hamming if hashes_alone else near.clip(-0.2, 1)
    bins = np.arange(66) - 0.5 if hashes_alone else np.linspace(-0.2, 1.0, 61)
    measure = "dHash distance (bits)" if hashes_alone else "SSCD similarity"
    for which, colour, label in ((true, TRUE_COLOUR, "copies"), (~true, FALSE_COLOUR, "others")):
        shown = values[which & ~np.isnan(values)]
        axes.hist(shown, bins=bins.tolist(), color=colour, alpha=0.6, label=label)
    axes.set(xlabel=f"{measure} of candidate pairs", ylabel="pairs", yscale="symlog")
    axes.legend()


def _draw_attacks(axes: Axes, recall: Mapping[str, float]) -> None:
    names = sorted(recall, key=lambda name: (recall[name], name))
    axes.barh(names, [recall[name] for name in names], color=TRUE_COLOUR)
    axes.set(xlabel="recall", xlim=(0, 1))
    axes.tick_params(axis="y", labelsize=7)
    axes.margins(y=0.01)


@contextmanager
def _canvas(target: Path, size: tuple[float, float]) -> Iterator[Axes]:
    # Not pyplot: it looks for a display, and keeps every figure until the end.
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    yield figure.subplots()
    _save(figure, target)


def _save(figure: object, target: Path) -> None:
    import matplotlib

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Without these, two runs of the same evaluation would give two different files.
        with matplotlib.rc_context({"svg.hashsalt": "neardup"}):
            figure.savefig(target, metadata={"Date": None} if target.suffix == ".svg" else None)  # type: ignore[attr-defined]
    except (OSError, ValueError) as exc:
        raise BadInput(f"{target} cannot be written: {exc}") from exc
