from __future__ import annotations

import math

import pytest

from builders import request
from pointsman.plugins.filters.utilization import UtilizationFilter
from pools import Pool


def limits(**conditions: float) -> dict[str, object]:
    return {
        "conditions": [
            {"metric": metric.replace("_", "-"), "maxValue": value}
            for metric, value in conditions.items()
        ]
    }


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        (limits(active_requests=1), [True, True, False]),
        (limits(running_requests=5), [True, False, True]),
        (limits(waiting_queue=0), [True, False, False]),
        (limits(kv_cache_utilization=0.5), [True, False, True]),
        (limits(active_requests=1, waiting_queue=3), [True, True, False]),
    ],
)
def test_every_limit_must_hold(conditions: dict[str, object], kept: list[bool]) -> None:
    pool = Pool().fill(
        3,
        inflight_requests=[0, 1, 2],
        running=[5, 3, 0],
        picked_since_scrape=[0, 3, 0],
        waiting=[0, 3, 9],
        kv_usage=[0.5, 0.6, 0],
    )
    step = pool.make(UtilizationFilter, conditions)
    assert step.keep(request(), pool.candidates()).tolist() == kept


def test_what_was_never_scraped_counts_as_nothing() -> None:
    pool = Pool().fill(2, waiting=[9, 9], scraped_at_s=[-math.inf, 1])
    step = pool.make(UtilizationFilter, limits(waiting_queue=5))
    assert step.keep(request(), pool.candidates()).tolist() == [True, False]


def test_it_can_keep_everything_rather_than_nothing() -> None:
    pool = Pool().fill(2, waiting=[9, 9])
    strict = pool.make(UtilizationFilter, limits(waiting_queue=5))
    assert strict.keep(request(), pool.candidates()).tolist() == [False, False]
    mild = pool.make(UtilizationFilter, {**limits(waiting_queue=5), "fallbackOnEmpty": True})
    assert mild.keep(request(), pool.candidates()).tolist() == [True, True]
