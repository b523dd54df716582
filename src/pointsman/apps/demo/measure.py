"""One policy's turn: start everything, send the load, show how it goes, sum it up."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import aiohttp

from pointsman.apps.demo.children import first_cause
from pointsman.apps.demo.metrics import EngineView, read_engine
from pointsman.apps.demo.model import PhaseResult, Policy
from pointsman.apps.demo.ports import require_free
from pointsman.apps.demo.progress import PhaseProgress
from pointsman.apps.demo.stack import MODEL, SERVED_BY, started
from pointsman.apps.demo.views import shown
from pointsman.apps.load.driver import Limits, Target, drive, open_session
from pointsman.apps.load.results import summarise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rich.console import Console

    from pointsman.apps.demo.settings import DemoSettings
    from pointsman.apps.demo.stack import Stack
    from pointsman.apps.load.results import Outcome
    from pointsman.apps.load.workload import PlannedRequest
    from pointsman.lib.clock import Clock

_WATCH_S: Final = 0.5


async def run_phase(
    policy: Policy,
    plan: Sequence[PlannedRequest],
    *,
    settings: DemoSettings,
    console: Console,
    clock: Clock,
) -> PhaseResult:
    """The whole load through a pool and a gateway that were started for it.

    Raises:
        DemoError: a process did not start, or ended too early.
    """
    require_free(settings.gateway_port)
    try:
        async with started(
            policy, endpoints=settings.endpoints, port=settings.gateway_port, seed=settings.seed
        ) as stack:
            return await _measure(
                policy, plan, settings=settings, stack=stack, console=console, clock=clock
            )
    except BaseExceptionGroup as problems:
        raise first_cause(problems) from problems


async def _measure(
    policy: Policy,
    plan: Sequence[PlannedRequest],
    *,
    settings: DemoSettings,
    stack: Stack,
    console: Console,
    clock: Clock,
) -> PhaseResult:
    names = {each.authority: f"server {n}" for n, each in enumerate(stack.endpoints, 1)}
    progress = PhaseProgress(
        policy,
        requests=len(plan),
        duration_s=settings.workload.duration_s,
        endpoints=list(names.values()),
        clock=clock,
    )

    def observe(outcome: Outcome) -> None:
        progress.observe(_named(outcome, names))

    limits = Limits()
    target = Target(stack.url, MODEL, served_by_header=SERVED_BY)
    async with (
        open_session(limits) as session,
        _engines_watched(progress, names),
        shown(progress, console, live=not settings.no_live),
    ):
        before, start_s = stack.cpu_s(), clock.monotonic_s()
        outcomes = await drive(
            plan, target, session=session, clock=clock, limits=limits, observe=observe
        )
        after, elapsed_s = stack.cpu_s(), clock.monotonic_s() - start_s
    named = tuple(_named(outcome, names) for outcome in outcomes)
    cores = {name: (after[name] - before[name]) / elapsed_s for name in after}
    known = {name: used for name, used in cores.items() if math.isfinite(used)}
    return PhaseResult(policy, named, summarise(named), known)


def _named(outcome: Outcome, names: dict[str, str]) -> Outcome:
    return dataclasses.replace(outcome, endpoint=names.get(outcome.endpoint, outcome.endpoint))


@asynccontextmanager
async def _engines_watched(progress: PhaseProgress, names: dict[str, str]) -> AsyncIterator[None]:
    """Keep `progress.engines` fresh while the block runs."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        watching = group.create_task(
            _watch_engines(progress, names, session=session), name="engines"
        )
        try:
            yield
        finally:
            watching.cancel()


async def _watch_engines(
    progress: PhaseProgress, names: dict[str, str], *, session: aiohttp.ClientSession
) -> None:
    while True:
        progress.engines = {
            name: await _engine(session, authority, known=progress.engines[name])
            for authority, name in names.items()
        }
        await asyncio.sleep(_WATCH_S)


async def _engine(
    session: aiohttp.ClientSession, authority: str, *, known: EngineView
) -> EngineView:
    """A server's state now, or what is known of it: the view shows, it does not judge."""
    try:
        async with session.get(f"http://{authority}/metrics") as response:
            return read_engine(await response.read())
    except aiohttp.ClientError:
        return known
