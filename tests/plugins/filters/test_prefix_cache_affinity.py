from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builders import request
from pointsman.plugins.filters.prefix_cache_affinity import PrefixCacheAffinityFilter
from pools import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERYBODY = [True, True, True]
STICKY = [True, False, False]


def kept(
    pool: Pool,
    parameters: Mapping[str, object] | None = None,
    *,
    matched: Sequence[float] = (900, 500, 0),
) -> list[bool]:
    step = pool.make(PrefixCacheAffinityFilter, parameters)
    mask = step.keep(request(tokens=1_000), pool.candidates(matched=matched))
    return [bool(stays) for stays in mask]


def busy_pool(backlog: float, rate: float = 1_000) -> Pool:
    """e0 has so many tokens to compute, the others none."""
    return Pool().fill(
        3, backlog_tokens=[backlog, 0, 0], backlog_at_s=[100] * 3, prefill_rate=[rate] * 3
    )


def test_only_endpoints_with_most_of_the_prompt_stay() -> None:
    assert kept(busy_pool(0)) == STICKY
    assert kept(busy_pool(0), {"affinityThreshold": 0.5}) == [True, True, False]
    assert kept(busy_pool(0), {"affinityThreshold": 0}) == EVERYBODY


def test_without_a_match_everybody_stays() -> None:
    assert kept(busy_pool(0), matched=(100, 0, 0)) == EVERYBODY
    assert kept(busy_pool(0), matched=(900, 900, 900)) == EVERYBODY


@pytest.mark.parametrize(
    ("backlog", "parameters", "expected"),
    [
        (17_999, {}, STICKY),
        (18_001, {}, EVERYBODY),
        (18_001, {"maxTTFTPenaltyMs": 20_000}, STICKY),
        (1e9, {"maxTTFTPenaltyMs": 0}, STICKY),
        (1e9, {"peakPrefillThroughput": 1e9}, STICKY),
        (18_001, {"peakPrefillThroughput": 15_928}, STICKY),
    ],
)
def test_a_sticky_endpoint_that_is_too_busy_is_not_insisted_on(
    backlog: float, parameters: dict[str, object], expected: list[bool]
) -> None:
    assert kept(busy_pool(backlog), parameters) == expected


def test_it_explores_as_often_as_it_is_told() -> None:
    pool = busy_pool(0)
    step = pool.make(PrefixCacheAffinityFilter, {"explorationProbability": 0.3}, seed=3)
    candidates = pool.candidates(matched=(900, 0, 0))
    explored = sum(bool(step.keep(request(tokens=1_000), candidates).all()) for _ in range(1_000))
    assert 250 < explored < 350
