"""Everything known about one pool, kept in step: table, ledger and prefix index.

Discovery says who is in the pool, scrapes say how they are; both come in here, so that an
endpoint that leaves takes its leases and its prefixes along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.datalayer.learning import Learner
from pointsman.datalayer.ledger import Ledger
from pointsman.datalayer.prefix import PrefixSettings, PrefixTable
from pointsman.datalayer.table import EndpointTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.datalayer.table import TableChange
    from pointsman.domain.endpoints import Endpoint
    from pointsman.domain.samples import EngineSample
    from pointsman.lib.clock import Clock

SILENCE = frozenset({"connection", "timeout"})
"""Reasons of a failed scrape that mean that nobody answered."""

UNREACHABLE_AFTER_FAILURES = 2
"""One lost connection is an accident; two in a row are an endpoint that is gone."""


class Pool:
    """One pool's state. Written on one loop only; every method is synchronous."""

    def __init__(self, *, clock: Clock, prefixes: PrefixSettings | None = None) -> None:
        self._clock = clock
        self.table = EndpointTable()
        self.ledger = Ledger(self.table)
        self.prefix_index = PrefixTable(self.table, prefixes)
        self.learner = Learner(self.table)
        self._failures: dict[int, int] = {}

    def replace(self, endpoints: Sequence[Endpoint]) -> TableChange:
        """The pool consists of exactly these endpoints from now on.

        Raises:
            ValueError: the list is impossible (see `EndpointTable.replace`); nothing has changed.
        """
        change = self.table.replace(endpoints)
        for slot in change.removed:
            self.ledger.vacated(slot)
            self.prefix_index.forget(slot)
            self._failures.pop(slot, None)
        return change

    def endpoints(self) -> Sequence[Endpoint]:
        """Who is in the pool."""
        return self.table.endpoints

    def inflight_requests(self, endpoint_id: str) -> int:
        """Our requests in flight on this endpoint; 0 when it is not in the pool."""
        slot = self.table.slot_of(endpoint_id)
        return 0 if slot is None else self.ledger.inflight_requests(slot)

    def store(self, endpoint_id: str, sample: EngineSample, *, scraped_at_s: float) -> None:
        """A scrape asked for at `scraped_at_s` (monotonic) has succeeded."""
        slot = self.table.slot_of(endpoint_id)
        if slot is None:
            return
        self._failures.pop(slot, None)
        self.table.mark_reachable(slot, is_reachable=True)
        self.table.store(endpoint_id, sample, scraped_at_s=scraped_at_s)
        if sample.running is not None and sample.waiting is not None:
            now_s = self._clock.monotonic_s()
            self.ledger.scraped(slot, scraped_at_s=scraped_at_s, now_s=now_s)

    def failed(self, endpoint_id: str, reason: str) -> None:
        """A scrape has failed; the last values stay.

        Whoever answers, if only with an error, is reachable. Repeated silence means that the
        endpoint is gone, until a scrape succeeds again.
        """
        slot = self.table.slot_of(endpoint_id)
        if slot is None:
            return
        if reason not in SILENCE:
            self._failures.pop(slot, None)
            self.table.mark_reachable(slot, is_reachable=True)
            return
        failures = self._failures[slot] = self._failures.get(slot, 0) + 1
        if failures >= UNREACHABLE_AFTER_FAILURES:
            self.table.mark_reachable(slot, is_reachable=False)
