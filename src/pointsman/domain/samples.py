"""What one scrape of a model server says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSample:
    """One reading of an engine's metrics; None where the engine does not publish the value.

    Attributes:
        waiting: requests in its queue.
        running: requests in its batch.
        kv_usage: share of KV-cache blocks in use, 0..1.
        block_tokens: tokens in one KV block.
        blocks: KV blocks it has.
        lora_max: adapters it can hold at once.
        lora_active: adapters in its batch.
        lora_waiting: adapters that requests in its queue ask for.
    """

    waiting: float | None = None
    running: float | None = None
    kv_usage: float | None = None
    block_tokens: int | None = None
    blocks: int | None = None
    lora_max: int | None = None
    lora_active: frozenset[str] = frozenset()
    lora_waiting: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Nothing that a pick could use was found."""
        return self.waiting is None and self.running is None and self.kv_usage is None
