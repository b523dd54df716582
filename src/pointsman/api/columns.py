"""What scorers and filters share: columns that are safe to calculate with.

Every function returns finite values of shape (n_candidates,), whatever was or was not scraped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.candidates import MATCHED_TOKENS
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.endpoints import Endpoint
    from pointsman.domain.requests import InferenceRequest

LIMIT = 1e15
"""Far above any count of requests, tokens or seconds: products of two still are finite."""


def scraped(candidates: Candidates, signal: Signal, *, unknown: float | None = None) -> FloatArray:
    """A scraped signal, never negative.

    An endpoint that was never scraped, or whose engine does not publish the signal (NaN), gets
    `unknown`; None stands for the mean of the others (0 when there are none), so that silence
    neither attracts nor repels.
    """
    values = candidates.column(signal)
    known = np.isfinite(values) & (candidates.column(Signal.SCRAPED_AT_S) > -np.inf)
    values = np.maximum(values, 0.0)
    if known.all():
        return values
    if unknown is None:
        unknown = float(values[known].mean()) if known.any() else 0.0
    filled: FloatArray = np.where(known, values, unknown)
    return filled


def scraped_and_picked(
    candidates: Candidates, signal: Signal, *, unknown: float | None = None
) -> FloatArray:
    """A scraped count of requests plus what we sent there since that scrape.

    Without our own picks every request of a burst between two scrapes would see the same empty
    queue and go to the same endpoint.
    """
    picked = owned(candidates, Signal.PICKED_SINCE_SCRAPE)
    counted: FloatArray = scraped(candidates, signal, unknown=unknown) + picked
    return counted


def owned(candidates: Candidates, signal: Signal) -> FloatArray:
    """A signal of our own ledger, 0 .. LIMIT."""
    values: FloatArray = np.fmin(np.fmax(candidates.column(signal), 0.0), LIMIT)
    return values


def backlog_tokens(candidates: Candidates) -> FloatArray:
    """Uncached prompt tokens of ours that each engine has still to compute now.

    The ledger's backlog drains at the learned prefill rate since it was written.
    """
    waited_s = np.maximum(candidates.now_s - owned(candidates, Signal.BACKLOG_AT_S), 0.0)
    drained = waited_s * owned(candidates, Signal.PREFILL_RATE)
    left: FloatArray = np.maximum(owned(candidates, Signal.BACKLOG_TOKENS) - drained, 0.0)
    return left


def matched_share(request: InferenceRequest, candidates: Candidates) -> FloatArray:
    """Share of the prompt each candidate has cached, 0..1; 0 for an empty prompt."""
    if request.prompt.tokens <= 0:
        return np.zeros(len(candidates))
    share: FloatArray = np.clip(matched_tokens(candidates) / request.prompt.tokens, 0.0, 1.0)
    return share


def matched_tokens(candidates: Candidates) -> FloatArray:
    """Prompt tokens each candidate has cached, as producers found; consume MATCHED_TOKENS."""
    tokens: FloatArray = np.fmax(candidates.feature(MATCHED_TOKENS), 0.0)
    return tokens


def uncached_tokens(request: InferenceRequest, candidates: Candidates) -> FloatArray:
    """Prompt tokens each candidate would have to compute for this request."""
    tokens: FloatArray = np.maximum(request.prompt.tokens - matched_tokens(candidates), 0.0)
    return tokens


def least_is_best(values: FloatArray) -> FloatArray:
    """1 for the smallest, 0 for the largest, linear between; all equal = 1."""
    low, high = values.min(), values.max()
    if high <= low:
        return np.ones(len(values))
    scores: FloatArray = (high - values) / (high - low)
    return scores


class EndpointColumn:
    """A number that depends on an endpoint's identity only, calculated once per change of the pool.

    Calling `compute` for 1,000 endpoints in every decision would cost more than the decision.
    """

    def __init__(self, compute: Callable[[Endpoint], float]) -> None:
        self._compute = compute
        self._endpoints: tuple[Endpoint | None, ...] = ()
        self._values: FloatArray = np.empty(0)

    def of(self, candidates: Candidates) -> FloatArray:
        """The number of each candidate, shape (n_candidates,)."""
        endpoints = tuple(candidates.endpoints)
        # Comparing tuples of the same objects is a few nanoseconds each: identity comes first.
        if endpoints != self._endpoints:
            self._values = np.array(
                [np.nan if endpoint is None else self._compute(endpoint) for endpoint in endpoints]
            )
            self._endpoints = endpoints
        values: FloatArray = self._values.take(candidates.slots)
        return values
