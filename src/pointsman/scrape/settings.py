"""When an endpoint is scraped, and how it is asked. Pure; times and chance are arguments."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pointsman.domain.endpoints import Address
from pointsman.lib.backoff import Backoff
from pointsman.lib.durations import parse_duration_s

if TYPE_CHECKING:
    import random

    from pointsman.domain.endpoints import Endpoint

_log = logging.getLogger(__name__)

AUTO = "auto"
FIXED_INTERVAL_S_MIN = 0.05


def parse_refresh_interval_s(text: str) -> float | None:
    """Read `--refresh-metrics-interval`: seconds, or None for `auto`.

    Shorter durations than 50 ms become 50 ms with a warning, as upstream's do.

    Raises:
        ValueError: it is neither `auto` nor a duration.
    """
    if text.strip() == AUTO:
        return None
    interval_s = parse_duration_s(text)
    if interval_s < FIXED_INTERVAL_S_MIN:
        _log.warning("metrics refresh interval raised asked=%s used=50ms", text)
        return FIXED_INTERVAL_S_MIN
    return interval_s


@dataclass(frozen=True, slots=True)
class ScrapeSchedule:
    """How often endpoints are scraped.

    Attributes:
        fixed_interval_s: one interval for every endpoint, or None for the adaptive rule below.
        busy_interval_s: for an endpoint with work, ours or anybody's. Our own picks are known
            without a scrape, so this need not be fast (docs/scraping.md has the study).
        idle_interval_s: what the interval grows to while an endpoint has no work: how late we may
            learn that somebody else has begun to use it.
        first_adaptive_interval_s: what an endpoint starts with: a new one is either found busy by
            its first scrape, or given work by us.
        idle_growth: factor from one idle interval to the next, so that a short pause between two
            requests does not make an endpoint slow to observe.
        busy_scrapes_per_s_max: what busy endpoints together are scraped at most; beyond it, their
            intervals grow with their number. It keeps the busy interval for 100 endpoints and
            costs about a fifth of a core.
        idle_scrapes_per_s_max: the same for idle ones: 500 of them keep their interval.
        jitter: share of an interval by which chance moves it either way, so that endpoints that
            started together do not stay together.
        poke_gap_s: the least time between two scrapes of an endpoint, however often it is poked.
        backoff: waits between attempts at an endpoint that fails; at most the idle interval, so
            that one that comes back is noticed as soon as one that becomes busy.
    """

    fixed_interval_s: float | None = None
    busy_interval_s: float = 0.25
    idle_interval_s: float = 5.0
    idle_growth: float = 2.0
    first_adaptive_interval_s: float = 1.0
    busy_scrapes_per_s_max: float = 400.0
    idle_scrapes_per_s_max: float = 100.0
    jitter: float = 0.1
    poke_gap_s: float = 0.05
    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.5, max_s=5.0))

    @property
    def is_adaptive(self) -> bool:
        """Whether intervals follow the load."""
        return self.fixed_interval_s is None

    @property
    def first_interval_s(self) -> float:
        """The interval that an endpoint starts with."""
        return self.fixed_interval_s or self.first_adaptive_interval_s

    def next_interval_s(self, previous_s: float, *, is_busy: bool) -> float:
        """The interval after a good scrape, before `planned_s`."""
        if self.fixed_interval_s is not None:
            return self.fixed_interval_s
        if is_busy:
            return self.busy_interval_s
        return min(self.idle_interval_s, previous_s * self.idle_growth)

    def planned_s(
        self, interval_s: float, *, is_busy: bool, sharing: int, rng: random.Random
    ) -> float:
        """Seconds to the next scrape: the interval, or what so many can have, moved by chance.

        `sharing` is the number of endpoints that are as busy or as idle as this one.
        """
        if self.is_adaptive:
            rate = self.busy_scrapes_per_s_max if is_busy else self.idle_scrapes_per_s_max
            interval_s = max(interval_s, sharing / rate)
        return interval_s * rng.uniform(1.0 - self.jitter, 1.0 + self.jitter)

    def retry_s(self, failures: int, rng: random.Random) -> float:
        """Seconds until the next attempt after so many failures in a row."""
        return max(self.fixed_interval_s or 0.0, self.backoff.delay_s(failures, rng))


@dataclass(frozen=True, slots=True)
class ScrapeSettings:
    """How an endpoint is asked, and how much is asked at once.

    Attributes:
        schedule: when.
        scheme: `http` or `https`.
        path: of the metrics page, with its leading slash.
        port: overrides every endpoint's own port; None keeps it.
        timeout_s: for connecting, sending and reading together; upstream's value.
        scrapes_max: in flight at once, to endpoints that answer.
        retries_max: in flight at once, to endpoints that failed the last time.
        staleness_s: how long after its next scrape was due an endpoint counts as stale; upstream's
            default. With a fixed interval this is upstream's threshold plus that interval.
    """

    schedule: ScrapeSchedule = field(default_factory=ScrapeSchedule)
    scheme: str = "http"
    path: str = "/metrics"
    port: int | None = None
    timeout_s: float = 1.0
    scrapes_max: int = 64
    retries_max: int = 16
    staleness_s: float = 2.0

    def url(self, endpoint: Endpoint) -> str:
        """Where an endpoint's metrics are."""
        host, port = endpoint.address
        authority = Address(host, self.port or port).authority
        return f"{self.scheme}://{authority}{self.path}"
