"""Requests that wait: first come first served, except those that wait for a LoRA slot."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.sim.engine.sequences import Sequence


class WaitingQueue:
    """Two queues in one: those that wait for capacity, and those deferred until a slot is free.

    Attributes:
        blocks_wanted: free blocks that the head needs, as far as is known; until there are so
            many, nobody needs to look again.
    """

    def __init__(self) -> None:
        self._ready: OrderedDict[int, Sequence] = OrderedDict()
        self._deferred: OrderedDict[int, Sequence] = OrderedDict()
        self.blocks_wanted = 0

    def __len__(self) -> int:
        return len(self._ready) + len(self._deferred)

    @property
    def ready_count(self) -> int:
        """Requests that wait for room in the batch or in the cache."""
        return len(self._ready)

    @property
    def deferred_count(self) -> int:
        """Requests that wait for a LoRA slot."""
        return len(self._deferred)

    @property
    def adapters(self) -> set[str]:
        """Adapters that those waiting ask for."""
        return {each.adapter for queue in (self._ready, self._deferred) for each in queue.values()
                if each.adapter}  # fmt: skip

    @property
    def head(self) -> Sequence:
        """Who is next; there must be one that is ready."""
        return next(iter(self._ready.values()))

    def push(self, sequence: Sequence) -> None:
        """Join at the end."""
        if not self._ready:
            self.blocks_wanted = 0
        self._ready[sequence.id] = sequence

    def push_front(self, sequence: Sequence) -> None:
        """Join before everybody else: a preempted request has waited before."""
        self._ready[sequence.id] = sequence
        self._ready.move_to_end(sequence.id, last=False)
        self.blocks_wanted = 0

    def pop(self) -> Sequence:
        """Remove the head."""
        self.blocks_wanted = 0
        return self._ready.popitem(last=False)[1]

    def defer(self) -> None:
        """Let the head wait for a LoRA slot, and others pass it."""
        sequence = self.pop()
        self._deferred[sequence.id] = sequence

    def recall_deferred(self) -> None:
        """A slot may be free: the deferred ones came first, so they are asked first."""
        if self._deferred:
            self._ready = OrderedDict((*self._deferred.items(), *self._ready.items()))
            self._deferred.clear()
            self.blocks_wanted = 0

    def remove(self, request_id: int) -> bool:
        """Take out somebody who gave up; False if it was not waiting."""
        found = self._ready.pop(request_id, None) or self._deferred.pop(request_id, None)
        self.blocks_wanted = 0
        return found is not None
