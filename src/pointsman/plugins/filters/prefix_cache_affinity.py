"""Stay with the endpoints that have the prompt cached, until they are too busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from pointsman.api.candidates import MATCHED_TOKENS
from pointsman.api.columns import backlog_tokens, matched_share, owned
from pointsman.api.plugins import Filter, PluginConfig, RefersTo
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray, FloatArray
    from pointsman.domain.requests import InferenceRequest


class PrefixCacheAffinityConfig(PluginConfig):
    """Parameters of prefix-cache-affinity-filter."""

    affinity_threshold: float = Field(0.80, le=1)
    """Share of the prompt that must be cached to be sticky, 0..1; default 0.8; 0 = filter off."""
    exploration_probability: float = Field(0.0, ge=0, le=1)
    """Probability of keeping all endpoints, which spreads prefixes; default 0."""
    max_ttft_penalty_ms: float = Field(18_000.0, ge=0, alias="maxTTFTPenaltyMs")
    """Milliseconds that waiting for a sticky endpoint may cost; default 18000; 0 = always stick."""
    ttft_source: Literal["prefillThroughput"] = "prefillThroughput"
    """Where waiting times come from; upstream's latencyPredictor is not available."""
    peak_prefill_throughput: float | None = Field(None, gt=0)
    """Prompt tokens per second of every endpoint; default: the rate learned for each of them."""
    prefix_match_info_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer that found the match; empty = the configured one."""
    in_flight_load_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer of the load; one ledger counts for all, so the choice changes nothing."""


class PrefixCacheAffinityFilter(Filter):
    """Keeps only endpoints that have most of the prompt cached, unless they are too busy.

    Sticky are the endpoints whose cached share reaches `affinityThreshold`. When the best of them
    would start this request more than `maxTTFTPenaltyMs` later than the best other one, or when
    there are none, everything stays. Waiting time = prompt tokens still to compute / prefill rate.
    """

    type_name = "prefix-cache-affinity-filter"
    Config = PrefixCacheAffinityConfig
    consumes: ClassVar[tuple[str, ...]] = (MATCHED_TOKENS,)

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """The sticky candidates, or all of them, shape (n_candidates,)."""
        config: PrefixCacheAffinityConfig = self.config
        everything = np.ones(len(candidates), dtype=np.bool_)
        if len(candidates) <= 1 or config.affinity_threshold <= 0:
            return everything
        if self.surroundings.rng.random() < config.exploration_probability:
            return everything
        sticky: BoolArray = matched_share(request, candidates) >= config.affinity_threshold
        if not sticky.any() or sticky.all() or self._is_too_busy(sticky, candidates):
            return everything
        return sticky

    def _is_too_busy(self, sticky: BoolArray, candidates: Candidates) -> bool:
        config: PrefixCacheAffinityConfig = self.config
        if config.max_ttft_penalty_ms == 0:
            return False
        wait_ms = 1_000.0 * backlog_tokens(candidates) / self._prefill_rate(candidates)
        penalty_ms = wait_ms[sticky].min() - wait_ms[~sticky].min()
        return bool(penalty_ms > config.max_ttft_penalty_ms)

    def _prefill_rate(self, candidates: Candidates) -> FloatArray:
        config: PrefixCacheAffinityConfig = self.config
        if config.peak_prefill_throughput is not None:
            return np.full(len(candidates), config.peak_prefill_throughput)
        learned: FloatArray = np.maximum(owned(candidates, Signal.PREFILL_RATE), 1.0)
        return learned
