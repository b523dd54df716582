"""What the pipeline counts.

Requests count into plain integers, because a labelled counter costs ten times as much; Prometheus
reads them when it scrapes.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from pointsman.domain.requests import ApiKind
from pointsman.domain.responses import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

    from pointsman.domain.responses import Outcome

_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_TOKENS: Final = (1, 8, 32, 128, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)


class PipelineMetrics(Collector):
    """Requests decided and finished; written on the data path's thread only."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decided = dict.fromkeys(ApiKind, 0)
        self._finished = dict.fromkeys(Ending, 0)
        self._matched = _Distribution(_TOKENS)
        self._first_token = _Distribution(_SECONDS)
        self._duration = _Distribution(_SECONDS)
        self._prompt_tokens = 0
        self._cached_tokens = 0
        self._completion_tokens = 0
        registry.register(self)

    def decided(self, kind: ApiKind, *, matched_tokens: float) -> None:
        """A request got an endpoint that has this much of its prompt cached."""
        self._decided[kind] += 1
        self._matched.observe(matched_tokens)

    def finished(self, outcome: Outcome) -> None:
        """A picked request ended."""
        self._finished[outcome.ending] += 1
        if outcome.ending is Ending.COMPLETE:
            self._duration.observe(outcome.duration_s)
        if outcome.first_token_s is not None:
            self._first_token.observe(outcome.first_token_s)
        usage = outcome.usage
        if usage.prompt_tokens:
            self._prompt_tokens += usage.prompt_tokens
            self._cached_tokens += usage.cached_tokens or 0
            self._completion_tokens += usage.completion_tokens or 0

    def collect(self) -> Iterator[Metric]:
        """Every family with its present values."""
        decided = CounterMetricFamily(
            "pointsman_requests",
            "Requests for which an endpoint was picked, by API.",
            labels=("api",),
        )
        for kind, count in self._decided.items():
            decided.add_metric((kind.value,), count)
        finished = CounterMetricFamily(
            "pointsman_requests_finished",
            "Picked requests that ended, by how.",
            labels=("ending",),
        )
        for ending, count in self._finished.items():
            finished.add_metric((ending.value,), count)
        yield from (decided, finished)
        yield self._matched.family(
            "pointsman_matched_tokens",
            "Prompt tokens that the picked endpoint had cached, by our own index.",
        )
        yield self._first_token.family(
            "pointsman_time_to_first_token_seconds",
            "From pick to first token, of streams whose response was observed.",
        )
        yield self._duration.family(
            "pointsman_request_duration_seconds",
            "From pick to the end of the response, where that was seen.",
        )
        for name, text, total in (
            ("prompt", "Prompt tokens that observed responses reported.", self._prompt_tokens),
            ("cached", "Those of them that were cached.", self._cached_tokens),
            ("completion", "Output tokens they reported.", self._completion_tokens),
        ):
            yield CounterMetricFamily(f"pointsman_{name}_tokens", text, value=total)


class _Distribution:
    """A histogram in plain numbers."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def family(self, name: str, text: str) -> HistogramMetricFamily:
        cumulative, buckets = 0, []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            cumulative += count
            buckets.append((bound, float(cumulative)))
        return HistogramMetricFamily(name, text, buckets=buckets, sum_value=self._sum)
