"""Starts a pool of simulated model servers and the gateway before it, and stops them again.

Three processes, so that they share the machine's cores: one simulates all model servers, one is
the picker (if the policy has one), one is Envoy. The caller's process is left to the client.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aiohttp
import yaml

from pointsman.apps.demo import simulators
from pointsman.apps.demo.children import (
    ChildDiedError,
    DemoError,
    children,
    last_lines,
    process_cpu_s,
)
from pointsman.apps.demo.model import Policy
from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import EnvoyFailedError, EnvoyMissingError, run_envoy
from pointsman.apps.ports import HOST, free_ports
from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import Balancing, EnvoySettings, PickerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from pointsman.apps.demo.children import Child, Children
    from pointsman.apps.envoy_process import RunningEnvoy

MODEL: Final = "demo"
PRESET: Final = "qwen-32b-2xh100"
SERVED_BY: Final = "x-served-by"

_READY_S: Final = 30.0
_POLL_S: Final = 0.05
_LAST_WORDS_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A gateway that answers, and what is behind it.

    Attributes:
        url: of the gateway, without a path.
        endpoints: addresses of the model servers.
        picker_url: of the picker's metrics and debug pages; None without a picker.
        pids: of its processes by name; "client" is this one.
    """

    url: str
    endpoints: tuple[Address, ...]
    picker_url: str | None
    pids: Mapping[str, int]

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds that each process has used so far; NaN where the system does not tell."""
        return {name: process_cpu_s(pid) for name, pid in self.pids.items()}


@asynccontextmanager
async def started(policy: Policy, *, endpoints: int, port: int, seed: int) -> AsyncIterator[Stack]:
    """Run everything that a policy needs until the block ends; the gateway listens on `port`.

    Raises:
        DemoError: something did not start, or ended too early.
    """
    async with AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pointsman-demo-")))
        family = await cleanup.enter_async_context(children())
        http = await cleanup.enter_async_context(aiohttp.ClientSession())
        addresses = await _start_simulator(family, http, count=endpoints, seed=seed)
        picker: PickerSettings | None = None
        picker_url: str | None = None
        if policy is Policy.POINTSMAN:
            picker, picker_url = await _start_picker(
                family, http, addresses=addresses, folder=folder
            )
        envoy = await cleanup.enter_async_context(
            _envoy(
                family,
                EnvoySettings(
                    endpoints=addresses,
                    listener=Address(HOST, port),
                    admin=Address(HOST, 0),
                    picker=picker,
                    fallback=Balancing.ROUND_ROBIN,
                    served_by_header=SERVED_BY,
                ),
            )
        )

        pids = {"client": os.getpid(), "Envoy": envoy.pid, **family.pids()}
        yield Stack(envoy.url, addresses, picker_url, pids)


async def _start_simulator(
    family: Children, http: aiohttp.ClientSession, *, count: int, seed: int
) -> tuple[Address, ...]:
    simulator = await family.start(
        "simulator",
        simulators.command(replicas=count, preset=PRESET, model=MODEL, seed=seed),
    )
    addresses = await _announced(simulator)
    for address in addresses:
        await _answers(http, f"http://{address.authority}/health", name="the simulator")
    return addresses


async def _announced(simulator: Child) -> tuple[Address, ...]:
    try:
        return simulators.announced(await asyncio.wait_for(simulator.first_line, _READY_S))
    except (TimeoutError, ValueError) as error:
        await asyncio.sleep(_LAST_WORDS_S)  # what it prints first when it dies says little
        raise DemoError(f"the simulator did not start:\n{simulator.last_lines}") from error


async def _start_picker(
    family: Children, http: aiohttp.ClientSession, *, addresses: Sequence[Address], folder: Path
) -> tuple[PickerSettings, str]:
    grpc_port, health_port, metrics_port = free_ports(3)
    file = folder / "endpoints.yaml"
    file.write_text(endpoints_document(addresses), encoding="utf-8")
    await family.start("picker", [
        *_pointsman("picker"),
        "--endpoints-file", str(file),
        "--grpc-port", str(grpc_port),
        "--grpc-health-port", str(health_port),
        "--metrics-port", str(metrics_port),
        "--secure-serving=false",
        "--drain-timeout", "0",
    ])  # fmt: skip
    url = f"http://{HOST}:{metrics_port}"
    await _answers(http, f"{url}/readyz", name="the picker")
    return PickerSettings(host=HOST, port=grpc_port, has_tls=False), url


@asynccontextmanager
async def _envoy(family: Children, settings: EnvoySettings) -> AsyncIterator[RunningEnvoy]:
    """Envoy, watched like the other processes."""
    config = await asyncio.to_thread(envoy_config, settings, text_format="json")
    try:
        async with run_envoy(config) as envoy:
            watching = family.watch("end of Envoy", _until_gone(envoy))
            try:
                yield envoy
            finally:
                watching.cancel()
    except (EnvoyMissingError, EnvoyFailedError) as error:
        raise DemoError(str(error)) from error


async def _until_gone(envoy: RunningEnvoy) -> None:
    while envoy.is_running:  # noqa: ASYNC110 - its event is private
        await asyncio.sleep(0.25)
    raise ChildDiedError("Envoy", how="it exited", last_lines=last_lines(envoy.log().splitlines()))


async def _answers(http: aiohttp.ClientSession, url: str, *, name: str) -> None:
    """Wait until a page is there; that its process still runs is watched elsewhere."""
    try:
        async with asyncio.timeout(_READY_S):
            while not await _is_ok(http, url):  # noqa: ASYNC110 - another process has no event
                await asyncio.sleep(_POLL_S)
    except TimeoutError as error:
        raise DemoError(f"{name} was not ready after {_READY_S:.0f} s: {url}") from error


async def _is_ok(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def endpoints_document(addresses: Sequence[Address]) -> str:
    """The pool as `--endpoints-file` takes it."""
    return yaml.safe_dump(
        {
            "endpoints": [
                {"name": f"server-{number}", "address": each.host, "port": str(each.port)}
                for number, each in enumerate(addresses, 1)
            ]
        }
    )


def _pointsman(command: str) -> list[str]:
    return [sys.executable, "-m", "pointsman", command]
