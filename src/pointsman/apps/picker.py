"""`pointsman picker`: builds the endpoint picker, top to bottom, and runs it until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from pointsman.admin.server import AdminServer
from pointsman.api.catalog import CatalogError
from pointsman.api.plugins import Surroundings
from pointsman.apps.errors import BadUsageError
from pointsman.apps.picker_parts import prefix_settings, server_credentials, server_settings
from pointsman.apps.picker_scrape import run_poller
from pointsman.apps.plugins import load_catalog
from pointsman.config.build import build_scheduler
from pointsman.config.findings import ConfigError
from pointsman.config.load import load_plan
from pointsman.datalayer.metrics import PoolCollector, endpoints_view
from pointsman.datalayer.pool import Pool
from pointsman.discovery.file import EndpointsFile, EndpointsFileError
from pointsman.discovery.metrics import DiscoveryMetrics
from pointsman.extproc.dialects import DialectChoice, DialectFlag
from pointsman.extproc.exchange import ExchangeParts
from pointsman.extproc.health import Health, HealthServer
from pointsman.extproc.messages import Encoder
from pointsman.extproc.metrics import StreamMetrics
from pointsman.extproc.protocol import StreamLimits
from pointsman.extproc.server import ExtProcServer
from pointsman.extproc.tls import CertificateError
from pointsman.lib.clock import SystemClock
from pointsman.lib.memory import keep_large_buffers, settle_garbage
from pointsman.lib.tasks import start_loop
from pointsman.pipeline.director import PoolDirector
from pointsman.pipeline.formats.registry import formats_for
from pointsman.pipeline.metrics import PipelineMetrics
from pointsman.pipeline.watch import Following

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
    from typing import Any

    from pointsman.api.catalog import Catalog
    from pointsman.apps.picker_settings import PickerSettings
    from pointsman.config.plan import PickerPlan
    from pointsman.domain.endpoints import Endpoint
    from pointsman.lib.clock import Clock

    Loop = Callable[[], Coroutine[Any, Any, None]]  # Any: what coroutines yield to asyncio

_log = logging.getLogger(__name__)

_SWEEP_S = 1.0
"""How often estimated ends are looked at when no request does it on its way."""

_NOTICE_S = 5.0
"""How long a stopping picker still takes new streams, so that proxies see its health flip first."""


async def run_picker(settings: PickerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Raises:
        BadUsageError: flags, configuration, endpoints file or certificate cannot be used.
        OSError: a port cannot be bound.
    """
    keep_large_buffers()
    stop: asyncio.Future[signal.Signals] = asyncio.get_running_loop().create_future()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop, stop, number)
    try:
        parts = _build(settings, clock=SystemClock())
        credentials = server_credentials(settings, SystemClock())
    except (CatalogError, EndpointsFileError, CertificateError, ValueError) as error:
        raise BadUsageError(str(error).splitlines()) from error
    server = ExtProcServer(
        parts.exchange,
        server_settings(settings),
        credentials=credentials,
        health=parts.health if settings.health_checking else None,
    )
    admin = AdminServer(
        host=None,
        port=settings.metrics_port,
        registry=parts.registry,
        not_ready_because=parts.not_ready_because,
        views={"endpoints": lambda: endpoints_view(parts.pool, parts.clock)},
    )
    health_server = HealthServer(parts.health, port=settings.grpc_health_port)
    settle_garbage()
    async with admin, _serving(health_server), _background(parts.loops):
        await server.start()
        _log.info(
            "picker serves port=%d tls=%s endpoints=%d",
            server.port,
            credentials is not None,
            len(parts.pool.table),
        )
        number = await stop
        _log.info("picker drains timeout_s=%g", settings.drain_timeout_s)
        parts.drain()
        # Whoever presses Ctrl-C has no proxy that must be told by a failing health check first.
        notice_s = _NOTICE_S if number is signal.SIGTERM else 0.0
        await server.drain(timeout_s=settings.drain_timeout_s, notice_s=notice_s)


def _stop(stop: asyncio.Future[signal.Signals], number: signal.Signals) -> None:
    if not stop.done():
        stop.set_result(number)


@dataclass(slots=True)
class _Parts:
    """Everything one picker consists of, apart from its sockets."""

    clock: Clock
    registry: CollectorRegistry
    pool: Pool
    exchange: ExchangeParts
    health: Health
    loops: Mapping[str, Loop]
    is_draining: bool = False

    def drain(self) -> None:
        """From now on not ready."""
        self.is_draining = True
        self.health.drain()

    def not_ready_because(self) -> str | None:
        """Why no traffic should come now."""
        return "the picker is stopping" if self.is_draining else None


def _build(settings: PickerSettings, *, clock: Clock) -> _Parts:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    rng = random.Random(settings.seed)
    plan = _read_plan(settings, load_catalog([settings.plugin_dir] if settings.plugin_dir else []))

    pool = Pool(clock=clock, prefixes=prefix_settings(settings, plan))
    PoolCollector(pool, registry)
    surroundings = Surroundings(clock=clock, rng=rng, prefix_index=pool.prefix_index)
    director = PoolDirector(
        formats=formats_for(plan.parsers),
        scheduler=build_scheduler(plan, surroundings),
        following=Following(clock, pool, PipelineMetrics(registry)),
        honours_subset=not settings.disable_endpoint_subset_filter,
    )
    exchange = ExchangeParts(
        director=director,
        encoder=Encoder(),
        dialects=DialectChoice(
            DialectFlag(settings.response_observation), sample=settings.observed_share, rng=rng
        ),
        metrics=StreamMetrics(registry),
        clock=clock,
        new_request_id=lambda: str(uuid.uuid4()),
        limits=StreamLimits(request_body_bytes_max=settings.request_body_bytes_max),
    )
    loops: dict[str, Loop] = {
        "endpoints file": _discovery(settings, plan, pool=pool, registry=registry),
        "ledger sweep": lambda: _sweep(pool, clock),
    }
    if plan.scrape is not None:
        scrape = plan.scrape
        loops["scrapes"] = lambda: run_poller(
            settings, scrape, pool=pool, registry=registry, clock=clock, rng=rng
        )
    return _Parts(clock, registry, pool, exchange, Health(lambda: True), loops)


def _read_plan(settings: PickerSettings, catalog: Catalog) -> PickerPlan:
    text = settings.config_text
    try:
        if settings.config_file is not None:
            text = settings.config_file.read_text(encoding="utf-8")
        plan = load_plan(text, catalog)
    except ConfigError as error:
        source = settings.config_file or "--config-text"
        raise BadUsageError(f"{source}: {problem}" for problem in error.problems) from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadUsageError([f"{settings.config_file}: {error}"]) from error
    for warning in plan.warnings:
        _log.warning("configuration: %s", warning)
    return plan


def _discovery(
    settings: PickerSettings, plan: PickerPlan, *, pool: Pool, registry: CollectorRegistry
) -> Loop:
    """Fill the pool from the endpoints file; the loop that follows the file."""
    metrics = DiscoveryMetrics(registry)
    watches = True
    if settings.endpoints_file is not None:
        path = settings.endpoints_file
    elif plan.discovery is not None:
        path, watches = Path(plan.discovery.path), plan.discovery.watch_file
    else:
        raise BadUsageError(
            ["--endpoints-file: is needed, or dataLayer.discovery in the configuration"]
        )
    file = EndpointsFile(path, observer=metrics)
    pool.replace(file.load())

    def apply(endpoints: tuple[Endpoint, ...]) -> None:
        change = pool.replace(endpoints)
        _log.info(
            "pool has changed added=%d removed=%d endpoints=%d",
            len(change.added),
            len(change.removed),
            len(pool.table),
        )

    return (lambda: file.watch(apply)) if watches else _nothing_to_do


async def _nothing_to_do() -> None:
    """The file is not to be watched."""
    await asyncio.Event().wait()


async def _sweep(pool: Pool, clock: Clock) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        pool.ledger.sweep(clock.monotonic_s())


@contextlib.asynccontextmanager
async def _serving(server: HealthServer) -> AsyncIterator[None]:
    await server.start()
    try:
        yield
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def _background(loops: Mapping[str, Loop]) -> AsyncIterator[None]:
    """Run endless loops beside the block; the first that ends or fails ends the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [start_loop(group, loop(), name=name) for name, loop in loops.items()]
        yield
        for task in tasks:
            task.cancel()
