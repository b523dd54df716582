"""`pointsman sim`: simulated model servers, several in one process if wanted."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from pointsman.domain.endpoints import Address
from pointsman.lib.tasks import start_loop
from pointsman.sim.engine.presets import PRESETS
from pointsman.sim.faults import Faults
from pointsman.sim.server import SimulatedServer
from pointsman.sim.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pointsman.lib.clock import Clock
    from pointsman.sim.engine.settings import EngineSettings

_T = TypeVar("_T")

REPLICAS_MAX = 256
_SHUTDOWN_S = 0.5
"""How long open requests may go on after the stop."""
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class SimSettings:
    """What to start; None keeps what the preset says. Fields of the engine are in its own words.

    Attributes:
        host: IP address to listen on.
        port: of the first server, the others follow; 0 = any free port for each.
        replicas: servers in this process.
        ports: of all servers, instead of `port` and `replicas`.
        preset: name of an engine in `pointsman.sim.engine.presets`.
        model: the name they serve.
        adapters: LoRA adapters loaded from the start, `name` or `name=path`.
        speed: engine seconds in one real second.
        seed: of the first server; the others take the following ones.
        faults: what goes wrong from the start.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    replicas: int = 1
    ports: tuple[int, ...] = ()
    preset: str = "tiny"
    model: str = "sim-model"
    adapters: tuple[str, ...] = ()
    speed: float = 1.0
    seed: int = 1
    step_s: float | None = None
    prefill_tokens_per_s: float | None = None
    blocks: int | None = None
    block_tokens: int | None = None
    context_tokens_max: int | None = None
    batched_tokens_max: int | None = None
    running_max: int | None = None
    inflight_max: int | None = None
    adapters_max: int | None = None
    output_tokens_min: int = 16
    output_tokens_max: int = 256
    has_cached_tokens: bool = True
    is_request_id_echoed: bool = False
    body_bytes_max: int = 64 * 1024 * 1024
    faults: Faults = field(default_factory=Faults)

    @property
    def listening_ports(self) -> tuple[int, ...]:
        """The port of each server; 0 = any free one."""
        if self.ports:
            return self.ports
        return tuple(self.port + number if self.port else 0 for number in range(self.replicas))


def server_settings(settings: SimSettings, replica: int = 0) -> ServerSettings:
    """What one of the servers is.

    Raises:
        ValueError: a value is out of range; the text says which.
    """
    if settings.preset not in PRESETS:
        raise ValueError(f"unknown preset {settings.preset!r}; known are {', '.join(PRESETS)}")
    return ServerSettings(
        model=settings.model,
        engine=_engine_settings(settings, PRESETS[settings.preset]),
        adapters=tuple(_named_adapter(each) for each in settings.adapters),
        speed=settings.speed,
        seed=settings.seed + replica,
        has_cached_tokens=settings.has_cached_tokens,
        is_request_id_echoed=settings.is_request_id_echoed,
        output_tokens_min=settings.output_tokens_min,
        output_tokens_max=settings.output_tokens_max,
        body_bytes_max=settings.body_bytes_max,
        faults=settings.faults,
    )


def _engine_settings(settings: SimSettings, preset: EngineSettings) -> EngineSettings:
    """The preset with what was chosen otherwise."""
    step_s, rate, was = settings.step_s, settings.prefill_tokens_per_s, preset.speed
    if rate is not None and rate <= 0:
        raise ValueError("prefill_tokens_per_s must be positive")
    return dataclasses.replace(
        preset,
        speed=dataclasses.replace(
            was,
            step_s=_chosen(step_s, was.step_s),
            prefill_token_s=was.prefill_token_s if rate is None else 1 / rate,
        ),
        blocks=_chosen(settings.blocks, preset.blocks),
        block_tokens=_chosen(settings.block_tokens, preset.block_tokens),
        context_tokens_max=_chosen(settings.context_tokens_max, preset.context_tokens_max),
        batched_tokens_max=_chosen(settings.batched_tokens_max, preset.batched_tokens_max),
        running_max=_chosen(settings.running_max, preset.running_max),
        inflight_max=_chosen(settings.inflight_max, preset.inflight_max),
        adapters_max=_chosen(settings.adapters_max, preset.adapters_max),
    )


def _chosen(value: _T | None, preset: _T) -> _T:
    return preset if value is None else value


def _named_adapter(text: str) -> tuple[str, str]:
    name, separator, path = text.partition("=")
    if not name or (separator and not path):
        raise ValueError(f"adapter {text!r} is neither name nor name=path")
    return name, path or f"models/{name}"


@asynccontextmanager
async def simulated_servers(settings: SimSettings, *, clock: Clock) -> AsyncIterator[list[Address]]:
    """Servers that run as long as the block; where each of them listens.

    Raises:
        ValueError: settings are out of range.
        OSError: a port cannot be had.
    """
    ports = settings.listening_ports
    if not 1 <= len(ports) <= REPLICAS_MAX:
        raise ValueError(f"there must be 1..{REPLICAS_MAX} servers")
    replicas = [server_settings(settings, number) for number in range(len(ports))]
    with ExitStack() as sockets:
        listeners = [sockets.enter_context(_listener(settings.host, port)) for port in ports]
        servers = [SimulatedServer(each, clock=clock) for each in replicas]
        try:
            async with asyncio.TaskGroup() as group:
                engines = [
                    start_loop(group, server.driver.run(), name=f"engine of replica {number}")
                    for number, server in enumerate(servers)
                ]
                async with _serving(servers, listeners):
                    yield [Address(*listener.getsockname()[:2]) for listener in listeners]
                for engine in engines:
                    engine.cancel()
        except BaseExceptionGroup as errors:
            if len(errors.exceptions) > 1:
                raise
            raise errors.exceptions[0] from None


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)


@asynccontextmanager
async def _serving(
    servers: list[SimulatedServer], listeners: list[socket.socket]
) -> AsyncIterator[None]:
    """The HTTP side of the servers, as long as the block; all are closed at the same time."""
    runners = [
        web.AppRunner(
            server.application,
            handler_cancellation=True,  # a client that leaves must free its KV blocks
            access_log=None,
            shutdown_timeout=_SHUTDOWN_S,
        )
        for server in servers
    ]
    try:
        for runner, listener in zip(runners, listeners, strict=True):
            await runner.setup()
            await web.SockSite(runner, listener, backlog=_BACKLOG).start()
        yield
    finally:
        async with asyncio.TaskGroup() as closing:
            for runner in runners:
                closing.create_task(runner.cleanup())


async def run_sim(
    settings: SimSettings,
    *,
    clock: Clock,
    stop: asyncio.Event,
    started: Callable[[list[Address]], None] | None = None,
) -> None:
    """Serve until `stop` is set; `started` is told the addresses once all servers listen.

    Raises:
        ValueError: settings are out of range.
        OSError: a port cannot be had.
    """
    async with simulated_servers(settings, clock=clock) as addresses:
        if started is not None:
            started(addresses)
        await stop.wait()
