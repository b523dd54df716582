from __future__ import annotations

import math

from builders import request
from pointsman.plugins.scorers.queue import QueueScorer
from pools import Pool


def test_the_shortest_queue_scores_one_and_the_longest_zero() -> None:
    pool = Pool().fill(3, waiting=[2, 6, 4])
    assert pool.make(QueueScorer).score(request(), pool.candidates()).tolist() == [1, 0, 0.5]


def test_our_picks_since_the_scrape_lengthen_a_queue() -> None:
    """Or a burst between two scrapes would all go to the same endpoint."""
    pool = Pool().fill(2, waiting=[0, 3], picked_since_scrape=[6, 0])
    assert pool.make(QueueScorer).score(request(), pool.candidates()).tolist() == [0, 1]


def test_an_endpoint_never_scraped_is_neither_best_nor_worst() -> None:
    pool = Pool().fill(3, waiting=[0, 0, 10], scraped_at_s=[-math.inf, 1, 1])
    assert pool.make(QueueScorer).score(request(), pool.candidates()).tolist() == [0.5, 1, 0]
