"""The loop that keeps every endpoint's sample fresh.

One task looks at a heap of due times and starts scrapes; a scrape is a task that lives as long as
its HTTP exchange. Nothing else runs, so a thousand idle endpoints cost a thousand heap entries.
Endpoints that fail wait in a lane of their own, with its own limit: they cannot take the places of
those that answer.

Everything here happens on one event loop's thread; no method but `run` waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pointsman.scrape.client import FailureReason, ScrapeError
from pointsman.scrape.extract import read_sample
from pointsman.scrape.lanes import Lane, Target

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from pointsman.domain.endpoints import Endpoint
    from pointsman.domain.samples import EngineSample
    from pointsman.lib.clock import Clock
    from pointsman.scrape.client import MetricsClient
    from pointsman.scrape.engines import Engines
    from pointsman.scrape.metrics import ScrapeMetrics
    from pointsman.scrape.settings import ScrapeSettings

_log = logging.getLogger(__name__)

_SWEEP_S = 0.25
"""How often the list of endpoints and the ledger are looked at when nobody wakes us."""

_TOGETHER_S = 0.005
"""Scrapes due this soon are started now: one wake-up for several."""

_FAILURES_BEFORE_WARNING = 3
"""Attempts that fail in a row before people are told: one lost packet is no news."""


class ScrapeSink(Protocol):
    """Where samples go; the data layer. No method waits."""

    def endpoints(self) -> Sequence[Endpoint]:
        """The endpoints to scrape; the same object for as long as nothing has changed."""
        ...

    def inflight_requests(self, endpoint_id: str) -> int:
        """Our own requests there that are not known to have ended; 0 for an unknown endpoint."""
        ...

    def store(self, endpoint_id: str, sample: EngineSample, *, scraped_at_s: float) -> None:
        """A good scrape, asked for at this monotonic time: later picks are not in it."""
        ...

    def failed(self, endpoint_id: str, reason: str) -> None:
        """A scrape brought nothing; the last values stay."""
        ...


@dataclass(frozen=True, slots=True)
class ScrapeStatistics:
    """The poller at one moment; metrics and tests read the same snapshot.

    Attributes:
        endpoints: being scraped.
        in_flight: scrapes under way.
        in_flight_peak: the most there ever were.
        failing: endpoints whose last scrape failed.
        stale: endpoints whose sample is overdue, those never scraped included.
        scheduled: heap entries, outdated ones included.
        scrapes: good ones since the start.
        failures: the others since the start.
    """

    endpoints: int
    in_flight: int
    in_flight_peak: int
    failing: int
    stale: int
    scheduled: int
    scrapes: int
    failures: int


class Poller:
    """Scrapes all endpoints for as long as `run` runs."""

    def __init__(
        self,
        sink: ScrapeSink,
        client: MetricsClient,
        *,
        engines: Engines,
        settings: ScrapeSettings,
        metrics: ScrapeMetrics,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._sink = sink
        self._client = client
        self._engines = engines
        self._settings = settings
        self._schedule = settings.schedule
        self._metrics = metrics
        self._clock = clock
        self._rng = rng
        self._targets: dict[str, Target] = {}
        self._seen: Sequence[Endpoint] = ()
        self._healthy = Lane(settings.scrapes_max)
        self._failing = Lane(settings.retries_max)
        self._wake = asyncio.Event()
        self._asleep_until_s = -math.inf
        self._next_sweep_s = -math.inf
        self._busy_endpoints = 0
        self._in_flight_peak = 0
        self._scrapes = 0
        self._failures = 0
        metrics.count_stale(lambda: self.statistics().stale)

    async def run(self) -> None:
        """Scrape until cancelled; when this ends, no scrape is under way."""
        try:
            async with asyncio.TaskGroup() as scrapes:
                while True:
                    self._look_around()
                    self._start_due(scrapes)
                    await self._sleep()
        finally:
            self._forget()

    def poke(self, endpoint_id: str) -> None:
        """The ledger has news of this endpoint: if its sample says otherwise, look at once.

        Cheap enough to call for every pick: a busy endpoint is scraped soon enough anyway.
        """
        target = self._targets.get(endpoint_id)
        if target is None or target.failures or target.is_in_flight or not target.is_idle:
            return
        due_s = max(self._clock.monotonic_s(), target.started_s + self._schedule.poke_gap_s)
        if due_s < target.due_s:
            self._plan(target, due_s)

    def endpoints_changed(self) -> None:
        """Look at the sink's endpoints at once, instead of at the next sweep."""
        self._next_sweep_s = -math.inf
        self._wake.set()

    def is_stale(self, endpoint_id: str) -> bool:
        """Whether an endpoint's sample is overdue or was never had."""
        target = self._targets.get(endpoint_id)
        return target is None or target.fresh_until_s < self._clock.monotonic_s()

    def statistics(self) -> ScrapeStatistics:
        """A snapshot."""
        now_s = self._clock.monotonic_s()
        return ScrapeStatistics(
            endpoints=len(self._targets),
            in_flight=self._healthy.in_flight + self._failing.in_flight,
            in_flight_peak=self._in_flight_peak,
            failing=sum(1 for target in self._targets.values() if target.failures),
            stale=sum(1 for target in self._targets.values() if target.fresh_until_s < now_s),
            scheduled=len(self._healthy) + len(self._failing),
            scrapes=self._scrapes,
            failures=self._failures,
        )

    def _forget(self) -> None:
        """Be as new; a scrape that is cancelled before its first step cannot tidy up itself."""
        self._targets = {}
        self._seen = ()
        self._healthy = Lane(self._settings.scrapes_max)
        self._failing = Lane(self._settings.retries_max)
        self._next_sweep_s = -math.inf

    def _look_around(self) -> None:
        """See which endpoints there are, and which idle ones have been given work by us."""
        now_s = self._clock.monotonic_s()
        if now_s < self._next_sweep_s:
            return
        self._next_sweep_s = now_s + _SWEEP_S
        self._sync_targets(now_s)
        if not self._schedule.is_adaptive:
            return
        self._busy_endpoints = 0
        for endpoint_id, target in self._targets.items():
            has_work = self._sink.inflight_requests(endpoint_id) > 0
            if target.is_idle and has_work and target.had_work:
                self.poke(endpoint_id)
            elif not target.is_idle and not target.failures:
                self._busy_endpoints += 1
            target.had_work = has_work

    def _sync_targets(self, now_s: float) -> None:
        endpoints = self._sink.endpoints()
        if endpoints is self._seen:
            return
        self._seen = endpoints
        known, self._targets = self._targets, {}
        for endpoint in endpoints:
            target = known.pop(endpoint.id, None)
            if target is None or target.endpoint != endpoint:
                if target is not None:
                    target.retire()
                target = Target(
                    endpoint=endpoint,
                    url=self._settings.url(endpoint),
                    engines=self._engines.for_labels(endpoint.labels),
                    interval_s=self._schedule.first_interval_s,
                )
                self._healthy.plan(target, now_s)
            self._targets[endpoint.id] = target
        for target in known.values():
            target.retire()

    def _start_due(self, scrapes: asyncio.TaskGroup) -> None:
        soon_s = self._clock.monotonic_s() + _TOGETHER_S
        for lane in (self._healthy, self._failing):
            while (target := lane.take_due(soon_s)) is not None:
                scrapes.create_task(self._scrape(target, lane), name=f"scrape {target.endpoint.id}")
        in_flight = self._healthy.in_flight + self._failing.in_flight
        self._in_flight_peak = max(self._in_flight_peak, in_flight)

    async def _sleep(self) -> None:
        self._asleep_until_s = min(
            self._next_sweep_s, self._healthy.next_due_s(), self._failing.next_due_s()
        )
        delay_s = self._asleep_until_s - self._clock.monotonic_s()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, delay_s)):
                await self._wake.wait()
        self._wake.clear()

    async def _scrape(self, target: Target, lane: Lane) -> None:
        target.started_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                page = await self._client.fetch(target.url)
            sample = _read(target, page)
        except TimeoutError:
            message = f"no page in {self._settings.timeout_s} s"
            self._failed(target, FailureReason.TIMEOUT, message=message)
        except ScrapeError as error:
            self._failed(target, error.reason, message=str(error))
        else:
            self._succeeded(target, sample)
        finally:
            if lane.is_full:
                self._wake.set()
            lane.finished(target)

    def _succeeded(self, target: Target, sample: EngineSample) -> None:
        if target.is_retired:
            return
        endpoint_id, now_s = target.endpoint.id, self._clock.monotonic_s()
        self._scrapes += 1
        self._metrics.seconds.observe(now_s - target.started_s)
        if target.failures >= _FAILURES_BEFORE_WARNING:
            _log.info("metrics are back endpoint=%s url=%s", endpoint_id, target.url)
        target.failures = 0
        self._sink.store(endpoint_id, sample, scraped_at_s=target.started_s)
        is_busy = bool(sample.waiting or sample.running)
        if sample.running is None:  # the engine does not say, the ledger does
            is_busy = is_busy or self._sink.inflight_requests(endpoint_id) > 0
        target.is_idle = self._schedule.is_adaptive and not is_busy
        target.interval_s = self._schedule.next_interval_s(target.interval_s, is_busy=is_busy)
        interval_s = self._schedule.planned_s(
            target.interval_s,
            is_busy=is_busy,
            sharing=self._busy_endpoints if is_busy else len(self._targets),
            rng=self._rng,
        )
        due_s = max(now_s, target.started_s + interval_s)
        target.fresh_until_s = due_s + self._settings.staleness_s
        self._plan(target, due_s)

    def _failed(self, target: Target, reason: FailureReason, *, message: str) -> None:
        if target.is_retired:
            return
        target.failures += 1
        self._failures += 1
        self._metrics.failures[reason].inc()
        if target.failures == _FAILURES_BEFORE_WARNING:
            _log.warning(
                "metrics are not available endpoint=%s url=%s reason=%s error=%s",
                target.endpoint.id,
                target.url,
                reason,
                message,
            )
        self._sink.failed(target.endpoint.id, reason)
        retry_s = self._schedule.retry_s(target.failures, self._rng)
        self._plan(target, self._clock.monotonic_s() + retry_s)

    def _plan(self, target: Target, due_s: float) -> None:
        lane = self._failing if target.failures else self._healthy
        lane.plan(target, due_s)
        if due_s < self._asleep_until_s:
            self._wake.set()


def _read(target: Target, page: bytes) -> EngineSample:
    """What a page says, read as the first of the target's engines that finds anything in it."""
    for engine in target.engines:
        sample = read_sample(page, engine)
        if not sample.is_empty:
            if engine is not target.engines[0]:
                others = (other for other in target.engines if other is not engine)
                target.engines = (engine, *others)
            return sample
    names = ", ".join(engine.name for engine in target.engines)
    raise ScrapeError(FailureReason.NO_METRICS, f"the page has no metrics of {names}")
