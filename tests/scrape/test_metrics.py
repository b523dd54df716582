from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from pointsman.scrape.client import FailureReason
from pointsman.scrape.metrics import ScrapeMetrics


def test_every_reason_is_there_from_the_start() -> None:
    registry = CollectorRegistry()
    ScrapeMetrics(registry)

    for reason in FailureReason:
        labels = {"reason": reason.value}
        assert registry.get_sample_value("pointsman_scrape_failures_total", labels) == 0


def test_stale_endpoints_are_counted_when_somebody_reads() -> None:
    registry = CollectorRegistry()
    stale = [3.0]
    ScrapeMetrics(registry).count_stale(lambda: stale[0])

    assert registry.get_sample_value("pointsman_scrape_stale_endpoints") == 3
    stale[0] = 0.0
    assert b"pointsman_scrape_stale_endpoints 0.0" in generate_latest(registry)


def test_a_second_set_in_one_registry_is_refused() -> None:
    registry = CollectorRegistry()
    ScrapeMetrics(registry)

    with pytest.raises(ValueError, match="Duplicated"):
        ScrapeMetrics(registry)
