from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Histogram as PrometheusHistogram

from pointsman.sim.engine.requests import Finished, FirstToken, Step
from pointsman.sim.telemetry import (
    ADAPTER_SETS_MAX,
    Histogram,
    Telemetry,
    Wanted,
    token_bounds,
)

BOUNDS = (0.1, 1.0, 10.0)


@given(values=st.lists(st.floats(0, 100, allow_nan=False)))
def test_values_fall_into_the_buckets_that_prometheus_puts_them_in(values: list[float]) -> None:
    ours = Histogram(BOUNDS)
    theirs = PrometheusHistogram("h", "h", buckets=BOUNDS, registry=CollectorRegistry())
    for value in values:
        ours.observe(value)
        theirs.observe(value)
    counts = [each.get() for each in theirs._buckets]  # noqa: SLF001 - no other way to read them
    assert ours.counts == counts


def test_equal_values_can_be_counted_together() -> None:
    histogram = Histogram(BOUNDS)
    histogram.observe(0.5, 3)
    assert (histogram.counts, histogram.total) == ([0, 3, 0, 0], 1.5)


def test_length_buckets_go_up_to_the_context() -> None:
    assert token_bounds(2048) == (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
    assert token_bounds(1) == (1,)


def test_times_are_those_of_the_outside_world() -> None:
    telemetry = Telemetry(2048, speed=10.0)
    telemetry.observe_step(
        Step(0.0, 1.0, 5, [1], [], [FirstToken(1, waited_s=2.0)], [(1.0, 4)], [])
    )
    telemetry.observe_finished(
        Finished(1, 20, 5, 16, 0, total_s=6.0, queued_s=1.0, prefilling_s=1.0, decoding_s=4.0),
        Wanted(choices=1, output_tokens=5, ending="length"),
    )
    assert telemetry.first_token_s.total == 0.2
    assert telemetry.token_gap_s.total == 0.4
    assert telemetry.mean_gap_s.total == 0.1
    assert telemetry.inference_s.total == 0.5
    assert telemetry.computed_tokens.total == 4
    assert telemetry.endings == {"stop": 0, "length": 1}


def test_old_sets_of_adapters_stay_up_to_a_limit() -> None:
    telemetry = Telemetry(2048, speed=1.0)
    for number in range(ADAPTER_SETS_MAX + 5):
        telemetry.observe_adapters(f"a{number}", "", unix_s=float(number))
    telemetry.observe_adapters("a9", "", unix_s=5000.0)
    assert len(telemetry.adapter_sets) == ADAPTER_SETS_MAX
    assert telemetry.adapter_sets["a9", ""] == 5000.0
    assert ("a0", "") not in telemetry.adapter_sets
