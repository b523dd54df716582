"""What the poller tells Prometheus about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge, Histogram

from pointsman.scrape.client import FailureReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class ScrapeMetrics:
    """The families of this room, with every child that can occur.

    Raises:
        ValueError: the registry has them already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram(
            "pointsman_scrape_seconds",
            "Time to fetch and read one model server's metrics, successful scrapes only.",
            buckets=_BUCKETS_S,
            registry=registry,
        )
        failures = Counter(
            "pointsman_scrape_failures",
            "Scrapes that brought nothing; the endpoint's last values stay in use.",
            ["reason"],
            registry=registry,
        )
        self.failures = {reason: failures.labels(reason.value) for reason in FailureReason}
        self._stale_endpoints = Gauge(
            "pointsman_scrape_stale_endpoints",
            "Endpoints whose metrics are overdue by more than the staleness threshold.",
            registry=registry,
        )

    def count_stale(self, stale_endpoints: Callable[[], float]) -> None:
        """Ask this for the number of stale endpoints whenever somebody reads the metrics."""
        self._stale_endpoints.set_function(stale_endpoints)
