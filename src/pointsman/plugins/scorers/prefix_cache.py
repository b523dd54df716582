"""Prefer endpoints that have the beginning of the prompt in their KV cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import Field

from pointsman.api.candidates import MATCHED_TOKENS
from pointsman.api.columns import matched_share, matched_tokens
from pointsman.api.plugins import PluginConfig, RefersTo, Scorer

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


class PrefixCacheConfig(PluginConfig):
    """Parameters of prefix-cache-scorer."""

    prefix_match_info_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer that found the match; empty = the configured one."""
    match_length_weight: float = Field(0.0, ge=0, le=1)
    """Share of the score that depends on the match's absolute length, 0..1; default 0."""
    match_length_scale_tokens: int = Field(8_192, gt=0)
    """Tokens of match from which the length part is full; default 8192."""


class PrefixCacheScorer(Scorer):
    """Prefers the endpoint that has most of the prompt's beginning cached.

    score = w * min(1, matched / `matchLengthScaleTokens`)^2 + (1 - w) * matched / prompt, in
    tokens, with w = `matchLengthWeight`: a long match saves more time than the same share of a
    short prompt. 0 for an empty prompt.
    """

    type_name = "prefix-cache-scorer"
    Config = PrefixCacheConfig
    consumes: ClassVar[tuple[str, ...]] = (MATCHED_TOKENS,)

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """1 for a fully cached prompt, 0 for none, shape (n_candidates,)."""
        config: PrefixCacheConfig = self.config
        share = matched_share(request, candidates)
        weight = config.match_length_weight
        if weight == 0 or request.prompt.tokens <= 0:
            return share
        length = np.minimum(matched_tokens(candidates) / config.match_length_scale_tokens, 1.0)
        scores: FloatArray = weight * length**2 + (1.0 - weight) * share
        return scores
