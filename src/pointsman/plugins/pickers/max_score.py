"""Pick the best score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.plugins import Picker, Surroundings
from pointsman.plugins.pickers.limits import PickerConfig, remarks_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.api.signals import FloatArray


class MaxScorePicker(Picker):
    """Picks the endpoints with the highest scores, equal ones in random order."""

    type_name = "max-score-picker"
    Config = PickerConfig

    def __init__(self, config: PickerConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._chance = np.random.default_rng(surroundings.rng.getrandbits(64))

    @classmethod
    def remarks(cls, config: PickerConfig) -> tuple[str, ...]:
        """Odd parameters."""
        return remarks_on(config)

    def pick(self, scores: FloatArray) -> Sequence[int]:
        """Positions of the highest scores, best first."""
        config: PickerConfig = self.config
        if config.endpoints_max == 1:
            (best,) = (scores == np.maximum.reduce(scores)).nonzero()
            return (int(best[int(self.surroundings.rng.random() * len(best))]),)
        order = np.lexsort((self._chance.random(len(scores)), -scores))
        chosen: list[int] = order[: config.endpoints_max].tolist()
        return chosen
