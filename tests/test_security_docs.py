"""SECURITY.md and the threat model name tests and options that are there."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
MODEL = CHECKOUT / "docs" / "threat-model.md"


def test_every_promise_names_tests_that_are_there() -> None:
    text = MODEL.read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", text))
    assert len(named) >= 10
    assert [name for name in named if not (CHECKOUT / name).is_file()] == []
    rooms = set(re.findall(r"`((?:images|reports|web)/\w+\.py)`", text))
    assert [name for name in rooms if not (CHECKOUT / "neardup_cli" / name).is_file()] == []


def test_security_points_to_the_threat_model() -> None:
    text = (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (CHECKOUT / link).is_file(), link
    assert "docs/threat-model.md" in text
    assert "(SECURITY.md)" in (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_the_figures_are_those_of_the_code() -> None:
    from neardup_cli.web.decoder import MEMORY_BYTES, SECONDS
    from neardup_cli.web.uploads import ALL_BYTES

    text = " ".join(MODEL.read_text(encoding="utf-8").split())
    assert f"{MEMORY_BYTES // 1_000_000} MB and {SECONDS} seconds" in text
    assert f"lent {ALL_BYTES // 1_000_000} MB" in text
