"""The endpoint table: slots are stable, signals are columns, adapters are bitsets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import endpoint, table_of
from pointsman.api.signals import Signal
from pointsman.datalayer.table import EndpointTable
from pointsman.domain.endpoints import Address, Endpoint
from pointsman.domain.samples import EngineSample


def test_known_endpoints_keep_slot_and_signals_when_others_come_and_go() -> None:
    table = table_of(3)
    table.store("default/e2", EngineSample(waiting=7), scraped_at_s=1.0)
    change = table.replace([endpoint(2), endpoint(5)])
    assert change.removed == (0, 1)
    assert table.slot_of("default/e2") == 2
    assert table.signals[Signal.WAITING, 2] == 7
    assert change.added == (table.slot_of("default/e5"),)


def test_a_new_address_under_an_old_name_is_a_new_endpoint() -> None:
    table = table_of(1)
    table.store("default/e0", EngineSample(waiting=7), scraped_at_s=1.0)
    generation = table.generations[0]
    change = table.replace([Endpoint(name="e0", address=Address("10.9.9.9", 1))])
    assert change.removed == (0,)
    assert table.signals[Signal.WAITING, 0] == 0
    assert table.generations[0] == generation + 1


def test_a_never_scraped_endpoint_says_so() -> None:
    candidates = table_of(2).candidates(5.0)
    assert list(candidates.column(Signal.SCRAPED_AT_S)) == [-math.inf, -math.inf]
    assert all(candidates.column(Signal.PREFILL_RATE) > 0)


def test_values_an_engine_does_not_publish_keep_their_column() -> None:
    table = table_of(1)
    table.store("default/e0", EngineSample(waiting=3, kv_usage=0.5), scraped_at_s=1.0)
    table.store("default/e0", EngineSample(waiting=1), scraped_at_s=2.0)
    assert table.signals[Signal.KV_USAGE, 0] == 0.5
    assert table.signals[Signal.SCRAPED_AT_S, 0] == 2.0


@pytest.mark.parametrize("nonsense", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_ignored(nonsense: float) -> None:
    table = table_of(1)
    table.store("default/e0", EngineSample(waiting=3), scraped_at_s=1.0)
    table.store("default/e0", EngineSample(waiting=nonsense), scraped_at_s=2.0)
    assert table.signals[Signal.WAITING, 0] == 3


def test_adapters_follow_the_latest_scrape_and_leave_with_their_endpoint() -> None:
    table = table_of(2)
    table.store("default/e0", EngineSample(lora_active=frozenset({"a"})), scraped_at_s=1.0)
    table.store("default/e1", EngineSample(lora_active=frozenset({"a", "b"})), scraped_at_s=1.0)
    table.store("default/e0", EngineSample(lora_waiting=frozenset({"a"})), scraped_at_s=2.0)
    adapters = table.candidates(2.0).adapters
    assert (adapters["a"].active, adapters["a"].waiting) == (0b10, 0b01)
    table.replace([endpoint(0)])
    assert set(table.candidates(2.0).adapters) == {"a"}


def test_a_scrape_that_arrives_after_its_endpoint_left_is_ignored() -> None:
    table = table_of(1)
    table.replace([])
    table.store("default/e0", EngineSample(waiting=3), scraped_at_s=1.0)
    assert len(table.candidates(1.0)) == 0


@pytest.mark.parametrize(
    ("endpoints", "message"),
    [
        ([endpoint(1), endpoint(1)], "two endpoints are called"),
        ([endpoint(1), Endpoint(name="x", address=endpoint(1).address)], "share the address"),
        ([endpoint(n) for n in range(4)], "at most 3"),
    ],
)
def test_impossible_lists_are_refused_and_change_nothing(
    endpoints: list[Endpoint], message: str
) -> None:
    table = EndpointTable(endpoints_max=3)
    table.replace([endpoint(9)])
    with pytest.raises(ValueError, match=message):
        table.replace(endpoints)
    assert table.endpoints == (endpoint(9),)


@given(st.lists(st.sets(st.integers(0, 200), max_size=130), min_size=1, max_size=6))
def test_after_any_sequence_of_lists_the_table_holds_exactly_the_last(
    lists: list[set[int]],
) -> None:
    table = EndpointTable()
    for numbers in lists:
        table.replace([endpoint(number) for number in sorted(numbers)])
    candidates = table.candidates(0.0)
    held = {candidates.endpoint(i).name for i in range(len(candidates))}
    assert held == {f"e{number}" for number in lists[-1]}
    assert len(np.unique(candidates.slots)) == len(candidates)
    assert all(table.slot_at(e.address) == table.slot_of(e.id) for e in table.endpoints)
