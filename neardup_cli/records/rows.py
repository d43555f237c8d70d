"""What is known of images, pairs and families as rows of tables, for programs that work with tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageRow[Id]:
    """One image that was compared.

    Attributes:
        id: what it is called: its path on the command line, what a program calls it in Python.
        family: the family that it is in, twelve hexadecimal digits; None for an image without a copy.
        keep: whether it stays: one of each family, what a person said to keep, and all without a copy.
        role: what it is to the file that stays, "kept" for that one itself; None without a family.
        kind: what was done to it or to the one that it was made from, of its match with the one that stays;
            None where nobody compared their pixels, and for the one that stays.
        confidence: how sure that match is, in [0, 1]; None as for `kind`.
        losses: what would be gone for good with it, in words; None where nobody has proven it yet.
        split, label: of the data set, where they are known.
        width, height: pixels, upright; None for an image that cannot be read.
        bytes: size of its file; None for an image given as pixels.
        format: Pillow's name of its format; None as for `bytes`.
        content: BLAKE3 of its file, hexadecimal; None for an image that cannot be read.
        error: why it cannot be read; None for one that can.
    """

    id: Id
    family: str | None = None
    keep: bool = True
    role: str | None = None
    kind: str | None = None
    confidence: float | None = None
    losses: tuple[str, ...] | None = None
    split: str | None = None
    label: object = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    format: str | None = None
    content: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PairRow[Id]:
    """Two images that match.

    Attributes:
        a, b: their ids.
        family: the family that both are in; None where they are in different ones.
        stage: what decided: "exact", "sieve", "verifier" or "geometry".
        kind: what was done to one of them; None where nobody compared their pixels.
        confidence: how sure it is, in [0, 1]; None as for `kind`.
        similarity: of their embeddings, in [-1, 1]; None without embeddings.
        hamming: bits of 64 in which their hashes differ; None where nobody has counted.
        implied: nobody has compared their pixels, for both match a third image.
    """

    a: Id
    b: Id
    family: str | None
    stage: str
    kind: str | None
    confidence: float | None
    similarity: float | None
    hamming: int | None
    implied: bool


@dataclass(frozen=True, slots=True)
class FamilyRow[Id]:
    """A family: an image and its copies.

    Attributes:
        id: twelve hexadecimal digits made from the contents; the same family has the same id in every run.
        keep: the image that stays.
        members: all its images, the one that stays first.
        reason: why that one stays, in a sentence.
        confidence: of its weakest link; None where pixels decided nothing.
        reclaimable_bytes: what goes away with the images of which nothing is lost.
        seen_in: images that show this one inside something else: collages.
    """

    id: str
    keep: Id
    members: tuple[Id, ...]
    reason: str
    confidence: float | None
    reclaimable_bytes: int
    seen_in: tuple[Id, ...]

    @property
    def copies(self) -> tuple[Id, ...]:
        """All its images but the one that stays."""
        return tuple(member for member in self.members if member != self.keep)
