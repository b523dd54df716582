"""Names of flow control: typed and validated, without effect until flow control exists."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pointsman.api.plugins import Declared, PluginConfig, RefersTo
from pointsman.config.units import DurationS

NO_EFFECT_YET = "accepted, has no effect yet"


class _FlowPlugin(Declared):
    """Says of itself that it does nothing yet."""

    @classmethod
    def remarks(cls, config: PluginConfig) -> tuple[str, ...]:
        """It does nothing yet."""
        del config
        return (NO_EFFECT_YET,)


class UtilizationDetectorConfig(PluginConfig):
    """Parameters of utilization-detector."""

    queue_depth_threshold: int = Field(5, gt=0)
    """Requests in the queue of a saturated endpoint; default 5."""
    kv_cache_util_threshold: float = Field(0.8, gt=0, le=1)
    """Share of the KV cache of a saturated endpoint, 0..1; default 0.8."""
    metrics_staleness_threshold_s: DurationS = Field(0.2, alias="metricsStalenessThreshold")
    """Age from which metrics count as saturated, a Go duration; default 200ms."""
    headroom: float = Field(0.0, ge=0)
    """Share above the thresholds that is tolerated; default 0."""


class UtilizationDetector(_FlowPlugin):
    """Calls a pool saturated by its queues and KV caches."""

    type_name = "utilization-detector"
    kind = "saturation-detector"
    Config = UtilizationDetectorConfig


class ConcurrencyDetectorConfig(PluginConfig):
    """Parameters of concurrency-detector."""

    concurrency_mode: Literal["requests", "tokens", "hybrid"] = "requests"
    """What is counted; default requests."""
    max_concurrency: int = Field(100, gt=0)
    """Requests in flight of a saturated endpoint; default 100."""
    max_token_concurrency: int = Field(1_000_000, gt=0)
    """Tokens in flight of a saturated endpoint; default 1000000."""
    headroom: float = Field(0.0, ge=0)
    """Share above the limits that is tolerated; default 0."""
    in_flight_load_producer_name: Annotated[str, RefersTo("producer")] = ""
    """Producer of the load; one ledger counts for all, so the choice changes nothing."""


class ConcurrencyDetector(_FlowPlugin):
    """Calls a pool saturated by what is in flight."""

    type_name = "concurrency-detector"
    kind = "saturation-detector"
    Config = ConcurrencyDetectorConfig


class FcfsOrdering(_FlowPlugin):
    """Dispatches in the order of arrival."""

    type_name = "fcfs-ordering-policy"
    kind = "ordering-policy"


class EdfOrdering(_FlowPlugin):
    """Dispatches the earliest deadline first."""

    type_name = "edf-ordering-policy"
    kind = "ordering-policy"


class SloDeadlineOrdering(_FlowPlugin):
    """Dispatches the earliest time-to-first-token target first."""

    type_name = "slo-deadline-ordering-policy"
    kind = "ordering-policy"


class GlobalStrictFairness(_FlowPlugin):
    """Orders all flows of a band as one."""

    type_name = "global-strict-fairness-policy"
    kind = "fairness-policy"


class RoundRobinFairness(_FlowPlugin):
    """Takes from the flows of a band in turn."""

    type_name = "round-robin-fairness-policy"
    kind = "fairness-policy"


class StaticUsageLimitConfig(PluginConfig):
    """Parameters of static-usage-limit-policy."""

    threshold: float = Field(1.0, ge=0)
    """Saturation up to which requests are dispatched, whatever their priority; default 1."""


class StaticUsageLimit(_FlowPlugin):
    """Sets one ceiling of saturation for all priorities."""

    type_name = "static-usage-limit-policy"
    kind = "usage-limit-policy"
    Config = StaticUsageLimitConfig
