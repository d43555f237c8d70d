"""Plans that were shown, by digest: what is applied is the very object that somebody has seen."""

from __future__ import annotations

import threading
from collections import OrderedDict
from http import HTTPStatus

from neardup_cli.fingerprints.content import content_digest
from neardup_cli.plans import Plan
from neardup_cli.reports.json_report import dump
from neardup_cli.reports.plan_json import plan_document
from neardup_cli.web.problems import Refusal

_KEPT = 8
_DIGEST_DIGITS = 32


class Plans:
    """The plans made last. A server that starts anew knows none: then they have to be shown again."""

    def __init__(self) -> None:
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, plan: Plan) -> str:
        """Keep a plan; return its digest, which depends on everything that it says."""
        digest = content_digest(dump(plan_document(plan), one_line=True).encode()).hex()[:_DIGEST_DIGITS]
        with self._lock:
            self._plans[digest] = plan
            self._plans.move_to_end(digest)
            while len(self._plans) > _KEPT:
                self._plans.popitem(last=False)
        return digest

    def get(self, digest: str) -> Plan:
        """Return a plan.

        Raises:
            Refusal: it is not known here, or not any more.
        """
        with self._lock:
            plan = self._plans.get(digest)
        if plan is None:
            raise Refusal(
                HTTPStatus.NOT_FOUND, "this server has shown no such plan, or too long ago: plan again"
            )
        return plan

    def forget(self, digest: str) -> None:
        """Drop a plan that was carried out."""
        with self._lock:
            self._plans.pop(digest, None)
