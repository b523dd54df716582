"""Rule out endpoints above fixed limits of load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from pointsman.api.columns import owned, scraped, scraped_and_picked
from pointsman.api.plugins import Filter, PluginConfig, RefersTo
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import BoolArray, FloatArray
    from pointsman.domain.requests import InferenceRequest

Metric = Literal["active-requests", "running-requests", "waiting-queue", "kv-cache-utilization"]


class Condition(PluginConfig):
    """A limit that an endpoint must keep."""

    metric: Metric = Field(examples=["waiting-queue"])
    """What is limited."""
    max_value: float = Field(ge=0, examples=[10])
    """Largest value that is kept: requests, or a share 0..1 of the KV cache."""


class UtilizationConfig(PluginConfig):
    """Parameters of utilization-filter."""

    conditions: tuple[Condition, ...] = Field(
        min_length=1, examples=[[{"metric": "waiting-queue", "maxValue": 10}]]
    )
    """Limits, all of which must hold."""
    fallback_on_empty: bool = False
    """Keep everything when nothing would be left, instead of rejecting; default false."""
    in_flight_load_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer of the load; one ledger counts for all, so the choice changes nothing."""


class UtilizationFilter(Filter):
    """Keeps the endpoints that are within every one of some limits of load.

    `active-requests` are our own in flight; `running-requests` the scraped batch plus our picks
    since that scrape; `waiting-queue` and `kv-cache-utilization` are as scraped, because a pick
    that starts at once must not rule an endpoint out. What was never scraped counts as 0.
    """

    type_name = "utilization-filter"
    Config = UtilizationConfig

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        """Which candidates are within all limits, shape (n_candidates,)."""
        del request
        config: UtilizationConfig = self.config
        kept = np.ones(len(candidates), dtype=np.bool_)
        for condition in config.conditions:
            kept &= _load(condition.metric, candidates) <= condition.max_value
        if config.fallback_on_empty and not kept.any():
            return np.ones(len(candidates), dtype=np.bool_)
        return kept


def _load(metric: Metric, candidates: Candidates) -> FloatArray:
    match metric:
        case "active-requests":
            return owned(candidates, Signal.INFLIGHT_REQUESTS)
        case "running-requests":
            return scraped_and_picked(candidates, Signal.RUNNING, unknown=0.0)
        case "waiting-queue":
            return scraped(candidates, Signal.WAITING, unknown=0.0)
        case "kv-cache-utilization":
            return scraped(candidates, Signal.KV_USAGE, unknown=0.0)
