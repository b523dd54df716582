"""Hang at each await of the request path, cancel there: the real ledger is left at zero."""

from __future__ import annotations

import asyncio
import dataclasses

import grpc
import orjson
import pytest

from builders import endpoint
from extproc.support import (
    ScriptedDirector,
    exchange_parts,
    request_body,
    request_headers,
    response_body,
    response_headers,
)
from extproc.wires import ScriptedWire
from pointsman.extproc.server import pump
from worlds import World

BODY = orjson.dumps(
    {"model": "m", "messages": [{"role": "user", "content": "x" * 100_000}], "stream": True}
)
MESSAGES = [
    message.SerializeToString()
    for message in (
        request_headers(),
        request_body(BODY, end_of_stream=True),
        response_headers(),
        response_body(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'),
        response_body(b"", end_of_stream=True),
    )
]
AWAITS = 11  # tests/cancel/test_extproc.py proves the number


@pytest.mark.parametrize("hangs_at", range(1, AWAITS + 1))
async def test_a_cancel_at_any_await_leaves_the_ledger_at_zero(hangs_at: int) -> None:
    world = World(endpoint(0), endpoint(1))
    parts = dataclasses.replace(exchange_parts(ScriptedDirector()), director=world.director)
    wire = ScriptedWire(MESSAGES, hangs_at=hangs_at)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(pump(wire, parts))
        await wire.hanging.wait()
        task.cancel()
    statistics = world.pool.ledger.statistics()
    assert statistics.open_leases == 0
    assert statistics.inflight_requests == 0
    assert statistics.context_tokens == 0
    assert statistics.picked_since_scrape == 0


@pytest.mark.parametrize("hangs_at", range(1, AWAITS + 1))
async def test_a_reset_at_any_await_leaves_the_ledger_at_zero(hangs_at: int) -> None:
    world = World(endpoint(0), endpoint(1))
    parts = dataclasses.replace(exchange_parts(ScriptedDirector()), director=world.director)
    error = grpc.aio.InternalError("reset")
    await pump(ScriptedWire(MESSAGES, hangs_at=hangs_at, error=error), parts)
    assert world.pool.ledger.statistics().open_leases == 0
