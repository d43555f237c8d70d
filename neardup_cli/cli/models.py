"""`neardup models`: the models there are, and Meta's published weights on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neardup_cli.cli import completing
from neardup_cli.cli.options import JsonOption
from neardup_cli.cli.output import say, write_lines, write_paths, write_text
from neardup_cli.errors import ModelError

if TYPE_CHECKING:
    from neardup_cli.progress import Progress

app = typer.Typer()

_MEGABYTE = 1_000_000

ImagesOption = Annotated[
    Path | None,
    typer.Option("--images", metavar="DIR", help="Measure the network in eight bits on images of DIR."),
]
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A name that `neardup models list` shows.", autocompletion=completing.models
    ),
]


@app.callback(invoke_without_command=True)
def models(context: typer.Context) -> None:
    """List the models; fetch, find and check Meta's weights."""
    if context.invoked_subcommand is None:
        list_models()


@app.command(name="list")
def list_models(json: JsonOption = False) -> None:
    """Show the models that --model takes by name, and which of them are on this machine."""
    from neardup_cli.embedders.converted import CONVERTED
    from neardup_cli.embedders.registry import BUNDLED_MODELS, default_model
    from neardup_cli.embedders.weights import PUBLISHED, status
    from neardup_cli.reports.models import models_document, models_lines

    published = [status(weights) for weights in PUBLISHED]
    made = {one.name: one.path for one in CONVERTED if one.path.is_file()}
    if json:
        from neardup_cli.reports.json_report import dump

        write_text(dump(models_document(BUNDLED_MODELS, default_model(), published, made)))
    else:
        write_lines(models_lines(BUNDLED_MODELS, default_model(), published, made))


@app.command()
def pull(
    name: NameArgument,
    images: ImagesOption = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Make no ONNX files: PyTorch (extra `torch`) runs the weights.")
    ] = False,
) -> None:
    """Fetch published weights, and make ONNX files of them, which need no PyTorch.

    What is fetched lies in the user's cache folder; run it again to go on after a break. Needs the extra
    `pull`.
    """
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.embedders.converted import demand_converter
    from neardup_cli.embedders.weights import find_weights
    from neardup_cli.embedders.weights import pull as pull_weights
    from neardup_cli.reports.models import checksum_line

    weights = find_weights(name)
    if not as_is:
        demand_converter()
    say(f"from {weights.url}")
    with shown_progress() as progress:
        pulled = pull_weights(weights, _Megabytes(name, progress))
    write_paths([bytes(pulled.path)], nul=False)
    say(checksum_line(pulled))
    if not as_is:
        _convert(name, images)


@app.command()
def convert(name: NameArgument, images: ImagesOption = None) -> None:
    """Make ONNX files of published weights that are on this machine already.

    The network in eight bits is measured on --images, or on painted ones. Needs the extra `pull`.
    """
    _convert(name, images)


def _convert(name: str, images: Path | None) -> None:
    from neardup_cli.cli.progress import shown_progress
    from neardup_cli.embedders.weights import find_weights
    from neardup_cli.pipeline.convert import convert_weights
    from neardup_cli.reports.models import conversion_lines

    with shown_progress() as progress:
        made = convert_weights(find_weights(name), images, progress)
    write_paths([bytes(file) for file in (made.full, made.small) if file is not None], nul=False)
    for line in conversion_lines(made):
        say(line)


@app.command()
def path(name: NameArgument) -> None:
    """Print where the file of a model lies; exit code 8 where it is not on this machine."""
    from neardup_cli.embedders.registry import BUNDLED_MODELS, CONVERTED_MODELS, model_path
    from neardup_cli.embedders.weights import find_weights, pulled_path

    ours = name in (*BUNDLED_MODELS, *CONVERTED_MODELS)
    found = model_path(name) if ours else pulled_path(find_weights(name))
    write_paths([bytes(found)], nul=False)


@app.command()
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="All that are here by default.")
    ] = None,
) -> None:
    """Check published weights: their checksum, and that they are TorchScript; exit code 9 if not."""
    from neardup_cli.embedders.weights import PUBLISHED, find_weights
    from neardup_cli.embedders.weights import verify as verify_weights
    from neardup_cli.reports.models import checksum_line

    chosen = [find_weights(name) for name in names or ()] or [one for one in PUBLISHED if one.path.is_file()]
    if not chosen:
        say("none of the published weights is on this machine: `neardup models pull NAME` fetches some")
    broken: list[ModelError] = []
    for weights in chosen:
        try:
            write_lines([checksum_line(verify_weights(weights))])
        except ModelError as exc:
            broken.append(exc)
    for error in broken[1:]:
        say(f"neardup: {error}")
    if broken:
        raise broken[0]


class _Megabytes:
    """Shows a download, which is told in bytes, as progress in megabytes."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._task = f"Fetching {name} (MB)"
        self._progress = progress
        self._shown: int | None = None

    def __call__(self, done: int, total: int | None) -> None:
        megabytes = done // _MEGABYTE
        if self._shown is None or megabytes < self._shown:  # at the start, and where it starts over
            self._progress.start(self._task, None if total is None else total // _MEGABYTE)
            self._shown = 0
        self._progress.advance(megabytes - self._shown)
        self._shown = megabytes
