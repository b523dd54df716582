from __future__ import annotations

import pytest

from builders import request
from pointsman.plugins.scorers.prefix_cache import PrefixCacheScorer
from pools import Pool


def test_the_score_is_the_cached_share_of_the_prompt() -> None:
    pool = Pool().fill(3)
    scores = pool.make(PrefixCacheScorer).score(
        request(tokens=1_000), pool.candidates(matched=[0, 250, 2_000])
    )
    assert scores.tolist() == [0, 0.25, 1]


def test_the_length_of_the_match_can_count_too() -> None:
    """upstream: w * min(1, matched / scale)^2 + (1 - w) * matched / total."""
    pool = Pool().fill(2)
    scorer = pool.make(
        PrefixCacheScorer, {"matchLengthWeight": 0.5, "matchLengthScaleTokens": 1_000}
    )
    scores = scorer.score(request(tokens=1_000), pool.candidates(matched=[500, 1_000]))
    assert scores.tolist() == pytest.approx([0.5 * 0.25 + 0.5 * 0.5, 1])


def test_an_empty_prompt_has_no_favourite() -> None:
    pool = Pool().fill(2)
    scorer = pool.make(PrefixCacheScorer, {"matchLengthWeight": 1})
    assert scorer.score(request(), pool.candidates(matched=[5, 0])).tolist() == [0, 0]
