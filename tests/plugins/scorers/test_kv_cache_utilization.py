from __future__ import annotations

import pytest

from builders import request
from pointsman.plugins.scorers.kv_cache_utilization import KvCacheUtilizationScorer
from pools import Pool


def test_the_score_is_the_free_share_of_the_cache() -> None:
    pool = Pool().fill(3, kv_usage=[0, 0.75, 1.5])
    scorer = pool.make(KvCacheUtilizationScorer)
    assert scorer.score(request(), pool.candidates()).tolist() == pytest.approx([1, 0.25, 0])
