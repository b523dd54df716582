"""Prefer free KV cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.columns import scraped
from pointsman.api.plugins import Scorer
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class KvCacheUtilizationScorer(Scorer):
    """Prefers the endpoint whose engine has most of its KV cache free.

    score = 1 - share of blocks in use, as scraped: unlike a queue it moves slowly, so our own picks
    since the scrape are not added. An endpoint that was never scraped counts with the mean share
    of the others.
    """

    type_name = "kv-cache-utilization-scorer"

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """Share of the KV cache that is free, 0..1, shape (n_candidates,)."""
        del request
        free: FloatArray = 1.0 - np.minimum(scraped(candidates, Signal.KV_USAGE), 1.0)
        return free
