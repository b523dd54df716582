"""The endpoint table: a struct of arrays with one slot per endpoint and port.

One owner writes (scrapes, the ledger, discovery, all on the data path's loop thread); decisions
read it through `Candidates` without waiting, so they see one consistent state and need no lock.

A slot belongs to one endpoint for its whole life, so that bitsets of slots (prefix index, LoRA
adapters) stay valid while others come and go. `generations` tells a slot's tenants apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.candidates import AdapterSlots, Candidates
from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pointsman.api.signals import FloatArray, SlotArray
    from pointsman.domain.endpoints import Address, Endpoint
    from pointsman.domain.samples import EngineSample

PREFILL_RATE_PRIOR = 8_000.0
"""Tokens per second assumed before anything is learned: an 8B model on a mid-range GPU."""

_ROOM = 64
"""Slots are added in steps of this many, so that growth is rare."""


@dataclass(frozen=True, slots=True)
class TableChange:
    """What one new list of endpoints did to the table: slots that got and lost their tenant."""

    added: tuple[int, ...]
    removed: tuple[int, ...]


class EndpointTable:
    """Every endpoint of the pool with its signals.

    Args:
        endpoints_max: more than this many are refused; bounds memory and bitset width.

    Attributes:
        endpoints: those in the table, in slot order; the same object until that changes.
        signals: shape (n_signals, n_slots); columns of free slots are zero.
        generations: how many tenants each slot has had.
    """

    def __init__(self, *, endpoints_max: int = 10_000) -> None:
        self._endpoints_max = endpoints_max
        self._endpoints: list[Endpoint | None] = []
        self._slot_by_id: dict[str, int] = {}
        self._slot_by_address: dict[Address, int] = {}
        self._slots_by_host: dict[str, tuple[int, ...]] = {}
        self._slots: SlotArray = np.empty(0, dtype=np.intp)
        self._is_dense = True
        self.endpoints: tuple[Endpoint, ...] = ()
        self._adapters: dict[str, AdapterSlots] = {}
        self._unreachable: set[int] = set()
        self.signals: FloatArray = np.zeros((len(Signal), 0))
        self.generations: list[int] = []

    def __len__(self) -> int:
        return len(self._slots)

    def slot_of(self, endpoint_id: str) -> int | None:
        """The slot of this `namespace/name`."""
        return self._slot_by_id.get(endpoint_id)

    def slot_at(self, address: Address) -> int | None:
        """The slot of the endpoint at this address."""
        return self._slot_by_address.get(address)

    def slots_on(self, host: str) -> tuple[int, ...]:
        """The slots of every port of this IP address."""
        return self._slots_by_host.get(host, ())

    def endpoint_in(self, slot: int) -> Endpoint | None:
        """The tenant of a slot."""
        return self._endpoints[slot]

    def prefill_rate(self, slot: int) -> float:
        """Learned prefill rate of a slot, tokens per second."""
        return float(self.signals[Signal.PREFILL_RATE, slot])

    def candidates(self, now_s: float) -> Candidates:
        """Every endpoint, ready to be filtered and scored."""
        return self._view(self._slots, now_s, is_dense=self._is_dense)

    def candidates_in(self, slots: Iterable[int], now_s: float) -> Candidates:
        """Only the endpoints in these slots."""
        return self._view(np.array(sorted(set(slots)), dtype=np.intp), now_s, is_dense=False)

    def _view(self, slots: SlotArray, now_s: float, *, is_dense: bool) -> Candidates:
        return Candidates(
            endpoints=self._endpoints,
            slots=slots,
            signals=self.signals,
            now_s=now_s,
            adapters=self._adapters,
            is_dense=is_dense,
        )

    def replace(self, endpoints: Sequence[Endpoint]) -> TableChange:
        """Make the table hold exactly these endpoints; known ones keep slot and signals.

        An endpoint is known when both its id and its address are the same as before.

        Raises:
            ValueError: two share an id or an address, or there are more than `endpoints_max`.
        """
        _require_distinct(endpoints, endpoints_max=self._endpoints_max)
        kept = {
            endpoint.id: slot
            for endpoint in endpoints
            if (slot := self._slot_by_id.get(endpoint.id)) is not None
            and self._address_in(slot) == endpoint.address
        }
        removed = tuple(sorted(set(self._slot_by_id.values()) - set(kept.values())))
        for slot in removed:
            self._vacate(slot)
        added = []
        for endpoint in endpoints:
            slot = kept.get(endpoint.id)
            if slot is None:
                slot = self._occupy(endpoint)
                added.append(slot)
            self._endpoints[slot] = endpoint
        self._rebuild_lookups()
        return TableChange(added=tuple(added), removed=removed)

    def mark_reachable(self, slot: int, *, is_reachable: bool) -> None:
        """Say whether anybody answers at this endpoint."""
        self.signals[Signal.UNREACHABLE, slot] = 0.0 if is_reachable else 1.0
        if is_reachable:
            self._unreachable.discard(slot)
        else:
            self._unreachable.add(slot)

    @property
    def has_unreachable(self) -> bool:
        """Some endpoint does not answer."""
        return bool(self._unreachable)

    def store(self, endpoint_id: str, sample: EngineSample, *, scraped_at_s: float) -> None:
        """Write what a scrape found; values the engine does not publish keep their column.

        An endpoint that has meanwhile left the table is ignored.
        """
        slot = self._slot_by_id.get(endpoint_id)
        if slot is None:
            return
        column = self.signals[:, slot]
        for signal, value in (
            (Signal.WAITING, sample.waiting),
            (Signal.RUNNING, sample.running),
            (Signal.KV_USAGE, sample.kv_usage),
            (Signal.BLOCK_TOKENS, sample.block_tokens),
            (Signal.BLOCKS, sample.blocks),
            (Signal.LORA_MAX, sample.lora_max),
        ):
            if value is not None and math.isfinite(value):
                column[signal] = max(float(value), 0.0)
        column[Signal.SCRAPED_AT_S] = scraped_at_s
        self._store_adapters(slot, sample)

    def _store_adapters(self, slot: int, sample: EngineSample) -> None:
        bit = 1 << slot
        names = self._adapters.keys() | sample.lora_active | sample.lora_waiting
        for name in names:
            before = self._adapters.get(name, AdapterSlots())
            after = AdapterSlots(
                active=_with_bit(before.active, bit, on=name in sample.lora_active),
                waiting=_with_bit(before.waiting, bit, on=name in sample.lora_waiting),
            )
            if after.active or after.waiting:
                self._adapters[name] = after
            else:
                self._adapters.pop(name, None)

    def _address_in(self, slot: int) -> Address | None:
        tenant = self._endpoints[slot]
        return tenant.address if tenant is not None else None

    def _vacate(self, slot: int) -> None:
        self._endpoints[slot] = None
        self._unreachable.discard(slot)
        self.generations[slot] += 1
        self.signals[:, slot] = 0.0
        bit = 1 << slot
        for name, held in list(self._adapters.items()):
            kept = AdapterSlots(active=held.active & ~bit, waiting=held.waiting & ~bit)
            if kept.active or kept.waiting:
                self._adapters[name] = kept
            else:
                del self._adapters[name]

    def _occupy(self, endpoint: Endpoint) -> int:
        try:
            slot = self._endpoints.index(None)
        except ValueError:
            slot = len(self._endpoints)
            self._grow()
        self._endpoints[slot] = endpoint
        column = self.signals[:, slot]
        column[Signal.SCRAPED_AT_S] = -math.inf
        column[Signal.PREFILL_RATE] = PREFILL_RATE_PRIOR
        return slot

    def _grow(self) -> None:
        room = np.zeros((len(Signal), _ROOM))
        self.signals = np.ascontiguousarray(np.hstack([self.signals, room]))
        self._endpoints.extend([None] * _ROOM)
        self.generations.extend([0] * _ROOM)

    def _rebuild_lookups(self) -> None:
        tenants = [(slot, e) for slot, e in enumerate(self._endpoints) if e is not None]
        self.endpoints = tuple(endpoint for _, endpoint in tenants)
        self._slots = np.array([slot for slot, _ in tenants], dtype=np.intp)
        self._is_dense = all(slot == position for position, (slot, _) in enumerate(tenants))
        self._slot_by_id = {endpoint.id: slot for slot, endpoint in tenants}
        self._slot_by_address = {endpoint.address: slot for slot, endpoint in tenants}
        by_host: dict[str, list[int]] = {}
        for slot, endpoint in tenants:
            by_host.setdefault(endpoint.address.host, []).append(slot)
        self._slots_by_host = {host: tuple(slots) for host, slots in by_host.items()}


def _with_bit(bits: int, bit: int, *, on: bool) -> int:
    return bits | bit if on else bits & ~bit


def _require_distinct(endpoints: Sequence[Endpoint], *, endpoints_max: int) -> None:
    if len(endpoints) > endpoints_max:
        raise ValueError(f"{len(endpoints)} endpoints; at most {endpoints_max} are supported")
    ids: set[str] = set()
    addresses: dict[Address, str] = {}
    for endpoint in endpoints:
        if endpoint.id in ids:
            raise ValueError(f"two endpoints are called {endpoint.id}")
        if endpoint.address in addresses:
            raise ValueError(
                f"endpoints {addresses[endpoint.address]} and {endpoint.id} "
                f"share the address {endpoint.address.authority}"
            )
        ids.add(endpoint.id)
        addresses[endpoint.address] = endpoint.id
