"""`pointsman demo` as the command line calls it: an event loop, Ctrl-C, and one-line errors."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import uvloop
from rich.console import Console

from pointsman.apps.demo.children import DemoError
from pointsman.apps.demo.run import run_demo
from pointsman.apps.demo.serve import serve_demo
from pointsman.lib.clock import SystemClock

if TYPE_CHECKING:
    from pointsman.apps.demo.settings import DemoSettings

_EXIT_FAILURE = 1
_EXIT_INTERRUPTED = 130


def demo(settings: DemoSettings) -> int:
    """Run the demo and return the exit code; errors go to stderr, in words."""
    console = Console()
    try:
        uvloop.run(_until_told_to_stop(settings, console))
    except DemoError as error:
        Console(stderr=True).print(
            f"pointsman: {error}", markup=False, highlight=False, soft_wrap=True
        )
        return _EXIT_FAILURE
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Stopped.")
        return 0 if settings.serve else _EXIT_INTERRUPTED
    return 0


async def _until_told_to_stop(settings: DemoSettings, console: Console) -> None:
    """SIGTERM is Ctrl-C here, so that a supervisor leaves nothing behind either."""
    task = asyncio.current_task()
    assert task is not None, "a coroutine runs in a task"
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if settings.serve:
        await serve_demo(settings, console=console)
    else:
        await run_demo(settings, console=console, clock=SystemClock())
