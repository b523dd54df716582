"""How long to wait before trying again what has failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first_s` up to `max_s`, each shortened by chance by up to a half.

    The chance keeps things that failed together from being retried together; half of the wait is
    certain, so that a retry is never immediate.
    """

    first_s: float
    max_s: float

    def __post_init__(self) -> None:
        if not 0 < self.first_s <= self.max_s:
            raise ValueError(f"0 < first_s <= max_s does not hold: {self.first_s}, {self.max_s}")

    def delay_s(self, failures: int, rng: random.Random) -> float:
        """Seconds to wait after so many failures in a row.

        Raises:
            ValueError: nothing has failed.
        """
        if failures < 1:
            raise ValueError(f"{failures} failures need no wait")
        # 2**63 is beyond any max_s; a larger power would only overflow.
        full_s = min(self.max_s, self.first_s * 2.0 ** min(failures - 1, 63))
        return full_s * rng.uniform(0.5, 1.0)
