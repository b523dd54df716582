"""Prefer short engine queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.api.columns import least_is_best, scraped_and_picked
from pointsman.api.plugins import Scorer
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class QueueScorer(Scorer):
    """Prefers the endpoint with the fewest requests waiting in its engine.

    score = (max - q) / (max - min), 1 for all when all are equal, where q is the scraped queue
    length plus the requests we picked since that scrape, so that a burst between two scrapes
    spreads. An endpoint that was never scraped counts with the mean queue of the others.
    """

    type_name = "queue-scorer"

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """1 for the shortest queue, 0 for the longest, shape (n_candidates,)."""
        del request
        return least_is_best(scraped_and_picked(candidates, Signal.WAITING))
