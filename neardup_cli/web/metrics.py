"""What `/metrics` shows, in Prometheus' format."""

from __future__ import annotations

import time
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_BATCHES = (1, 2, 4, 8, 16, 32)


class Metrics:
    """The figures of one server; a registry of its own, so that two servers in a process do not meet."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        labels = ("method", "route")
        self.requests = Counter(
            "neardup_requests", "Requests answered.", (*labels, "status"), registry=registry
        )
        self.seconds = Histogram(
            "neardup_request_seconds", "Time to answer.", labels, buckets=_SECONDS, registry=registry
        )
        self.batches = Histogram(
            "neardup_detect_batch", "Uploads looked up together.", buckets=_BATCHES, registry=registry
        )
        self.waiting = Gauge("neardup_detect_waiting", "Uploads not looked up yet.", registry=registry)
        self.previews = Counter(
            "neardup_previews", "Previews, by where they came from.", ("source",), registry=registry
        )
        self.groups = Gauge("neardup_groups", "Groups of copies in the catalog.", registry=registry)
        self.group_seconds = Gauge(
            "neardup_groups_seconds", "Time that finding the groups took.", registry=registry
        )


@dataclass(frozen=True, slots=True)
class Meter:
    """ASGI middleware: counts and times requests by route, so that no path ever becomes a label."""

    app: ASGIApp
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and watch its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            method = scope["method"] if route != "other" else "any"
            self.metrics.requests.labels(method, route, status).inc()
            self.metrics.seconds.labels(method, route).observe(time.perf_counter() - started)
