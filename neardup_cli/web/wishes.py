"""What a request says of a clean-up, as a policy: in the words of the command line, and no others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from http import HTTPStatus

from neardup_cli.errors import BadInput
from neardup_cli.images.remote import is_remote
from neardup_cli.images.walk import is_below
from neardup_cli.plans import Policy
from neardup_cli.reports.paths import parse_data_path, shown_path
from neardup_cli.rules.policy import Said, policy_of
from neardup_cli.web.documents import PlanWanted
from neardup_cli.web.problems import Refusal


def asked_policy(wanted: PlanWanted, usual: Policy, roots: Sequence[bytes]) -> Policy:
    """Return the policy of a request.

    Args:
        wanted: the request; what it leaves out is as usual.
        usual: of the server.
        roots: of the catalog. Folders elsewhere are refused without a look at the disk: whoever may plan
            need not learn what else there is.

    Raises:
        Refusal: a word or a folder is none that there is.
    """
    try:
        return policy_of(
            Said(
                keep=wanted.keep,
                only=wanted.only,
                accept=wanted.accept,
                prefer=_folders("prefer", wanted.prefer, roots),
                protect=_folders("protect", wanted.protect, roots),
                across_drives=wanted.across_drives,
            ),
            usual,
        )
    except BadInput as exc:
        raise Refusal(HTTPStatus.BAD_REQUEST, str(exc)) from exc


def _folders(name: str, folders: Sequence[str] | None, roots: Sequence[bytes]) -> list[bytes] | None:
    return None if folders is None else [_folder(name, folder, roots) for folder in folders]


def _folder(name: str, folder: str, roots: Sequence[bytes]) -> bytes:
    """Return the real path of a folder that has to do with what was scanned; a slip must not go unnoticed."""
    try:
        path = parse_data_path(folder)
    except UnicodeEncodeError:
        raise BadInput(f"{name}: no path holds such a character") from None
    if not is_remote(path):
        path = os.path.normpath(path)
    if b"\0" in path or not any(is_below(path, root) or is_below(root, path) for root in roots):
        raise BadInput(f"{name}: {shown_path(path)} is no folder that was scanned")
    if is_remote(path):
        return path
    if not os.path.lexists(path):
        raise BadInput(f"{name}: no such path: {shown_path(path)} (is its disk mounted?)")
    return os.path.realpath(path)
