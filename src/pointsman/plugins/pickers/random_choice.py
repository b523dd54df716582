"""Pick at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pointsman.api.plugins import Picker, Surroundings
from pointsman.plugins.pickers.limits import PickerConfig, remarks_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pointsman.api.signals import FloatArray


class RandomPicker(Picker):
    """Picks endpoints at random, whatever their scores; the yardstick for other policies."""

    type_name = "random-picker"
    Config = PickerConfig

    def __init__(self, config: PickerConfig, surroundings: Surroundings) -> None:
        super().__init__(config, surroundings)
        self._chance = np.random.default_rng(surroundings.rng.getrandbits(64))

    @classmethod
    def remarks(cls, config: PickerConfig) -> tuple[str, ...]:
        """Odd parameters."""
        return remarks_on(config)

    def pick(self, scores: FloatArray) -> Sequence[int]:
        """Positions in random order."""
        config: PickerConfig = self.config
        if config.endpoints_max == 1:
            return (self.surroundings.rng.randrange(len(scores)),)
        order = self._chance.permutation(len(scores))
        chosen: list[int] = order[: config.endpoints_max].tolist()
        return chosen
