"""What each inference engine calls the values we need, in every generation that is still in use.

Names are upstream's where upstream has the engine. Where several specs stand in a row, they are
generations of the same value and the first one on the page is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pointsman.domain.metric_specs import MetricSpec, parse_metric_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENGINE_LABELS = ("llm-d.ai/engine-type", "inference.networking.k8s.io/engine-type")
"""Endpoint labels that name the engine, the newer one first."""

DEFAULT_ENGINE = "vllm"


@dataclass(frozen=True, slots=True)
class EngineMapping:
    """Where one engine publishes each value; an empty tuple where it does not.

    Attributes:
        name: value of the endpoint's engine label.
        waiting: requests in its queue.
        running: requests in its batch.
        kv_usage: share of KV-cache blocks in use, 0..1.
        lora: series whose value is the time of an update and whose labels are the adapters.
        cache_info: series whose labels describe the KV cache.
        block_tokens_label: label of `cache_info` with the tokens in one KV block.
        blocks_label: label of `cache_info` with the number of KV blocks.
        block_tokens: tokens in one KV block, where that is a metric of its own.
        blocks: number of KV blocks, where that is a metric of its own.
        replica_label: label that tells the engine's data-parallel replicas (or models) apart.
            Their requests and blocks add up. Series that agree in it are views of the same
            replica by its tensor- or pipeline-parallel ranks, and do not.
    """

    name: str
    waiting: tuple[MetricSpec, ...] = ()
    running: tuple[MetricSpec, ...] = ()
    kv_usage: tuple[MetricSpec, ...] = ()
    lora: tuple[MetricSpec, ...] = ()
    cache_info: tuple[MetricSpec, ...] = ()
    block_tokens_label: str = "block_size"
    blocks_label: str = "num_gpu_blocks"
    block_tokens: tuple[MetricSpec, ...] = ()
    blocks: tuple[MetricSpec, ...] = ()
    replica_label: str = ""


def metric_specs(*texts: str) -> tuple[MetricSpec, ...]:
    """Specs in order of preference; empty texts are left out.

    Raises:
        ValueError: one of them is not a metric spec.
    """
    return tuple(spec for text in texts if (spec := parse_metric_spec(text)) is not None)


def built_in_engines() -> tuple[EngineMapping, ...]:
    """The engines that need no configuration, in the order in which a page is tried."""
    return (
        EngineMapping(
            name="vllm",
            waiting=metric_specs("vllm:num_requests_waiting"),
            running=metric_specs("vllm:num_requests_running"),
            # Releases up to 0.11 have the older name, some of them both; 0.14 has only the newer.
            kv_usage=metric_specs("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"),
            lora=metric_specs("vllm:lora_requests_info"),
            cache_info=metric_specs("vllm:cache_config_info"),
            replica_label="engine",
        ),
        EngineMapping(
            name="sglang",
            waiting=metric_specs("sglang:num_queue_reqs"),
            running=metric_specs("sglang:num_running_reqs"),
            kv_usage=metric_specs("sglang:token_usage"),
            cache_info=metric_specs("sglang:cache_config_info"),
            block_tokens_label="page_size",
            blocks_label="num_pages",
            # 0.5.23 has no cache_config_info any more but these two.
            block_tokens=metric_specs("sglang:page_size"),
            blocks=metric_specs("sglang:num_pages"),
            replica_label="dp_rank",
        ),
        EngineMapping(
            name="trtllm-serve",
            waiting=metric_specs("trtllm_num_requests_waiting"),
            running=metric_specs("trtllm_num_requests_running"),
            kv_usage=metric_specs("trtllm_kv_cache_utilization"),
            block_tokens=metric_specs("trtllm_kv_cache_tokens_per_block"),
            blocks=metric_specs("trtllm_kv_cache_max_blocks"),
        ),
        EngineMapping(
            name="triton-tensorrt-llm",
            waiting=metric_specs("nv_trt_llm_request_metrics{request_type=waiting}"),
            running=metric_specs("nv_trt_llm_request_metrics{request_type=scheduled}"),
            kv_usage=metric_specs(
                "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=fraction}"
            ),
            block_tokens=metric_specs(
                "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=tokens_per}"
            ),
            blocks=metric_specs("nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=max}"),
            replica_label="model",
        ),
        EngineMapping(
            name="triton",
            # Upstream reads running requests from nv_inference_exec_count, which counts batches
            # since the server started; that is no load, so we leave it out.
            waiting=metric_specs("nv_inference_pending_request_count"),
            replica_label="model",
        ),
        EngineMapping(
            name="llama.cpp",
            waiting=metric_specs("llamacpp:requests_deferred"),
            running=metric_specs("llamacpp:requests_processing"),
            kv_usage=metric_specs("llamacpp:kv_cache_usage_ratio"),  # gone from newer releases
        ),
    )


class Engines:
    """The engines this process knows, built in and configured.

    Args:
        configured: further mappings; one with a built-in name replaces the built-in.
        default: engine of endpoints that do not say.
        label_keys: endpoint labels that name the engine, in order of preference.

    Raises:
        ValueError: `default` is not the name of an engine.
    """

    def __init__(
        self,
        configured: Iterable[EngineMapping] = (),
        *,
        default: str = DEFAULT_ENGINE,
        label_keys: tuple[str, ...] = ENGINE_LABELS,
    ) -> None:
        by_name = {engine.name: engine for engine in (*built_in_engines(), *configured)}
        if default not in by_name:
            raise ValueError(
                f"default engine {default!r} is unknown; known are {', '.join(by_name)}"
            )
        self._by_name: Mapping[str, EngineMapping] = MappingProxyType(by_name)
        self._by_preference = (
            by_name[default],
            *(engine for engine in by_name.values() if engine.name != default),
        )
        self._label_keys = label_keys

    def for_labels(self, labels: Mapping[str, str]) -> tuple[EngineMapping, ...]:
        """The mappings to try on an endpoint's page, the likeliest first.

        That is the engine its labels name; or, if they name none that is known, all engines, the
        default one first. The newer label alone counts if both are there.
        """
        for key in self._label_keys:
            if key in labels:
                engine = self._by_name.get(labels[key])
                return self._by_preference if engine is None else (engine,)
        return self._by_preference
