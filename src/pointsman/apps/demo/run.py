"""The demo from beginning to end: two phases, a table, a report."""

from __future__ import annotations

import asyncio
import importlib.util
import os
from typing import TYPE_CHECKING

from pointsman.apps.demo.children import DemoError
from pointsman.apps.demo.measure import run_phase
from pointsman.apps.demo.model import DemoReport, Policy
from pointsman.apps.demo.stack import PRESET
from pointsman.apps.demo.views import comparison_table
from pointsman.apps.envoy_process import EnvoyMissingError, envoy_binary
from pointsman.apps.load.workload import plan_requests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from pointsman.apps.demo.settings import DemoSettings
    from pointsman.apps.load.workload import PlannedRequest
    from pointsman.lib.clock import Clock


async def run_demo(settings: DemoSettings, *, console: Console, clock: Clock) -> DemoReport:
    """Measure both policies, print the comparison, write the report.

    Raises:
        DemoError: something that the demo needs is missing, or one of its processes failed.
    """
    _require_tools()
    plan = plan_requests(settings.workload, seed=settings.seed)
    console.print(_introduction(settings), highlight=False, soft_wrap=True)
    report = DemoReport(
        baseline=await run_phase(
            Policy.ROUND_ROBIN, plan, settings=settings, console=console, clock=clock
        ),
        pointsman=await run_phase(
            Policy.POINTSMAN, plan, settings=settings, console=console, clock=clock
        ),
        command=_command(settings),
        conditions=_conditions(settings, plan),
        machine_cores=os.cpu_count() or 1,
    )
    console.print(comparison_table(report))
    for warning in report.warnings:
        console.print(f"Read these numbers with care. {warning}", style="yellow", soft_wrap=True)
    await asyncio.to_thread(_write_report, report, settings.report)
    console.print(f"Report: {settings.report.absolute()}", highlight=False, soft_wrap=True)
    return report


def _require_tools() -> None:
    """Find out in the first second, not after the load, that something is missing."""
    try:
        envoy_binary()
    except EnvoyMissingError as error:
        raise DemoError(str(error)) from error
    if importlib.util.find_spec("matplotlib") is None:
        raise DemoError("matplotlib is missing; install it with: pip install 'pointsman[demo]'")


def _write_report(report: DemoReport, file: Path) -> None:
    # Here, because matplotlib takes a second to import and is not part of a plain installation.
    from pointsman.apps.demo.page import page  # noqa: PLC0415 - see above
    from pointsman.apps.demo.plots import figures  # noqa: PLC0415 - see above

    try:
        file.write_text(page(report, figures(report)), encoding="utf-8")
    except OSError as error:
        raise DemoError(f"cannot write {file}: {error.strerror}") from error


def _introduction(settings: DemoSettings) -> str:
    workload = settings.workload
    return (
        f"{settings.endpoints} simulated model servers ({PRESET}); {workload.requests} requests "
        f"in {workload.duration_s:.0f} s, twice: round robin, then Pointsman. "
        f"About {2 * workload.duration_s + 15:.0f} s in all."
    )


def _command(settings: DemoSettings) -> str:
    return (
        f"pointsman demo --requests {settings.request_count} --rate {settings.rate_per_s:g} "
        f"--endpoints {settings.endpoints} --seed {settings.seed}"
    )


def _conditions(
    settings: DemoSettings, plan: Sequence[PlannedRequest]
) -> tuple[tuple[str, str], ...]:
    workload = settings.workload
    kinds = ", ".join(
        f"{sum(request.kind is kind for request in plan)} {kind.value}" for kind in workload.shapes
    )
    burst_per_s = workload.bursts.factor * workload.rate_per_s
    load = (
        f"{len(plan)} streamed chat completions in {workload.duration_s:.0f} s, open loop: "
        f"{workload.rate_per_s:g} per second on average, about {burst_per_s:.0f} in bursts"
    )
    return (
        ("Model servers", f"{settings.endpoints}, simulated as {PRESET}"),
        ("Load", load),
        ("Mix", f"{kinds}; {workload.tenants} system prompts of different popularity"),
        ("Seed", str(settings.seed)),
    )
