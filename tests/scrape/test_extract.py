from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.samples import EngineSample
from pointsman.scrape.engines import EngineMapping, built_in_engines, metric_specs
from pointsman.scrape.extract import read_sample

ENGINES = {engine.name: engine for engine in built_in_engines()}
FIXTURES = Path(__file__).parent / "fixtures"


def sample_of(engine: str, page: str) -> EngineSample:
    return read_sample(page.encode(), ENGINES[engine])


VLLM_SMALL = EngineSample(waiting=0, running=0, kv_usage=0, block_tokens=32, blocks=256)
VLLM_LARGE = replace(VLLM_SMALL, block_tokens=128, blocks=16384)
SGLANG = replace(VLLM_SMALL, block_tokens=1, blocks=8192)
ADAPTERS = frozenset({"lora-1", "lora-2"})
UNDER_LOAD = replace(
    VLLM_SMALL, waiting=4, running=4, lora_max=2, lora_active=ADAPTERS, lora_waiting=ADAPTERS
)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("vllm-idle", VLLM_LARGE),
        ("vllm-after-2-requests", VLLM_LARGE),
        ("vllm-0.28.0", VLLM_SMALL),
        (
            "vllm-lora-idle",
            replace(VLLM_SMALL, lora_max=2),
        ),
        (
            "vllm-lora-load-1",
            replace(UNDER_LOAD, kv_usage=0.34509803921568627),
        ),
        (
            "vllm-lora-load-4",
            replace(UNDER_LOAD, kv_usage=0.596078431372549),
        ),
        ("sglang-idle", SGLANG),
        ("sglang-load-1", replace(SGLANG, waiting=12, running=4, kv_usage=0.17)),
        ("sglang-load-4", replace(SGLANG, running=4, kv_usage=0.1)),
        ("llamacpp", EngineSample(waiting=0, running=0)),
    ],
)
def test_a_real_engine_s_page_is_understood(page: str, expected: EngineSample) -> None:
    engine = "llama.cpp" if page == "llamacpp" else page.partition("-")[0]

    assert read_sample((FIXTURES / f"{page}.prom").read_bytes(), ENGINES[engine]) == expected


@pytest.mark.parametrize(
    ("engine", "page", "expected"),
    [
        (
            "vllm",
            'vllm:gpu_cache_usage_perc{model_name="m"} 0.25\n',
            EngineSample(kv_usage=0.25),
        ),
        (
            "vllm",  # 0.9.2 and 0.11.0 publish both names
            'vllm:gpu_cache_usage_perc{engine="0"} 0.5\nvllm:kv_cache_usage_perc{engine="0"} 0.5\n',
            EngineSample(kv_usage=0.5),
        ),
        (
            "sglang",  # as upstream's mapping knows it
            'sglang:cache_config_info{num_pages="100",page_size="64"} 1.0\n',
            EngineSample(block_tokens=64, blocks=100),
        ),
        (
            "trtllm-serve",
            (
                "trtllm_num_requests_waiting 2\ntrtllm_num_requests_running 3\n"
                "trtllm_kv_cache_utilization 0.5\ntrtllm_kv_cache_tokens_per_block 32\n"
                "trtllm_kv_cache_max_blocks 1000\n"
            ),
            EngineSample(waiting=2, running=3, kv_usage=0.5, block_tokens=32, blocks=1000),
        ),
        (
            "triton-tensorrt-llm",
            (
                'nv_trt_llm_request_metrics{model="m",request_type="waiting",version="1"} 2\n'
                'nv_trt_llm_request_metrics{model="m",request_type="scheduled",version="1"} 3\n'
                'nv_trt_llm_request_metrics{model="m",request_type="max",version="1"} 512\n'
                'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="m"} 0.5\n'
                'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per",model="m"} 64\n'
                'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="m"} 1000\n'
            ),
            EngineSample(waiting=2, running=3, kv_usage=0.5, block_tokens=64, blocks=1000),
        ),
        (
            "triton",
            (
                'nv_inference_pending_request_count{model="a",version="1"} 2\n'
                'nv_inference_pending_request_count{model="b",version="1"} 3\n'
                'nv_inference_exec_count{model="a",version="1"} 12345\n'
            ),
            EngineSample(waiting=5),
        ),
        (
            "llama.cpp",  # before its KV cache became one pool
            (
                "llamacpp:requests_processing 1\nllamacpp:requests_deferred 2\n"
                "llamacpp:kv_cache_usage_ratio 0.75\n"
            ),
            EngineSample(waiting=2, running=1, kv_usage=0.75),
        ),
    ],
)
def test_older_and_other_engines_are_understood(
    engine: str, page: str, expected: EngineSample
) -> None:
    assert sample_of(engine, page) == expected


def test_data_parallel_engines_behind_one_port_add_up() -> None:
    sample = sample_of(
        "vllm",
        'vllm:num_requests_waiting{engine="0",model_name="m"} 3\n'
        'vllm:num_requests_waiting{engine="1",model_name="m"} 4\n'
        'vllm:num_requests_running{engine="0",model_name="m"} 1\n'
        'vllm:num_requests_running{engine="1",model_name="m"} 1\n'
        'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25\n'
        'vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75\n'
        'vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="100"} 1.0\n'
        'vllm:cache_config_info{block_size="16",engine="1",num_gpu_blocks="100"} 1.0\n',
    )

    assert sample == EngineSample(waiting=7, running=2, kv_usage=0.5, block_tokens=16, blocks=200)


def test_ranks_of_one_replica_are_views_of_the_same_requests() -> None:
    sample = sample_of(
        "sglang",
        'sglang:num_running_reqs{dp_rank="0",tp_rank="0"} 3\n'
        'sglang:num_running_reqs{dp_rank="0",tp_rank="1"} 3\n'
        'sglang:num_running_reqs{dp_rank="1",tp_rank="2"} 4\n'
        'sglang:num_running_reqs{dp_rank="1",tp_rank="3"} 4\n'
        'sglang:num_pages{tp_rank="0"} 50\n'
        'sglang:num_pages{tp_rank="1"} 50\n',
    )

    assert sample == EngineSample(running=7, blocks=50)


def test_the_newest_adapter_series_counts_and_the_first_of_equals() -> None:
    def info(running: str, waiting: str, value: str) -> str:
        return (
            f'vllm:lora_requests_info{{max_lora="4",running_lora_adapters="{running}",'
            f'waiting_lora_adapters="{waiting}"}} {value}\n'
        )

    page = info("old", "", "1.7e+09") + info(" a , b,,", "c", "1.8e+09") + info("x", "y", "1.8e+09")

    assert sample_of("vllm", page) == EngineSample(
        lora_max=4, lora_active=frozenset({"a", "b"}), lora_waiting=frozenset({"c"})
    )


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
def test_a_value_that_is_no_number_is_not_published(value: str) -> None:
    assert sample_of("vllm", f"vllm:num_requests_waiting {value}\n").is_empty
    assert sample_of("vllm", f"vllm:kv_cache_usage_perc {value}\n").is_empty


def test_a_replica_without_a_number_does_not_hide_the_others() -> None:
    page = 'vllm:kv_cache_usage_perc{engine="0"} NaN\nvllm:kv_cache_usage_perc{engine="1"} 0.5\n'

    assert sample_of("vllm", page).kv_usage == 0.5


@pytest.mark.parametrize("blocks", ["None", "", "0", "-1", "1.5", "\u0662", "9" * 400])
def test_a_count_that_the_engine_does_not_know_yet_is_none(blocks: str) -> None:
    page = f'vllm:cache_config_info{{block_size="16",num_gpu_blocks="{blocks}"}} 1.0\n'

    assert sample_of("vllm", page) == EngineSample(block_tokens=16)


def test_usage_stays_a_share_and_queues_are_never_negative() -> None:
    page = "vllm:kv_cache_usage_perc 1.7\nvllm:num_requests_waiting -3\n"

    assert sample_of("vllm", page) == EngineSample(kv_usage=1.0, waiting=0.0)


def test_a_configured_engine_chooses_among_a_family_s_series() -> None:
    engine = EngineMapping(
        name="mine",
        waiting=metric_specs('requests{state="queued"}'),
        running=metric_specs("requests{state=running}"),
    )
    page = b'requests{state="queued",x="1"} 2\nrequests{state="running"} 3\nrequests 9\n'

    assert read_sample(page, engine) == EngineSample(waiting=2, running=3)


@given(page=st.binary(max_size=100), engine=st.sampled_from(list(ENGINES)))
def test_no_page_makes_it_fail(page: bytes, engine: str) -> None:
    lines = [
        spec.name.encode() + b'{engine="0",' + page + b"} " + page
        for spec in (*ENGINES[engine].waiting, *ENGINES[engine].kv_usage, *ENGINES[engine].lora)
    ]
    sample = read_sample(b"\n".join(lines), ENGINES[engine])

    assert sample.waiting is None or sample.waiting >= 0
    assert sample.kv_usage is None or 0 <= sample.kv_usage <= 1
