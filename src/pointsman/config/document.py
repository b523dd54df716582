"""EndpointPickerConfig as it is written: every field that upstream knows, typed and strict.

References are still names here; `resolve` follows them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

from pointsman.config.units import DurationS, Quantity

API_VERSION = "llm-d.ai/v1alpha1"
API_VERSION_DEPRECATED = "inference.networking.x-k8s.io/v1alpha1"


class Section(BaseModel):
    """A part of the document; the string below a field is its documentation."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )


class PluginEntry(Section):
    """A plugin, to be referred to by its name."""

    type: str = Field(min_length=1)
    """Which plugin; `pointsman plugins` lists them."""
    name: str | None = Field(None, min_length=1)
    """Name for references; default: the type."""
    parameters: dict[str, JsonValue] | None = None
    """Parameters of this type; default none."""


class ProfilePlugin(Section):
    """A plugin's place in a profile."""

    plugin_ref: str = Field(min_length=1)
    """Name of an entry of `plugins`: a filter, scorer or picker."""
    weight: float | None = Field(None, ge=0)
    """Factor of a scorer's score; default 1."""


class SchedulingProfile(Section):
    """Filters in this order, then the weighted sum of scorers, then one picker."""

    name: str = Field(min_length=1)
    """Name, unique."""
    plugins: tuple[ProfilePlugin, ...] = ()
    """Filters, scorers and at most one picker; default picker: max-score-picker."""


class Reference(Section):
    """Names a plugin."""

    plugin_ref: str = Field(min_length=1)
    """Name of an entry of `plugins`."""


class Source(Section):
    """A source of model server state, and what reads it."""

    plugin_ref: str = Field(min_length=1)
    """Name of a source plugin."""
    extractors: tuple[Reference, ...] = ()
    """Extractor plugins that read what the source returns."""


class DataLayer(Section):
    """How the state of model servers is learned."""

    inject_defaults: bool = True
    """Add metrics-data-source with core-metrics-extractor when no source is listed; default true.
    """
    sources: tuple[Source, ...] = ()
    """What is scraped; default: metrics-data-source."""
    discovery: Reference | None = None
    """Where endpoints come from instead of Kubernetes; default: Kubernetes or the command line."""
    peer_discovery: Reference | None = None
    """How replicas find each other; accepted, no effect yet."""
    cross_replica_syncer_plugin_ref: str | None = None
    """How replicas exchange state; accepted, no effect yet."""
    cross_replica_sync_interval_s: DurationS | None = Field(None, alias="crossReplicaSyncInterval")
    """Time between two exchanges; accepted, no effect yet."""


class PriorityBand(Section):
    """Queue limits and policies of one priority; 0 means the default."""

    priority: int | None = None
    """Priority of the objectives in this band; required in `priorityBands`."""
    max_bytes: Quantity | None = None
    """Bytes of request bodies queued; default 1G."""
    max_requests: Quantity | None = None
    """Requests queued; default 5000."""
    fairness_policy_ref: str | None = None
    """Name of a fairness policy; default global-strict-fairness-policy."""
    ordering_policy_ref: str | None = None
    """Name of an ordering policy; default fcfs-ordering-policy."""


class SaturationDetector(Section):
    """Which plugin says when the pool is full."""

    plugin_ref: str | None = None
    """Name of a saturation detector; default utilization-detector."""
    queue_depth_threshold: int | None = Field(None, gt=0)
    """Old form of the detector's parameter: requests in the queue."""
    kv_cache_util_threshold: float | None = Field(None, gt=0, le=1)
    """Old form of the detector's parameter: share of the KV cache, 0..1."""
    metrics_staleness_threshold_s: DurationS | None = Field(None, alias="metricsStalenessThreshold")
    """Old form of the detector's parameter: age of metrics."""


class FlowControl(Section):
    """Queueing of requests while the pool is full; accepted, no effect yet."""

    max_bytes: Quantity = 0
    """Bytes of request bodies queued in all; 0 = unlimited."""
    max_requests: Quantity = 0
    """Requests queued in all; 0 = unlimited."""
    default_request_ttl_s: DurationS | None = Field(None, alias="defaultRequestTTL")
    """Longest wait while the pool has endpoints; default 60s; 0s = no limit."""
    no_endpoint_request_ttl_s: DurationS | None = Field(None, alias="noEndpointRequestTTL")
    """Longest wait while the pool is empty; default: as defaultRequestTTL."""
    default_priority_band: PriorityBand | None = None
    """Template of bands for priorities that are not listed."""
    default_negative_priority_band: PriorityBand | None = None
    """Template of bands for priorities below 0 that are not listed."""
    priority_bands: tuple[PriorityBand, ...] = ()
    """Bands, each priority once."""
    usage_limit_policy_plugin_ref: str | None = None
    """Name of a usage limit policy; default static-usage-limit-policy."""
    saturation_detector: Reference | None = None
    """Which plugin says when the pool is full; default utilization-detector."""
    enable_eviction: bool = False
    """Take back requests in flight in favour of more important ones; default false."""


class RequestHandling(Section):
    """How requests are read."""

    parsers: tuple[Reference, ...] = ()
    """Parsers in order; default openai-, anthropic-, vllmhttp- and passthrough-parser."""


class Document(Section):
    """An EndpointPickerConfig: which plugins exist, and how they work together."""

    api_version: Literal["llm-d.ai/v1alpha1", "inference.networking.x-k8s.io/v1alpha1"] | None = (
        None
    )
    """llm-d.ai/v1alpha1; the older inference.networking.x-k8s.io/v1alpha1 is deprecated."""
    kind: Literal["EndpointPickerConfig"] | None = None
    """EndpointPickerConfig."""
    feature_gates: tuple[str, ...] = ()
    """Gates as `name`, `name=true` or `name=false`; accepted, no effect yet."""
    plugins: tuple[PluginEntry, ...] = ()
    """Plugins with their parameters."""
    scheduling_profiles: tuple[SchedulingProfile, ...] = ()
    """How a pick is made; default: all listed plugins, or token-cost-scorer if none scores."""
    data_layer: DataLayer | None = None
    """How the state of model servers is learned."""
    flow_control: FlowControl | None = None
    """Queueing of requests; accepted, no effect yet."""
    request_handler: RequestHandling | None = None
    """How requests are read."""
    saturation_detector: SaturationDetector | None = None
    """Deprecated: flowControl.saturationDetector."""
    parser: Reference | None = None
    """Deprecated: requestHandler.parsers."""
    data: DataLayer | None = None
    """Deprecated: dataLayer."""
