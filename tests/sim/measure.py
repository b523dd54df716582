"""How many requests a second one simulated server sustains, and what each costs it.

    python tests/sim/measure.py [--rate 500] [--seconds 5] [--speed 1]

Starts the server in a process of its own and sends it, over the loopback, short chats at a fixed
rate (open loop), once whole and once streamed; then reads the server's CPU time. Bounded: at most
`--rate` times `--seconds` requests, twice.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import resource
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import orjson
import uvloop

from pointsman.apps.sim import SimSettings, run_sim
from pointsman.lib.clock import SystemClock

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

OUTPUT_TOKENS = 8


@dataclass
class Seen:
    """Seconds to the last byte of each answer, and what went wrong."""

    total_s: list[float] = field(default_factory=list)
    failed: int = 0

    def percentile_ms(self, share: float) -> float:
        return sorted(self.total_s)[int(len(self.total_s) * share)] * 1e3


def serve(settings: SimSettings, pipe: Connection) -> None:
    """The server's process: tells its port, serves until asked to stop, tells its CPU seconds."""

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), stop.set)
        await run_sim(
            settings, clock=SystemClock(), stop=stop, started=lambda found: pipe.send(found[0].port)
        )

    uvloop.run(main())


def cpu_s(process_id: int) -> float:
    """User and system time of a process so far."""
    with open(f"/proc/{process_id}/stat", encoding="ascii") as status:  # noqa: PTH123 - a kernel file
        fields = status.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(url: str, *, rate: float, seconds: float, is_streaming: bool) -> Seen:
    """Send the load; every answer is read to its end."""
    seen = Seen()

    async def ask(client: aiohttp.ClientSession, number: int) -> None:
        text = f"This is request number {number}, which wants a short answer to a short question."
        body = {
            "messages": [{"role": "user", "content": text}],
            "max_tokens": OUTPUT_TOKENS,
            "stream": is_streaming,
        }
        start_s = time.perf_counter()
        async with client.post(url, data=orjson.dumps(body)) as reply:
            await reply.read()
            seen.failed += reply.status != 200
        seen.total_s.append(time.perf_counter() - start_s)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as client, asyncio.TaskGroup() as group:
        start_s = time.perf_counter()
        for number in range(int(rate * seconds)):
            ahead_s = start_s + number / rate - time.perf_counter()
            if ahead_s > 0.001:
                await asyncio.sleep(ahead_s)
            group.create_task(ask(client, number))
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure one simulated server.")
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--speed", type=float, default=1.0)
    chosen = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    settings = SimSettings(port=0, speed=chosen.speed)
    server = context.Process(target=serve, args=(settings, theirs))
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}/v1/chat/completions"
    try:
        for is_streaming in (False, True):
            before_s, start_s = cpu_s(server.pid or 0), time.perf_counter()
            seen = uvloop.run(
                load(url, rate=chosen.rate, seconds=chosen.seconds, is_streaming=is_streaming)
            )
            wall_s, used_s = time.perf_counter() - start_s, cpu_s(server.pid or 0) - before_s
            count = len(seen.total_s)
            sys.stdout.write(
                f"{'streamed' if is_streaming else 'whole':9} {count / wall_s:6.0f} req/s"
                f"  failed {seen.failed}"
                f"  p50 {seen.percentile_ms(0.5):6.1f} ms  p99 {seen.percentile_ms(0.99):6.1f} ms"
                f"  server CPU {used_s / count * 1e6:5.0f} us/request ({used_s / wall_s:4.0%} of a"
                " core)\n"
            )
    finally:
        ours.send("stop")
        server.join()
    own = resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(f"load generator CPU {own.ru_utime + own.ru_stime:.1f} s\n")


if __name__ == "__main__":
    main()
