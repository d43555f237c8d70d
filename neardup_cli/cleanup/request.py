"""What a plan is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from neardup_cli.choices import Action, Kind, Loss
from neardup_cli.plans import Policy
from neardup_cli.records.files import CatalogedFile
from neardup_cli.records.holdings import Holdings
from neardup_cli.rules.keep import ProofOf


def _not_looked(_gone: CatalogedFile, _kept: CatalogedFile) -> None:
    return None


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is asked for.

    Attributes:
        policy: see `Policy`.
        to: folder of `quarantine` and `move`, absolute and real.
        put_away: where earlier clean-ups moved files: those are neither kept nor acted upon.
        chosen: the file that a person chose to keep, by group id.
        accepted: what a person gives up in one group beside what the policy accepts, by group id.
        prove_all: ask for proofs of what is left alone anyhow, too, so that it can say what would be lost.
        drives: devices, the one that holds most of the library foremost: see `rules/keep.py`.
        proof: what is lost, as far as it is known.
        held: what contents hold beside their pixels, by digest, as far as it is known.
    """

    action: Action
    policy: Policy = field(default_factory=Policy)
    to: bytes | None = None
    across_devices: bool = False
    put_away: frozenset[bytes] = frozenset()
    chosen: Mapping[str, bytes] = field(default_factory=dict)
    accepted: Mapping[str, frozenset[Loss]] = field(default_factory=dict)
    prove_all: bool = False
    drives: Sequence[int] = ()
    proof: ProofOf = _not_looked
    held: Mapping[bytes, Holdings] = field(default_factory=dict)

    def policy_for(self, group: str) -> Policy:
        """Return the policy with what is accepted in one group alone: whatever its copies are called."""
        if not (accepted := self.accepted.get(group)):
            return self.policy
        return replace(self.policy, accept=self.policy.accept | accepted, only=frozenset({*Kind, None}))
