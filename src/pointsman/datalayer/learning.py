"""What finished requests teach about each endpoint: prefill rate, service time, output length.

Prefill rate. A request with `work` uncached tokens to compute before its first token (its own and
those queued before it) shows that token after `base + work / rate` seconds. A least-squares line
through recent (work, seconds) pairs has slope 1 / rate. Each endpoint's line is pulled towards the
pool's, and the pool's towards the prior, with the weight of a few samples, so that a new endpoint
starts as an average one. Old samples fade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.api.signals import Signal
from pointsman.datalayer.table import PREFILL_RATE_PRIOR

if TYPE_CHECKING:
    from pointsman.datalayer.table import EndpointTable

FADE = 0.98
"""Weight of a sample after one newer one: the last 50 count."""

PRIOR_SAMPLES = 4.0
"""How many samples the more general belief is worth."""

PRIOR_SPREAD_TOKENS = 1_000.0
"""Assumed spread of work of those imagined samples."""

RATE_MIN, RATE_MAX = 50.0, 2_000_000.0
"""Tokens per second; outside of this a line is an accident of few samples."""

OUTPUT_TOKENS_PRIOR = 256.0
"""Expected output before any response was seen."""

SECONDS_PER_TOKEN_PRIOR = 0.03
"""Expected time per output token before any response was seen."""


@dataclass(slots=True)
class _Line:
    """Fading sums of a least-squares line."""

    weight: float = 0.0
    work: float = 0.0
    seconds: float = 0.0
    work_squared: float = 0.0
    product: float = 0.0

    def add(self, work: float, seconds: float) -> None:
        self.weight = self.weight * FADE + 1.0
        self.work = self.work * FADE + work
        self.seconds = self.seconds * FADE + seconds
        self.work_squared = self.work_squared * FADE + work * work
        self.product = self.product * FADE + work * seconds

    def slope(self, prior: float) -> float:
        """Seconds per token, with `prior` as the belief before any sample."""
        spread = covariance = 0.0
        if self.weight:
            spread = self.work_squared - self.work * self.work / self.weight
            covariance = self.product - self.work * self.seconds / self.weight
        imagined = PRIOR_SAMPLES * PRIOR_SPREAD_TOKENS**2
        return (covariance + prior * imagined) / (spread + imagined)


class Learner:
    """Keeps the learned columns of the table and a few pool-wide averages."""

    def __init__(self, table: EndpointTable) -> None:
        self._table = table
        self._pool = _Line()
        self._lines: dict[int, tuple[int, _Line]] = {}
        self.output_tokens = OUTPUT_TOKENS_PRIOR
        self.seconds_per_token = SECONDS_PER_TOKEN_PRIOR

    def first_token(self, slot: int, *, work_tokens: float, seconds: float) -> None:
        """A request with this much work before it showed its first token after `seconds`."""
        self._pool.add(work_tokens, seconds)
        line = self._line(slot)
        line.add(work_tokens, seconds)
        pool_slope = self._pool.slope(1.0 / PREFILL_RATE_PRIOR)
        slope = line.slope(max(pool_slope, 1.0 / RATE_MAX))
        rate = 1.0 / max(slope, 1.0 / RATE_MAX)
        self._table.signals[Signal.PREFILL_RATE, slot] = max(rate, RATE_MIN)

    def served(self, slot: int, *, seconds: float) -> None:
        """A request occupied the batch of this slot for `seconds` after its first token."""
        service = self._table.signals[Signal.SERVICE_S]
        service[slot] = seconds if service[slot] == 0 else 0.9 * service[slot] + 0.1 * seconds

    def generated(self, *, tokens: int, seconds: float | None) -> None:
        """A response had this many output tokens, generated in `seconds` where that was seen."""
        self.output_tokens += 0.02 * (tokens - self.output_tokens)
        if seconds is not None and tokens > 1:
            self.seconds_per_token += 0.05 * (seconds / (tokens - 1) - self.seconds_per_token)

    def expected_output_tokens(self, limit: int | None) -> float:
        """How long a response will be, given the client's own limit."""
        return self.output_tokens if limit is None else min(float(limit), self.output_tokens)

    def _line(self, slot: int) -> _Line:
        generation = self._table.generations[slot]
        known = self._lines.get(slot)
        if known is None or known[0] != generation:
            known = self._lines[slot] = (generation, _Line())
        return known[1]
