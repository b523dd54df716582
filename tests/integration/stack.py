"""A whole system for one test: simulated model servers, the picker as a process, a real Envoy."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import openai
import yaml

from pointsman.apps.envoy_config import envoy_config
from pointsman.apps.envoy_process import RunningEnvoy, run_envoy
from pointsman.apps.ports import free_ports
from pointsman.apps.sim import SimSettings, simulated_servers
from pointsman.domain.endpoints import Address
from pointsman.envoy.settings import Dialect, EnvoySettings, PickerSettings
from pointsman.lib.clock import SystemClock

MODEL = "sim-model"
LOOPBACK_ANY = Address("127.0.0.1", 0)


def free_port() -> int:
    return free_ports(1)[0]


@dataclass
class Picker:
    """The picker as a process that can be killed and started again on the same ports."""

    folder: Path
    flags: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    health_port: int = field(default_factory=free_port)
    admin_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def endpoints_file(self) -> Path:
        return self.folder / "endpoints.yaml"

    def list_endpoints(self, addresses: list[Address]) -> None:
        entries = [
            {"name": f"server-{number}", "address": address.host, "port": str(address.port)}
            for number, address in enumerate(addresses)
        ]
        self.endpoints_file.write_text(yaml.safe_dump({"endpoints": entries}))

    async def start(self) -> None:
        with (self.folder / "picker.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "pointsman", "picker",
                "--endpoints-file", str(self.endpoints_file),
                "--grpc-port", str(self.port), "--grpc-health-port", str(self.health_port),
                "--metrics-port", str(self.admin_port), "--drain-timeout", "1s", *self.flags,
                stdout=log, stderr=log,
            )  # fmt: skip
        async with httpx.AsyncClient() as client, asyncio.timeout(30):
            while True:
                assert self.process.returncode is None, self.log()
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(self.url("/readyz"))).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        return await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        return await asyncio.wait_for(process.wait(), 20)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.admin_port}{path}"

    def log(self) -> str:
        return (self.folder / "picker.log").read_text(errors="replace")

    async def endpoints(self) -> list[dict[str, float]]:
        async with httpx.AsyncClient() as client:
            endpoints: list[dict[str, float]] = (
                await client.get(self.url("/debug/endpoints"))
            ).json()["endpoints"]
            return endpoints

    async def metric(self, name: str) -> float:
        async with httpx.AsyncClient() as client:
            page = (await client.get(self.url("/metrics"))).text
        values = [line.split()[-1] for line in page.splitlines() if line.startswith(name)]
        assert values, f"{name} is not in /metrics"
        return sum(float(value) for value in values)

    async def inflight(self) -> float:
        return sum(endpoint["inflight_requests"] for endpoint in await self.endpoints())


@dataclass
class Stack:
    """What a test talks to."""

    picker: Picker
    envoy: RunningEnvoy
    servers: list[Address]
    closing: list[contextlib.AsyncExitStack]

    def client(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(
            base_url=f"{self.envoy.url}/v1", api_key="none", max_retries=0, timeout=60
        )

    async def stop_server(self, number: int) -> None:
        """End one model server for good; its port refuses connections from now on."""
        await self.closing[number].aclose()

    async def served_requests(self) -> list[float]:
        """How many requests each server has finished, by its own count."""
        return [await _finished(address) for address in self.servers]


async def _finished(address: Address) -> float:
    async with httpx.AsyncClient() as client:
        page = (await client.get(f"http://{address.authority}/metrics")).text
    lines = [x for x in page.splitlines() if x.startswith("vllm:request_success_total")]
    return sum(float(line.split()[-1]) for line in lines)


@contextlib.asynccontextmanager
async def running_stack(
    folder: Path,
    *,
    dialect: Dialect | None = None,
    servers: int = 3,
    fail_open: bool = False,
    observed_share: float = 0.05,
    flags: tuple[str, ...] = (),
    sim: SimSettings | None = None,
) -> AsyncIterator[Stack]:
    """Everything up, with TLS between Envoy and the picker unless the flags say otherwise."""
    settings = sim or SimSettings(model=MODEL, port=0)
    async with contextlib.AsyncExitStack() as stack:
        addresses, closing = [], []
        for _ in range(servers):
            own = await stack.enter_async_context(contextlib.AsyncExitStack())
            context = simulated_servers(settings, clock=SystemClock())
            addresses += await own.enter_async_context(context)
            closing.append(own)
        picker = Picker(folder, flags)
        picker.list_endpoints(addresses)
        stack.push_async_callback(picker.stop)
        await picker.start()
        envoy_settings = EnvoySettings(
            endpoints=tuple(addresses),
            listener=LOOPBACK_ANY,
            admin=LOOPBACK_ANY,
            dialect=dialect,
            picker=PickerSettings(
                port=picker.port,
                has_tls="--secure-serving=false" not in flags,
                fail_open=fail_open,
                observed_share=observed_share,
            ),
        )
        envoy = await stack.enter_async_context(run_envoy(envoy_config(envoy_settings)))
        yield Stack(picker, envoy, addresses, closing)
