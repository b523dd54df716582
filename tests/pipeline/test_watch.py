"""A watch settles its lease exactly once, and teaches only what it has really seen."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from builders import endpoint, request
from pointsman.api.signals import Signal
from pointsman.datalayer.pool import Pool
from pointsman.domain.responses import Ending
from pointsman.lib.clock import ManualClock
from pointsman.pipeline.metrics import PipelineMetrics
from pointsman.pipeline.watch import Following, RequestWatch

SSE = {":status": "200", "content-type": "text/event-stream"}
JSON = {":status": "200", "content-type": "application/json"}
ROLE = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
TOKEN = b'data: {"choices":[{"delta":{"content":"word"}}]}\n\n'
USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":90,"completion_tokens":3,'
    b'"prompt_tokens_details":{"cached_tokens":64}}}\n\ndata: [DONE]\n\n'
)


class World:
    """A pool of two endpoints, a clock, and watches on slot 0."""

    def __init__(self) -> None:
        self.clock = ManualClock(100.0)
        self.pool = Pool(clock=self.clock)
        self.pool.replace([endpoint(0), endpoint(1)])
        self.registry = CollectorRegistry()
        self.following = Following(self.clock, self.pool, PipelineMetrics(self.registry))

    def watch(self, *, streams: bool = True, tokens: float = 100) -> RequestWatch:
        asked = request("x" * 400)
        asked.is_streaming = streams
        lease = self.pool.ledger.open(
            0, uncached_tokens=tokens, context_tokens=2 * tokens, now_s=self.clock.monotonic_s()
        )
        return RequestWatch(asked, lease, destination="10.0.0.1:8000", following=self.following)

    def open_leases(self) -> int:
        return self.pool.ledger.statistics().open_leases

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("ending", [e for e in Ending if e is not Ending.UNOBSERVED])
def test_the_lease_closes_however_the_stream_ends_and_only_once(
    world: World, ending: Ending
) -> None:
    watch = world.watch()
    watch.close(ending)
    watch.close(Ending.COMPLETE)
    assert world.open_leases() == 0
    assert world.counted("pointsman_requests_finished_total", ending=ending.value) == 1


def test_the_first_token_ends_the_prefill_not_the_role(world: World) -> None:
    watch = world.watch(tokens=8_000)
    watch.started(SSE, served=None)
    watch.body(ROLE)
    assert world.pool.table.signals[Signal.BACKLOG_TOKENS, 0] == 8_000
    watch.body(TOKEN)
    assert world.pool.table.signals[Signal.BACKLOG_TOKENS, 0] == 0


def test_an_observed_stream_teaches_rate_length_and_speed(world: World) -> None:
    learner = world.pool.learner
    before = (learner.output_tokens, learner.seconds_per_token)
    for tokens, first_s in ((100, 0.1), (8_000, 0.4)):
        watch = world.watch(tokens=tokens)
        watch.started(SSE, served=None)
        world.clock.advance(first_s)
        for chunk in (ROLE, TOKEN, TOKEN, TOKEN, USAGE):
            watch.body(chunk)
            world.clock.advance(0.1)
        watch.close(Ending.COMPLETE)
    assert world.pool.table.prefill_rate(0) > 8_000
    assert learner.output_tokens < before[0]
    assert learner.seconds_per_token > before[1]
    assert world.counted("pointsman_cached_tokens_total") == 128
    assert world.counted("pointsman_time_to_first_token_seconds_count") == 2


def test_an_unobserved_response_teaches_how_long_it_stayed(world: World) -> None:
    watch = world.watch()
    watch.started(SSE, served=None)
    world.clock.advance(3.0)
    watch.close(Ending.COMPLETE)
    assert world.pool.table.signals[Signal.SERVICE_S, 0] == pytest.approx(3.0, abs=0.1)
    assert world.pool.table.prefill_rate(0) == 8_000


@pytest.mark.parametrize("status", ["404", "500", "x", ""])
def test_errors_teach_nothing(world: World, status: str) -> None:
    watch = world.watch()
    watch.started({":status": status, "content-type": "application/json"}, served=None)
    world.clock.advance(3.0)
    watch.body(b"{}")
    watch.close(Ending.COMPLETE)
    assert world.pool.table.signals[Signal.SERVICE_S, 0] == 0


def test_a_json_answer_is_no_measure_of_the_first_token(world: World) -> None:
    watch = world.watch(streams=False, tokens=100)
    watch.started(JSON, served=None)
    world.clock.advance(9.0)
    watch.body(b'{"usage":{"prompt_tokens":9,"completion_tokens":7}}')
    watch.close(Ending.COMPLETE)
    assert world.pool.table.prefill_rate(0) == 8_000
    assert world.counted("pointsman_completion_tokens_total") == 7


def test_the_lease_follows_the_endpoint_that_served(world: World) -> None:
    watch = world.watch()
    watch.started(SSE, served="10.0.0.2:8000")
    assert world.pool.table.signals[Signal.INFLIGHT_REQUESTS, 0] == 0
    assert world.pool.table.signals[Signal.INFLIGHT_REQUESTS, 1] == 1
    watch.close(Ending.COMPLETE)
    assert world.open_leases() == 0


@pytest.mark.parametrize("served", ["10.0.0.1:8000", "10.9.9.9:1", "nonsense", ""])
def test_an_odd_or_equal_served_endpoint_changes_nothing(world: World, served: str) -> None:
    watch = world.watch()
    watch.started(SSE, served=served)
    assert world.pool.table.signals[Signal.INFLIGHT_REQUESTS, 0] == 1
    watch.close(Ending.COMPLETE)


def test_a_request_we_leave_stays_in_flight_until_it_should_have_ended(world: World) -> None:
    world.watch().close(Ending.UNOBSERVED)
    assert world.open_leases() == 1
    world.clock.advance(60)
    world.pool.ledger.sweep(world.clock.monotonic_s())
    assert world.open_leases() == 0


def test_a_watch_whose_endpoint_has_left_teaches_nobody(world: World) -> None:
    watch = world.watch()
    watch.started(SSE, served=None)
    world.pool.replace([endpoint(1), endpoint(2)])
    world.clock.advance(3.0)
    watch.close(Ending.COMPLETE)
    assert not world.pool.table.signals[Signal.SERVICE_S].any()
