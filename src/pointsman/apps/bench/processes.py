"""Child processes of a benchmark, and what they have cost so far."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_STOP_S = 10.0


class ChildDiedError(RuntimeError):
    """A process of the benchmark ended or never came up; the text has its last words."""


@dataclass(frozen=True, slots=True)
class Cost:
    """User and system time of a process and all its threads, and its largest resident size."""

    cpu_s: float
    rss_mib_max: float


def cost_of(pid: int) -> Cost:
    """What a process of this machine has cost since it started.

    Nanoseconds come from each thread's schedstat, which counts what the 10 ms ticks of `stat` miss;
    threads that have ended are only in `stat`.
    """
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    by_ticks = (int(ticks[11]) + int(ticks[12])) / _TICKS_PER_S
    status = Path(f"/proc/{pid}/status").read_text()
    peak_kib = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM"))
    return Cost(cpu_s=_precise_cpu_s(pid) or by_ticks, rss_mib_max=peak_kib / 1024)


def _precise_cpu_s(pid: int) -> float:
    total_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e9


@contextlib.asynccontextmanager
async def child(name: str, *arguments: str, log: Path, port: int) -> AsyncIterator[int]:
    """Run `python ARGUMENTS` until the block ends; yields its pid once `port` accepts.

    Raises:
        ChildDiedError: it ended, or did not listen within 20 s.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=output, stderr=output
        )
    try:
        await _listening(name, process, log=log, port=port)
        yield process.pid
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _listening(
    name: str, process: asyncio.subprocess.Process, *, log: Path, port: int
) -> None:
    for _ in range(400):
        if process.returncode is not None:
            break
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    text = await asyncio.to_thread(log.read_text, errors="replace")
    last = text.strip().splitlines()[-5:]
    raise ChildDiedError(f"{name} did not come up on port {port}: " + " | ".join(last))
