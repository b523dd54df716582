"""What the canned model server says, byte for byte: shapes and sizes are a real vLLM's."""

from __future__ import annotations

from typing import Final

_GAUGES = b"""# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="bench"} 0.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="bench"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="bench"} 0.0
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="20000"} 1.0
"""
_BUCKET = b'vllm:request_time_seconds_bucket{engine="0",model_name="bench",le="%d"} 0.0\n'

METRICS: Final = _GAUGES + b"".join(_BUCKET % bound for bound in range(700))
"""A page of 50 KB, nearly all of it histograms that nobody reads, as a real one is."""

CHUNK: Final = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"bench","choices":'
    b'[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}\n\n'
)
"""One token of a stream."""

_USAGE = (
    b'"usage":{"prompt_tokens":256,"completion_tokens":%d,"total_tokens":300,'
    b'"prompt_tokens_details":{"cached_tokens":128}}'
)


def answer(*, tokens: int) -> bytes:
    """A completion that is not streamed."""
    head = b'{"id":"c","object":"chat.completion","model":"bench","choices":[],'
    return head + _USAGE % tokens + b"}"


def last_chunk(*, tokens: int) -> bytes:
    """The end of a stream: usage, then the mark."""
    return b'data: {"choices":[],' + _USAGE % tokens + b"}\n\ndata: [DONE]\n\n"
