"""How far a phase is: what the views show while the load runs."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from pointsman.apps.demo.metrics import EngineView
from pointsman.apps.load.results import Percentiles, hit_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pointsman.apps.demo.model import Policy
    from pointsman.apps.load.results import Outcome
    from pointsman.lib.clock import Clock


class PhaseProgress:
    """Counts one phase's outcomes; holds at most one outcome per planned request."""

    def __init__(
        self,
        policy: Policy,
        *,
        requests: int,
        duration_s: float,
        endpoints: Sequence[str],
        clock: Clock,
    ) -> None:
        self.policy = policy
        self.requests = requests
        self.duration_s = duration_s
        self.engines: Mapping[str, EngineView] = {name: EngineView() for name in endpoints}
        self._clock = clock
        self._start_s = clock.monotonic_s()
        self._outcomes: list[Outcome] = []
        self._answered: Counter[str] = Counter()
        self._ttft_s: defaultdict[int, list[float]] = defaultdict(list)  # by second of arrival

    def observe(self, outcome: Outcome) -> None:
        """Count a finished request."""
        self._outcomes.append(outcome)
        if outcome.is_ok:
            self._answered[outcome.endpoint] += 1
            self._ttft_s[int(outcome.planned_s)].append(outcome.ttft_s)

    @property
    def done(self) -> int:
        """Requests that have ended, well or not."""
        return len(self._outcomes)

    @property
    def errors(self) -> int:
        """Those that did not end well."""
        return self.done - self._answered.total()

    @property
    def elapsed_s(self) -> float:
        """Since the phase began."""
        return self._clock.monotonic_s() - self._start_s

    @property
    def left_s(self) -> float:
        """Until the last request is sent; its answer takes a little longer."""
        return max(0.0, self.duration_s - self.elapsed_s)

    @property
    def hit_rate(self) -> float:
        """Share of prompt tokens found in a prefix cache so far, 0..1."""
        return hit_rate(self._outcomes)

    @property
    def ttft_s(self) -> Percentiles:
        """Of all answers so far."""
        return Percentiles.of(outcome.ttft_s for outcome in self._outcomes if outcome.is_ok)

    def share(self, endpoint: str) -> float:
        """Of the answers so far, those from this server, 0..1."""
        return self._answered[endpoint] / max(1, self._answered.total())

    def ttft_by_second_s(self) -> list[float]:
        """Median time to first token for each second of arrivals so far; 0 where none arrived."""
        if not self._ttft_s:
            return []
        seconds = range(max(self._ttft_s) + 1)
        return [
            float(np.median(self._ttft_s[second])) if second in self._ttft_s else 0.0
            for second in seconds
        ]
