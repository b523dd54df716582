"""Learning: a line through (work, seconds) finds the rate, and priors keep few samples sane."""

from __future__ import annotations

import random

import pytest

from builders import endpoint, table_of
from pointsman.api.signals import Signal
from pointsman.datalayer.learning import OUTPUT_TOKENS_PRIOR, Learner
from pointsman.datalayer.table import PREFILL_RATE_PRIOR, EndpointTable


def rate(table: EndpointTable, slot: int) -> float:
    return float(table.signals[Signal.PREFILL_RATE, slot])


def taught(learner: Learner, slot: int, *, tokens_per_s: float, samples: int, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(samples):
        work = rng.uniform(100, 8_000)
        seconds = 0.02 + work / tokens_per_s * rng.uniform(0.9, 1.1)
        learner.first_token(slot, work_tokens=work, seconds=seconds)


@pytest.mark.parametrize("tokens_per_s", [1_000, 16_000, 60_000])
def test_the_rate_is_found_in_spite_of_a_constant_overhead(tokens_per_s: float) -> None:
    table = table_of(1)
    taught(Learner(table), 0, tokens_per_s=tokens_per_s, samples=100, seed=7)
    assert rate(table, 0) == pytest.approx(tokens_per_s, rel=0.15)


def test_a_new_endpoint_is_believed_to_be_an_average_one() -> None:
    table = table_of(2)
    learner = Learner(table)
    taught(learner, 0, tokens_per_s=30_000, samples=100, seed=1)
    learner.first_token(1, work_tokens=100, seconds=0.025)
    assert rate(table, 1) == pytest.approx(30_000, rel=0.3)


def test_endpoints_of_different_speed_are_told_apart() -> None:
    table = table_of(2)
    learner = Learner(table)
    for seed in range(20):
        taught(learner, 0, tokens_per_s=20_000, samples=5, seed=seed)
        taught(learner, 1, tokens_per_s=5_000, samples=5, seed=100 + seed)
    assert rate(table, 0) > 2.5 * rate(table, 1)


def test_equal_or_senseless_samples_leave_the_rate_within_bounds() -> None:
    table = table_of(1)
    learner = Learner(table)
    for _ in range(200):
        learner.first_token(0, work_tokens=0.0, seconds=0.0)
    assert rate(table, 0) == pytest.approx(PREFILL_RATE_PRIOR)
    for work in range(200):
        learner.first_token(0, work_tokens=work * 100.0, seconds=20.0 - work / 10)
    assert 50 <= rate(table, 0) <= 2_000_000


def test_a_new_tenant_of_a_slot_does_not_inherit_the_line_of_the_old() -> None:
    table = table_of(1)
    learner = Learner(table)
    taught(learner, 0, tokens_per_s=500, samples=100, seed=1)
    table.replace([])
    table.replace([endpoint(7)])
    assert rate(table, 0) == PREFILL_RATE_PRIOR


def test_expected_output_follows_what_is_seen_and_the_clients_limit() -> None:
    learner = Learner(table_of(1))
    assert learner.expected_output_tokens(None) == OUTPUT_TOKENS_PRIOR
    assert learner.expected_output_tokens(10) == 10
    for _ in range(300):
        learner.generated(tokens=50, seconds=0.49)
    assert learner.expected_output_tokens(None) == pytest.approx(50, rel=0.1)
    assert learner.seconds_per_token == pytest.approx(0.01, rel=0.05)
