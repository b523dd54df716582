"""One decision: filters narrow the candidates, weighted scorers rate them, a picker chooses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pointsman.domain.errors import SaturatedError

if TYPE_CHECKING:
    from pointsman.api.candidates import Candidates
    from pointsman.api.plugins import Filter, Picker, Producer, Scorer
    from pointsman.api.signals import FloatArray
    from pointsman.domain.requests import InferenceRequest


@dataclass(frozen=True, slots=True)
class Profile:
    """A named way to schedule."""

    name: str
    filters: tuple[Filter, ...]
    scorers: tuple[tuple[Scorer, float], ...]
    picker: Picker


@dataclass(slots=True)  # not frozen, for the same reason as Candidates
class Pick:
    """What was decided, and from what.

    Attributes:
        candidates: those left after filtering, with everything producers found out.
        scores: weighted total of each, shape (n_candidates,).
        positions: the chosen ones in `candidates`, best first.
    """

    candidates: Candidates
    scores: FloatArray
    positions: tuple[int, ...]

    @property
    def slot(self) -> int:
        """The slot of the first choice."""
        return int(self.candidates.slots[self.positions[0]])


class Scheduler:
    """Runs producers and one profile over candidates."""

    def __init__(self, producers: tuple[Producer, ...], profile: Profile) -> None:
        self._producers = producers
        self._profile = profile

    def schedule(self, request: InferenceRequest, candidates: Candidates) -> Pick:
        """Choose among at least one candidate.

        Raises:
            SaturatedError: the filters left none.
        """
        candidates = self._produce(request, candidates)
        candidates = self._filter(request, candidates)
        scores = self._score(request, candidates)
        positions = tuple(self._profile.picker.pick(scores))
        assert positions, f"{self._profile.picker.type_name} chose nothing"
        return Pick(candidates, scores, positions)

    def picked(self, request: InferenceRequest, slot: int) -> None:
        """Tell producers where the request really goes."""
        for producer in self._producers:
            producer.picked(request, slot)

    def _produce(self, request: InferenceRequest, candidates: Candidates) -> Candidates:
        for producer in self._producers:
            features = producer.produce(request, candidates)
            if features:
                candidates = candidates.with_features(features)
        return candidates

    def _filter(self, request: InferenceRequest, candidates: Candidates) -> Candidates:
        for step in self._profile.filters:
            mask = step.keep(request, candidates)
            if not mask.all():
                candidates = candidates.where(mask)
            if not len(candidates):
                raise SaturatedError(
                    f"filter {step.type_name} left no endpoint for this request; try again later"
                )
        return candidates

    def _score(self, request: InferenceRequest, candidates: Candidates) -> FloatArray:
        total: FloatArray | None = None
        for scorer, weight in self._profile.scorers:
            weighted = _sane(scorer.score(request, candidates))
            if weight != 1.0:
                weighted = weight * weighted
            total = weighted if total is None else total + weighted
        return np.zeros(len(candidates)) if total is None else total


def _sane(scores: FloatArray) -> FloatArray:
    """Scores as the contract wants them: NaN is 0, the rest is cut to [0, 1].

    Two reductions tell that nothing has to be done, which is a third of the cost of doing it.
    """
    if np.minimum.reduce(scores) >= 0.0 and np.maximum.reduce(scores) <= 1.0:
        return scores
    sane: FloatArray = np.clip(np.nan_to_num(scores, nan=0.0), 0.0, 1.0)
    return sane
