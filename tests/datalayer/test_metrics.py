"""A pool shows what it knows at the moment somebody asks."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from builders import endpoint
from pointsman.datalayer.metrics import PoolCollector, endpoints_view
from pointsman.datalayer.pool import Pool
from pointsman.domain.samples import EngineSample
from pointsman.lib.clock import ManualClock


def test_prometheus_sees_each_present_endpoint_and_nobody_else() -> None:
    pool, registry = Pool(clock=ManualClock()), CollectorRegistry()
    PoolCollector(pool, registry)
    pool.replace([endpoint(0), endpoint(1)])
    pool.store("default/e1", EngineSample(waiting=3, running=2), scraped_at_s=0.0)
    pool.replace([endpoint(1)])
    page = generate_latest(registry).decode()
    assert 'pointsman_endpoint_waiting_requests{endpoint="default/e1"} 3.0' in page
    assert "default/e0" not in page
    assert "pointsman_endpoints 1.0" in page


def test_the_debug_view_tells_age_and_what_is_left_of_the_backlog() -> None:
    clock = ManualClock(100.0)
    pool = Pool(clock=clock)
    pool.replace([endpoint(0), endpoint(1)])
    pool.store("default/e0", EngineSample(waiting=3, running=2), scraped_at_s=99.5)
    pool.ledger.open(0, uncached_tokens=8_000, context_tokens=8_100, now_s=100.0)
    clock.advance(0.5)
    scraped, never = endpoints_view(pool, clock)["endpoints"]
    assert scraped["scraped_seconds_ago"] == 1.0
    assert scraped["backlog_tokens"] == 4_000
    assert scraped["inflight_requests"] == 1
    assert never["scraped_seconds_ago"] is None
