"""`pointsman sim` as the command line calls it: settings in the simulator's words, and Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import uvloop
from rich.console import Console

from pointsman.apps.errors import BadUsageError
from pointsman.apps.sim import SimSettings, run_sim
from pointsman.lib.clock import SystemClock
from pointsman.sim.faults import Faults

if TYPE_CHECKING:
    from pointsman.apps.sim_flags import SimFlags
    from pointsman.domain.endpoints import Address


def sim_settings(flags: SimFlags) -> SimSettings:
    """The same in the simulator's words."""
    return SimSettings(
        host=flags.host,
        port=flags.port,
        replicas=flags.replicas,
        ports=flags.ports,
        preset=flags.preset,
        model=flags.model,
        adapters=flags.adapters,
        speed=flags.speed,
        seed=flags.seed,
        step_s=flags.step_s,
        prefill_tokens_per_s=flags.prefill_tokens_per_s,
        blocks=flags.blocks,
        block_tokens=flags.block_tokens,
        context_tokens_max=flags.context_tokens_max,
        batched_tokens_max=flags.batched_tokens_max,
        running_max=flags.running_max,
        inflight_max=flags.inflight_max,
        adapters_max=flags.adapters_max,
        output_tokens_min=flags.output_tokens_min,
        output_tokens_max=flags.output_tokens_max,
        has_cached_tokens=flags.has_cached_tokens,
        is_request_id_echoed=flags.is_request_id_echoed,
        faults=Faults(
            latency_s=flags.latency_s,
            error_share=flags.error_share,
            hang_share=flags.hang_share,
            close_share=flags.close_share,
            error_status=flags.error_status,
            close_after_chunks=flags.close_after_chunks,
            is_metrics_affected=flags.is_metrics_affected,
        ),
    )


def sim(flags: SimFlags) -> None:
    """Serve until SIGINT or SIGTERM.

    Raises:
        BadUsageError: values contradict each other.
        OSError: a port cannot be had.
    """
    try:
        uvloop.run(_serve(sim_settings(flags)))
    except ValueError as error:
        raise BadUsageError(str(error).splitlines()) from error


async def _serve(settings: SimSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    console = Console()

    def started(addresses: list[Address]) -> None:
        for address in addresses:
            console.print(f"{settings.model} at http://{address.authority}/v1", highlight=False)
        console.print("Stop with Ctrl-C.", highlight=False)

    await run_sim(settings, clock=SystemClock(), stop=stop, started=started)
