"""GET /metrics: the names, labels and types of vLLM 0.32, collected anew at each scrape."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric

    from pointsman.sim.engine.requests import EngineStatistics
    from pointsman.sim.engine.settings import EngineSettings
    from pointsman.sim.telemetry import Histogram, Telemetry

_LABELS = ("engine", "model_name")
_PER_GPU = ("flops", "read_bytes", "write_bytes")
_NEVER_USED = ("external_prefix_cache_queries", "external_prefix_cache_hits", "mm_cache_queries",
               "mm_cache_hits")  # fmt: skip
_CACHE_TIERS = ("host", "p2p", "disk", "external_unspecified")
_ENDINGS_NEVER_SEEN = ("abort", "error", "repetition")
"""vLLM 0.32 does not count a request whose client left, so neither do we."""


class VllmCollector(Collector):
    """One server's families. Values come from snapshots; nothing is ever set or cleared."""

    def __init__(
        self,
        model: str,
        settings: EngineSettings,
        *,
        statistics: Callable[[], EngineStatistics],
        telemetry: Telemetry,
        created_unix_s: float,
    ) -> None:
        self._model = model
        self._settings = settings
        self._statistics = statistics
        self._telemetry = telemetry
        self._created = created_unix_s
        self._own = ("0", model)

    def collect(self) -> Iterator[Metric]:
        """Every family, in vLLM's order."""
        now = self._statistics()
        yield from (self._counter(f"estimated_{each}_per_gpu", 0) for each in _PER_GPU)
        yield from self._state(now)
        yield from self._counters(now)
        yield from self._histograms()
        if self._settings.adapters_max:
            yield self._adapters()
        yield self._configuration()

    def _state(self, now: EngineStatistics) -> Iterator[Metric]:
        waiting = now.waiting_capacity + now.waiting_deferred
        yield self._gauge("num_requests_running", now.running)
        yield self._gauge("num_requests_waiting", waiting)
        yield self._gauges(
            "num_requests_waiting_by_reason",
            "reason",
            values={"capacity": now.waiting_capacity, "deferred": now.waiting_deferred},
        )
        yield self._gauges(
            "engine_sleep_state",
            "sleep_state",
            values={"awake": 1, "weights_offloaded": 0, "discard_all": 0},
        )
        yield self._gauge("kv_cache_usage_perc", now.kv_usage)

    def _counters(self, now: EngineStatistics) -> Iterator[Metric]:
        yield self._counter("prefix_cache_queries", now.queried_tokens)
        yield self._counter("prefix_cache_hits", now.hit_tokens)
        yield from (self._counter(name, 0) for name in _NEVER_USED)
        yield self._counter("num_preemptions", now.preemptions)
        yield self._counter("prompt_tokens", now.prompt_tokens)
        computed = now.prompt_tokens - now.prompt_cached_tokens
        yield self._counters_by(
            "prompt_tokens_by_source",
            "source",
            values={
                "local_compute": computed,
                "local_cache_hit": now.prompt_cached_tokens,
                "external_kv_transfer": 0,
            },
        )
        yield self._counter("prompt_tokens_cached", now.prompt_cached_tokens)
        yield self._counters_by(
            "prompt_tokens_cached_by_source",
            "source",
            values={"device": now.hit_tokens, **dict.fromkeys(_CACHE_TIERS, 0)},
        )
        yield self._counter("generation_tokens", now.output_tokens)
        yield self._counters_by(
            "request_success",
            "finished_reason",
            values={**self._telemetry.endings, **dict.fromkeys(_ENDINGS_NEVER_SEEN, 0)},
        )
        rejections = CounterMetricFamily(
            "vllm:admission_rejections",
            "Requests refused because of a queue limit.",
            labels=("model_name", "reason"),
        )
        for reason, value in (
            ("max_num_queued_reqs", now.rejected), ("max_num_queued_tokens", 0),
        ):  # fmt: skip
            rejections.add_metric((self._model, reason), value, created=self._created)
        yield rejections

    def _histograms(self) -> Iterator[Metric]:
        seen = self._telemetry
        yield self._histogram("request_prompt_tokens", seen.prompt_tokens)
        yield self._histogram("request_generation_tokens", seen.output_tokens)
        yield self._histogram("iteration_tokens_total", seen.step_tokens)
        yield self._histogram("request_max_num_generation_tokens", seen.output_tokens_wanted)
        yield self._histogram("request_params_n", seen.choices)
        yield self._histogram("request_params_max_tokens", seen.output_tokens_wanted)
        yield self._histogram("time_to_first_token_seconds", seen.first_token_s)
        yield self._histogram("inter_token_latency_seconds", seen.token_gap_s)
        yield self._histogram("request_time_per_output_token_seconds", seen.mean_gap_s)
        yield self._histogram("e2e_request_latency_seconds", seen.total_s)
        yield self._histogram("request_queue_time_seconds", seen.queued_s)
        yield self._histogram("request_inference_time_seconds", seen.inference_s)
        yield self._histogram("request_prefill_time_seconds", seen.prefilling_s)
        yield self._histogram("request_decode_time_seconds", seen.decoding_s)
        yield self._histogram("request_num_preemptions", seen.preemptions)
        yield self._histogram("request_prefill_kv_computed_tokens", seen.computed_tokens)

    def _adapters(self) -> Metric:
        family = GaugeMetricFamily(
            "vllm:lora_requests_info",
            "Adapters in the batch and in the queue; the value is a time.",
            labels=("max_lora", "running_lora_adapters", "waiting_lora_adapters"),
        )
        slots = str(self._settings.adapters_max)
        for (running, waiting), unix_s in self._telemetry.adapter_sets.items():
            family.add_metric((slots, running, waiting), unix_s)
        return family

    def _configuration(self) -> Metric:
        settings = self._settings
        tokens = settings.blocks * settings.block_tokens
        labels = {
            **_CACHE_CONFIGURATION,
            "block_size": str(settings.block_tokens),
            "effective_attention_block_size": str(settings.block_tokens),
            "enable_prefix_caching": str(settings.is_caching),
            "kv_cache_max_concurrency": str(round(tokens / settings.context_tokens_max, 2)),
            "kv_cache_size_tokens": str(tokens),
            "num_gpu_blocks": str(settings.blocks),
            "num_gpu_blocks_override": str(settings.blocks),
        }
        family = GaugeMetricFamily(
            "vllm:cache_config_info", "How the KV cache is configured.", labels=tuple(labels)
        )
        family.add_metric(tuple(labels.values()), 1)
        return family

    def _gauge(self, name: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"vllm:{name}", _help(name), labels=_LABELS)
        family.add_metric(self._own, value)
        return family

    def _gauges(self, name: str, label: str, *, values: dict[str, float]) -> Metric:
        family = GaugeMetricFamily(f"vllm:{name}", _help(name), labels=(*_LABELS, label))
        for key, value in values.items():
            family.add_metric((*self._own, key), value)
        return family

    def _counter(self, name: str, value: float) -> Metric:
        family = CounterMetricFamily(f"vllm:{name}", _help(name), labels=_LABELS)
        family.add_metric(self._own, value, created=self._created)
        return family

    def _counters_by(self, name: str, label: str, *, values: dict[str, int]) -> Metric:
        family = CounterMetricFamily(f"vllm:{name}", _help(name), labels=(*_LABELS, label))
        for key, value in values.items():
            family.add_metric((*self._own, key), value, created=self._created)
        return family

    def _histogram(self, name: str, histogram: Histogram) -> Metric:
        family = HistogramMetricFamily(f"vllm:{name}", _help(name), labels=_LABELS)
        bounds = (*map(str, histogram.bounds), "+Inf")
        buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
        family.add_metric(self._own, buckets, histogram.total)
        labels = dict(zip(_LABELS, self._own, strict=True))
        family.add_sample(f"vllm:{name}_created", labels, self._created)
        return family


def _help(name: str) -> str:
    return name.replace("_", " ").capitalize() + " of the simulated engine."


def metrics_page(collector: VllmCollector) -> Callable[[], bytes]:
    """What GET /metrics answers: the engine's families, and those of the process as in vLLM."""
    registry = CollectorRegistry()
    GCCollector(registry)
    PlatformCollector(registry)
    ProcessCollector(registry=registry)
    registry.register(collector)
    return lambda: generate_latest(registry)


_CACHE_CONFIGURATION = {
    "_block_size_resolved": "True",
    "block_size": "",
    "cache_dtype": "auto",
    "cache_hit_alignment_tokens": "None",
    "effective_attention_block_size": "",
    "enable_mamba_shared_prefix_checkpoint": "False",
    "enable_prefix_caching": "",
    "engine": "0",
    "gpu_memory_utilization": "0.92",
    "hash_block_size": "None",
    "is_attention_free": "False",
    "kv_cache_dtype_skip_layers": "[]",
    "kv_cache_layout": "None",
    "kv_cache_max_concurrency": "",
    "kv_cache_memory_bytes": "None",
    "kv_cache_size_tokens": "",
    "kv_offloading_backend": "native",
    "kv_offloading_size": "None",
    "kv_sharing_fast_prefill": "False",
    "mamba_block_size": "None",
    "mamba_cache_dtype": "auto",
    "mamba_cache_mode": "none",
    "mamba_page_size_padded": "None",
    "mamba_ssm_cache_dtype": "float32",
    "num_cpu_blocks": "None",
    "num_gpu_blocks": "",
    "num_gpu_blocks_override": "",
    "prefix_cache_retention_interval": "0",
    "prefix_caching_hash_algo": "sha256",
    "prefix_match_unit": "None",
    "replayssm_buffer_len": "16",
    "skip_page_size_padded": "None",
    "sliding_window": "None",
    "swa_bounded_replay": "True",
    "use_kda_recoverssm": "False",
    "use_replayssm": "False",
    "user_specified_block_size": "True",
}
