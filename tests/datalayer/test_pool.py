"""A pool keeps table, ledger and prefix index in step."""

from __future__ import annotations

import pytest

from builders import endpoint, request
from pointsman.api.signals import Signal
from pointsman.datalayer.pool import Pool
from pointsman.domain.samples import EngineSample
from pointsman.lib.clock import ManualClock


@pytest.fixture
def pool() -> Pool:
    pool = Pool(clock=ManualClock())
    pool.replace([endpoint(0), endpoint(1)])
    return pool


def test_an_endpoint_that_leaves_takes_leases_and_prefixes_along(pool: Pool) -> None:
    pool.ledger.open(0, uncached_tokens=10, context_tokens=20, now_s=0.0)
    pool.prefix_index.record(request("x" * 1000), 0)
    pool.replace([endpoint(1), endpoint(2)])
    assert pool.inflight_requests("default/e2") == 0
    assert pool.prefix_index.statistics().blocks == 0
    matched = pool.prefix_index.match(request("x" * 1000), pool.table.candidates(0.0))
    assert not matched.any()


def test_only_repeated_silence_makes_an_endpoint_unreachable(pool: Pool) -> None:
    unreachable = pool.table.signals[Signal.UNREACHABLE]
    pool.failed("default/e0", "connection")
    assert unreachable[0] == 0
    pool.failed("default/e0", "connection")
    assert unreachable[0] == 1
    pool.store("default/e0", EngineSample(waiting=0, running=0), scraped_at_s=1.0)
    assert unreachable[0] == 0


def test_an_endpoint_that_answers_with_an_error_is_reachable(pool: Pool) -> None:
    for reason in ("timeout", "status", "timeout"):
        pool.failed("default/e0", reason)
    assert pool.table.signals[Signal.UNREACHABLE, 0] == 0


def test_an_engine_that_does_not_count_requests_never_ends_leases(pool: Pool) -> None:
    lease = pool.ledger.open(0, uncached_tokens=10, context_tokens=20, now_s=-10.0)
    pool.ledger.leave(lease, ends_at_s=1e9)
    pool.store("default/e0", EngineSample(kv_usage=0.1), scraped_at_s=5.0)
    assert pool.inflight_requests("default/e0") == 1


def test_news_about_strangers_are_ignored(pool: Pool) -> None:
    pool.store("default/e7", EngineSample(waiting=1), scraped_at_s=1.0)
    pool.failed("default/e7", "connection")
    assert pool.inflight_requests("default/e7") == 0
