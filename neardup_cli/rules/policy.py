"""What a person says of a clean-up, in words, as a policy: on the command line and in the API alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from neardup_cli.choices import KeepKey, Kind, Loss
from neardup_cli.errors import BadInput
from neardup_cli.plans import Policy
from neardup_cli.rules.losses import kinds_meant
from neardup_cli.rules.words import UNKNOWN_KIND


@dataclass(frozen=True, slots=True)
class Said:
    """What was said. What is None was not: then it stays as it is usual.

    Attributes:
        keep: keys, the first foremost.
        only: kinds, `unknown` among them.
        accept: losses.
        prefer, protect: real paths.
        names: how each of `keep`, `only` and `accept` is called where it was said, for messages.
    """

    keep: Sequence[str] | None = None
    only: Sequence[str] | None = None
    accept: Sequence[str] | None = None
    prefer: Sequence[bytes] | None = None
    protect: Sequence[bytes] | None = None
    across_drives: bool | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def policy_of(said: Said, usual: Policy | None = None) -> Policy:
    """Return what was said as a policy.

    Whoever accepts a loss means the kinds of copies that have it, unless kinds were named.

    Raises:
        BadInput: a word is none of those that there are; the message names them.
    """
    usual = usual or Policy()
    names = {"keep": "keep", "only": "only", "accept": "accept", **said.names}
    keys, accepted = usual.keep, usual.accept
    if said.keep is not None:
        keys = tuple(_member(KeepKey, word, names["keep"]) for word in said.keep)
    if said.accept is not None:
        accepted = frozenset(_member(Loss, word, names["accept"]) for word in said.accept)
    kinds = usual.only | kinds_meant(accepted)
    if said.only is not None:
        kinds = frozenset(_kind(word, names["only"]) for word in said.only)
    return Policy(
        keep=keys,
        prefer=usual.prefer if said.prefer is None else tuple(said.prefer),
        protect=usual.protect if said.protect is None else tuple(said.protect),
        only=kinds,
        accept=accepted,
        across_drives=usual.across_drives if said.across_drives is None else said.across_drives,
    )


def _kind(word: str, option: str) -> Kind | None:
    return None if word == UNKNOWN_KIND else _member(Kind, word, option, UNKNOWN_KIND)


def _member[E: StrEnum](kind: type[E], word: str, option: str, *more: str) -> E:
    try:
        return kind(word)
    except ValueError as exc:
        names = ", ".join([*(member.value for member in kind), *more])
        raise BadInput(f"{option}: {word!r} is none of {names}") from exc
