"""What the demo found out, before anybody draws it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.apps.load.results import Outcome, Summary


class Policy(StrEnum):
    """Who chooses the model server."""

    ROUND_ROBIN = "Round robin"
    POINTSMAN = "Pointsman"


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """One policy's turn.

    Attributes:
        policy: who chose.
        outcomes: in plan order.
        summary: the same in numbers.
        cores: CPU cores that each process of the demo kept busy; empty where the system
            does not tell.
    """

    policy: Policy
    outcomes: tuple[Outcome, ...]
    summary: Summary
    cores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Both phases and what is needed to repeat them.

    Attributes:
        baseline: through Envoy's own round robin, no picker.
        pointsman: through Envoy and the picker.
        command: repeats the run.
        conditions: label and value of everything that was fixed, for the reader of a report.
        machine_cores: CPU cores this process may use.
    """

    baseline: PhaseResult
    pointsman: PhaseResult
    command: str
    conditions: tuple[tuple[str, str], ...]
    machine_cores: int

    @property
    def phases(self) -> tuple[PhaseResult, PhaseResult]:
        """In the order they ran."""
        return (self.baseline, self.pointsman)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reasons to doubt the comparison, in the reader's words; empty on a fair run."""
        found: list[str] = []
        for phase in self.phases:
            lag_ms = 1000 * phase.summary.client_lag_s.p99
            if lag_ms > 100:
                found.append(
                    f"{phase.policy}: the load generator sent 1% of its requests more than "
                    f"{lag_ms:.0f} ms late; this machine was too busy for exact latencies."
                )
            cores = sum(phase.cores.values())
            if cores > 0.85 * self.machine_cores:
                found.append(
                    f"{phase.policy}: the demo used {cores:.1f} of {self.machine_cores} CPU cores; "
                    "the machine itself may have added latency. Try a lower --rate."
                )
            if phase.summary.errors:
                found.append(
                    f"{phase.policy}: {phase.summary.errors} of {phase.summary.requests} requests "
                    f"failed; the first with: {_first_error(phase)}"
                )
        return tuple(found)


def _first_error(phase: PhaseResult) -> str:
    return next(outcome.error for outcome in phase.outcomes if not outcome.is_ok)
