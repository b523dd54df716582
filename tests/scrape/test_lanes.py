from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.endpoints import Address, Endpoint
from pointsman.scrape.lanes import Lane, Target


def a_target(name: str = "a") -> Target:
    return Target(
        endpoint=Endpoint(name, Address("10.0.0.1", 8000)), url="", engines=(), interval_s=1.0
    )


def test_the_target_that_has_waited_longest_is_first() -> None:
    lane = Lane(9)
    early, late = a_target(), a_target()
    lane.plan(late, 2.0)
    lane.plan(early, 1.0)

    assert lane.take_due(5.0) is early
    assert lane.take_due(5.0) is late
    assert lane.take_due(5.0) is None


def test_a_target_that_is_not_due_waits() -> None:
    lane = Lane(9)
    lane.plan(a_target(), 2.0)

    assert lane.take_due(1.9) is None
    assert lane.next_due_s() == 2.0


def test_planning_again_moves_a_target() -> None:
    lane = Lane(9)
    target = a_target()
    lane.plan(target, 1.0)
    lane.plan(target, 3.0)

    assert lane.take_due(2.0) is None
    assert lane.take_due(3.0) is target
    assert lane.take_due(math.inf) is None


def test_planning_in_another_lane_moves_a_target() -> None:
    one, other = Lane(9), Lane(9)
    target = a_target()
    one.plan(target, 1.0)
    other.plan(target, 1.0)

    assert one.take_due(1.0) is None
    assert other.take_due(1.0) is target


def test_a_full_lane_hands_out_nothing_until_one_has_finished() -> None:
    lane = Lane(1)
    first, second = a_target(), a_target()
    lane.plan(first, 1.0)
    lane.plan(second, 1.0)

    assert lane.take_due(1.0) is first
    assert lane.take_due(1.0) is None
    assert lane.next_due_s() == math.inf
    lane.finished(first)
    assert lane.take_due(1.0) is second


def test_a_retired_target_is_never_due() -> None:
    lane = Lane(9)
    target = a_target()
    lane.plan(target, 1.0)
    target.retire()

    assert lane.take_due(math.inf) is None


@given(due_s=st.lists(st.floats(0, 100), max_size=2000))
def test_outdated_entries_are_bounded_however_often_a_target_is_planned(
    due_s: list[float],
) -> None:
    lane = Lane(9)
    target = a_target()
    for moment_s in due_s:
        lane.plan(target, moment_s)

    assert len(lane) <= 256
    assert (lane.take_due(math.inf) is target) == bool(due_s)
