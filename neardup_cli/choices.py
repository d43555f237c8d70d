"""The words that a person chooses from, on the command line and in settings.

Apart from the records, which take longer to import than all of `neardup --help` has time for.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What was done to a picture, strongest first: a match is called by the first of its edits here."""

    EXACT = "exact"
    SAME_PIXELS = "same-pixels"
    SIMILAR_SHOT = "similar-shot"
    EMBEDDED = "embedded"
    OVERLAY = "overlay"
    CROPPED = "cropped"
    MIRRORED = "mirrored"
    ROTATED = "rotated"
    COLOUR = "colour"
    RESIZED = "resized"
    RE_ENCODED = "re-encoded"


SURE_KINDS = frozenset({Kind.EXACT, Kind.SAME_PIXELS, Kind.RE_ENCODED, Kind.RESIZED})
"""Kinds that leave the image as it is: all others are acted upon only where a person names them."""


class Loss(StrEnum):
    """What is gone for good if one file goes and another one stays, in the order in which it is said.

    detail: real resolution, or what a coarser quantiser took. area: what lies outside the other's frame.
    colour: hue, tones, bit depth, gamut or gain map. content: text, marks, anything local that the other does
    not show. shot: another exposure of the scene. frames: pages, frames, second images, film, sound.
    orientation: upright or not mirrored. words: title, caption, keywords, people. companions: sidecars, raw
    files, films beside it. integrity: the file that stays is damaged.
    """

    DETAIL = "detail"
    AREA = "area"
    COLOUR = "colour"
    CONTENT = "content"
    SHOT = "shot"
    FRAMES = "frames"
    TRANSPARENCY = "transparency"
    ORIENTATION = "orientation"
    TIME = "time"
    PLACE = "place"
    RATING = "rating"
    WORDS = "words"
    COMPANIONS = "companions"
    INTEGRITY = "integrity"


class Role(StrEnum):
    """What a member of a family is to the file that stays."""

    KEPT = "kept"
    COPY = "copy"
    SMALLER = "smaller"
    EDITED = "edited"
    CROPPED = "cropped"
    CAPTIONED = "captioned"
    CONTAINS = "contains"


class Grouping(StrEnum):
    """How matches become groups: around keepers, or whatever a chain of matches links."""

    COHERENT = "coherent"
    LINKED = "linked"


class Device(StrEnum):
    """Where a model runs; `auto` takes the fastest that is there."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class Action(StrEnum):
    """What happens to the copies."""

    TRASH = "trash"
    QUARANTINE = "quarantine"
    MOVE = "move"
    HARDLINK = "hardlink"
    SYMLINK = "symlink"
    REFLINK = "reflink"
    DELETE = "delete"
    LIST = "list"

    @property
    def has_folder(self) -> bool:
        """Whether the copies go below a folder that the user names."""
        return self in (Action.QUARANTINE, Action.MOVE)

    @property
    def is_link(self) -> bool:
        """Whether the copy's name stays and leads to the keeper's bytes."""
        return self in (Action.HARDLINK, Action.SYMLINK, Action.REFLINK)


class KeepKey(StrEnum):
    """What makes one file of a group better than another."""

    RESOLUTION = "resolution"
    SIZE = "size"
    FORMAT = "format"
    METADATA = "metadata"
    COMPANIONS = "companions"
    NAME = "name"
    OLDEST = "oldest"
    NEWEST = "newest"
    SHORTEST_PATH = "shortest-path"
    LONGEST_PATH = "longest-path"


class Suite(StrEnum):
    """A fixed list of attacks; `jpeg`, `crops` and `strong` are named after Copydays, `disc` after DISC21."""

    MILD = "mild"
    STANDARD = "standard"
    JPEG = "jpeg"
    CROPS = "crops"
    STRONG = "strong"
    DISC = "disc"
    ALL = "all"
