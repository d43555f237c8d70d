"""`neardup demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neardup_cli.cli.output import say, write_text


def demo(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new or empty folder.")],
    photos: Annotated[int, typer.Option("--photos", min=4, max=1000, help="How many different photos.")] = 24,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another number, other pictures.")] = 0,
) -> None:
    """Render a small gallery to try neardup on.

    Photographs, edited copies of them, and look-alikes.
    """
    from neardup_cli.evaluation.gallery import render_gallery

    say(f"rendering {photos} photos and their copies ...")
    summary = render_gallery(folder.expanduser(), photos=photos, seed=seed)
    write_text(f"{len(summary.files)} files in {folder}: try `neardup scan {folder}`, then `neardup dups`")
