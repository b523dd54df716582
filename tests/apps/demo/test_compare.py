"""What the rows say in words is what their numbers say."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.demo.reports import report
from pointsman.apps.demo.compare import Row, comparison, percent, seconds, times


def row(name: str, *, base_s: float, ours_s: float) -> Row:
    rows = {row.name: row for row in comparison(report(base_s=base_s, ours_s=ours_s))}
    return rows[name]


def test_faster_is_better() -> None:
    found = row("TTFT p50", base_s=0.8, ours_s=0.2)
    assert (found.change, found.is_better) == ("4.0x faster", True)


def test_slower_is_worse_and_said_so() -> None:
    found = row("latency p90", base_s=0.2, ours_s=0.8)
    assert (found.change, found.is_better) == ("4.0x slower", False)


def test_a_difference_within_noise_is_called_equal() -> None:
    found = row("TTFT p99", base_s=0.200, ours_s=0.202)
    assert (found.change, found.is_better) == ("about equal", None)


def test_every_quantity_of_the_issue_has_a_row() -> None:
    names = {row.name for row in comparison(report())}
    quantities = {
        f"{what} {quantile}" for what in ("TTFT", "latency") for quantile in ("p50", "p90", "p99")
    }
    assert (
        quantities
        | {
            "requests/s",
            "output tokens/s",
            "prefix cache hits",
            "busiest server's share",
            "errors",
        }
        <= names
    )


def test_more_errors_are_worse() -> None:
    rows = {row.name: row for row in comparison(report(error="HTTP 503"))}
    assert (rows["errors"].baseline, rows["errors"].pointsman) == ("0", "1")
    assert rows["errors"].is_better is False


@pytest.mark.parametrize(
    ("value_s", "text"),
    [
        (0.0004, "0.4 ms"),
        (0.0842, "84 ms"),
        (0.9996, "1.00 s"),
        (1.316, "1.32 s"),
        (12.34, "12.3 s"),
    ],
)
def test_seconds_have_the_unit_that_people_say(value_s: float, text: str) -> None:
    assert seconds(value_s) == text


def test_what_was_not_measured_has_no_number() -> None:
    assert seconds(math.nan) == "n/a"
    assert percent(math.nan) == "n/a"


@given(st.floats(1.0, 1e6))
def test_a_factor_is_never_rounded_by_more_than_six_percent(factor: float) -> None:
    assert float(times(factor)[:-1]) == pytest.approx(factor, rel=0.06)
