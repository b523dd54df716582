from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
from typing import TYPE_CHECKING, Any

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from pointsman.domain.endpoints import Address, Endpoint
from pointsman.lib.clock import SystemClock
from pointsman.scrape.client import FailureReason, ScrapeError
from pointsman.scrape.engines import Engines
from pointsman.scrape.metrics import ScrapeMetrics
from pointsman.scrape.poller import Poller
from pointsman.scrape.settings import ScrapeSchedule, ScrapeSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pointsman.domain.samples import EngineSample

pytestmark = [pytest.mark.looptime]

IDLE = b"vllm:num_requests_waiting 0\nvllm:num_requests_running 0\n"
BUSY = b"vllm:num_requests_waiting 1\nvllm:num_requests_running 4\n"
HANGS = None


class LoopClock(SystemClock):
    """The loop's own time, which these tests make virtual."""

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


class Fleet:
    """A world: the endpoints, what they answer, and what the poller made of it."""

    def __init__(
        self, count: int = 1, *, page: bytes | None = IDLE, latency_s: float = 0.0
    ) -> None:
        self.known = tuple(endpoint(number) for number in range(count))
        self.pages: dict[str, bytes | ScrapeError | None] = {}
        self.page = page
        self.latency_s = latency_s
        self.inflight: dict[str, int] = {}
        self.asked: dict[str, list[float]] = {}
        self.stored: list[tuple[str, EngineSample, float]] = []
        self.failures: list[tuple[str, str]] = []
        self.open = 0
        self.open_peak = 0
        self.being_asked: set[str] = set()

    def endpoints(self) -> tuple[Endpoint, ...]:
        return self.known

    def inflight_requests(self, endpoint_id: str) -> int:
        return self.inflight.get(endpoint_id, 0)

    def store(self, endpoint_id: str, sample: EngineSample, *, scraped_at_s: float) -> None:
        self.stored.append((endpoint_id, sample, scraped_at_s))

    def failed(self, endpoint_id: str, reason: str) -> None:
        self.failures.append((endpoint_id, reason))

    async def fetch(self, url: str) -> bytes:
        endpoint_id = "default/" + url.removeprefix("http://").partition(":")[0]
        self.asked.setdefault(endpoint_id, []).append(asyncio.get_running_loop().time())
        assert endpoint_id not in self.being_asked, "one scrape at a time for each endpoint"
        self.being_asked.add(endpoint_id)
        self.open += 1
        self.open_peak = max(self.open_peak, self.open)
        try:
            await asyncio.sleep(self.latency_s)
            page = self.pages.get(endpoint_id, self.page)
            if page is HANGS:
                await asyncio.Event().wait()
                raise AssertionError
            if isinstance(page, ScrapeError):
                raise page
            return page
        finally:
            self.open -= 1
            self.being_asked.discard(endpoint_id)

    def gaps(self, endpoint_id: str) -> list[float]:
        asked = self.asked[endpoint_id]
        return [later - earlier for earlier, later in itertools.pairwise(asked)]


def endpoint(number: int, **labels: str) -> Endpoint:
    host = f"10.0.{number // 256}.{number % 256}"
    return Endpoint(host, Address(host, 8000), labels=labels)


FIRST = endpoint(0).id
SECOND = endpoint(1).id
REFUSED = ScrapeError(FailureReason.CONNECTION, "refused")


@contextlib.asynccontextmanager
async def polling(
    fleet: Fleet, *, registry: CollectorRegistry | None = None, **options: object
) -> AsyncIterator[Poller]:
    poller = Poller(
        fleet,
        fleet,
        engines=Engines(),
        settings=ScrapeSettings(**options),  # type: ignore[arg-type]  # each test names a few
        metrics=ScrapeMetrics(registry or CollectorRegistry()),
        clock=LoopClock(),
        rng=random.Random(7),
    )
    running = asyncio.get_running_loop().create_task(poller.run())
    try:
        yield poller
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert poller.statistics().in_flight == 0
    assert fleet.open == 0


async def test_every_endpoint_is_scraped_at_once() -> None:
    fleet = Fleet(100, latency_s=0.01)
    async with polling(fleet) as poller:
        await asyncio.sleep(0.1)

        assert {endpoint_id for endpoint_id, _, _ in fleet.stored} == {e.id for e in fleet.known}
        assert poller.statistics().stale == 0


async def test_what_is_in_flight_is_bounded() -> None:
    fleet = Fleet(100, latency_s=0.01)
    async with polling(fleet, scrapes_max=8) as poller:
        await asyncio.sleep(0.2)

        assert fleet.open_peak == poller.statistics().in_flight_peak == 8
        assert len(fleet.asked) == 100


async def test_a_busy_endpoint_is_scraped_about_every_250_ms() -> None:
    fleet = Fleet(page=BUSY)
    async with polling(fleet):
        await asyncio.sleep(10)

    assert all(0.22 <= gap <= 0.28 for gap in fleet.gaps(FIRST))
    assert len(fleet.asked[FIRST]) == pytest.approx(40, abs=2)


async def test_an_endpoint_with_our_requests_in_flight_is_busy() -> None:
    fleet = Fleet()
    fleet.inflight[FIRST] = 1
    async with polling(fleet):
        await asyncio.sleep(10)

    assert all(gap <= 0.28 for gap in fleet.gaps(FIRST))


async def test_an_idle_endpoint_is_scraped_ever_less_often_down_to_every_5_s() -> None:
    fleet = Fleet()
    async with polling(fleet):
        await asyncio.sleep(60)

    gaps = fleet.gaps(FIRST)
    assert gaps[0] < 2.5
    assert all(4.5 <= gap <= 5.5 for gap in gaps[3:])


async def test_an_idle_endpoint_that_others_use_becomes_busy_again() -> None:
    fleet = Fleet()
    async with polling(fleet):
        await asyncio.sleep(60)
        fleet.page = BUSY
        await asyncio.sleep(20)

    assert all(gap <= 0.28 for gap in fleet.gaps(FIRST)[-10:])


async def test_a_poke_brings_an_idle_endpoint_s_scrape_forward_to_now() -> None:
    fleet = Fleet(2)
    async with polling(fleet) as poller:
        await asyncio.sleep(62.1)
        scrapes, poked_s = len(fleet.asked[FIRST]), asyncio.get_running_loop().time()
        poller.poke(FIRST)
        await asyncio.sleep(0.01)

    assert fleet.asked[FIRST][scrapes:] == [pytest.approx(poked_s, abs=0.001)]


async def test_pokes_do_not_make_scrapes_more_frequent_than_the_gap() -> None:
    fleet = Fleet()
    async with polling(fleet) as poller:
        await asyncio.sleep(30)
        for _ in range(1000):
            poller.poke(FIRST)
            await asyncio.sleep(0.001)
        scheduled = poller.statistics().scheduled

    assert min(fleet.gaps(FIRST)) >= 0.0499
    assert scheduled <= 256


async def test_a_poke_for_an_unknown_endpoint_is_ignored() -> None:
    async with polling(Fleet()) as poller:
        poller.poke("default/nobody")


async def test_the_poller_sees_by_itself_that_the_ledger_got_work() -> None:
    fleet = Fleet()
    async with polling(fleet):
        await asyncio.sleep(62.1)
        scrapes, given_s = len(fleet.asked[FIRST]), asyncio.get_running_loop().time()
        fleet.inflight[FIRST] = 1
        await asyncio.sleep(3)

    assert fleet.asked[FIRST][scrapes] - given_s <= 0.51
    assert all(gap <= 0.28 for gap in fleet.gaps(FIRST)[scrapes:])


async def test_many_busy_endpoints_are_scraped_400_times_a_second_together() -> None:
    fleet = Fleet(400, page=BUSY)
    async with polling(fleet) as poller:
        await asyncio.sleep(2)
        asked = sum(map(len, fleet.asked.values()))
        for one in fleet.known:
            poller.poke(one.id)  # they are busy: nothing to hurry for
        await asyncio.sleep(3)

    assert sum(map(len, fleet.asked.values())) - asked == pytest.approx(1200, rel=0.1)


async def test_a_fixed_interval_is_kept_whether_busy_or_not() -> None:
    fleet = Fleet(2)
    fleet.pages[SECOND] = BUSY
    async with polling(fleet, schedule=ScrapeSchedule(fixed_interval_s=0.05)) as poller:
        await asyncio.sleep(5)
        poller.poke(FIRST)
        await asyncio.sleep(5)

    for endpoint_id in (FIRST, SECOND):
        assert len(fleet.asked[endpoint_id]) == pytest.approx(200, rel=0.1)


async def test_a_sample_carries_the_time_at_which_it_was_asked_for() -> None:
    fleet = Fleet(latency_s=0.2)
    async with polling(fleet):
        await asyncio.sleep(0.3)

    (_, sample, scraped_at_s), *_ = fleet.stored
    assert scraped_at_s == fleet.asked[FIRST][0]
    assert (sample.waiting, sample.running) == (0, 0)


async def test_an_endpoint_that_hangs_is_given_up_after_the_timeout() -> None:
    fleet = Fleet(page=HANGS)
    async with polling(fleet, timeout_s=1.0) as poller:
        await asyncio.sleep(1.1)

        assert fleet.failures == [(FIRST, "timeout")]
        assert fleet.open == poller.statistics().in_flight == 0


async def test_a_dead_endpoint_is_tried_ever_less_often() -> None:
    fleet = Fleet()
    fleet.pages[FIRST] = REFUSED
    async with polling(fleet) as poller:
        await asyncio.sleep(100)

        assert poller.statistics().failing == 1
    gaps = fleet.gaps(FIRST)
    assert gaps[0] <= 0.5
    assert all(2.5 <= gap <= 5.0 for gap in gaps[6:])


async def test_pokes_do_not_hurry_a_dead_endpoint() -> None:
    fleet = Fleet(page=HANGS)
    fleet.inflight[FIRST] = 3
    async with polling(fleet) as poller:
        await asyncio.sleep(100)
        for _ in range(20):
            poller.poke(FIRST)
            await asyncio.sleep(0.1)

    assert min(fleet.gaps(FIRST)[6:]) >= 2.5 + 1.0


async def test_an_endpoint_that_comes_back_is_scraped_as_before() -> None:
    fleet = Fleet(page=BUSY)
    async with polling(fleet) as poller:
        fleet.pages[FIRST] = REFUSED
        await asyncio.sleep(60)
        fleet.pages.clear()
        await asyncio.sleep(20)

        assert poller.statistics().failing == 0
    assert all(gap <= 0.28 for gap in fleet.gaps(FIRST)[-20:])


async def test_hanging_endpoints_do_not_delay_the_others() -> None:
    """Two hundred hang, more than the limit; the one that answers keeps its pace meanwhile."""
    fleet = Fleet(201, page=HANGS)
    fleet.pages[FIRST] = BUSY
    async with polling(fleet, scrapes_max=8, retries_max=4):
        await asyncio.sleep(30)  # all of them have failed once by now
        scrapes = len(fleet.asked[FIRST])
        await asyncio.sleep(10)

    assert len(fleet.gaps(FIRST)[scrapes:]) == pytest.approx(40, abs=2)


async def test_a_page_without_a_known_metric_is_a_failure_and_stores_nothing() -> None:
    fleet = Fleet(page=b"up 1\n")
    async with polling(fleet):
        await asyncio.sleep(0.1)

    assert fleet.failures == [(FIRST, "no-metrics")]
    assert fleet.stored == []


async def test_a_label_decides_how_a_page_is_read() -> None:
    fleet = Fleet()
    fleet.known = (endpoint(0, **{"llm-d.ai/engine-type": "sglang"}),)
    fleet.page = IDLE + b"sglang:num_queue_reqs 7\n"
    async with polling(fleet):
        await asyncio.sleep(0.1)

    assert fleet.stored[0][1].waiting == 7


async def test_an_endpoint_without_a_label_is_recognised_by_its_page() -> None:
    fleet = Fleet(page=b"sglang:num_queue_reqs 7\n")
    async with polling(fleet):
        await asyncio.sleep(0.5)
        fleet.page = b"llamacpp:requests_deferred 3\n"  # restarted as another engine
        await asyncio.sleep(1)

    assert fleet.stored[0][1].waiting == 7
    assert fleet.stored[-1][1].waiting == 3
    assert fleet.failures == []


async def test_endpoints_come_and_go_at_any_time() -> None:
    fleet = Fleet(1, page=BUSY)
    async with polling(fleet) as poller:
        await asyncio.sleep(1)
        fleet.known = (endpoint(0), endpoint(1))
        await asyncio.sleep(1)
        assert len(fleet.asked[SECOND]) >= 3

        fleet.known = (endpoint(1),)
        await asyncio.sleep(0.3)
        scrapes = len(fleet.asked[FIRST])
        await asyncio.sleep(5)
        assert len(fleet.asked[FIRST]) == scrapes
        assert poller.statistics().endpoints == 1

        fleet.known = ()
        await asyncio.sleep(1)
        assert poller.statistics().endpoints == poller.statistics().scheduled == 0


async def test_news_of_endpoints_need_not_wait_for_the_next_look() -> None:
    fleet = Fleet(0)
    async with polling(fleet) as poller:
        await asyncio.sleep(1)
        fleet.known = (endpoint(0),)
        poller.endpoints_changed()
        await asyncio.sleep(0.001)

        assert len(fleet.stored) == 1


async def test_a_changed_endpoint_starts_anew() -> None:
    fleet = Fleet()
    async with polling(fleet) as poller:
        await asyncio.sleep(30)
        fleet.known = (Endpoint(endpoint(0).name, Address("10.9.9.9", 8000)),)
        fleet.pages["default/10.9.9.9"] = HANGS
        await asyncio.sleep(0.5)

        assert len(fleet.asked["default/10.9.9.9"]) == 1
        assert poller.is_stale(FIRST)


@pytest.mark.parametrize("page", [IDLE, REFUSED])
async def test_what_arrives_after_an_endpoint_has_gone_is_dropped(
    page: bytes | ScrapeError,
) -> None:
    fleet = Fleet(latency_s=0.8)
    fleet.pages[FIRST] = page
    async with polling(fleet):
        await asyncio.sleep(0.1)
        fleet.known = ()
        await asyncio.sleep(2)

    assert fleet.asked[FIRST]
    assert not fleet.stored
    assert not fleet.failures


async def test_an_endpoint_is_stale_before_its_first_sample_and_when_one_is_overdue() -> None:
    fleet = Fleet(latency_s=0.1)
    async with polling(fleet, staleness_s=2.0) as poller:
        await asyncio.sleep(0.05)
        assert poller.is_stale(FIRST)
        assert poller.statistics().stale == 1

        await asyncio.sleep(60)  # idle: a sample is up to 5.5 s old, and on time
        assert not poller.is_stale(FIRST)

        fleet.pages[FIRST] = REFUSED
        await asyncio.sleep(5.5 + 2.1)
        assert poller.is_stale(FIRST)
        assert poller.is_stale("default/nobody")


async def test_people_are_told_once_of_an_endpoint_that_fails_and_once_that_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    fleet = Fleet()
    fleet.pages[FIRST] = REFUSED
    async with polling(fleet):
        await asyncio.sleep(60)
        fleet.pages.clear()
        await asyncio.sleep(60)

    texts = [record.getMessage() for record in caplog.records if "pointsman" in record.name]
    assert [text.partition(" endpoint=")[0] for text in texts] == [
        "metrics are not available",
        "metrics are back",
    ]
    assert "reason=connection error=refused" in texts[0]


async def test_metrics_count_what_happened() -> None:
    registry = CollectorRegistry()
    fleet = Fleet(3)
    fleet.pages[FIRST] = REFUSED
    fleet.pages[SECOND] = HANGS
    async with polling(fleet, registry=registry):
        await asyncio.sleep(1.1)

        def value(name: str, **labels: str) -> float | None:
            return registry.get_sample_value(name, labels)

        assert value("pointsman_scrape_seconds_count") == len(fleet.stored)
        refused = sum(1 for _, reason in fleet.failures if reason == "connection")
        assert value("pointsman_scrape_failures_total", reason="connection") == refused > 0
        assert value("pointsman_scrape_failures_total", reason="timeout") == 1
        assert value("pointsman_scrape_failures_total", reason="too-large") == 0
        assert value("pointsman_scrape_stale_endpoints") == 2


@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.15, 3.0])
async def test_cancelled_at_any_point_it_leaves_nothing_behind(after_s: float) -> None:
    fleet = Fleet(20, latency_s=0.1)
    for number in range(0, 20, 3):
        fleet.pages[endpoint(number).id] = HANGS
    async with polling(fleet, scrapes_max=4, retries_max=2):
        await asyncio.sleep(after_s)

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_after_it_was_cancelled_it_can_run_again() -> None:
    fleet = Fleet(5, latency_s=0.1)
    async with polling(fleet) as poller:
        await asyncio.sleep(0.05)
    again = asyncio.get_running_loop().create_task(poller.run())
    await asyncio.sleep(0.2)
    again.cancel()

    assert {stored[0] for stored in fleet.stored} == {one.id for one in fleet.known}


steps = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.01, 0.3, 1.0, 7.0])),
    st.tuples(st.just("poke"), st.integers(0, 5)),
    st.tuples(st.just("work"), st.integers(0, 5)),
    st.tuples(st.just("rest"), st.integers(0, 5)),
    st.tuples(st.just("fleet"), st.sets(st.integers(0, 5)).map(sorted).map(tuple)),
    st.tuples(
        st.just("page"), st.tuples(st.integers(0, 5), st.sampled_from([IDLE, REFUSED, HANGS]))
    ),
)


async def follow(fleet: Fleet, script: list[tuple[str, Any]]) -> None:
    async with polling(fleet, scrapes_max=2, retries_max=1) as poller:
        for step, what in script:
            match step:
                case "wait":
                    await asyncio.sleep(what)
                case "poke":
                    poller.poke(endpoint(what).id)
                case "work":
                    fleet.inflight[endpoint(what).id] = 1
                case "rest":
                    fleet.inflight.pop(endpoint(what).id, None)
                case "fleet":
                    fleet.known = tuple(endpoint(number) for number in what)
                case _:
                    number, page = what
                    fleet.pages[endpoint(number).id] = page
            statistics = poller.statistics()
            assert fleet.open <= statistics.in_flight <= 3
            assert statistics.scheduled <= 2 * 256
        fleet.pages.clear()
        await asyncio.sleep(1)  # until the last change of the fleet has been seen
        fleet.stored.clear()
        await asyncio.sleep(20)
        assert {stored[0] for stored in fleet.stored} == {one.id for one in fleet.known}
        assert poller.statistics().failing == poller.statistics().stale == 0


@settings(max_examples=50)
@given(script=st.lists(steps, max_size=25))
def test_whatever_happens_limits_hold_and_everything_is_scraped_again_afterwards(
    script: list[tuple[str, Any]],
) -> None:
    """No endpoint is ever forgotten, asked twice at once, or asked after it has gone."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(follow(Fleet(3, latency_s=0.01), script))


async def test_a_bug_in_the_sink_ends_the_loop_instead_of_being_hidden() -> None:
    class Broken(Fleet):
        def store(self, *_: object, **__: object) -> None:
            raise ZeroDivisionError

    fleet = Broken(2)
    poller = Poller(
        fleet,
        fleet,
        engines=Engines(),
        settings=ScrapeSettings(),
        metrics=ScrapeMetrics(CollectorRegistry()),
        clock=LoopClock(),
        rng=random.Random(1),
    )
    with pytest.raises(ExceptionGroup) as caught:
        await poller.run()

    assert caught.value.subgroup(ZeroDivisionError)
    assert poller.statistics().in_flight == 0


async def test_work_that_is_gone_by_the_next_look_costs_no_scrape() -> None:
    fleet = Fleet()
    async with polling(fleet):
        await asyncio.sleep(60.1)
        scrapes = len(fleet.asked[FIRST])
        for _ in range(100):  # in flight at some looks, never at two in a row
            fleet.inflight[FIRST] = 1
            await asyncio.sleep(0.05)
            fleet.inflight[FIRST] = 0
            await asyncio.sleep(0.45)

    assert len(fleet.asked[FIRST]) - scrapes <= 12
