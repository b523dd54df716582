"""Time as an argument, so that tests and the simulator run the production code on virtual time."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where everything that needs the time gets it from."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def unix_s(self) -> float:
        """Seconds since the Unix epoch, for what people and engines read."""
        ...


class SystemClock:
    """The machine's clock."""

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        return time.monotonic()  # noqa: TID251 - this is the clock everybody else takes

    def unix_s(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()  # noqa: TID251 - this is the clock everybody else takes


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulations."""

    def __init__(self, now_s: float = 0.0, *, epoch_s: float = 1_700_000_000.0) -> None:
        self._now_s = now_s
        self._epoch_s = epoch_s

    def monotonic_s(self) -> float:
        """Seconds since the start of this clock."""
        return self._now_s

    def unix_s(self) -> float:
        """Seconds since the Unix epoch, if this clock had started at its `epoch_s`."""
        return self._epoch_s + self._now_s

    def advance(self, seconds: float) -> None:
        """Move the clock forward.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back {-seconds} s")
        self._now_s += seconds
