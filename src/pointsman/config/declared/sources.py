"""Where model servers publish their state, and how it is read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, model_validator

from pointsman.api.plugins import Declared, PluginConfig
from pointsman.config.units import DurationS
from pointsman.domain.metric_specs import parse_metric_spec

ENGINES = ("vllm", "sglang", "trtllm-serve", "triton-tensorrt-llm", "triton", "llama.cpp")
"""Engines whose metric names are built in."""


def _spec(text: str) -> str:
    parse_metric_spec(text)
    return text


Spec = Annotated[str, AfterValidator(_spec)]
"""Series of a metric: `name` or `name{label=value,...}`; an empty text switches it off."""


class MetricsSourceConfig(PluginConfig):
    """Parameters of metrics-data-source."""

    scheme: Literal["http", "https"] = "http"
    """Scheme of the metrics URL; default http."""
    path: str = Field("/metrics", pattern="^/")
    """Path of the metrics URL; default /metrics."""
    port: int | None = Field(None, ge=1, le=65_535)
    """Port to scrape instead of each endpoint's own; default: its own."""
    insecure_skip_verify: bool = True
    """With https: accept any server certificate; default true, as upstream."""
    ca_cert_path: str | None = None
    """With https: file of authorities that are trusted; default: the system's."""
    client_cert_path: str | None = None
    """With https: file of our client certificate; default: none is shown."""
    client_key_path: str | None = None
    """With https: file of the client certificate's key."""
    interval_s: DurationS | None = Field(None, alias="interval", gt=0)
    """Time between two scrapes, a Go duration; default: as --refresh-metrics-interval says."""

    @model_validator(mode="after")
    def _certificate_has_key(self) -> MetricsSourceConfig:
        if (self.client_cert_path is None) != (self.client_key_path is None):
            raise ValueError("clientCertPath and clientKeyPath must be set together")
        return self


class MetricsSource(Declared):
    """Scrapes every model server's Prometheus metrics."""

    type_name = "metrics-data-source"
    kind = "source"
    Config = MetricsSourceConfig


class EndpointNotificationSource(Declared):
    """Accepted for upstream's documents: endpoint changes reach everything that needs them."""

    type_name = "endpoint-notification-source"
    kind = "source"


class EngineConfig(PluginConfig):
    """Metric names of one kind of engine; a built-in engine of the same name is replaced."""

    name: str = Field(min_length=1, examples=["my-engine"])
    """Value of the engine label that selects it."""
    queued_requests_spec: Spec = ""
    """Gauge of requests in the queue."""
    running_requests_spec: Spec = ""
    """Gauge of requests in the batch."""
    kv_usage_spec: Spec = ""
    """Gauge of the share of KV blocks in use, 0..1."""
    lora_spec: Spec = ""
    """Gauge whose labels list LoRA adapters, as `vllm:lora_requests_info` does."""
    cache_info_spec: Spec = ""
    """Gauge whose labels say block size and number of blocks."""
    cache_block_size_label_name: str = "block_size"
    """Label of `cacheInfoSpec` with the tokens of one block; default block_size."""
    cache_num_blocks_label_name: str = "num_gpu_blocks"
    """Label of `cacheInfoSpec` with the number of blocks; default num_gpu_blocks."""
    cache_block_size_spec: Spec = ""
    """Gauge of the tokens of one block, where it is not a label."""
    cache_num_blocks_spec: Spec = ""
    """Gauge of the number of blocks, where it is not a label."""
    custom_metrics: tuple[dict[str, JsonValue], ...] = ()
    """Further metrics for endpoint attribute plugins; no effect yet."""

    @model_validator(mode="after")
    def _name_is_free(self) -> EngineConfig:
        if self.name == "default":
            raise ValueError("'default' is reserved; choose another name")
        return self


class CoreMetricsConfig(PluginConfig):
    """Parameters of core-metrics-extractor."""

    engine_label_key: str = "llm-d.ai/engine-type"
    """Endpoint label that names its engine; default llm-d.ai/engine-type."""
    default_engine: str = "vllm"
    """Engine of endpoints without the label or with an unknown value; default vllm."""
    engine_configs: tuple[EngineConfig, ...] = ()
    """Engines beside the built-in ones; default none."""

    @model_validator(mode="after")
    def _engines_fit(self) -> CoreMetricsConfig:
        names = [engine.name for engine in self.engine_configs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"engineConfigs: two engines are called {name!r}")
        if self.default_engine not in {*names, *ENGINES}:
            allowed = ", ".join((*ENGINES, *names))
            raise ValueError(f"defaultEngine {self.default_engine!r} is not one of: {allowed}")
        return self


class CoreMetricsExtractor(Declared):
    """Reads queue, batch, KV cache and LoRA adapters from an engine's metrics."""

    type_name = "core-metrics-extractor"
    aliases = ("model-server-protocol-metrics",)
    kind = "extractor"
    Config = CoreMetricsConfig

    @classmethod
    def remarks(cls, config: CoreMetricsConfig) -> tuple[str, ...]:
        """Custom metrics are for plugins that do not exist yet."""
        return tuple(
            f"customMetrics of engine {engine.name!r}: accepted, has no effect yet"
            for engine in config.engine_configs
            if engine.custom_metrics
        )
