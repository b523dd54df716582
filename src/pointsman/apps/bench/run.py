"""Runs the benchmark: one upstream, and for each cell an Envoy before the picker and the floor."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from pointsman.apps.bench.client import Load, send
from pointsman.apps.bench.plan import POOL_SIZES, SCENARIOS, Scenario, bodies
from pointsman.apps.bench.processes import Cost, child, cost_of, free_port
from pointsman.apps.bench.results import Idle, Results, Row, row
from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import run_envoy
from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import Dialect, EnvoySettings, PickerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

WARM_UP_REQUESTS = 40


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """What to run.

    Attributes:
        pool_sizes: numbers of endpoints.
        scenarios: kinds of request.
        rounds: how often picker and floor are measured in turn; medians are reported.
        scale: factor on the number of requests of each round.
        idle_s: how long an idle picker is watched; 0 leaves that out.
        seed: of the prompts.
    """

    pool_sizes: tuple[int, ...] = POOL_SIZES
    scenarios: tuple[Scenario, ...] = SCENARIOS
    rounds: int = 3
    scale: float = 1.0
    idle_s: float = 20.0
    seed: int = 1


@dataclass(slots=True)
class _Peak:
    rss_mib: float = 0.0

    def saw(self, cost: Cost) -> Cost:
        self.rss_mib = max(self.rss_mib, cost.rss_mib_max)
        return cost


async def bench_picker(settings: BenchSettings, *, progress: Callable[[str], None]) -> Results:
    """Measure every scenario over every pool size, then an idle picker.

    Raises:
        ChildDiedError: a process did not come up.
        WrongAnswerError: a request was not answered as it should be.
    """
    peak, rows = _Peak(), []
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        place = _Place(Path(folder), upstream_port=free_port())
        module = "pointsman.apps.bench.upstream"
        log = place.folder / "upstream.log"
        arguments = ("-m", module, str(place.upstream_port))
        async with child("upstream", *arguments, log=log, port=place.upstream_port):
            for endpoints in settings.pool_sizes:
                for group in _groups(settings.scenarios):
                    rows += await _measure(
                        settings, group, endpoints, place=place, peak=peak, progress=progress
                    )
            idle = await _idle(settings, place, peak=peak, progress=progress)
    return Results(rows=tuple(rows), idle=idle, rss_mib_max=round(peak.rss_mib, 1))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where files go and where the canned upstream listens."""

    folder: Path
    upstream_port: int

    def addresses(self, count: int) -> tuple[Address, ...]:
        """Loopback addresses that all lead to the canned upstream."""
        return tuple(
            Address(f"127.0.{number // 250}.{number % 250 + 1}", self.upstream_port)
            for number in range(count)
        )

    def endpoints_file(self, count: int) -> Path:
        """An endpoints file of that many endpoints."""
        entries = [
            {"name": f"e{number}", "address": address.host, "port": str(address.port)}
            for number, address in enumerate(self.addresses(count))
        ]
        path = self.folder / f"endpoints-{count}.yaml"
        path.write_text(yaml.safe_dump({"endpoints": entries}))
        return path


def _groups(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """Scenarios that the same Envoy and picker can serve, in order."""
    groups: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        groups.setdefault(scenario.dialect, []).append(scenario)
    return list(groups.values())


@contextlib.asynccontextmanager
async def _picker(
    place: _Place, endpoints: int, *, observation: str, observed_share: str = "0"
) -> AsyncIterator[tuple[int, int]]:
    """A picker over a pool; yields its pid and its ext_proc port."""
    port = free_port()
    arguments = (
        "-m", "pointsman", "picker", "--endpoints-file", str(place.endpoints_file(endpoints)),
        "--grpc-port", str(port), "--grpc-health-port", str(free_port()),
        "--metrics-port", str(free_port()), "--secure-serving=false",
        "--response-observation", observation, "--observed-share", observed_share,
    )  # fmt: skip
    log = place.folder / "picker.log"
    async with child("picker", *arguments, log=log, port=port) as pid:
        yield pid, port


@contextlib.asynccontextmanager
async def _floor(place: _Place, *, ends_early: bool) -> AsyncIterator[tuple[int, int]]:
    """The floor; yields its pid and its port."""
    port = free_port()
    arguments = (
        "-m", "pointsman.apps.bench.floor", str(port), place.addresses(1)[0].authority,
        "early-end" if ends_early else "to-the-end",
    )  # fmt: skip
    async with child("floor", *arguments, log=place.folder / "floor.log", port=port) as pid:
        yield pid, port


@contextlib.asynccontextmanager
async def _envoy(
    place: _Place, scenario: Scenario, endpoints: int, *, port: int
) -> AsyncIterator[str]:
    """A real Envoy that asks the server on `port`; yields the URL to send requests to."""
    settings = EnvoySettings(
        endpoints=place.addresses(endpoints),
        listener=Address("127.0.0.1", 0),
        admin=Address("127.0.0.1", 0),
        picker=PickerSettings(port=port, has_tls=False, observed_share=0.0),
        dialect=Dialect(scenario.envoy_dialect),
    )
    async with run_envoy(envoy_config(settings)) as envoy:
        yield f"{envoy.url}/v1/chat/completions"


async def _measure(
    settings: BenchSettings,
    group: list[Scenario],
    endpoints: int,
    *,
    place: _Place,
    peak: _Peak,
    progress: Callable[[str], None],
) -> list[Row]:
    """All scenarios of one dialect over one pool, picker and floor in turn."""
    first, found = group[0], []
    async with contextlib.AsyncExitStack() as stack:
        picker_pid, picker_port = await stack.enter_async_context(
            _picker(place, endpoints, observation=first.observation)
        )
        floor_pid, floor_port = await stack.enter_async_context(
            _floor(place, ends_early=first.dialect == "early-end")
        )
        picker_url = await stack.enter_async_context(
            _envoy(place, first, endpoints, port=picker_port)
        )
        floor_url = await stack.enter_async_context(
            _envoy(place, first, endpoints, port=floor_port)
        )
        for scenario in group:
            requests = max(round(scenario.requests * settings.scale), 1)
            prompts = bodies(scenario, seed=settings.seed)
            for url in (picker_url, floor_url):
                await send(Load(url), scenario, prompts, requests=WARM_UP_REQUESTS)
            samples = [
                (
                    await _cpu_us(
                        picker_pid, picker_url, scenario, prompts, requests=requests, peak=peak
                    ),
                    await _cpu_us(
                        floor_pid, floor_url, scenario, prompts, requests=requests, peak=_Peak()
                    ),
                )
                for _ in range(settings.rounds)
            ]
            found.append(row(scenario, endpoints, samples))
            progress(
                f"{scenario.name}, {scenario.dialect}, {endpoints} endpoints: "
                f"{found[-1].picker_cpu_us:.0f} us, {found[-1].ratio:.2f} x floor"
            )
    return found


async def _cpu_us(
    pid: int,
    url: str,
    scenario: Scenario,
    prompts: Iterator[bytes],
    *,
    requests: int,
    peak: _Peak,
) -> float:
    before = cost_of(pid)
    await send(Load(url), scenario, prompts, requests=requests)
    after = peak.saw(cost_of(pid))
    return (after.cpu_s - before.cpu_s) / requests * 1e6


async def _idle(
    settings: BenchSettings, place: _Place, *, peak: _Peak, progress: Callable[[str], None]
) -> Idle | None:
    if not settings.idle_s:
        return None
    endpoints = 100
    async with _picker(place, endpoints, observation="auto", observed_share="5%") as (pid, _):
        await asyncio.sleep(5)  # the first scrape of every endpoint is start-up, not idling
        before = cost_of(pid)
        await asyncio.sleep(settings.idle_s)
        after = peak.saw(cost_of(pid))
    cores = (after.cpu_s - before.cpu_s) / settings.idle_s
    progress(f"idle with {endpoints} endpoints: {cores:.3f} cores")
    return Idle(endpoints=endpoints, cores=round(cores, 4))
