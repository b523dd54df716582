"""Pick at random, in proportion to the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.plugins import Picker, Surroundings
from pointsman.plugins.pickers.limits import PickerConfig, remarks_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.api.signals import FloatArray


class WeightedRandomPicker(Picker):
    """Picks endpoints at random, each with a probability in proportion to its score.

    Weighted sampling without replacement by Efraimidis and Spirakis (2006), "A-Res": the largest
    keys U^(1/score) win, compared here as log(U) / score. A score of 0 is picked only after all
    others; when all are 0 the pick is uniform.
    """

    type_name = "weighted-random-picker"
    Config = PickerConfig

    def __init__(self, config: PickerConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._chance = np.random.default_rng(surroundings.rng.getrandbits(64))

    @classmethod
    def remarks(cls, config: PickerConfig) -> tuple[str, ...]:
        """Odd parameters."""
        return remarks_on(config)

    def pick(self, scores: FloatArray) -> Sequence[int]:
        """Positions in the order they were drawn."""
        config: PickerConfig = self.config
        # -Exp(1) is distributed as log(U), and is never the log of 0.
        log_chance = -self._chance.standard_exponential(len(scores))
        with np.errstate(over="ignore"):  # a vanishing score: its key is -inf like that of a 0
            keys = np.full(len(scores), -np.inf)
            np.divide(log_chance, scores, out=keys, where=scores > 0)
        order = np.lexsort((self._chance.random(len(scores)), -keys))
        drawn: list[int] = order[: config.endpoints_max].tolist()
        return drawn
