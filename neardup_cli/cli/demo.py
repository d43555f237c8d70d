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
    from neardup_cli.evaluation.gallery import GalleryEdit, render_gallery

    say(f"rendering {photos} photos and their copies ...")
    summary = render_gallery(folder.expanduser(), photos=photos, seed=seed)
    torn = sum(file.edit is GalleryEdit.TRUNCATED for file in summary.files)
    other = sum(file.edit is GalleryEdit.TEXT for file in summary.files)
    images = f"{len(summary.files) - other} images, {torn} of them damaged"
    write_text(
        f"{len(summary.files)} files in {folder}: {images}, and {other} text file\n"
        f"Next: `neardup {folder}` says what is found in it"
    )
