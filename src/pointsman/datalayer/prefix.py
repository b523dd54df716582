"""Which endpoints hold which prompt prefixes: one table for the whole pool.

A block's hash leads to a bitset of the slots that have computed it. Walking a prompt is AND-ing
bitsets until none is left, whatever the number of endpoints. Each slot forgets its oldest blocks
when it has computed more tokens than its engine's KV cache holds (CLOCK: a block that was used
again gets a second chance), and the whole table is bounded in bytes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.candidates import slot_mask
from pointsman.api.signals import Signal
from pointsman.datalayer import blocks

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.datalayer.table import EndpointTable
    from pointsman.domain.requests import InferenceRequest

ENTRY_BYTES = 320
"""A dict entry, its key, the entry object and two small integers (measured, CPython 3.11)."""
REFERENCE_BYTES = 8
"""One pointer in a slot's ring."""


@dataclass(frozen=True, slots=True)
class PrefixSettings:
    """Limits of the index.

    Attributes:
        bytes_max: estimated memory of the table; 64 MiB holds about 200,000 blocks, or 15 to 50
            million tokens of distinct prompts.
        prompt_bytes_max: longer prompts are matched on their first bytes only; 512 KiB is the
            131,072 tokens that upstream matches.
        endpoint_tokens: KV cache of an endpoint that does not publish its size; upstream assumes
            31,250 blocks of 16 tokens.
    """

    bytes_max: int = 64 * 1024 * 1024
    prompt_bytes_max: int = 512 * 1024
    endpoint_tokens: int = 31_250 * 16


@dataclass(frozen=True, slots=True)
class PrefixStatistics:
    """Size of the index, estimated."""

    blocks: int
    references: int
    bytes: int


class _Entry:
    """One block: who holds it, who used it again since it was last looked at, its size."""

    __slots__ = ("holders", "tokens", "used")

    def __init__(self, holders: int, tokens: float) -> None:
        self.holders = holders
        self.used = 0
        self.tokens = tokens


class PrefixTable:
    """The prefix index of one pool."""

    def __init__(self, table: EndpointTable, settings: PrefixSettings | None = None) -> None:
        self._table = table
        self._settings = settings or PrefixSettings()
        self._entries: dict[int, _Entry] = {}
        self._rings: dict[int, deque[int]] = {}
        self._tokens: dict[int, float] = {}
        self._references = 0

    def match(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """Prompt tokens that each candidate has cached, shape (n_candidates,)."""
        prompt = self._blocks(request)
        n_slots = candidates.signals.shape[1]
        matched = np.zeros(n_slots)
        alive, end = 0, 0
        for block, block_end in zip(prompt.hashes, prompt.ends, strict=True):
            entry = self._entries.get(block)
            still = 0 if entry is None else entry.holders if end == 0 else alive & entry.holders
            if still != alive and end:
                matched[slot_mask(alive & ~still, n_slots)] = end
            alive, end = still, block_end
            if not alive:
                break
        if alive:
            matched[slot_mask(alive, n_slots)] = end
        tokens: FloatArray = (
            matched[: len(candidates)] if candidates.is_dense else matched.take(candidates.slots)
        )
        tokens *= request.prompt.tokens / max(prompt.total_bytes, 1)
        return tokens

    def record(self, request: InferenceRequest, slot: int) -> None:
        """`slot` is about to compute and cache this prompt."""
        prompt = self._blocks(request)
        bit = 1 << slot
        ring = self._rings.setdefault(slot, deque())
        tokens_per_byte = request.prompt.tokens / max(prompt.total_bytes, 1)
        start, added = 0, 0.0
        for block, end in zip(prompt.hashes, prompt.ends, strict=True):
            entry = self._entries.get(block)
            if entry is None:
                entry = self._entries[block] = _Entry(0, (end - start) * tokens_per_byte)
            if entry.holders & bit:
                entry.used |= bit
            else:
                entry.holders |= bit
                ring.append(block)
                added += entry.tokens
                self._references += 1
            start = end
        self._tokens[slot] = self._tokens.get(slot, 0.0) + added
        self._shrink(slot)

    def forget(self, slot: int) -> None:
        """The slot has a new tenant, or its engine has lost its cache."""
        ring = self._rings.pop(slot, deque())
        self._tokens.pop(slot, None)
        while ring:
            self._release(ring.popleft(), 1 << slot)

    def statistics(self) -> PrefixStatistics:
        """Size now."""
        return PrefixStatistics(len(self._entries), self._references, self._bytes())

    def _blocks(self, request: InferenceRequest) -> blocks.PromptBlocks:
        memo = request.blocks
        if not isinstance(memo, blocks.PromptBlocks):
            memo = blocks.cut(request, prompt_bytes_max=self._settings.prompt_bytes_max)
            request.blocks = memo
        return memo

    def _bytes(self) -> int:
        return len(self._entries) * ENTRY_BYTES + self._references * REFERENCE_BYTES

    def _capacity_tokens(self, slot: int) -> float:
        column = self._table.signals[:, slot]
        published = float(column[Signal.BLOCKS] * column[Signal.BLOCK_TOKENS])
        return published or float(self._settings.endpoint_tokens)

    def _shrink(self, slot: int) -> None:
        capacity = self._capacity_tokens(slot)
        while self._tokens[slot] > capacity and self._rings[slot]:
            self._evict_one(slot)
        while self._bytes() > self._settings.bytes_max:
            fullest = max(self._rings, key=lambda other: len(self._rings[other]))
            for _ in range(min(len(self._rings[fullest]), 64)):
                self._evict_one(fullest)

    def _evict_one(self, slot: int) -> None:
        """Forget the slot's oldest block that was not used again since it was last looked at."""
        ring, bit = self._rings[slot], 1 << slot
        while True:
            block = ring.popleft()
            entry = self._entries[block]
            if not entry.used & bit:
                break
            entry.used &= ~bit
            ring.append(block)
        self._tokens[slot] -= entry.tokens
        self._release(block, bit)

    def _release(self, block: int, bit: int) -> None:
        entry = self._entries[block]
        entry.holders &= ~bit
        entry.used &= ~bit
        self._references -= 1
        if not entry.holders:
            del self._entries[block]
