from __future__ import annotations

from builders import request
from pointsman.plugins.scorers.running_requests import RunningRequestsSizeScorer
from pools import Pool


def test_the_smallest_batch_scores_one_our_own_picks_included() -> None:
    pool = Pool().fill(3, running=[2, 6, 4], picked_since_scrape=[0, 0, 2])
    scorer = pool.make(RunningRequestsSizeScorer)
    assert scorer.score(request(), pool.candidates()).tolist() == [1, 0, 0]
