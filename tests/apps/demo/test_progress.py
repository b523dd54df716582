"""Progress counts outcomes; time comes from the clock it is given."""

from __future__ import annotations

import math

import pytest

from apps.demo.reports import outcome
from pointsman.apps.demo.model import Policy
from pointsman.apps.demo.progress import PhaseProgress
from pointsman.lib.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def progress(clock: ManualClock) -> PhaseProgress:
    return PhaseProgress(
        Policy.POINTSMAN, requests=10, duration_s=5.0, endpoints=["a:1", "b:1"], clock=clock
    )


def test_nothing_has_happened_at_first(progress: PhaseProgress) -> None:
    assert (progress.done, progress.errors, progress.hit_rate) == (0, 0, 0.0)
    assert progress.share("a:1") == 0.0
    assert progress.ttft_by_second_s() == []
    assert math.isnan(progress.ttft_s.p50)


def test_shares_are_of_the_answers_so_far(progress: PhaseProgress) -> None:
    for index, endpoint in enumerate(["a:1", "a:1", "b:1", "a:1"]):
        progress.observe(outcome(index, ttft_s=0.1, endpoint=endpoint))
    assert progress.share("a:1") == 0.75
    assert progress.hit_rate == 0.4


def test_failures_are_done_but_not_answers(progress: PhaseProgress) -> None:
    progress.observe(outcome(0, ttft_s=0.1, endpoint="a:1", error="HTTP 503"))
    assert (progress.done, progress.errors, progress.share("a:1")) == (1, 1, 0.0)


def test_the_time_left_runs_down_to_zero_and_not_below(
    progress: PhaseProgress, clock: ManualClock
) -> None:
    clock.advance(3.0)
    assert (progress.elapsed_s, progress.left_s) == (3.0, 2.0)
    clock.advance(9.0)
    assert progress.left_s == 0.0


def test_waits_are_summed_up_by_second_of_arrival(progress: PhaseProgress) -> None:
    for index, ttft_s in ((0, 0.1), (1, 0.3), (8, 0.5)):  # a quarter of a second per index
        progress.observe(outcome(index, ttft_s=ttft_s, endpoint="a:1"))
    assert progress.ttft_by_second_s() == pytest.approx([0.2, 0.0, 0.5])
