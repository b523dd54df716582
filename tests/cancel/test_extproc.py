"""Hang at each await of the pump, cancel there: the watch is closed exactly once, nothing leaks."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from extproc.support import (
    ScriptedDirector,
    exchange_parts,
    request_body,
    request_headers,
    response_body,
    response_headers,
)
from extproc.wires import AbortError, ScriptedWire
from pointsman.domain.responses import Ending
from pointsman.extproc.server import pump

MESSAGES = [
    message.SerializeToString()
    for message in (
        request_headers(),
        request_body(b"x" * 100_000, end_of_stream=True),
        response_headers(),
        response_body(b"data"),
        response_body(b"", end_of_stream=True),
    )
]
READS, WRITES = 5, 6
AWAITS = READS + WRITES


@pytest.mark.parametrize("hangs_at", range(1, AWAITS + 1))
async def test_a_cancel_at_any_await_closes_the_watch_once(hangs_at: int) -> None:
    director = ScriptedDirector()
    parts = exchange_parts(director)
    wire = ScriptedWire(MESSAGES, hangs_at=hangs_at)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(pump(wire, parts))
        await wire.hanging.wait()
        task.cancel()
    assert task.cancelled(), "a cancellation is never swallowed"
    was_over = hangs_at == AWAITS  # the last reply was on its way
    ending = Ending.COMPLETE if was_over else Ending.CLIENT_GONE
    assert director.endings == ([[ending]] if director.asked else [])
    assert parts.metrics.active == 0


@pytest.mark.parametrize("hangs_at", range(1, AWAITS + 1))
async def test_a_wire_that_breaks_at_any_await_does_the_same_without_an_error(
    hangs_at: int,
) -> None:
    director = ScriptedDirector()
    parts = exchange_parts(director)
    await pump(
        ScriptedWire(MESSAGES, hangs_at=hangs_at, error=grpc.aio.InternalError("reset")), parts
    )
    assert all(len(endings) == 1 for endings in director.endings)
    assert parts.metrics.active == 0


async def test_the_table_of_awaits_is_complete() -> None:
    wire = ScriptedWire(MESSAGES)
    await pump(wire, exchange_parts(ScriptedDirector()))
    assert wire.awaits == AWAITS


@pytest.mark.parametrize("hangs_at", range(1, AWAITS + 1))
async def test_our_own_bug_at_any_await_is_told_as_failed(hangs_at: int) -> None:
    director = ScriptedDirector()
    parts = exchange_parts(director)
    with pytest.raises(ZeroDivisionError):
        await pump(ScriptedWire(MESSAGES, hangs_at=hangs_at, error=ZeroDivisionError()), parts)
    assert all(endings == [Ending.FAILED] for endings in director.endings)
    assert parts.metrics.active == 0


async def test_a_broken_protocol_closes_the_watch_and_aborts() -> None:
    director = ScriptedDirector()
    parts = exchange_parts(director)
    wire = ScriptedWire([*MESSAGES[:2], MESSAGES[0]])
    with pytest.raises(AbortError):
        await pump(wire, parts)
    assert wire.aborted == [grpc.StatusCode.INVALID_ARGUMENT]
    assert director.endings == [[Ending.CLIENT_GONE]]
