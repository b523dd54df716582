"""The process that simulates all model servers of a pool; says on its first line where they are.

Run as `python -m pointsman.apps.demo.simulators REPLICAS PRESET MODEL SEED`. Not `pointsman sim`,
because that one prints for people; this one's first line is a contract with `stack`.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import uvloop

from pointsman.apps.sim import SimSettings, run_sim
from pointsman.domain.endpoints import Address
from pointsman.lib.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Sequence


def command(*, replicas: int, preset: str, model: str, seed: int) -> list[str]:
    """What starts this process."""
    return [sys.executable, "-m", __name__, str(replicas), preset, model, str(seed)]


def announced(line: str) -> tuple[Address, ...]:
    """The addresses in its first line.

    Raises:
        ValueError: that is not such a line.
    """
    return tuple(Address.parse(word) for word in line.split())


def _announce(addresses: Sequence[Address]) -> None:
    sys.stdout.write(" ".join(each.authority for each in addresses) + "\n")
    sys.stdout.flush()


async def _run(settings: SimSettings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_sim(settings, clock=SystemClock(), stop=stop, started=_announce)


if __name__ == "__main__":
    _replicas, _preset, _model, _seed = sys.argv[1:]
    uvloop.run(
        _run(
            SimSettings(
                port=0, replicas=int(_replicas), preset=_preset, model=_model, seed=int(_seed)
            )
        )
    )
