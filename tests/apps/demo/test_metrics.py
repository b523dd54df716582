"""The live view reads the pages that a vLLM really serves."""

from __future__ import annotations

from pointsman.apps.demo.metrics import EngineView, read_engine

PAGE = b"""\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_waiting{engine="0",model_name="tiny"} 7.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="tiny",reason="capacity"} 9.0
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.25
vllm:prefix_cache_queries_total{engine="0",model_name="tiny"} 400.0
vllm:prefix_cache_queries_created{engine="0",model_name="tiny"} 1.79e+09
vllm:prefix_cache_hits_total{engine="0",model_name="tiny"} 1e+02
"""


def test_a_vllm_page_is_read() -> None:
    assert read_engine(PAGE) == EngineView(running=3, waiting=7, kv_usage=0.25, hit_rate=0.25)


def test_what_a_page_does_not_say_is_zero() -> None:
    assert read_engine(b"") == EngineView()
