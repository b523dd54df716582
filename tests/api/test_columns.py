from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import endpoint, request, table_of
from pointsman.api.candidates import MATCHED_TOKENS, Candidates
from pointsman.api.columns import (
    EndpointColumn,
    backlog_tokens,
    least_is_best,
    matched_share,
    owned,
    scraped,
    scraped_and_picked,
    uncached_tokens,
)
from pointsman.api.signals import Signal
from pointsman.domain.endpoints import Endpoint


def candidates_with(columns: dict[Signal, list[float]], *, now_s: float = 100.0) -> Candidates:
    """One candidate for each value; scraped at 99 s unless said otherwise."""
    size = len(next(iter(columns.values())))
    table = table_of(size)
    table.signals[Signal.SCRAPED_AT_S] = 99.0
    for signal, values in columns.items():
        table.signals[signal, :size] = values
    return table.candidates(now_s)


def test_an_endpoint_never_scraped_counts_as_the_mean_of_the_others() -> None:
    candidates = candidates_with(
        {Signal.WAITING: [0, 4, 8], Signal.SCRAPED_AT_S: [-np.inf, 1.0, 2.0]}
    )
    assert scraped(candidates, Signal.WAITING).tolist() == [6, 4, 8]
    assert scraped(candidates, Signal.WAITING, unknown=0).tolist() == [0, 4, 8]


def test_a_signal_the_engine_does_not_publish_counts_as_the_mean_of_the_others() -> None:
    candidates = candidates_with({Signal.KV_USAGE: [np.nan, 0.5, -1.0]})
    assert scraped(candidates, Signal.KV_USAGE).tolist() == [0.25, 0.5, 0]


def test_where_nothing_was_scraped_everything_counts_as_empty() -> None:
    candidates = candidates_with({Signal.WAITING: [5, 6], Signal.SCRAPED_AT_S: [-np.inf] * 2})
    assert scraped(candidates, Signal.WAITING).tolist() == [0, 0]


def test_our_picks_since_the_scrape_are_added() -> None:
    candidates = candidates_with({Signal.WAITING: [1, 2], Signal.PICKED_SINCE_SCRAPE: [3, 0]})
    assert scraped_and_picked(candidates, Signal.WAITING).tolist() == [4, 2]


def test_backlog_drains_at_the_learned_rate_and_never_below_nothing() -> None:
    candidates = candidates_with(
        {
            Signal.BACKLOG_TOKENS: [1_000, 1_000, 1_000],
            Signal.BACKLOG_AT_S: [100, 99, 90],
            Signal.PREFILL_RATE: [400, 400, 400],
        }
    )
    assert backlog_tokens(candidates).tolist() == [1_000, 600, 0]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_a_column_of_the_ledger_is_finite_and_not_negative(values: list[float]) -> None:
    column = owned(candidates_with({Signal.CONTEXT_TOKENS: values}), Signal.CONTEXT_TOKENS)
    assert np.isfinite(column).all()
    assert (column >= 0).all()


@pytest.mark.parametrize("tokens", [0, 100])
def test_matches_are_shares_of_the_prompt(tokens: int) -> None:
    candidates = candidates_with({Signal.WAITING: [0, 0, 0]}).with_features(
        {MATCHED_TOKENS: np.array([0.0, 50.0, 500.0])}
    )
    share = matched_share(request(tokens=tokens), candidates)
    assert share.tolist() == ([0, 0.5, 1] if tokens else [0, 0, 0])
    assert uncached_tokens(request(tokens=tokens), candidates).tolist() == [
        tokens, max(tokens - 50, 0), 0,
    ]  # fmt: skip


@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=20))
def test_the_least_value_scores_one_and_the_largest_zero(values: list[float]) -> None:
    scores = least_is_best(np.array(values))
    assert scores[int(np.argmin(values))] == 1
    assert scores[int(np.argmax(values))] == (1 if len(set(values)) == 1 else 0)


def test_a_number_per_endpoint_is_calculated_once_per_pool() -> None:
    asked: list[str] = []

    def length(one: Endpoint) -> float:
        asked.append(one.name)
        return float(len(one.name))

    table = table_of(3)
    column = EndpointColumn(length)
    for _ in range(3):
        assert column.of(table.candidates(0.0)).tolist() == [2, 2, 2]
    assert asked == ["e0", "e1", "e2"]
    table.replace([endpoint(1), endpoint(100)])
    assert column.of(table.candidates(0.0)).tolist() == [4, 2]
    assert sorted(asked[3:]) == ["e1", "e100"]
