"""Small demo reports to draw."""

from __future__ import annotations

from pointsman.apps.demo.model import DemoReport, PhaseResult, Policy
from pointsman.apps.load.results import Outcome, summarise
from pointsman.apps.load.workload import Kind


def outcome(index: int, *, ttft_s: float, endpoint: str, error: str = "") -> Outcome:
    planned_s = 0.25 * index
    return Outcome(
        index=index,
        kind=list(Kind)[index % 3],
        planned_s=planned_s,
        sent_s=planned_s + 0.001,
        first_token_s=None if error else planned_s + ttft_s,
        ended_s=planned_s + 2 * ttft_s,
        status=503 if error else 200,
        error=error,
        prompt_tokens=1000,
        cached_tokens=400,
        output_tokens=20,
        endpoint=endpoint,
    )


def phase(
    policy: Policy,
    *,
    ttft_s: float,
    requests: int = 24,
    servers: int = 2,
    error: str = "",
    cores: float = 0.2,
) -> PhaseResult:
    """A phase whose first request fails if there is an `error`."""
    outcomes = tuple(
        outcome(
            index,
            ttft_s=ttft_s * (1 + index / requests),
            endpoint=f"server {index % servers + 1}",
            error=error if index == 0 else "",
        )
        for index in range(requests)
    )
    return PhaseResult(policy, outcomes, summarise(outcomes), {"picker": cores})


def report(
    *, base_s: float = 0.8, ours_s: float = 0.2, error: str = "", cores: float = 0.2
) -> DemoReport:
    return DemoReport(
        baseline=phase(Policy.ROUND_ROBIN, ttft_s=base_s),
        pointsman=phase(Policy.POINTSMAN, ttft_s=ours_s, error=error, cores=cores),
        command="pointsman demo --seed 1",
        conditions=(("Model servers", "2 <simulated>"),),
        machine_cores=2,
    )
