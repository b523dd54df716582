from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.lib.backoff import Backoff


@given(failures=st.integers(1, 10_000), seed=st.integers())
def test_a_wait_is_between_half_and_all_of_the_doubled_first_one(failures: int, seed: int) -> None:
    backoff = Backoff(first_s=0.5, max_s=10.0)
    full_s = {1: 0.5, 2: 1.0, 3: 2.0, 4: 4.0, 5: 8.0}.get(failures, 10.0)

    assert full_s / 2 <= backoff.delay_s(failures, random.Random(seed)) <= full_s


def test_two_that_failed_together_wait_differently() -> None:
    rng = random.Random(1)
    backoff = Backoff(first_s=1.0, max_s=60.0)

    assert backoff.delay_s(3, rng) != backoff.delay_s(3, rng)


def test_nothing_failed_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="0 failures"):
        Backoff(first_s=1.0, max_s=2.0).delay_s(0, random.Random(1))


@pytest.mark.parametrize(("first_s", "max_s"), [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0)])
def test_impossible_limits_are_refused(first_s: float, max_s: float) -> None:
    with pytest.raises(ValueError, match="does not hold"):
        Backoff(first_s=first_s, max_s=max_s)
