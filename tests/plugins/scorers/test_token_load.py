from __future__ import annotations

import pytest

from builders import request
from pointsman.plugins.scorers.token_load import TokenLoadScorer
from pools import Pool


def test_load_is_backlog_plus_what_of_this_prompt_is_not_cached() -> None:
    pool = Pool().fill(
        3, backlog_tokens=[400, 0, 9_000], backlog_at_s=[100] * 3, prefill_rate=[1_000] * 3
    )
    scorer = pool.make(TokenLoadScorer, {"queueThresholdTokens": 1_000})
    candidates = pool.candidates(matched=[0, 200, 0])
    scores = scorer.score(request(tokens=500), candidates)
    assert scores.tolist() == pytest.approx([0.1, 0.7, 0])
