"""Background tasks that cannot be lost: named, owned by a group, and an error when they finish."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

_log = logging.getLogger(__name__)


class LoopFinishedError(RuntimeError):
    """A background loop that should run until it is cancelled has returned."""


async def _guard(name: str, loop: Coroutine[Any, Any, None]) -> None:  # Any: as in start_loop
    try:
        await loop
    except asyncio.CancelledError:
        raise
    except Exception:
        _log.exception("background loop failed name=%s", name)
        raise
    raise LoopFinishedError(name)


def start_loop(
    group: asyncio.TaskGroup,
    loop: Coroutine[Any, Any, None],  # Any: what a coroutine yields to its loop is asyncio's own
    *,
    name: str,
) -> asyncio.Task[None]:
    """Run an endless coroutine in `group`; its return is as much an error as its failure."""
    return group.create_task(_guard(name, loop), name=name)
