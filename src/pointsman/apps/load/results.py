"""What came back, request by request and summed up."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pointsman.apps.load.workload import Kind


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request, as the client saw it. Times are seconds after the load's start.

    Attributes:
        index: its place in the plan.
        kind: what it was a part of.
        planned_s: when it should have been sent; its latencies count from here, so that a client
            that falls behind cannot hide a slow server.
        sent_s: when it was sent.
        first_token_s: when the first content arrived; None without one.
        ended_s: when the response, or the attempt, ended.
        status: HTTP status; 0 if no response came.
        error: what went wrong, in one line; "" if nothing did.
        prompt_tokens: as the server counted them.
        cached_tokens: of the prompt, found in the server's prefix cache.
        output_tokens: as the server counted them, else the chunks with content.
        endpoint: which server answered, "" if unknown.
    """

    index: int
    kind: Kind
    planned_s: float
    sent_s: float
    first_token_s: float | None
    ended_s: float
    status: int
    error: str = ""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    endpoint: str = ""

    @property
    def is_ok(self) -> bool:
        """A complete response with content came back."""
        return not self.error

    @property
    def ttft_s(self) -> float:
        """Time to the first token; NaN without one."""
        return float("nan") if self.first_token_s is None else self.first_token_s - self.planned_s

    @property
    def latency_s(self) -> float:
        """Time to the end of the response."""
        return self.ended_s - self.planned_s

    @property
    def tpot_s(self) -> float:
        """Mean time per output token after the first; NaN with fewer than two tokens."""
        if self.first_token_s is None or self.output_tokens < 2:
            return float("nan")
        return (self.ended_s - self.first_token_s) / (self.output_tokens - 1)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a quantity; NaN where nothing was measured."""

    p50: float
    p90: float
    p99: float
    mean: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Percentiles:
        """Percentiles of the finite values, linear between neighbours (numpy's default)."""
        array = np.fromiter(values, dtype=np.float64)
        array = array[np.isfinite(array)]
        if not array.size:
            return cls(*(4 * (float("nan"),)))
        p50, p90, p99 = np.percentile(array, (50, 90, 99))
        return cls(float(p50), float(p90), float(p99), float(array.mean()))


@dataclass(frozen=True, slots=True)
class EndpointShare:
    """What one server did.

    Attributes:
        requests: successful requests that it answered.
        share: of all successful requests, 0..1.
        hit_rate: of its prompt tokens, found in its prefix cache, 0..1.
    """

    requests: int
    share: float
    hit_rate: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A load's result in numbers; failed requests count only as errors.

    Attributes:
        requests: sent.
        errors: failed.
        duration_s: from the start to the last response.
        requests_per_s: successful responses over the duration.
        output_tokens_per_s: their tokens over the duration.
        ttft_s, latency_s, tpot_s: see `Outcome`.
        hit_rate: of all prompt tokens, found in a prefix cache, 0..1.
        endpoints: by name, sorted.
        client_lag_s: how late requests were sent; if this is not small, the client was overloaded.
    """

    requests: int
    errors: int
    duration_s: float
    requests_per_s: float
    output_tokens_per_s: float
    ttft_s: Percentiles
    latency_s: Percentiles
    tpot_s: Percentiles
    hit_rate: float
    endpoints: Mapping[str, EndpointShare]
    client_lag_s: Percentiles


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """Sum up a load; an empty one has zeros and NaNs."""
    served = [outcome for outcome in outcomes if outcome.is_ok]
    duration_s = max((outcome.ended_s for outcome in outcomes), default=0.0)
    return Summary(
        requests=len(outcomes),
        errors=len(outcomes) - len(served),
        duration_s=duration_s,
        requests_per_s=_ratio(len(served), duration_s),
        output_tokens_per_s=_ratio(sum(outcome.output_tokens for outcome in served), duration_s),
        ttft_s=Percentiles.of(outcome.ttft_s for outcome in served),
        latency_s=Percentiles.of(outcome.latency_s for outcome in served),
        tpot_s=Percentiles.of(outcome.tpot_s for outcome in served),
        hit_rate=hit_rate(served),
        endpoints=_endpoints(served),
        client_lag_s=Percentiles.of(outcome.sent_s - outcome.planned_s for outcome in outcomes),
    )


def hit_rate(outcomes: Sequence[Outcome]) -> float:
    """Share of the prompt tokens that came from a prefix cache, 0..1; 0 without tokens."""
    return _ratio(
        sum(outcome.cached_tokens for outcome in outcomes),
        sum(outcome.prompt_tokens for outcome in outcomes),
    )


def _endpoints(served: Sequence[Outcome]) -> dict[str, EndpointShare]:
    by_endpoint: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in served:
        by_endpoint[outcome.endpoint].append(outcome)
    return {
        name: EndpointShare(
            requests=len(outcomes),
            share=_ratio(len(outcomes), len(served)),
            hit_rate=hit_rate(outcomes),
        )
        for name, outcomes in sorted(by_endpoint.items())
    }


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0
