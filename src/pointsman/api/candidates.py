"""The endpoints that one decision may choose from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pointsman.api.signals import BoolArray, FloatArray, Signal, SlotArray
    from pointsman.domain.endpoints import Endpoint

MATCHED_TOKENS = "matched-tokens"
"""Feature: prompt tokens already in an endpoint's KV cache, shape (n_candidates,)."""


@dataclass(frozen=True, slots=True)
class AdapterSlots:
    """Which slots hold one LoRA adapter: bit i of each integer stands for slot i."""

    active: int = 0
    waiting: int = 0


@dataclass(slots=True)  # not frozen: that would cost each decision several microseconds
class Candidates:
    """Endpoints with their signals; never changed, valid for one synchronous decision.

    Attributes:
        endpoints: of every slot of the table; None in a free slot.
        slots: the candidates, ascending, shape (n_candidates,).
        signals: shape (n_signals, n_slots), read-only by agreement.
        now_s: monotonic time of the decision.
        adapters: LoRA adapters by name.
        features: what producers found out about this request, each of shape (n_candidates,).
        is_dense: the slots are 0..n-1, so columns need not be gathered.
    """

    endpoints: Sequence[Endpoint | None]
    slots: SlotArray
    signals: FloatArray
    now_s: float
    adapters: Mapping[str, AdapterSlots] = field(default_factory=dict)
    features: Mapping[str, FloatArray] = field(default_factory=dict)
    is_dense: bool = False

    def __len__(self) -> int:
        return len(self.slots)

    def column(self, signal: Signal) -> FloatArray:
        """One signal of every candidate, shape (n_candidates,); never write to it."""
        row = self.signals[signal]
        column: FloatArray = row[: len(self.slots)] if self.is_dense else row.take(self.slots)
        return column

    def columns(self) -> FloatArray:
        """All signals of every candidate, shape (n_signals, n_candidates); never write to it."""
        if self.is_dense:
            return self.signals[:, : len(self.slots)]
        gathered: FloatArray = self.signals.take(self.slots, axis=1)
        return gathered

    def endpoint(self, position: int) -> Endpoint:
        """The candidate at this position."""
        endpoint = self.endpoints[int(self.slots[position])]
        assert endpoint is not None, "a candidate's slot is never free"
        return endpoint

    def feature(self, name: str) -> FloatArray:
        """What a producer found, zeros when none ran; shape (n_candidates,)."""
        found = self.features.get(name)
        return np.zeros(len(self.slots)) if found is None else found

    def holds(self, slots: int) -> BoolArray:
        """Which candidates are in a bitset of slots, shape (n_candidates,)."""
        return slot_mask(slots, self.signals.shape[1]).take(self.slots)

    def where(self, mask: BoolArray) -> Candidates:
        """The candidates that a mask of shape (n_candidates,) keeps."""
        return Candidates(
            endpoints=self.endpoints,
            slots=self.slots[mask],
            signals=self.signals,
            now_s=self.now_s,
            adapters=self.adapters,
            features={name: column[mask] for name, column in self.features.items()},
        )

    def with_features(self, features: Mapping[str, FloatArray]) -> Candidates:
        """The same candidates with more known about them."""
        return Candidates(
            endpoints=self.endpoints,
            slots=self.slots,
            signals=self.signals,
            now_s=self.now_s,
            adapters=self.adapters,
            features={**self.features, **features},
            is_dense=self.is_dense,
        )


def slot_mask(slots: int, n_slots: int) -> BoolArray:
    """A bitset of slots as a mask of shape (n_slots,)."""
    packed = np.frombuffer(slots.to_bytes((n_slots + 7) // 8, "little"), dtype=np.uint8)
    return np.unpackbits(packed, count=n_slots, bitorder="little").view(np.bool_)
