"""LoRA slots: how many different adapters may be in the batch at once."""

from __future__ import annotations


class AdapterSlots:
    """Adapters in the batch with the number of requests of each; at most `slots_max` adapters.

    Attributes:
        is_changed: the set of adapters changed since somebody last cleared this mark.
    """

    def __init__(self, slots_max: int) -> None:
        self._slots_max = slots_max
        self._requests: dict[str, int] = {}
        self.is_changed = False

    @property
    def active(self) -> tuple[str, ...]:
        """Adapters in the batch, sorted."""
        return tuple(sorted(self._requests))

    def has_room(self, adapter: str) -> bool:
        """A request of this adapter ("" = none) may enter."""
        return not adapter or adapter in self._requests or len(self._requests) < self._slots_max

    def enter(self, adapter: str) -> None:
        """A request of this adapter joins the batch."""
        if adapter:
            self.is_changed |= adapter not in self._requests
            self._requests[adapter] = self._requests.get(adapter, 0) + 1

    def leave(self, adapter: str) -> None:
        """A request of this adapter leaves the batch."""
        if adapter:
            self._requests[adapter] -= 1
            if not self._requests[adapter]:
                del self._requests[adapter]
                self.is_changed = True
