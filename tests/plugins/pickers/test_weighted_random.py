from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pointsman.plugins.pickers.weighted_random import WeightedRandomPicker
from pools import Pool


def test_picks_are_in_proportion_to_scores() -> None:
    picker = Pool().fill(1).make(WeightedRandomPicker)
    firsts = Counter(picker.pick(np.array([1.0, 3.0, 0.0, 6.0]))[0] for _ in range(10_000))
    assert firsts[0] == pytest.approx(1_000, abs=120)
    assert firsts[1] == pytest.approx(3_000, abs=180)
    assert firsts[3] == pytest.approx(6_000, abs=200)
    assert firsts[2] == 0


def test_without_scores_it_picks_uniformly() -> None:
    picker = Pool().fill(1).make(WeightedRandomPicker)
    firsts = Counter(picker.pick(np.zeros(4))[0] for _ in range(4_000))
    assert all(850 < firsts[position] < 1_150 for position in range(4))


def test_a_score_of_nothing_comes_last() -> None:
    picker = Pool().fill(1).make(WeightedRandomPicker, {"maxNumOfEndpoints": 3})
    for _ in range(100):
        assert picker.pick(np.array([0.0, 1.0, 1e-9]))[2] == 0
