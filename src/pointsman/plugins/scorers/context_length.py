"""Send prompts to the endpoints that are meant for their length."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.columns import EndpointColumn
from pointsman.api.plugins import Filter, PluginConfig, Scorer, Surroundings

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray, FloatArray
    from pointsman.domain.endpoints import Endpoint
    from pointsman.domain.requests import InferenceRequest

_RANGE = re.compile(r"\s*(\d{1,15})\s*-\s*(\d{1,15})\s*")
UNLABELLED, UNREADABLE = 0.5, 0.0
"""Upstream's scores of an endpoint without the label, and of one whose label cannot be read."""


class ContextLengthConfig(PluginConfig):
    """Parameters of context-length-aware-scorer."""

    label: str = "llm-d.ai/context-length-range"
    """Endpoint label with a range of prompt tokens, `min-max`, both included."""
    enable_filtering: bool = False
    """Also rule out labelled endpoints whose range does not hold the prompt; default false."""


class ContextLengthAwareScorer(Scorer, Filter):
    """Prefers endpoints whose labelled range of prompt lengths fits this prompt.

    Upstream's formula, lengths in tokens: in range 1 for a range of one length, else
    0.3 + 0.7 * (0.7 / (1 + width / 10000) + 0.3 * (max - length) / width), so narrow ranges and
    room to grow are better; out of range 0.3 / (1 + distance / 1000); 0.5 without the label; 0
    when the label is not `min-max`. With `enableFiltering` it is a filter, too, which keeps
    endpoints without the label and those whose range holds the prompt.
    """

    type_name = "context-length-aware-scorer"
    aliases = ("context-length-aware",)
    Config = ContextLengthConfig

    def __init__(self, config: ContextLengthConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._least = EndpointColumn(lambda endpoint: self._range(endpoint)[0])
        self._most = EndpointColumn(lambda endpoint: self._range(endpoint)[1])

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Everything unless `enableFiltering`, shape (n_candidates,)."""
        config: ContextLengthConfig = self.config
        if not config.enable_filtering:
            return np.ones(len(candidates), dtype=np.bool_)
        least, most = self._least.of(candidates), self._most.of(candidates)
        tokens = request.prompt.tokens
        kept: BoolArray = np.isnan(least) | ((least <= tokens) & (tokens <= most))
        return kept

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """How well each candidate's range fits, shape (n_candidates,)."""
        least, most = self._least.of(candidates), self._most.of(candidates)
        readable = np.isfinite(least)
        low, high = np.where(readable, least, 0.0), np.where(readable, most, 0.0)
        tokens = float(request.prompt.tokens)
        width = high - low
        roominess = (high - tokens) / np.maximum(width, 1.0)
        inside = np.where(
            width == 0, 1.0, 0.3 + 0.7 * (0.7 / (1.0 + width / 10_000) + 0.3 * roominess)
        )
        distance = np.maximum(np.maximum(low - tokens, tokens - high), 0.0)
        fit = np.where(distance == 0, inside, 0.3 / (1.0 + distance / 1_000))
        scores: FloatArray = np.where(
            readable, fit, np.where(np.isnan(least), UNLABELLED, UNREADABLE)
        )
        return scores

    def _range(self, endpoint: Endpoint) -> tuple[float, float]:
        """NaN without the label; an impossible range (inf, -inf) when it cannot be read."""
        config: ContextLengthConfig = self.config
        label = endpoint.labels.get(config.label)
        if label is None:
            return math.nan, math.nan
        match = _RANGE.fullmatch(label)
        if match is None or int(match[1]) > int(match[2]):
            return math.inf, -math.inf
        return float(match[1]), float(match[2])
