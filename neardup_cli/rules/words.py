"""The words for a match, a role and a loss, short and as a sentence: the same on every surface."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from neardup_cli.choices import Kind, Loss, Role

UNKNOWN_KIND = "unknown"
"""Stands for the kind of a match whose pixels nobody has compared."""

KIND_SENTENCES = {
    Kind.EXACT: "The same bytes",
    Kind.SAME_PIXELS: "The same pixels in another file",
    Kind.SIMILAR_SHOT: "Another shot of the same scene",
    Kind.EMBEDDED: "Shown inside another image",
    Kind.OVERLAY: "Text, a frame or something else added",
    Kind.CROPPED: "Cut",
    Kind.MIRRORED: "Mirrored",
    Kind.ROTATED: "Turned",
    Kind.COLOUR: "Recoloured",
    Kind.RESIZED: "Resized",
    Kind.RE_ENCODED: "Encoded again",
}

ROLE_SENTENCES = {
    Role.KEPT: "The file that stays",
    Role.COPY: "A copy of it",
    Role.SMALLER: "A smaller version of it",
    Role.EDITED: "An edited version of it",
    Role.CROPPED: "A part of it",
    Role.CAPTIONED: "It with something added",
    Role.CONTAINS: "Something that shows it among more",
}

LOSS_SENTENCES = {
    Loss.DETAIL: "it has more detail than the file that stays",
    Loss.AREA: "it shows more of the scene",
    Loss.COLOUR: "its colours or tones are gone",
    Loss.CONTENT: "it shows something that the file that stays does not",
    Loss.SHOT: "it is another shot of the scene",
    Loss.FRAMES: "it holds further pages, frames, images, film or sound",
    Loss.TRANSPARENCY: "its transparency is gone",
    Loss.ORIENTATION: "the file that stays is turned or mirrored",
    Loss.TIME: "it knows when it was taken",
    Loss.PLACE: "it knows where it was taken",
    Loss.RATING: "it has a rating",
    Loss.WORDS: "it has a title, keywords or names",
    Loss.COMPANIONS: "files that belong to it have none like them beside the one that stays",
    Loss.INTEGRITY: "the file that stays is damaged",
}

_ADJECTIVES = {
    Role.COPY: "copies",
    Role.SMALLER: "smaller",
    Role.EDITED: "edited",
    Role.CROPPED: "cropped",
    Role.CAPTIONED: "captioned",
    Role.CONTAINS: "contain it",
}


def kind_word(kind: Kind | None) -> str:
    """Return a kind in a word."""
    return UNKNOWN_KIND if kind is None else kind.value


def kind_sentence(kind: Kind | None) -> str:
    """Say what was done to an image, without a full stop."""
    return "A copy" if kind is None else KIND_SENTENCES[kind]


def role_word(role: Role) -> str:
    """Return a role in a word, as lists of files have it."""
    return "keep" if role is Role.KEPT else role.value


def losses_words(losses: Collection[Loss] | None) -> str:
    """Say what is lost with a file: "loses colour, time"."""
    if losses is None:
        return "not proven"
    if not losses:
        return "loses nothing"
    return f"loses {', '.join(loss.value for loss in losses)}"


def others_are(roles: Iterable[Role]) -> str:
    """Say what the others of a family are: "smaller, edited or cropped"."""
    held = set(roles)
    said = [word for role, word in _ADJECTIVES.items() if role in held]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"
