"""Results: medians of rounds, and targets that say what this run did and did not measure."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pointsman.apps.bench.plan import SCENARIOS, Scenario
from pointsman.apps.bench.results import Idle, Results, Row, row, rows_table, targets_table


def cell(scenario: str, dialect: str, *, endpoints: int, picker: float, floor: float) -> Row:
    return Row(scenario, dialect, endpoints, picker, floor, picker / floor, 100)


RESULTS = Results(
    rows=(
        cell("1KB prompt", "headers-only", endpoints=100, picker=150, floor=100),
        cell("1KB prompt", "headers-only", endpoints=1000, picker=250, floor=100),
        cell("1 chunk", "headers-only", endpoints=4, picker=100, floor=90),
        cell("100 chunks", "headers-only", endpoints=4, picker=120, floor=90),
        cell("1 chunk", "observe", endpoints=4, picker=200, floor=100),
        cell("100 chunks", "observe", endpoints=4, picker=8_000, floor=6_000),
    ),
    idle=Idle(endpoints=100, cores=0.02),
    rss_mib_max=120.5,
)


def test_a_row_is_the_median_of_its_rounds() -> None:
    found = row(SCENARIOS[0], [(200, 100), (900, 100), (300, 200)], endpoints=4)
    assert (found.picker_cpu_us, found.floor_cpu_us, found.ratio) == (300, 100, 2.0)
    assert found.requests == 3 * SCENARIOS[0].requests


def test_targets_compare_what_was_measured_and_leave_out_the_rest() -> None:
    targets = {target.claim: target for target in RESULTS.targets()}
    assert targets["1KB prompt, 100 endpoints / floor"].is_met
    assert not targets["1KB prompt, 1,000 endpoints / floor"].is_met
    assert targets["400KB prompt / floor"].value is None
    assert targets["NONE + trailers, 100 chunks / 1 chunk"].value == pytest.approx(1.2)
    assert targets["observed chunk / bare echoed chunk"].value == pytest.approx(7_800 / 5_900)
    assert targets["idle with 100 endpoints, cores"].value == 0.02


def test_the_json_has_the_documented_keys() -> None:
    document = RESULTS.as_json()
    assert set(document) == {"rows", "idle", "rss_mib_max"}
    assert document["idle"] == {"endpoints": 100, "cores": 0.02}
    assert set(document["rows"][0]) == {
        "scenario", "dialect", "endpoints", "picker_cpu_us", "floor_cpu_us", "ratio", "requests",
    }  # fmt: skip


def test_the_tables_tell_held_from_missed() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(rows_table(RESULTS), targets_table(RESULTS))
    text = console.export_text()
    assert text.count("MISSED") == 1
    assert "not measured" in text


def test_scenarios_cover_what_is_promised() -> None:
    """1 KB, 400 KB and 100 chunks in each dialect, and a one-chunk case of equal length."""
    by_key = {(scenario.name, scenario.dialect): scenario for scenario in SCENARIOS}
    assert len(by_key) == len(SCENARIOS)
    for dialect in ("headers-only", "observe"):
        one: Scenario = by_key["1 chunk", dialect]
        assert one.duration_ms == by_key["100 chunks", dialect].duration_ms
    assert ("100 chunks", "early-end") in by_key
