"""What goes into an engine and what comes out of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

TOKEN_BYTES = 4
"""A token is an unsigned 32-bit number, little endian."""


class EngineError(Exception):
    """A request that the engine will not take."""


class QueueFullError(EngineError):
    """The caller must back off: `inflight_max` requests are running or waiting."""


class ContextTooLongError(EngineError):
    """The client must send less: prompt and output do not fit `context_tokens_max`."""


class UnknownAdapterError(EngineError):
    """A request names an adapter and the engine has no LoRA slots."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """One prompt and the answer it will get.

    Attributes:
        prompt: its tokens, `TOKEN_BYTES` each, at least one.
        output: the tokens the model will answer with; empty for an embedding.
        adapter: LoRA adapter, "" = the model itself.
        cache_salt: separates the KV cache of tenants.
    """

    prompt: bytes
    output: bytes
    adapter: str = ""
    cache_salt: str = ""


class Started(NamedTuple):
    """A request that entered the batch for the first time."""

    id: int
    queued_s: float
    cached_tokens: int


class FirstToken(NamedTuple):
    """A request that got its first token, `waited_s` after it arrived."""

    id: int
    waited_s: float


class Finished(NamedTuple):
    """A request that is complete.

    `decoding_s` is from the first token to the last; `prefilling_s` from entering the batch to the
    first token (for an embedding: to the end).
    """

    id: int
    prompt_tokens: int
    output_tokens: int
    cached_tokens: int
    preemptions: int
    total_s: float
    queued_s: float
    prefilling_s: float
    decoding_s: float


class Step(NamedTuple):
    """One engine step; everything in it becomes visible at `ends_at_s`.

    Attributes:
        starts_at_s: when it began.
        ends_at_s: when its tokens exist.
        prefilled_tokens: prompt tokens computed in it.
        emitted: ids of the requests that got a token, one each.
        started: requests that entered the batch.
        first_tokens: those of `emitted` that got their first one.
        token_gaps: (seconds since the request's previous token, how many requests).
        finished: requests that are complete; they have left the engine.
    """

    starts_at_s: float
    ends_at_s: float
    prefilled_tokens: int
    emitted: list[int]
    started: list[Started]
    first_tokens: list[FirstToken]
    token_gaps: list[tuple[float, int]]
    finished: list[Finished]


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """The engine between two steps; counters are since it was made.

    Attributes:
        running: requests in the batch.
        waiting_capacity: requests waiting for room in the batch or in the cache.
        waiting_deferred: requests waiting for a LoRA slot.
        kv_usage: share of the usable blocks that requests hold, 0..1.
        cached_blocks: blocks that hold a reusable prefix, held or not.
        running_adapters: adapters in the batch, sorted.
        waiting_adapters: adapters that waiting requests ask for, sorted.
        steps: engine steps.
        preemptions: requests thrown out of the batch because blocks ran out.
        queried_tokens: prompt tokens looked up in the prefix cache.
        hit_tokens: those that were found.
        prompt_tokens: of requests that finished their prefill.
        prompt_cached_tokens: those of them that came from the cache.
        output_tokens: tokens emitted.
        finished: requests completed.
        aborted: requests aborted.
        rejected: requests refused because the queue was full.
        running_peak: most requests in one batch.
        waiting_peak: most requests waiting.
    """

    running: int
    waiting_capacity: int
    waiting_deferred: int
    kv_usage: float
    cached_blocks: int
    running_adapters: tuple[str, ...]
    waiting_adapters: tuple[str, ...]
    steps: int
    preemptions: int
    queried_tokens: int
    hit_tokens: int
    prompt_tokens: int
    prompt_cached_tokens: int
    output_tokens: int
    finished: int
    aborted: int
    rejected: int
    running_peak: int
    waiting_peak: int
