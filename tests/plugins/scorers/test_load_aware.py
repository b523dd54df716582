from __future__ import annotations

from builders import request
from pointsman.plugins.scorers.load_aware import LoadAwareScorer
from pools import Pool


def test_an_idle_endpoint_scores_a_half_and_a_full_queue_nothing() -> None:
    pool = Pool().fill(4, waiting=[0, 5, 10, 99], picked_since_scrape=[0, 0, 0, 0])
    scorer = pool.make(LoadAwareScorer, {"threshold": 10})
    assert scorer.score(request(), pool.candidates()).tolist() == [0.5, 0.25, 0, 0]


def test_our_picks_since_the_scrape_count() -> None:
    pool = Pool().fill(2, waiting=[0, 0], picked_since_scrape=[64, 0])
    scorer = pool.make(LoadAwareScorer)
    assert scorer.score(request(), pool.candidates()).tolist() == [0.25, 0.5]
