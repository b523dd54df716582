"""What the live view wants to know of a model server, read from its metrics page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SERIES: Final = re.compile(
    rb"^vllm:(num_requests_running|num_requests_waiting|kv_cache_usage_perc"
    rb"|prefix_cache_queries_total|prefix_cache_hits_total)(?:\{[^\n]*\})? (\S+)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class EngineView:
    """One server at one moment.

    Attributes:
        running: requests in its batch.
        waiting: requests in its queue.
        kv_usage: share of its KV cache that requests hold, 0..1.
        hit_rate: of the prompt tokens looked up in its prefix cache since it started, 0..1.
    """

    running: int = 0
    waiting: int = 0
    kv_usage: float = 0.0
    hit_rate: float = 0.0


def read_engine(page: bytes) -> EngineView:
    """Read a vLLM metrics page; what it does not say is zero.

    Only for showing: the picker's own reader, in `scrape`, knows every engine and generation.
    """
    values = {match[1]: float(match[2]) for match in _SERIES.finditer(page)}
    queries = values.get(b"prefix_cache_queries_total", 0.0)
    return EngineView(
        running=int(values.get(b"num_requests_running", 0)),
        waiting=int(values.get(b"num_requests_waiting", 0)),
        kv_usage=values.get(b"kv_cache_usage_perc", 0.0),
        hit_rate=values.get(b"prefix_cache_hits_total", 0.0) / queries if queries else 0.0,
    )
