"""Endpoints in the order in which they are due, with a limit on how many are under way at once."""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointsman.domain.endpoints import Endpoint
    from pointsman.scrape.engines import EngineMapping

_ENTRIES_MAX = 256  # beyond this and twice what is current, outdated entries are thrown away


@dataclass(slots=True, eq=False)
class Target:
    """An endpoint and what the poller remembers of it.

    Attributes:
        endpoint: under this id; an endpoint that changed is a new target.
        url: of its metrics.
        engines: mappings to try on its page, the likeliest first.
        interval_s: the current one, before it is planned.
        due_s: when it is to be scraped next.
        started_s: when its last scrape was started.
        fresh_until_s: when its sample becomes stale; -inf while there is none.
        failures: scrapes that failed since the last good one.
        is_idle: its last sample had no work in it, and nor had the ledger for long.
        had_work: we had requests in flight there when the ledger was last looked at.
        is_in_flight: a scrape is under way.
        is_retired: the endpoint is gone or has changed; what still arrives is dropped.
        entry: its current place in a lane; every other one is outdated.
    """

    endpoint: Endpoint
    url: str
    engines: tuple[EngineMapping, ...]
    interval_s: float
    due_s: float = math.inf
    started_s: float = -math.inf
    fresh_until_s: float = -math.inf
    failures: int = 0
    is_idle: bool = False
    had_work: bool = False
    is_in_flight: bool = False
    is_retired: bool = False
    entry: tuple[float, int, Target] | None = None

    def retire(self) -> None:
        """Take it out of its lane and drop what is still to come."""
        self.is_retired = True
        self.entry = None


class Lane:
    """A heap of due times. A target is in one lane at most; planning it again moves it."""

    def __init__(self, in_flight_max: int) -> None:
        self._in_flight_max = in_flight_max
        self._in_flight = 0
        self._heap: list[tuple[float, int, Target]] = []
        self._compact_at = _ENTRIES_MAX
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """Entries, outdated ones included."""
        return len(self._heap)

    @property
    def in_flight(self) -> int:
        """Targets that were taken and have not finished."""
        return self._in_flight

    @property
    def is_full(self) -> bool:
        """No further target may be taken."""
        return self._in_flight >= self._in_flight_max

    def plan(self, target: Target, due_s: float) -> None:
        """Scrape this target at `due_s`, and at no other time planned before."""
        entry = (due_s, next(self._numbers), target)
        target.due_s = due_s
        target.entry = entry
        heapq.heappush(self._heap, entry)
        if len(self._heap) > self._compact_at:
            self._heap = [entry for entry in self._heap if entry[2].entry is entry]
            heapq.heapify(self._heap)
            self._compact_at = max(_ENTRIES_MAX, 2 * len(self._heap))

    def take_due(self, now_s: float) -> Target | None:
        """The target that has waited longest, if one is due and the lane is not full."""
        if self.is_full or self._first_due_s() > now_s or not self._heap:
            return None
        _, _, target = heapq.heappop(self._heap)
        target.entry = None
        target.is_in_flight = True
        self._in_flight += 1
        return target

    def finished(self, target: Target) -> None:
        """A target that was taken from this lane is no longer under way."""
        assert target.is_in_flight, "a target finishes once"
        target.is_in_flight = False
        self._in_flight -= 1

    def next_due_s(self) -> float:
        """When `take_due` will have something; inf for not before another one finishes."""
        return math.inf if self.is_full else self._first_due_s()

    def _first_due_s(self) -> float:
        while self._heap and self._heap[0][2].entry is not self._heap[0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf
