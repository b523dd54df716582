"""Prefer endpoints with few prompt tokens still to compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from pointsman.api.candidates import MATCHED_TOKENS
from pointsman.api.columns import backlog_tokens, uncached_tokens
from pointsman.api.plugins import PluginConfig, RefersTo, Scorer

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class TokenLoadConfig(PluginConfig):
    """Parameters of token-load-scorer."""

    queue_threshold_tokens: int = Field(4_194_304, gt=0)
    """Tokens of load at which an endpoint scores 0; default 4194304, as upstream."""
    in_flight_load_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer of the load; one ledger counts for all, so the choice changes nothing."""


class TokenLoadScorer(Scorer):
    """Prefers the endpoint with the least prefill work, this request's included.

    score = 1 - min(1, load / `queueThresholdTokens`), where load is the uncached prompt tokens we
    sent there and the engine has still to compute (they drain at its learned prefill rate) plus
    the tokens of this prompt that it has not cached.
    """

    type_name = "token-load-scorer"
    Config = TokenLoadConfig
    consumes: ClassVar[tuple[str, ...]] = (MATCHED_TOKENS,)

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """1 without load, 0 at the threshold and beyond, shape (n_candidates,)."""
        config: TokenLoadConfig = self.config
        load = backlog_tokens(candidates) + uncached_tokens(request, candidates)
        scores: FloatArray = 1.0 - np.minimum(load / config.queue_threshold_tokens, 1.0)
        return scores
