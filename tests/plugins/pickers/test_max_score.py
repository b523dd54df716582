from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pointsman.plugins.pickers.max_score import MaxScorePicker
from pools import Pool

SCORES = np.array([0.5, 3.0, 1.0, 3.0, 0.0])


def test_the_best_come_first() -> None:
    picker = Pool().fill(1).make(MaxScorePicker, {"maxNumOfEndpoints": 4})
    picks = list(picker.pick(SCORES))
    assert set(picks[:2]) == {1, 3}
    assert picks[2:] == [2, 0]


@pytest.mark.parametrize("endpoints_max", [1, 3])
def test_equal_scores_share_alike(endpoints_max: int) -> None:
    picker = Pool().fill(1).make(MaxScorePicker, {"maxNumOfEndpoints": endpoints_max})
    firsts = Counter(picker.pick(SCORES)[0] for _ in range(2_000))
    assert firsts.keys() == {1, 3}
    assert 900 < firsts[1] < 1_100
