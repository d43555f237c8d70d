"""A sample of what `make damage` does thousands of times; see `tests/damage.py`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.damage import KINDS, Campaign, make_home

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

TRIES = 20


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("damage") / "home"
    make_home(made)
    return made


def test_a_damaged_catalog_is_called_so_or_answers_as_before(home: Path) -> None:
    campaign = Campaign(home)
    assert list(campaign.run(TRIES, seed=11)) == []
    assert campaign.counts["seen", "refused"] == TRIES // len(KINDS)
    assert campaign.counts["hidden", "refused"]
    assert campaign.counts["repair", "repaired"] + campaign.counts[
        "repair", "decisions lost"
    ] == TRIES // len(KINDS)
