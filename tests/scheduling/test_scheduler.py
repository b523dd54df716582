"""A decision: producers inform, filters narrow, weighted scores add up, the picker chooses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from builders import request, surroundings, table_of
from pointsman.api.candidates import Candidates
from pointsman.api.plugins import Filter, Picker, PluginConfig, Producer, Scorer
from pointsman.api.signals import BoolArray, FloatArray
from pointsman.domain.errors import SaturatedError
from pointsman.domain.requests import InferenceRequest
from pointsman.scheduling.scheduler import Pick, Profile, Scheduler

TABLE = table_of(4)
SURROUNDINGS = surroundings(TABLE)


class Favour(Producer):
    type_name = "favour"

    def produce(
        self, request: InferenceRequest, candidates: Candidates
    ) -> Mapping[str, FloatArray]:
        return {"favour": np.arange(len(candidates), dtype=float)}


class KeepSlots(Filter):
    type_name = "keep-slots"

    def __init__(self, *slots: int) -> None:
        super().__init__(PluginConfig(), SURROUNDINGS)
        self.slots = slots

    def keep(self, request: InferenceRequest, candidates: Candidates) -> BoolArray:
        return np.isin(candidates.slots, self.slots)


class Fixed(Scorer):
    type_name = "fixed"

    def __init__(self, *scores: float) -> None:
        super().__init__(PluginConfig(), SURROUNDINGS)
        self.scores = np.array(scores)

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        return self.scores[candidates.slots]


class ByFeature(Scorer):
    type_name = "by-feature"

    def score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        return candidates.feature("favour") / 10


class Best(Picker):
    type_name = "best"

    def pick(self, scores: FloatArray) -> Sequence[int]:
        return [int(scores.argmax())]


def scheduled(
    *scorers: tuple[Scorer, float],
    filters: tuple[Filter, ...] = (),
    producers: tuple[Producer, ...] = (),
) -> Pick:
    picker = Best(PluginConfig(), SURROUNDINGS)
    profile = Profile(name="p", filters=filters, scorers=scorers, picker=picker)
    return Scheduler(producers, profile).schedule(request("x"), TABLE.candidates(0.0))


def test_weighted_scores_add_up() -> None:
    pick = scheduled((Fixed(0, 0.5, 1, 0), 1.0), (Fixed(1, 1, 0, 0), 2.0))
    assert list(pick.scores) == [2.0, 2.5, 1.0, 0.0]
    assert pick.slot == 1


def test_scores_out_of_range_are_cut_and_nan_is_nothing() -> None:
    pick = scheduled((Fixed(7, -7, math.nan, math.inf), 1.0))
    assert list(pick.scores) == [1.0, 0.0, 0.0, 1.0]


def test_filters_narrow_one_after_the_other_and_slots_stay_right() -> None:
    filters = (KeepSlots(1, 2, 3), KeepSlots(0, 1, 3))
    pick = scheduled((Fixed(1, 0, 1, 0.5), 1.0), filters=filters)
    assert list(pick.candidates.slots) == [1, 3]
    assert pick.slot == 3


def test_features_keep_pace_with_filters() -> None:
    producer = Favour(PluginConfig(), SURROUNDINGS)
    scorer = ByFeature(PluginConfig(), SURROUNDINGS)
    pick = scheduled((scorer, 1.0), filters=(KeepSlots(0, 2),), producers=(producer,))
    assert list(pick.scores) == [0.0, 0.2]


def test_without_scorers_every_candidate_is_equal() -> None:
    assert list(scheduled().scores) == [0.0] * 4


def test_filters_that_leave_nobody_say_which_of_them_did() -> None:
    with pytest.raises(SaturatedError, match="keep-slots"):
        scheduled(filters=(KeepSlots(),))
