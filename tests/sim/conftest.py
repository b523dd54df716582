from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from pointsman.apps.sim import SimSettings, simulated_servers
from pointsman.lib.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def serve() -> Serve:
    """Starts one simulated server, fifty times faster than its preset, and a client for it."""

    @asynccontextmanager
    async def start(**settings: object) -> AsyncIterator[httpx.AsyncClient]:
        chosen = SimSettings(**{"port": 0, "speed": 50.0, **settings})
        async with (
            simulated_servers(chosen, clock=SystemClock()) as (address,),
            httpx.AsyncClient(base_url=f"http://{address.authority}", timeout=10) as client,
        ):
            yield client

    return start
