"""Prefer endpoints that hold the request's LoRA adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.candidates import AdapterSlots
from pointsman.api.columns import scraped
from pointsman.api.plugins import Scorer
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest

ACTIVE, ROOM, WAITING, FULL = 1.0, 0.8, 0.6, 0.0
"""Upstream's scores: loaded; can be loaded without evicting; queued for; another must go first."""


class LoraAffinityScorer(Scorer):
    """Prefers the endpoint that has the target model's LoRA adapter loaded, then one with room.

    score = 1 where the adapter is in the batch; else 0.8 where active and waiting adapters
    together are fewer than the engine can hold; else 0.6 where requests for it are queued; else 0.
    Adapters in both states count twice, as upstream counts them. Engines without adapters score 0
    alike, so the scorer then decides nothing.
    """

    type_name = "lora-affinity-scorer"

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        """One of 1, 0.8, 0.6 and 0 for each candidate, shape (n_candidates,)."""
        wanted = candidates.adapters.get(request.target_model, AdapterSlots())
        room = _adapters_held(candidates) < scraped(candidates, Signal.LORA_MAX, unknown=0.0)
        scores: FloatArray = np.select(
            [candidates.holds(wanted.active), room, candidates.holds(wanted.waiting)],
            [ACTIVE, ROOM, WAITING],
            default=FULL,
        )
        return scores


def _adapters_held(candidates: Candidates) -> FloatArray:
    """Adapters active or waiting on each candidate, shape (n_candidates,).

    All bitsets are unpacked at once: one numpy call per adapter would cost milliseconds with
    hundreds of adapters.
    """
    if not candidates.adapters:
        return np.zeros(len(candidates))
    n_slots = candidates.signals.shape[1]
    n_bytes = (n_slots + 7) // 8
    bitsets = [
        slots.to_bytes(n_bytes, "little")
        for held in candidates.adapters.values()
        for slots in (held.active, held.waiting)
    ]
    packed = np.frombuffer(b"".join(bitsets), np.uint8)
    bits = np.unpackbits(packed.reshape(-1, n_bytes), axis=1, count=n_slots, bitorder="little")
    counts: FloatArray = bits.sum(axis=0, dtype=np.float64).take(candidates.slots)
    return counts
