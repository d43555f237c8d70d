from __future__ import annotations

import builtins
from pathlib import Path

import numpy as np
import pytest

from neardup_cli.errors import BadInput, MissingExtra
from neardup_cli.evaluation.ground_truth import load_truth
from neardup_cli.evaluation.plots import plot_evaluation, plot_points, plot_tuning, require_matplotlib
from neardup_cli.evaluation.run import EvalOptions, Evaluation, evaluate
from tests.conftest import Lacking


@pytest.fixture(scope="module")
def found(copies: Path, originals: Path) -> Evaluation:
    truth = load_truth(None, bytes(copies), bytes(originals))
    return evaluate(truth, bytes(originals), EvalOptions(hash_only=True, workers=2))


@pytest.fixture(autouse=True)
def _needs_matplotlib(lacking: Lacking) -> None:
    try:
        require_matplotlib()
    except MissingExtra:
        lacking("matplotlib, of the extra eval")


def test_the_three_plots_are_drawn_and_the_same_each_time(found: Evaluation, tmp_path: Path) -> None:
    first = plot_evaluation(found, tmp_path / "a")
    second = plot_evaluation(found, tmp_path / "b")
    assert [path.name for path in first] == ["precision-recall.svg", "scores.svg", "recall-by-attack.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert one.read_text(encoding="utf-8").startswith("<?xml")


def test_programs_and_dials_are_drawn(tmp_path: Path) -> None:
    plot_points({"neardup": (0.9, 1.0, 12.0), "other": (0.5, 0.9, 0.0)}, tmp_path / "points.png")
    assert (tmp_path / "points.png").read_bytes().startswith(b"\x89PNG")
    settings = np.linspace(0, 1, 5)
    plot_tuning({"dial": (settings, settings, settings)}, {"dial": 0.5}, tmp_path / "dials.svg")
    assert (tmp_path / "dials.svg").stat().st_size > 1000


def test_a_format_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        plot_points({"neardup": (0.9, 1.0, 12.0)}, tmp_path / "points.nonsense")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInput, match="cannot be written"):
        plot_points({"neardup": (0.9, 1.0, 12.0)}, tmp_path / "file" / "points.svg")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **named: object) -> object:
        if name.split(".", maxsplit=1)[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"\[eval\]"):
        require_matplotlib()
