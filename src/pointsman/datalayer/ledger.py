"""The ledger of our own requests in flight: what was picked counts before any scrape can see it.

A lease is opened with each pick and closed however its stream ends. The ledger keeps, per slot,
how many leases are open, how many of them the last scrape cannot have seen, how many uncached
prompt tokens the engine has still to compute, and how many context tokens it must carry.

The prefill backlog is a fluid queue: it drains at the endpoint's learned rate, and whatever is
learned about a lease (its first token, its end) corrects it, because engines prefill first come,
first served: when a request shows its first token, all work queued before it is done too.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pointsman.api.signals import Signal

if TYPE_CHECKING:
    from pointsman.datalayer.table import EndpointTable

SCRAPE_GRACE_S = 0.05
"""A pick this shortly before a scrape may not have reached the engine when it answered."""

MODELLED_LEASES_MAX = 100_000
"""Requests we stopped listening to whose end is estimated; beyond it the earliest are closed."""


@dataclass(slots=True, eq=False)
class Lease:
    """One request's claim on one endpoint. Only the ledger changes it.

    Attributes:
        slot: where the request went.
        uncached_tokens: prompt tokens the engine must compute.
        context_tokens: prompt and expected output tokens it must carry while decoding.
        work_tokens: everything to compute before this request's first token, itself included.
        opened_at_s: monotonic time of the pick.
    """

    slot: int
    generation: int
    uncached_tokens: float
    context_tokens: float
    work_tokens: float
    opened_at_s: float
    queued_tokens: float
    is_open: bool = True
    is_prefilling: bool = True
    is_unseen: bool = True


@dataclass(slots=True)
class _Account:
    """What the ledger knows of one slot's present tenant."""

    generation: int
    queued_tokens: float = 0.0
    unseen: dict[Lease, None] = field(default_factory=dict)
    modelled: dict[Lease, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerStatistics:
    """For tests and metrics; every number is zero when nothing is in flight."""

    open_leases: int
    modelled_leases: int
    inflight_requests: float
    picked_since_scrape: float
    context_tokens: float


class Ledger:
    """Opens and closes leases, and keeps the table's in-flight columns true."""

    def __init__(self, table: EndpointTable) -> None:
        self._table = table
        self._accounts: dict[int, _Account] = {}
        self._due: list[tuple[float, int, Lease]] = []
        self._order = itertools.count()
        self._open_leases = 0

    def open(
        self, slot: int, *, uncached_tokens: float, context_tokens: float, now_s: float
    ) -> Lease:
        """Count one more request on `slot`."""
        account = self._account(slot)
        backlog = self._drain(slot, now_s) + uncached_tokens
        account.queued_tokens += uncached_tokens
        lease = Lease(
            slot=slot,
            generation=account.generation,
            uncached_tokens=uncached_tokens,
            context_tokens=context_tokens,
            work_tokens=backlog,
            opened_at_s=now_s,
            queued_tokens=account.queued_tokens,
        )
        account.unseen[lease] = None
        column = self._table.signals[:, slot]
        column[Signal.INFLIGHT_REQUESTS] += 1
        column[Signal.PICKED_SINCE_SCRAPE] += 1
        column[Signal.CONTEXT_TOKENS] += context_tokens
        column[Signal.BACKLOG_TOKENS] = backlog
        self._open_leases += 1
        return lease

    def first_token(self, lease: Lease, now_s: float) -> None:
        """The engine has computed this prompt, hence everything queued before it."""
        if not lease.is_prefilling:
            return
        lease.is_prefilling = False
        account = self._tenant(lease)
        if account is not None:
            behind = max(account.queued_tokens - lease.queued_tokens, 0.0)
            backlog = min(self._drain(lease.slot, now_s), behind)
            self._table.signals[Signal.BACKLOG_TOKENS, lease.slot] = backlog

    def close(self, lease: Lease, now_s: float, *, is_complete: bool) -> None:
        """Forget a request; closing twice is the same as closing once.

        `is_complete` says that the engine finished it; otherwise what is left of its prompt will
        not be computed.
        """
        if not lease.is_open:
            return
        lease.is_open = False
        self._open_leases -= 1
        account = self._tenant(lease)
        if account is None:
            return
        if lease.is_prefilling:
            if is_complete:
                self.first_token(lease, now_s)
            else:
                self._withdraw(lease, account, now_s=now_s)
        column = self._table.signals[:, lease.slot]
        column[Signal.INFLIGHT_REQUESTS] -= 1
        column[Signal.CONTEXT_TOKENS] -= lease.context_tokens
        if column[Signal.INFLIGHT_REQUESTS] == 0:
            column[Signal.CONTEXT_TOKENS] = 0.0  # no dust from adding and subtracting floats
        self._seen(lease, account)
        account.modelled.pop(lease, None)

    def leave(self, lease: Lease, *, ends_at_s: float) -> None:
        """We stop listening to a request that goes on; close it when it should have ended."""
        account = self._tenant(lease)
        if account is None or not lease.is_open:
            return
        account.modelled[lease] = None
        heapq.heappush(self._due, (ends_at_s, next(self._order), lease))
        if len(self._due) > MODELLED_LEASES_MAX:
            at_s, _, earliest = heapq.heappop(self._due)
            self.close(earliest, at_s, is_complete=True)

    def move(self, lease: Lease, slot: int, *, now_s: float) -> Lease:
        """The proxy sent the request somewhere else than picked: the claim goes with it."""
        self.close(lease, now_s, is_complete=False)
        return self.open(
            slot,
            uncached_tokens=lease.uncached_tokens,
            context_tokens=lease.context_tokens,
            now_s=now_s,
        )

    def sweep(self, now_s: float) -> None:
        """Close the requests we no longer listen to whose estimated end has come."""
        while self._due and self._due[0][0] <= now_s:
            _, _, lease = heapq.heappop(self._due)
            self.close(lease, now_s, is_complete=True)

    def scraped(self, slot: int, *, scraped_at_s: float, now_s: float) -> None:
        """A scrape asked for at `scraped_at_s` saw every pick made clearly before it.

        What the engine holds beyond those was sent by others.
        """
        account = self._account(slot)
        for lease in list(account.unseen):
            if lease.opened_at_s > scraped_at_s - SCRAPE_GRACE_S:
                break
            self._seen(lease, account)
        self._reconcile(slot, account, now_s=now_s)

    def vacated(self, slot: int) -> None:
        """The slot has lost its tenant: its leases close without counting anywhere."""
        self._accounts.pop(slot, None)

    def holds(self, lease: Lease) -> bool:
        """The lease still claims the tenant it was opened for."""
        return lease.is_open and self._tenant(lease) is not None

    def inflight_requests(self, slot: int) -> int:
        """Our requests on this slot that are not known to have ended."""
        return int(self._table.signals[Signal.INFLIGHT_REQUESTS, slot])

    def statistics(self) -> LedgerStatistics:
        """A snapshot that tests and metrics can rely on."""
        signals = self._table.signals
        return LedgerStatistics(
            open_leases=self._open_leases,
            modelled_leases=sum(len(a.modelled) for a in self._accounts.values()),
            inflight_requests=float(signals[Signal.INFLIGHT_REQUESTS].sum()),
            picked_since_scrape=float(signals[Signal.PICKED_SINCE_SCRAPE].sum()),
            context_tokens=float(signals[Signal.CONTEXT_TOKENS].sum()),
        )

    def _account(self, slot: int) -> _Account:
        generation = self._table.generations[slot]
        account = self._accounts.get(slot)
        if account is None or account.generation != generation:
            account = self._accounts[slot] = _Account(generation)
        return account

    def _tenant(self, lease: Lease) -> _Account | None:
        account = self._accounts.get(lease.slot)
        is_same = (
            account is not None
            and account.generation == lease.generation
            and self._table.generations[lease.slot] == lease.generation
        )
        return account if is_same else None

    def _drain(self, slot: int, now_s: float) -> float:
        column = self._table.signals[:, slot]
        drained = (now_s - column[Signal.BACKLOG_AT_S]) * column[Signal.PREFILL_RATE]
        backlog = max(float(column[Signal.BACKLOG_TOKENS] - drained), 0.0)
        column[Signal.BACKLOG_TOKENS] = backlog
        column[Signal.BACKLOG_AT_S] = now_s
        return backlog

    def _withdraw(self, lease: Lease, account: _Account, *, now_s: float) -> None:
        lease.is_prefilling = False
        backlog = self._drain(lease.slot, now_s)
        behind = max(account.queued_tokens - lease.queued_tokens, 0.0)
        own = min(max(backlog - behind, 0.0), lease.uncached_tokens)
        self._table.signals[Signal.BACKLOG_TOKENS, lease.slot] = backlog - own

    def _seen(self, lease: Lease, account: _Account) -> None:
        if lease.is_unseen:
            lease.is_unseen = False
            del account.unseen[lease]
            self._table.signals[Signal.PICKED_SINCE_SCRAPE, lease.slot] -= 1

    def _reconcile(self, slot: int, account: _Account, *, now_s: float) -> None:
        """The engine holds fewer requests than we think: the oldest we only model have ended."""
        column = self._table.signals[:, slot]
        in_engine = column[Signal.WAITING] + column[Signal.RUNNING]
        seen = column[Signal.INFLIGHT_REQUESTS] - column[Signal.PICKED_SINCE_SCRAPE]
        column[Signal.OTHERS] = max(in_engine - seen, 0.0)
        surplus = int(seen - in_engine)
        if surplus <= 0:
            return
        ended = [lease for lease in account.modelled if not lease.is_unseen]
        for lease in ended[:surplus]:
            self.close(lease, now_s, is_complete=True)
