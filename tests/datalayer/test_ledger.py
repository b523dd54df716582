"""The ledger: whatever happens to requests, in-flight columns end at zero."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from builders import endpoint, table_of
from pointsman.api.signals import Signal
from pointsman.datalayer.ledger import Lease, Ledger
from pointsman.datalayer.table import EndpointTable
from pointsman.domain.samples import EngineSample


def opened(ledger: Ledger, slot: int = 0, *, tokens: float = 100, now_s: float = 0.0) -> Lease:
    return ledger.open(slot, uncached_tokens=tokens, context_tokens=2 * tokens, now_s=now_s)


@pytest.fixture
def table() -> EndpointTable:
    table = table_of(3)
    table.signals[Signal.PREFILL_RATE, :] = 1_000.0
    return table


@pytest.fixture
def ledger(table: EndpointTable) -> Ledger:
    return Ledger(table)


def test_an_open_lease_counts_at_once(table: EndpointTable, ledger: Ledger) -> None:
    opened(ledger, 1)
    column = table.signals[:, 1]
    assert column[Signal.INFLIGHT_REQUESTS] == 1
    assert column[Signal.PICKED_SINCE_SCRAPE] == 1
    assert column[Signal.BACKLOG_TOKENS] == 100
    assert column[Signal.CONTEXT_TOKENS] == 200


def test_closing_twice_is_closing_once(ledger: Ledger) -> None:
    lease = opened(ledger)
    opened(ledger)
    for _ in range(2):
        ledger.close(lease, 1.0, is_complete=True)
    assert ledger.statistics().inflight_requests == 1


def test_the_backlog_drains_at_the_learned_rate(ledger: Ledger) -> None:
    opened(ledger, tokens=500, now_s=0.0)
    assert opened(ledger, tokens=100, now_s=0.2).work_tokens == pytest.approx(400)


def test_a_first_token_proves_everything_queued_before_it_done(
    table: EndpointTable, ledger: Ledger
) -> None:
    opened(ledger, tokens=500)
    second = opened(ledger, tokens=500)
    opened(ledger, tokens=70)
    ledger.first_token(second, 0.01)
    assert table.signals[Signal.BACKLOG_TOKENS, 0] == pytest.approx(70)


def test_an_aborted_request_takes_its_own_prompt_out_of_the_backlog(
    table: EndpointTable, ledger: Ledger
) -> None:
    opened(ledger, tokens=500)
    second = opened(ledger, tokens=300)
    opened(ledger, tokens=70)
    ledger.close(second, 0.0, is_complete=False)
    assert table.signals[Signal.BACKLOG_TOKENS, 0] == pytest.approx(570)


def test_a_scrape_has_seen_picks_made_before_it_but_not_those_after(
    table: EndpointTable, ledger: Ledger
) -> None:
    opened(ledger, now_s=1.0)
    opened(ledger, now_s=2.0)
    table.store("default/e0", EngineSample(running=1, waiting=0), scraped_at_s=1.5)
    ledger.scraped(0, scraped_at_s=1.5, now_s=1.6)
    assert table.signals[Signal.PICKED_SINCE_SCRAPE, 0] == 1
    assert table.signals[Signal.INFLIGHT_REQUESTS, 0] == 2


def test_a_left_request_ends_at_its_estimated_time(ledger: Ledger) -> None:
    ledger.leave(opened(ledger), ends_at_s=5.0)
    ledger.sweep(4.9)
    assert ledger.statistics().open_leases == 1
    ledger.sweep(5.0)
    assert ledger.statistics().open_leases == 0


def test_a_scrape_with_fewer_requests_ends_the_oldest_left_ones(
    table: EndpointTable, ledger: Ledger
) -> None:
    for _ in range(3):
        ledger.leave(opened(ledger), ends_at_s=1e9)
    table.store("default/e0", EngineSample(running=1, waiting=0), scraped_at_s=10.0)
    ledger.scraped(0, scraped_at_s=10.0, now_s=10.1)
    assert ledger.statistics().open_leases == 1


def test_what_the_engine_holds_beyond_our_own_is_others(
    table: EndpointTable, ledger: Ledger
) -> None:
    opened(ledger, now_s=1.0)
    opened(ledger, now_s=2.0)
    table.store("default/e0", EngineSample(running=4, waiting=1), scraped_at_s=1.5)
    ledger.scraped(0, scraped_at_s=1.5, now_s=2.1)
    assert table.signals[Signal.OTHERS, 0] == 4


def test_a_lease_moves_to_the_endpoint_that_served_it(table: EndpointTable, ledger: Ledger) -> None:
    lease = ledger.move(opened(ledger, 0), 2, now_s=0.5)
    assert table.signals[Signal.INFLIGHT_REQUESTS, 0] == 0
    assert table.signals[Signal.INFLIGHT_REQUESTS, 2] == 1
    ledger.close(lease, 1.0, is_complete=True)
    assert ledger.statistics().open_leases == 0


def test_a_lease_of_a_former_tenant_never_touches_the_next_one(
    table: EndpointTable, ledger: Ledger
) -> None:
    lease = opened(ledger, 0)
    table.replace([endpoint(1), endpoint(2)])
    table.replace([endpoint(1), endpoint(2), endpoint(9)])
    assert table.slot_of("default/e9") == 0
    opened(ledger, 0)
    ledger.close(lease, 1.0, is_complete=True)
    assert table.signals[Signal.INFLIGHT_REQUESTS, 0] == 1


class AnyOrder(RuleBasedStateMachine):
    """In any order of events, in-flight columns equal the open leases of present tenants."""

    def __init__(self) -> None:
        super().__init__()
        self.table = table_of(3)
        self.ledger = Ledger(self.table)
        self.now_s = 0.0
        self.leases: list[Lease] = []
        self.next_endpoint = 3

    def lease(self, pick: int) -> Lease | None:
        return self.leases[pick % len(self.leases)] if self.leases else None

    @rule(slot=st.integers(0, 2), tokens=st.floats(0, 1e6))
    def open(self, slot: int, tokens: float) -> None:
        self.leases.append(opened(self.ledger, slot, tokens=tokens, now_s=self.now_s))

    @rule(pick=st.integers(0, 50))
    def first_token(self, pick: int) -> None:
        if lease := self.lease(pick):
            self.ledger.first_token(lease, self.now_s)

    @rule(pick=st.integers(0, 50), is_complete=st.booleans())
    def close(self, pick: int, is_complete: bool) -> None:
        if lease := self.lease(pick):
            self.ledger.close(lease, self.now_s, is_complete=is_complete)

    @rule(pick=st.integers(0, 50), later_s=st.floats(0, 10))
    def leave(self, pick: int, later_s: float) -> None:
        if lease := self.lease(pick):
            self.ledger.leave(lease, ends_at_s=self.now_s + later_s)

    @rule(pick=st.integers(0, 50), slot=st.integers(0, 2))
    def move(self, pick: int, slot: int) -> None:
        lease = self.lease(pick)
        if lease is not None and lease.is_open:
            self.leases.append(self.ledger.move(lease, slot, now_s=self.now_s))

    @rule(slot=st.integers(0, 2), running=st.integers(0, 5), ago_s=st.floats(0, 1))
    def scrape(self, slot: int, running: int, ago_s: float) -> None:
        tenant = self.table.endpoint_in(slot)
        assert tenant is not None
        self.table.store(
            tenant.id, EngineSample(running=running, waiting=0), scraped_at_s=self.now_s - ago_s
        )
        self.ledger.scraped(slot, scraped_at_s=self.now_s - ago_s, now_s=self.now_s)

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.ledger.sweep(self.now_s)

    @rule(slot=st.integers(0, 2))
    def replace_tenant(self, slot: int) -> None:
        tenants = list(self.table.endpoints)
        tenants[slot] = endpoint(self.next_endpoint)
        self.next_endpoint += 1
        for vacated in self.table.replace(tenants).removed:
            self.ledger.vacated(vacated)

    @invariant()
    def columns_equal_open_leases(self) -> None:
        for slot in range(3):
            held = [x for x in self.leases if x.slot == slot and self.ledger.holds(x)]
            column = self.table.signals[:, slot]
            assert column[Signal.INFLIGHT_REQUESTS] == len(held)
            assert column[Signal.PICKED_SINCE_SCRAPE] == sum(x.is_unseen for x in held)
            assert column[Signal.BACKLOG_TOKENS] >= 0
        assert self.ledger.statistics().open_leases == sum(x.is_open for x in self.leases)

    def teardown(self) -> None:
        for lease in self.leases:
            self.ledger.close(lease, self.now_s, is_complete=True)
        statistics = self.ledger.statistics()
        assert statistics.open_leases == 0
        assert statistics.modelled_leases == 0
        assert statistics.inflight_requests == 0
        assert statistics.picked_since_scrape == 0
        assert statistics.context_tokens == 0


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyOrder = AnyOrder.TestCase
