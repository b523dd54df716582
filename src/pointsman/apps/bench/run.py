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
from pointsman.apps.bench.processes import Cost, child, cost_of
from pointsman.apps.bench.results import Idle, Results, Row, row
from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import run_envoy
from pointsman.apps.ports import free_ports
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
        settle_s: wait after a start: the first scrapes of all endpoints are neither idling nor
            the cost of a request.
        idle_s: how long an idle picker is watched; 0 leaves that out.
        seed: of the prompts.
    """

    pool_sizes: tuple[int, ...] = POOL_SIZES
    scenarios: tuple[Scenario, ...] = SCENARIOS
    rounds: int = 3
    scale: float = 1.0
    settle_s: float = 6.0
    idle_s: float = 20.0
    seed: int = 1


async def bench_picker(settings: BenchSettings, *, progress: Callable[[str], None]) -> Results:
    """Measure every scenario over every pool size, then an idle picker.

    Raises:
        ChildDiedError: a process did not come up.
        WrongAnswerError: a request was not answered as it should be.
    """
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        place = _Place(Path(folder), upstream_port=free_ports(1)[0])
        bench = _Bench(settings, place, progress=progress)
        arguments = ("-m", "pointsman.apps.bench.upstream", str(place.upstream_port))
        log = place.folder / "upstream.log"
        async with child("upstream", *arguments, log=log, port=place.upstream_port):
            for endpoints in settings.pool_sizes:
                for group in _groups(settings.scenarios):
                    rows += await bench.measure(group, endpoints)
            idle = await bench.idle()
    return Results(rows=tuple(rows), idle=idle, rss_mib_max=round(bench.rss_mib_max, 1))


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

    @contextlib.asynccontextmanager
    async def picker(self, endpoints: int, *, observation: str) -> AsyncIterator[tuple[int, int]]:
        """A picker over a pool; yields its pid and its ext_proc port."""
        port, health_port, metrics_port = free_ports(3)
        arguments = (
            "-m", "pointsman", "picker", "--endpoints-file", str(self.endpoints_file(endpoints)),
            "--grpc-port", str(port), "--grpc-health-port", str(health_port),
            "--metrics-port", str(metrics_port), "--secure-serving=false",
            "--response-observation", observation, "--drain-timeout", "1s",
        )  # fmt: skip
        async with child("picker", *arguments, log=self.folder / "picker.log", port=port) as pid:
            yield pid, port

    @contextlib.asynccontextmanager
    async def floor(self, *, ends_early: bool) -> AsyncIterator[tuple[int, int]]:
        """The floor; yields its pid and its port."""
        (port,) = free_ports(1)
        arguments = (
            "-m", "pointsman.apps.bench.floor", str(port), self.addresses(1)[0].authority,
            "early-end" if ends_early else "to-the-end",
        )  # fmt: skip
        async with child("floor", *arguments, log=self.folder / "floor.log", port=port) as pid:
            yield pid, port


def _groups(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """Scenarios that the same Envoy and picker can serve, in order."""
    groups: dict[str, list[Scenario]] = {}
    for scenario in scenarios:
        groups.setdefault(scenario.dialect, []).append(scenario)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class _Server:
    """An ext_proc server with an Envoy before it."""

    pid: int
    envoy: Address


class _Bench:
    """One run: starts what a measurement needs and reads what it cost."""

    def __init__(
        self, settings: BenchSettings, place: _Place, *, progress: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._place = place
        self._progress = progress
        self.rss_mib_max = 0.0

    async def measure(self, group: list[Scenario], endpoints: int) -> list[Row]:
        """All scenarios of one dialect over one pool, picker and floor in turn."""
        first, found = group[0], []
        async with contextlib.AsyncExitStack() as stack:
            picker = await stack.enter_async_context(self._picker(first, endpoints))
            floor = await stack.enter_async_context(self._floor(first, endpoints))
            await asyncio.sleep(self._settings.settle_s)
            for scenario in group:
                samples = await self._samples(scenario, picker=picker, floor=floor)
                self._saw(cost_of(picker.pid))
                found.append(row(scenario, samples, endpoints=endpoints))
                self._progress(
                    f"{scenario.name}, {scenario.dialect}, {endpoints} endpoints: "
                    f"{found[-1].picker_cpu_us:.0f} us, {found[-1].ratio:.2f} x floor"
                )
        return found

    async def idle(self) -> Idle | None:
        """What a picker of 100 endpoints costs that nobody asks anything."""
        if not self._settings.idle_s:
            return None
        endpoints = 100
        async with self._place.picker(endpoints, observation="auto") as (pid, _):
            await asyncio.sleep(self._settings.settle_s)
            before = cost_of(pid)
            await asyncio.sleep(self._settings.idle_s)
            after = self._saw(cost_of(pid))
        cores = (after.cpu_s - before.cpu_s) / self._settings.idle_s
        self._progress(f"idle with {endpoints} endpoints: {cores:.3f} cores")
        return Idle(endpoints=endpoints, cores=round(cores, 4))

    @contextlib.asynccontextmanager
    async def _picker(self, scenario: Scenario, endpoints: int) -> AsyncIterator[_Server]:
        picker = self._place.picker(endpoints, observation=scenario.observation)
        async with picker as (pid, port), self._envoy(scenario, endpoints, port=port) as envoy:
            yield _Server(pid, envoy)

    @contextlib.asynccontextmanager
    async def _floor(self, scenario: Scenario, endpoints: int) -> AsyncIterator[_Server]:
        floor = self._place.floor(ends_early=scenario.dialect == "early-end")
        async with floor as (pid, port), self._envoy(scenario, endpoints, port=port) as envoy:
            yield _Server(pid, envoy)

    @contextlib.asynccontextmanager
    async def _envoy(
        self, scenario: Scenario, endpoints: int, *, port: int
    ) -> AsyncIterator[Address]:
        """A real Envoy that asks the server on `port`; yields where it listens."""
        settings = EnvoySettings(
            endpoints=self._place.addresses(endpoints),
            listener=Address("127.0.0.1", 0),
            admin=Address("127.0.0.1", 0),
            picker=PickerSettings(port=port, has_tls=False, observed_share=0.0),
            dialect=Dialect(scenario.envoy_dialect),
        )
        async with run_envoy(envoy_config(settings)) as envoy:
            yield envoy.address

    async def _samples(
        self, scenario: Scenario, *, picker: _Server, floor: _Server
    ) -> list[tuple[float, float]]:
        """CPU of picker and floor in microseconds per request, once for each round."""
        prompts = bodies(scenario, seed=self._settings.seed)
        for server in (picker, floor):
            await send(Load(server.envoy), scenario, bodies=prompts, requests=WARM_UP_REQUESTS)
        return [
            (
                await self._cpu_us(picker, scenario, prompts=prompts),
                await self._cpu_us(floor, scenario, prompts=prompts),
            )
            for _ in range(self._settings.rounds)
        ]

    async def _cpu_us(
        self, server: _Server, scenario: Scenario, *, prompts: Iterator[bytes]
    ) -> float:
        requests = max(round(scenario.requests * self._settings.scale), 1)
        before = cost_of(server.pid)
        await send(Load(server.envoy), scenario, bodies=prompts, requests=requests)
        after = cost_of(server.pid)
        return (after.cpu_s - before.cpu_s) / requests * 1e6

    def _saw(self, cost: Cost) -> Cost:
        self.rss_mib_max = max(self.rss_mib_max, cost.rss_mib_max)
        return cost
