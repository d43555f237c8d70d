"""The edits that people make to pictures: one small class a kind, all found in `EDITS` by their name."""

from neardup_cli.evaluation.edits import codecs, colour, composition, geometry, lettering, screens, texture
from neardup_cli.evaluation.edits.base import EDITS, Edit, EditContext, SaveAs, no_companion

__all__ = [
    "EDITS",
    "Edit",
    "EditContext",
    "SaveAs",
    "codecs",
    "colour",
    "composition",
    "geometry",
    "lettering",
    "no_companion",
    "screens",
    "texture",
]
