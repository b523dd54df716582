"""What discovery tells Prometheus about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import Counter, Gauge

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class DiscoveryMetrics:
    """A `ReloadObserver` that counts.

    Raises:
        ValueError: the registry has these families already.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        reloads = Counter(
            "pointsman_endpoints_file_reloads",
            "Times the endpoints file was read because it had changed.",
            ["result"],
            registry=registry,
        )
        self._good = reloads.labels("ok")
        self._bad = reloads.labels("error")
        self._in_error = Gauge(
            "pointsman_endpoints_file_in_error",
            "1 while the endpoints file is missing or wrong and an older state is in use.",
            registry=registry,
        )

    def on_reload(self, *, ok: bool, error: str | None) -> None:  # noqa: ARG002 - logs have it
        """Count one reading."""
        (self._good if ok else self._bad).inc()
        self._in_error.set(0 if ok else 1)
