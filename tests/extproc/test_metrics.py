from __future__ import annotations

from prometheus_client import CollectorRegistry

from pointsman.domain.responses import Ending
from pointsman.extproc.dialects import Dialect
from pointsman.extproc.errors import error_reply
from pointsman.extproc.metrics import StreamMetrics


def test_what_was_counted_is_what_prometheus_reads() -> None:
    registry = CollectorRegistry()
    metrics = StreamMetrics(registry)
    metrics.opened()
    metrics.opened()
    metrics.closed()
    metrics.spoken(Dialect.ECHO)
    metrics.refused(error_reply(ZeroDivisionError()))
    metrics.ended(Ending.COMPLETE)
    for seconds in (0.00004, 0.00015, 0.3):
        metrics.decided(seconds)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"pointsman_extproc_{name}", labels)

    assert value("streams") == 1
    assert value("dialects_total", dialect="echo") == 1
    assert value("immediate_responses_total", code="500", reason="internal_error") == 1
    assert value("immediate_responses_total", code="429", reason="saturated") == 0
    assert value("stream_ends_total", ending="complete") == 1
    assert value("decision_seconds_bucket", le="5e-05") == 1
    assert value("decision_seconds_bucket", le="0.0002") == 2
    assert value("decision_seconds_bucket", le="+Inf") == value("decision_seconds_count") == 3


def test_the_snapshot_remembers_the_peak() -> None:
    metrics = StreamMetrics()
    for _ in range(3):
        metrics.opened()
    for _ in range(3):
        metrics.closed()
    statistics = metrics.statistics()
    assert (statistics.active, statistics.active_max) == (0, 3)
    assert statistics.endings == {}
