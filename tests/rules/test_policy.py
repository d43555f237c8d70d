"""What a person says becomes a policy; what was not said is as usual, and a slip is refused."""

from __future__ import annotations

import pytest

from neardup_cli.choices import SURE_KINDS, KeepKey, Kind, Loss
from neardup_cli.errors import BadInput
from neardup_cli.plans import Policy
from neardup_cli.rules.policy import Said, policy_of


def test_nothing_said_is_as_usual() -> None:
    assert policy_of(Said()) == Policy()
    usual = Policy((KeepKey.OLDEST,), (b"/a",), (b"/b",), SURE_KINDS, frozenset({Loss.TIME}), True)
    assert policy_of(Said(), usual) == usual


def test_what_was_said_takes_the_place_of_the_usual() -> None:
    usual = Policy(prefer=(b"/a",), accept=frozenset({Loss.TIME}), across_drives=True)
    said = Said(keep=["name"], prefer=[], protect=[b"/c"], accept=[], across_drives=False)
    assert policy_of(said, usual) == Policy(keep=(KeepKey.NAME,), protect=(b"/c",))


def test_who_accepts_a_loss_means_the_copies_that_have_it() -> None:
    assert policy_of(Said(accept=["area", "time"])).only == SURE_KINDS | {Kind.CROPPED}
    assert policy_of(Said(accept=["area"], only=["exact", "unknown"])).only == {Kind.EXACT, None}


def test_a_slip_is_refused_by_the_name_that_it_was_said_under() -> None:
    with pytest.raises(BadInput, match=r"^--accept-loss: 'colours' is none of detail, area, colour"):
        policy_of(Said(accept=["colours"], names={"accept": "--accept-loss"}))
    with pytest.raises(BadInput, match=r"^only: 'copy' is none of exact, .*, unknown$"):
        policy_of(Said(only=["copy"]))
    with pytest.raises(BadInput, match=r"^keep: 'largest' is none of resolution"):
        policy_of(Said(keep=["largest"]))
