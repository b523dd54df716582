"""How big and how fast a simulated engine is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Speed:
    """What one engine step costs.

    A step that prefills P tokens (each of which attends to A earlier ones on average) and decodes
    one token for each of D requests, whose contexts hold C tokens together, takes::

        step_s + P * prefill_token_s + P * A * attention_pair_s + D * decode_s + C * context_token_s

    Prefill and decode share the step, so a long prompt delays the tokens of everybody else: this is
    the effect that an endpoint picker must know about.

    Attributes:
        step_s: fixed cost: reading the weights once, kernel launches, scheduling.
        prefill_token_s: dense compute of one prompt token.
        attention_pair_s: attention of one prompt token to one earlier token.
        decode_s: sampling and bookkeeping of one request in the batch.
        context_token_s: reading one token's keys and values during decode.
    """

    step_s: float
    prefill_token_s: float
    attention_pair_s: float
    decode_s: float
    context_token_s: float

    def __post_init__(self) -> None:
        costs = (self.step_s, self.prefill_token_s, self.attention_pair_s, self.decode_s,
                 self.context_token_s)  # fmt: skip
        if min(costs) < 0 or self.step_s <= 0:
            raise ValueError("speed: costs must not be negative, and step_s must be positive")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Limits of an engine; names in brackets are vLLM's flags.

    Attributes:
        speed: cost of a step.
        blocks: KV-cache blocks [--num-gpu-blocks-override]; one of them is never used, as in vLLM.
        block_tokens: tokens in one block [--block-size].
        context_tokens_max: prompt and output of one request together [--max-model-len].
        batched_tokens_max: tokens computed in one step [--max-num-batched-tokens].
        running_max: requests in the batch [--max-num-seqs].
        inflight_max: requests running or waiting, None = no limit [--max-num-queued-reqs].
        adapters_max: LoRA adapters in one batch [--max-loras]; 0 = the engine has no LoRA.
        is_caching: prefix caching [--enable-prefix-caching].
    """

    speed: Speed
    blocks: int
    block_tokens: int = 16
    context_tokens_max: int = 8192
    batched_tokens_max: int = 2048
    running_max: int = 256
    inflight_max: int | None = None
    adapters_max: int = 0
    is_caching: bool = True

    def __post_init__(self) -> None:
        if min(self.block_tokens, self.running_max) < 1 or self.adapters_max < 0:
            raise ValueError("engine: block_tokens and running_max must be positive")
        if self.batched_tokens_max < self.running_max:
            raise ValueError(
                f"engine: batched_tokens_max ({self.batched_tokens_max}) must not be below "
                f"running_max ({self.running_max}): each running request decodes one token a step"
            )
        if not 1 < self.context_tokens_max <= self.cache_tokens:
            raise ValueError(
                f"engine: context_tokens_max must be between 2 and the {self.cache_tokens} tokens "
                f"that {self.blocks} blocks hold, not {self.context_tokens_max}"
            )
        if self.inflight_max is not None and self.inflight_max < 1:
            raise ValueError("engine: inflight_max must be positive, or None for no limit")

    @property
    def cache_tokens(self) -> int:
        """Tokens that the usable blocks hold."""
        return (self.blocks - 1) * self.block_tokens
