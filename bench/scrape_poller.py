"""CPU of the whole poller with 100 endpoints, idle and busy: `python bench/scrape_poller.py`.

A child process (`bench/scrape_clients.py --serve`) serves the pages; this process runs the poller
with default settings, waits until idle intervals have grown, and measures its own CPU time.
"""
# ruff: noqa: INP001, T201 - a script that prints its result

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from prometheus_client import CollectorRegistry

from pointsman.domain.endpoints import Address, Endpoint
from pointsman.lib.clock import SystemClock
from pointsman.scrape.client import open_metrics_client
from pointsman.scrape.engines import Engines
from pointsman.scrape.metrics import ScrapeMetrics
from pointsman.scrape.poller import Poller
from pointsman.scrape.settings import ScrapeSettings

if TYPE_CHECKING:
    from pointsman.domain.samples import EngineSample

_SETTLE_S = 20.0  # idle intervals grow to 5 s in 13


class _Sink:
    """Endpoints whose work is what this script says; samples are counted and dropped."""

    def __init__(self, ports: list[int], *, inflight: int) -> None:
        self._endpoints = tuple(Endpoint(f"e{port}", Address("127.0.0.1", port)) for port in ports)
        self._inflight = inflight

    def endpoints(self) -> tuple[Endpoint, ...]:
        return self._endpoints

    def inflight_requests(self, endpoint_id: str) -> int:
        return self._inflight if endpoint_id else 0

    def store(self, endpoint_id: str, sample: EngineSample, *, scraped_at_s: float) -> None:
        assert endpoint_id, (sample, scraped_at_s)

    def failed(self, endpoint_id: str, reason: str) -> None:
        """The poller counts them; a crowded machine may well be slower than the timeout."""
        assert endpoint_id, reason


async def _measure(ports: list[int], *, inflight: int, duration_s: float) -> str:
    async with open_metrics_client() as client, asyncio.TaskGroup() as group:
        poller = Poller(
            _Sink(ports, inflight=inflight),
            client,
            engines=Engines(),
            settings=ScrapeSettings(),
            metrics=ScrapeMetrics(CollectorRegistry()),
            clock=SystemClock(),
            rng=random.Random(1),
        )
        loop = group.create_task(poller.run())
        await asyncio.sleep(2.0 if inflight else _SETTLE_S)
        scrapes, started, cpu = (
            poller.statistics().scrapes,
            time.perf_counter(),
            time.process_time(),
        )
        await asyncio.sleep(duration_s)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - started
        scrapes = poller.statistics().scrapes - scrapes
        failures = poller.statistics().failures
        loop.cancel()
    name = "busy" if inflight else "idle"
    return (
        f"{name}  {scrapes / wall:4.0f} scrapes/s  {1e6 * cpu / scrapes:5.0f} us CPU each  "
        f"{cpu / wall:6.3f} cores  {failures} failed"
    )


def main() -> None:
    """Measure an idle fleet, then a busy one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    arguments = parser.parse_args()
    server_script = Path(__file__).with_name("scrape_clients.py")
    command = [sys.executable, str(server_script), "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        assert server.stdout is not None
        ports = [int(port) for port in server.stdout.readline().split()]
        try:
            for inflight in (0, 1):
                run = _measure(ports, inflight=inflight, duration_s=arguments.seconds)
                print(uvloop.run(run), flush=True)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
