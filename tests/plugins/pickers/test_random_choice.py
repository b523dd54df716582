from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pointsman.plugins.pickers.random_choice import RandomPicker
from pools import Pool


@pytest.mark.parametrize("endpoints_max", [1, 2])
def test_scores_do_not_matter(endpoints_max: int) -> None:
    picker = Pool().fill(1).make(RandomPicker, {"maxNumOfEndpoints": endpoints_max})
    scores = np.array([0.0, 100.0, 1.0, 0.0])
    firsts = Counter(picker.pick(scores)[0] for _ in range(4_000))
    assert all(850 < firsts[position] < 1_150 for position in range(4))
