"""Numbers that a reader of the report will compare: they must be the textbook ones."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.apps.load.results import Outcome, Percentiles, hit_rate, summarise
from pointsman.apps.load.workload import Kind

GOOD = Outcome(
    index=0,
    kind=Kind.CHAT,
    planned_s=1.0,
    sent_s=1.1,
    first_token_s=1.5,
    ended_s=2.5,
    status=200,
    prompt_tokens=100,
    cached_tokens=25,
    output_tokens=11,
    endpoint="a:1",
)
FAILED = dataclasses.replace(
    GOOD, first_token_s=None, ended_s=9.0, status=503, error="HTTP 503", endpoint="b:1"
)


def test_latencies_count_from_the_planned_arrival() -> None:
    """A client that falls behind must not make the server look faster."""
    assert GOOD.ttft_s == pytest.approx(0.5)
    assert GOOD.latency_s == pytest.approx(1.5)
    assert GOOD.tpot_s == pytest.approx(0.1)


def test_a_request_without_tokens_has_no_token_times() -> None:
    assert math.isnan(FAILED.ttft_s)
    assert math.isnan(FAILED.tpot_s)


def test_one_token_has_no_time_between_tokens() -> None:
    assert math.isnan(dataclasses.replace(GOOD, output_tokens=1).tpot_s)


def test_failures_count_as_errors_and_as_nothing_else() -> None:
    summary = summarise([GOOD, FAILED])
    assert (summary.requests, summary.errors) == (2, 1)
    assert summary.ttft_s.p99 == pytest.approx(0.5)
    assert summary.duration_s == 9.0
    assert summary.requests_per_s == pytest.approx(1 / 9)
    assert summary.output_tokens_per_s == pytest.approx(11 / 9)
    assert list(summary.endpoints) == ["a:1"]


def test_shares_and_hit_rates_are_per_endpoint_and_weighted_by_tokens() -> None:
    other = dataclasses.replace(GOOD, endpoint="b:1", prompt_tokens=300, cached_tokens=300)
    summary = summarise([GOOD, GOOD, GOOD, other])
    assert summary.endpoints["a:1"].share == 0.75
    assert summary.endpoints["a:1"].hit_rate == 0.25
    assert summary.endpoints["b:1"].hit_rate == 1.0
    assert summary.hit_rate == pytest.approx(375 / 600)


def test_an_empty_load_sums_up_to_nothing() -> None:
    summary = summarise([])
    assert (summary.requests, summary.errors, summary.requests_per_s) == (0, 0, 0.0)
    assert math.isnan(summary.ttft_s.p50)
    assert hit_rate([]) == 0.0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_percentiles_are_numpys_and_ordered(values: list[float]) -> None:
    percentiles = Percentiles.of(values)
    assert percentiles.p50 == pytest.approx(float(np.median(values)))
    assert min(values) <= percentiles.p50 <= percentiles.p90 <= percentiles.p99 <= max(values)


def test_percentiles_leave_out_what_was_not_measured() -> None:
    assert Percentiles.of([float("nan"), 2.0]).mean == 2.0
