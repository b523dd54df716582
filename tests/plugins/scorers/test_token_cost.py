"""token-cost: the endpoint that shows the first token soonest is the best."""

from __future__ import annotations

import numpy as np
import pytest

from builders import request, surroundings, table_of
from pointsman.api.candidates import MATCHED_TOKENS, Candidates
from pointsman.api.signals import Signal
from pointsman.datalayer.table import EndpointTable
from pointsman.plugins.scorers.token_cost import TokenCostConfig, TokenCostScorer

PROMPT = request("x" * 40_000)


def scorer(table: EndpointTable) -> TokenCostScorer:
    return TokenCostScorer(TokenCostConfig(), surroundings(table))


def best(table: EndpointTable, candidates: Candidates) -> list[int]:
    scores = scorer(table).score(PROMPT, candidates)
    return list(np.flatnonzero(scores == scores.max()))


def test_idle_equal_endpoints_all_score_one() -> None:
    table = table_of(4)
    assert list(scorer(table).score(PROMPT, table.candidates(0.0))) == [1.0] * 4


def test_the_shorter_backlog_wins() -> None:
    table = table_of(3)
    table.signals[Signal.BACKLOG_TOKENS, :3] = [9_000, 3_000, 6_000]
    assert best(table, table.candidates(0.0)) == [1]


def test_a_faster_endpoint_may_carry_a_longer_backlog() -> None:
    table = table_of(2)
    table.signals[Signal.BACKLOG_TOKENS, :2] = [4_000, 6_000]
    table.signals[Signal.PREFILL_RATE, :2] = [1_000, 4_000]
    assert best(table, table.candidates(0.0)) == [1]


def test_a_backlog_drains_while_time_passes() -> None:
    table = table_of(2)
    table.signals[Signal.BACKLOG_TOKENS, 0] = 8_000
    assert best(table, table.candidates(0.5)) == [1]
    assert best(table, table.candidates(1.5)) == [0, 1]


def test_a_cached_prefix_is_worth_exactly_the_prefill_it_saves() -> None:
    table = table_of(2)
    matched = {MATCHED_TOKENS: np.array([8_000.0, 0.0])}
    table.signals[Signal.BACKLOG_TOKENS, 0] = 7_000
    assert best(table, table.candidates(0.0).with_features(matched)) == [0]
    table.signals[Signal.BACKLOG_TOKENS, 0] = 9_000
    assert best(table, table.candidates(0.0).with_features(matched)) == [1]


def test_a_queue_for_a_place_in_the_batch_counts_even_without_backlog() -> None:
    table = table_of(2)
    table.signals[Signal.WAITING, 0] = 5
    table.signals[Signal.RUNNING, :2] = 4
    table.signals[Signal.SERVICE_S, :2] = 2.0
    assert best(table, table.candidates(0.0)) == [1]


def test_requests_of_others_weigh_on_an_endpoint() -> None:
    table = table_of(2)
    table.signals[Signal.OTHERS, 0] = 50
    assert best(table, table.candidates(0.0)) == [1]


@pytest.mark.parametrize("count", [1, 1_000])
def test_scores_are_in_range_for_any_number_of_endpoints(count: int) -> None:
    table = table_of(count)
    rng = np.random.default_rng(3)
    table.signals[Signal.BACKLOG_TOKENS, :count] = rng.uniform(0, 1e6, count)
    scores = scorer(table).score(PROMPT, table.candidates(0.0))
    assert scores.shape == (count,)
    assert scores.max() == 1.0
    assert scores.min() > 0
