"""One phase with real processes: what it hands to the report."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from pointsman.apps.demo.measure import run_phase
from pointsman.apps.demo.model import Policy
from pointsman.apps.demo.settings import DemoSettings
from pointsman.apps.load.workload import plan_requests
from pointsman.lib.clock import SystemClock

if TYPE_CHECKING:
    from pointsman.apps.demo.model import PhaseResult

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]


async def phase(policy: Policy, *, requests: int) -> PhaseResult:
    settings = DemoSettings(requests=requests, rate_per_s=20.0, endpoints=2, no_live=True)
    return await run_phase(
        policy,
        plan_requests(settings.workload, seed=1),
        settings=settings,
        console=Console(file=io.StringIO()),
        clock=SystemClock(),
    )


async def test_a_phase_names_servers_in_their_order_and_counts_each_processs_cpu() -> None:
    result = await phase(Policy.ROUND_ROBIN, requests=20)
    assert result.summary.errors == 0
    assert {name: server.requests for name, server in result.summary.endpoints.items()} == {
        "server 1": 10,
        "server 2": 10,
    }
    assert [outcome.index for outcome in result.outcomes] == list(range(20))
    assert set(result.cores) <= {"client", "Envoy", "simulator"}
    assert sum(result.cores.values()) < 2 * len(result.cores)


async def test_the_picker_has_its_own_share_of_the_cpu() -> None:
    result = await phase(Policy.POINTSMAN, requests=10)
    assert result.summary.errors == 0
    assert result.summary.hit_rate < 1
    assert not result.cores or "picker" in result.cores
