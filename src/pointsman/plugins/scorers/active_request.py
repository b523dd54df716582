"""Prefer endpoints with few of our own requests in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from pointsman.api.columns import owned
from pointsman.api.plugins import PluginConfig, RefersTo, Scorer
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class ActiveRequestConfig(PluginConfig):
    """Parameters of active-request-scorer."""

    idle_threshold: int = Field(0, ge=0)
    """Requests in flight up to which an endpoint counts as idle and scores 1; default 0."""
    max_busy_score: float = Field(1.0, ge=0, le=1)
    """Best score of an endpoint that is not idle, a share 0..1; default 1."""
    request_timeout: str | None = None
    """Deprecated upstream and without effect: leases end with their streams."""
    in_flight_load_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer of the load; one ledger counts for all, so the choice changes nothing."""


class ActiveRequestScorer(Scorer):
    """Prefers the endpoint with the fewest of our own requests in flight.

    score = 1 up to `idleThreshold`, else (max - count) / max * `maxBusyScore`, where count is the
    ledger's: it is exact and needs no scrape, but does not see requests that others send.
    """

    type_name = "active-request-scorer"
    Config = ActiveRequestConfig

    @classmethod
    def remarks(cls, config: ActiveRequestConfig) -> tuple[str, ...]:
        """`requestTimeout` is accepted for old documents."""
        if config.request_timeout is None:
            return ()
        return ("requestTimeout has no effect: a request in flight ends with its stream",)

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """1 when idle, 0 for the busiest, shape (n_candidates,)."""
        del request
        config: ActiveRequestConfig = self.config
        count = owned(candidates, Signal.INFLIGHT_REQUESTS)
        most = max(float(count.max()), 1.0)
        busy = (most - count) / most * config.max_busy_score
        scores: FloatArray = np.where(count <= config.idle_threshold, 1.0, busy)
        return scores
