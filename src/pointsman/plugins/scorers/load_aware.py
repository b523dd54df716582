"""Prefer endpoints that are far from a full queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from pointsman.api.columns import scraped_and_picked
from pointsman.api.plugins import PluginConfig, Scorer
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class LoadAwareConfig(PluginConfig):
    """Parameters of load-aware-scorer."""

    threshold: int = Field(128, gt=0)
    """Requests in the queue at which an endpoint scores 0; default 128, as upstream."""


class LoadAwareScorer(Scorer):
    """Scores an idle endpoint 0.5, falling to 0 as its queue reaches a threshold.

    score = 0.5 * (1 - min(q, threshold) / threshold), where q is the scraped queue length plus the
    requests we picked since that scrape. Half of the range is left for other scorers, as upstream
    does it. An endpoint that was never scraped counts with the mean queue of the others.
    """

    type_name = "load-aware-scorer"
    Config = LoadAwareConfig

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """0.5 when idle, 0 at the threshold and beyond, shape (n_candidates,)."""
        del request
        config: LoadAwareConfig = self.config
        queue = scraped_and_picked(candidates, Signal.WAITING)
        scores: FloatArray = 0.5 * (1.0 - np.minimum(queue / config.threshold, 1.0))
        return scores
