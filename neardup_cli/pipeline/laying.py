"""One picture laid on another, as `dups` lays catalogued ones: whole, and through a region."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from neardup_cli.errors import UnreadableImage
from neardup_cli.matching.part import Part, verify_part
from neardup_cli.matching.regions import View
from neardup_cli.matching.verify import verify_pair
from neardup_cli.pipeline.geometry import Laid
from neardup_cli.pipeline.picture import Picture
from neardup_cli.pipeline.region_geometry import part_of
from neardup_cli.rules.confidence import settled


@dataclass(frozen=True, eq=False, slots=True)
class Laying:
    """How picture a was laid on picture b.

    Attributes:
        laid: what was found.
        a, b: what was compared, of each picture.
        view: the region that one of them is; None where both are whole.
    """

    laid: Laid
    a: Part
    b: Part
    view: View | None = None


def lay(a: Picture, b: Picture, least: float, views: Callable[[], Iterable[View]] = tuple) -> Laying:
    """Lay one picture on another, whole; what that does not settle is asked once more of each view.

    Args:
        a: the one.
        b: the other.
        least: the confidence from which they match.
        views: gives them; called where the whole pictures do not match.

    Returns:
        The first way in which the two match, or that of the whole pictures.

    Raises:
        UnreadableImage: one of them cannot be read or decoded, or not well enough to say that nothing of it
            matches.
    """
    whole = _lay_whole(a, b)
    if settled(whole.laid.alignment, least).matched:
        return whole
    unseen: UnreadableImage | None = None
    for view in views():
        laying, reason = _lay_through(view, a, b)
        if settled(laying.laid.alignment, least).matched:
            return laying
        unseen = unseen or reason
    if unseen is not None:
        raise unseen
    return whole


def _lay_whole(a: Picture, b: Picture) -> Laying:
    # In the order of the contents, as the catalog does: laying a on b is not quite laying b on a.
    first, second = sorted((a, b), key=lambda picture: picture.digest)
    alignment = verify_pair(first.features, second.features)
    laid = Laid.of(
        alignment, lambda: (first.subject, second.subject), lambda: (first.holdings, second.holdings)
    )
    return Laying(
        laid if first is a else laid.turned_round(), Part.all_of(a.features), Part.all_of(b.features)
    )


def _lay_through(view: View, a: Picture, b: Picture) -> tuple[Laying, UnreadableImage | None]:
    """Lay a region; say why it is only seen in the preview, where the image itself is away."""
    owner, other = (a, b) if view.of_a else (b, a)
    image, reason = owner.largest()
    part = part_of(image, view.region)
    alignment = verify_part(part, other.features)
    laid = Laid.of(
        alignment, lambda: (owner.subject, other.subject), lambda: (owner.holdings, other.holdings)
    )
    if view.of_a:
        return Laying(laid, part, Part.all_of(b.features), view), reason
    return Laying(laid.turned_round(), Part.all_of(a.features), part, view), reason
