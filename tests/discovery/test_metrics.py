from __future__ import annotations

from prometheus_client import CollectorRegistry

from pointsman.discovery.metrics import DiscoveryMetrics


def test_reloads_are_counted_by_result_and_the_gauge_says_how_it_is_now() -> None:
    registry = CollectorRegistry()
    metrics = DiscoveryMetrics(registry)

    def values() -> list[float | None]:
        return [
            registry.get_sample_value("pointsman_endpoints_file_reloads_total", {"result": "ok"}),
            registry.get_sample_value(
                "pointsman_endpoints_file_reloads_total", {"result": "error"}
            ),
            registry.get_sample_value("pointsman_endpoints_file_in_error"),
        ]

    assert values() == [0, 0, 0]
    metrics.on_reload(ok=True, error=None)
    assert values() == [1, 0, 0]
    metrics.on_reload(ok=False, error="broken")
    assert values() == [1, 1, 1]
    metrics.on_reload(ok=True, error=None)
    assert values() == [2, 1, 0]
