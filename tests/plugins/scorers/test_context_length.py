from __future__ import annotations

import pytest

from builders import request
from pointsman.plugins.scorers.context_length import ContextLengthAwareScorer
from pools import Pool

LABEL = "llm-d.ai/context-length-range"


def pool_with(*ranges: str | None) -> Pool:
    labels = {number: {LABEL: text} for number, text in enumerate(ranges) if text is not None}
    return Pool().fill(len(ranges), labels=labels)


@pytest.mark.parametrize(
    ("tokens", "label", "score"),
    [
        (500, None, 0.5),
        (500, "long", 0.0),
        (500, "9-3", 0.0),
        (500, "500-500", 1.0),
        (0, "0-10000", 0.3 + 0.7 * (0.7 / 2 + 0.3)),
        (10_000, "0-10000", 0.3 + 0.7 * (0.7 / 2)),
        (2_000, "0-1000", 0.3 / 2),
        (0, " 1000 - 2000 ", 0.3 / 2),
    ],
)
def test_the_score_follows_upstreams_formula(tokens: int, label: str | None, score: float) -> None:
    pool = pool_with(label)
    scores = pool.make(ContextLengthAwareScorer).score(request(tokens=tokens), pool.candidates())
    assert scores.tolist() == pytest.approx([score])


def test_it_filters_only_when_told_to() -> None:
    pool = pool_with(None, "long", "0-1000", "2000-3000")
    asked, candidates = request(tokens=500), pool.candidates()
    assert pool.make(ContextLengthAwareScorer).keep(asked, candidates).tolist() == [True] * 4
    filtering = pool.make(ContextLengthAwareScorer, {"enableFiltering": True})
    assert filtering.keep(asked, candidates).tolist() == [True, False, True, False]
