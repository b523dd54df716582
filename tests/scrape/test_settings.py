from __future__ import annotations

import logging
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.endpoints import Address, Endpoint
from pointsman.scrape.settings import ScrapeSchedule, ScrapeSettings, parse_refresh_interval_s


def test_auto_is_no_fixed_interval() -> None:
    assert parse_refresh_interval_s(" auto ") is None


@pytest.mark.parametrize(("text", "seconds"), [("50ms", 0.05), ("1s", 1.0), ("1m30s", 90.0)])
def test_a_duration_is_kept(text: str, seconds: float, caplog: pytest.LogCaptureFixture) -> None:
    assert parse_refresh_interval_s(text) == pytest.approx(seconds)
    assert not caplog.records


@pytest.mark.parametrize("text", ["49ms", "1ns", "0"])
def test_a_shorter_duration_becomes_50_ms_with_a_warning(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert parse_refresh_interval_s(text) == 0.05
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize("text", ["", "fast", "5", "-1s"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_refresh_interval_s(text)


def test_an_idle_endpoint_s_interval_grows_slowly_to_five_seconds() -> None:
    schedule = ScrapeSchedule()
    intervals = [schedule.first_interval_s]
    for _ in range(12):
        intervals.append(schedule.next_interval_s(intervals[-1], is_busy=False))

    assert intervals[:4] == [1.0, 2.0, 4.0, 5.0]
    assert intervals[-1] == 5.0
    assert schedule.next_interval_s(intervals[-1], is_busy=True) == 0.25


def test_a_fixed_interval_is_the_same_for_busy_and_idle() -> None:
    schedule = ScrapeSchedule(fixed_interval_s=0.05)

    assert schedule.next_interval_s(0.05, is_busy=True) == 0.05
    assert schedule.next_interval_s(0.05, is_busy=False) == 0.05


@given(interval_s=st.floats(0.05, 100.0), seed=st.integers())
def test_chance_moves_an_interval_by_a_tenth_at_most(interval_s: float, seed: int) -> None:
    planned_s = ScrapeSchedule().planned_s(
        interval_s, is_busy=True, sharing=1, rng=random.Random(seed)
    )

    assert planned_s == pytest.approx(interval_s, rel=0.101)


@pytest.mark.parametrize(
    ("fixed_interval_s", "endpoints", "expected_s"),
    [(None, 100, 0.25), (None, 1000, 2.5), (None, 4000, 10.0), (0.05, 1000, 0.05)],
)
def test_many_endpoints_share_the_rate_unless_an_interval_is_fixed(
    fixed_interval_s: float | None, endpoints: int, expected_s: float
) -> None:
    schedule = ScrapeSchedule(fixed_interval_s=fixed_interval_s)
    interval_s = schedule.next_interval_s(0.25, is_busy=True)

    planned_s = schedule.planned_s(
        interval_s, is_busy=True, sharing=endpoints, rng=random.Random(1)
    )

    assert planned_s == pytest.approx(expected_s, rel=0.101)


@pytest.mark.parametrize(("endpoints", "expected_s"), [(100, 5.0), (500, 5.0), (1000, 10.0)])
def test_very_many_idle_endpoints_wait_longer(endpoints: int, expected_s: float) -> None:
    planned_s = ScrapeSchedule().planned_s(
        5.0, is_busy=False, sharing=endpoints, rng=random.Random(1)
    )

    assert planned_s == pytest.approx(expected_s, rel=0.101)


def test_a_failing_endpoint_is_never_asked_more_often_than_a_good_one() -> None:
    schedule = ScrapeSchedule(fixed_interval_s=30.0)

    assert schedule.retry_s(1, random.Random(1)) == 30.0


@pytest.mark.parametrize(
    ("settings", "host", "url"),
    [
        (ScrapeSettings(), "10.0.0.1", "http://10.0.0.1:8000/metrics"),
        (ScrapeSettings(), "fd00::1", "http://[fd00::1]:8000/metrics"),
        (
            ScrapeSettings(scheme="https", path="/stats", port=9),
            "10.0.0.1",
            "https://10.0.0.1:9/stats",
        ),
    ],
)
def test_the_url_follows_scheme_path_and_port(
    settings: ScrapeSettings, host: str, url: str
) -> None:
    assert settings.url(Endpoint("a", Address(host, 8000))) == url
