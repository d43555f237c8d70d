"""What is true of everything that is read out of an image, whatever the image holds."""

from __future__ import annotations

import json
import math

from neardup_cli.records.holdings import Holdings
from neardup_cli.records.holdings_json import holdings_facts, holdings_of_facts
from tests.fuzz.engine import WrongAnswer

_MOST_WORDS = 1000
_LONGEST = 5000


def check_holdings(held: Holdings) -> None:
    """Check that holdings are in their ranges, and come back from the catalog as they went.

    Raises:
        WrongAnswer: they do not.
    """
    stored = json.dumps(holdings_facts(held), allow_nan=False)
    again = holdings_of_facts(json.loads(stored), held.damage)
    if holdings_facts(again) != holdings_facts(held):
        raise WrongAnswer(f"holdings do not come back from the catalog: {held}")
    for name in ("frames", "depth"):
        if getattr(held, name) < 1:
            raise WrongAnswer(f"holdings out of range: {name} is {getattr(held, name)}")
    for name in ("duration_ms", "film_bytes", "pictures", "shown_frame"):
        if not 0 <= getattr(held, name) < 1 << 63:
            raise WrongAnswer(f"holdings out of range: {name} is {getattr(held, name)}")
    check_place(held.place)
    if not -1 <= held.rating <= 5 or held.depth > 32 or not math.isfinite(held.quality):
        raise WrongAnswer(f"holdings out of range: {held.rating}, {held.depth}, {held.quality}")
    texts = [held.offset, held.make, held.model, held.software, *held.words, *(v for _, v in held.exposure)]
    check_texts(texts)


def check_place(place: tuple[float, float] | None) -> None:
    """Check that a place is on Earth.

    Raises:
        WrongAnswer: it is not.
    """
    if place is not None and not (abs(place[0]) <= 90 and abs(place[1]) <= 180):
        raise WrongAnswer(f"no place on Earth: {place}")


def check_texts(texts: list[str]) -> None:
    """Check that texts are bounded.

    Raises:
        WrongAnswer: they are not.
    """
    if len(texts) > _MOST_WORDS + 100 or any(len(text) > _LONGEST for text in texts):
        raise WrongAnswer(f"endless texts: {len(texts)}, the longest of {max(map(len, texts))} characters")
