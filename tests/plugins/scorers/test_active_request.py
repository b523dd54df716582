from __future__ import annotations

import pytest

from builders import request
from pointsman.plugins.scorers.active_request import ActiveRequestConfig, ActiveRequestScorer
from pools import Pool


@pytest.mark.parametrize(
    ("parameters", "scores"),
    [
        ({}, [1, 0.75, 0]),
        ({"idleThreshold": 1}, [1, 1, 0]),
        ({"maxBusyScore": 0.4}, [1, 0.3, 0]),
        ({"maxBusyScore": 0}, [1, 0, 0]),
    ],
)
def test_idle_endpoints_score_one_and_the_busiest_zero(
    parameters: dict[str, object], scores: list[float]
) -> None:
    pool = Pool().fill(3, inflight_requests=[0, 1, 4])
    scorer = pool.make(ActiveRequestScorer, parameters)
    assert scorer.score(request(), pool.candidates()).tolist() == pytest.approx(scores)


def test_a_pool_without_requests_scores_one() -> None:
    pool = Pool().fill(2)
    assert pool.make(ActiveRequestScorer).score(request(), pool.candidates()).tolist() == [1, 1]


def test_the_time_out_of_old_documents_is_remarked_upon() -> None:
    assert ActiveRequestScorer.remarks(ActiveRequestConfig()) == ()
    remarks = ActiveRequestScorer.remarks(ActiveRequestConfig(request_timeout="2m"))
    assert "requestTimeout has no effect" in remarks[0]
