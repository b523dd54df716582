"""What the ext_proc edge counts.

Streams count into plain integers, because a labelled counter costs ten times as much; Prometheus
reads them when it scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from pointsman.domain.responses import Ending
from pointsman.extproc.dialects import Dialect
from pointsman.extproc.errors import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

    from pointsman.extproc.errors import ErrorReply

DECISION_BUCKETS_S = (
    0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2,
)  # fmt: skip
"""A decision takes about 100 us; 200 ms is Envoy's default time-out for a whole message."""


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """A snapshot for tests and debugging.

    Attributes:
        active: streams open now.
        active_max: most streams that were ever open at once.
        received: messages of proxies read.
        replies: messages sent, immediate responses included.
        decisions: requests sent to an endpoint.
        immediate: requests answered with an error, by reason.
        endings: decided requests that are over, by how they ended.
        protocol_errors: streams that a proxy's own fault ended.
    """

    active: int
    active_max: int
    received: int
    replies: int
    decisions: int
    immediate: Mapping[str, int]
    endings: Mapping[Ending, int]
    protocol_errors: int


class StreamMetrics:
    """Counts streams; one for the process, written on the loop's thread only."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.active = 0
        self.active_max = 0
        self.received = 0
        self.replies = 0
        self.protocol_errors = 0
        self._decisions = 0
        self._decision_sum_s = 0.0
        self._decision_buckets = [0] * (len(DECISION_BUCKETS_S) + 1)
        self._immediate = {reason: 0 for _, reason in REASONS}
        self._endings = dict.fromkeys(Ending, 0)
        self._dialects = dict.fromkeys(Dialect, 0)
        if registry is not None:
            registry.register(_StreamCollector(self))

    def opened(self) -> None:
        """A stream began."""
        self.active += 1
        self.active_max = max(self.active_max, self.active)

    def closed(self) -> None:
        """A stream is over, however it ended."""
        self.active -= 1

    def spoken(self, dialect: Dialect) -> None:
        """A stream's dialect is known."""
        self._dialects[dialect] += 1

    def decided(self, seconds: float) -> None:
        """The director chose an endpoint within this time."""
        self._decisions += 1
        self._decision_sum_s += seconds
        self._decision_buckets[bisect_left(DECISION_BUCKETS_S, seconds)] += 1

    def refused(self, reply: ErrorReply) -> None:
        """A request was answered with an error."""
        self._immediate[reply.reason] += 1

    def ended(self, ending: Ending) -> None:
        """A decided request is over."""
        self._endings[ending] += 1

    def statistics(self) -> StreamStatistics:
        """What was counted so far."""
        return StreamStatistics(
            active=self.active,
            active_max=self.active_max,
            received=self.received,
            replies=self.replies,
            decisions=self._decisions,
            immediate={reason: n for reason, n in self._immediate.items() if n},
            endings={ending: n for ending, n in self._endings.items() if n},
            protocol_errors=self.protocol_errors,
        )

    def families(self) -> Iterator[Metric]:
        """Every family with its present values."""
        prefix = "pointsman_extproc"
        yield GaugeMetricFamily(f"{prefix}_streams", "Streams open now.", value=self.active)
        counters = (
            ("messages_received", "Messages of proxies read.", self.received),
            ("replies", "Messages sent to proxies.", self.replies),
            ("protocol_errors", "Streams ended by a proxy's own fault.", self.protocol_errors),
        )
        for name, text, count in counters:
            yield CounterMetricFamily(f"{prefix}_{name}", text, value=count)
        yield self._decision_family(f"{prefix}_decision_seconds")
        refusals = CounterMetricFamily(
            f"{prefix}_immediate_responses",
            "Requests answered with an error, by HTTP status and reason.",
            labels=("code", "reason"),
        )
        for status, reason in REASONS:
            refusals.add_metric((str(status), reason), self._immediate[reason])
        yield refusals
        ends, dialects = "Decided requests over.", "Streams by dialect."
        yield _by(f"{prefix}_stream_ends", ends, label="ending", counts=self._endings)
        yield _by(f"{prefix}_dialects", dialects, label="dialect", counts=self._dialects)

    def _decision_family(self, name: str) -> Metric:
        cumulative, buckets = 0, []
        bounds = (*map(str, DECISION_BUCKETS_S), "+Inf")
        for bound, count in zip(bounds, self._decision_buckets, strict=True):
            cumulative += count
            buckets.append((bound, float(cumulative)))
        text = "Time from a complete request to its decision."
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=self._decision_sum_s)


def _by(
    name: str, text: str, *, label: str, counts: Mapping[Ending, int] | Mapping[Dialect, int]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value.value,), count)
    return family


class _StreamCollector(Collector):
    def __init__(self, metrics: StreamMetrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        return self._metrics.families()
