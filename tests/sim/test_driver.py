from __future__ import annotations

import asyncio
import dataclasses
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from pointsman.lib.clock import SystemClock
from pointsman.sim.driver import Bell, EngineDriver
from pointsman.sim.engine.engine import Engine
from pointsman.sim.engine.presets import TINY
from pointsman.sim.engine.requests import EngineRequest
from pointsman.sim.engine.settings import Speed
from pointsman.sim.telemetry import Telemetry, Wanted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pointsman.sim.driver import Ticket

pytestmark = [pytest.mark.looptime]

ENGINE = dataclasses.replace(
    TINY,
    adapters_max=1,
    speed=Speed(
        step_s=1.0, prefill_token_s=0.0, attention_pair_s=0.0, decode_s=0.0, context_token_s=0.0
    ),
)


class LoopClock(SystemClock):
    """The loop's own time, which these tests make virtual; `skew_s` makes the host look slow."""

    def __init__(self) -> None:
        self.skew_s = 0.0

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time() + self.skew_s


class World:
    def __init__(self, speed: float) -> None:
        self.clock = LoopClock()
        self.engine = Engine(ENGINE)
        self.telemetry = Telemetry(ENGINE.context_tokens_max, speed)
        self.driver = EngineDriver(self.engine, self.telemetry, clock=self.clock, speed=speed)

    def ask(self, output: int, *, streaming: bool = False, adapter: str = "") -> Ticket:
        return self.driver.submit(
            EngineRequest(b"1234" * 8, b"abcd" * output, adapter),
            wanted=Wanted(choices=1, output_tokens=output, ending="length"),
            bell=Bell(),
            is_streaming=streaming,
        )


@asynccontextmanager
async def running(speed: float = 1.0) -> AsyncIterator[World]:
    world = World(speed)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.driver.run())
        try:
            yield world
        finally:
            task.cancel()


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def until_finished(ticket: Ticket) -> float:
    start_s = now_s()
    while ticket.finished is None:
        await ticket.bell.wait()
    return now_s() - start_s


async def test_an_answer_takes_as_long_as_the_engine_says() -> None:
    async with running() as world:
        assert await until_finished(world.ask(5)) == pytest.approx(5.0)
        await asyncio.sleep(100)
        assert await until_finished(world.ask(2)) == pytest.approx(2.0)
        assert world.engine.statistics().steps == 7, "an idle engine does not step"


async def test_a_stream_is_woken_at_every_token_and_others_only_at_the_end() -> None:
    async with running() as world:
        stream = world.ask(3, streaming=True)
        seen = []
        while stream.finished is None:
            await stream.bell.wait()
            seen.append((round(now_s()), stream.emitted))
        assert [emitted for _, emitted in seen] == [1, 2, 3]
        whole = world.ask(3)
        await whole.bell.wait()
        assert whole.finished is not None


async def test_speed_shortens_everything() -> None:
    async with running(speed=10.0) as world:
        assert await until_finished(world.ask(5)) == pytest.approx(0.5)
        assert world.telemetry.total_s.total == pytest.approx(0.5)
        assert world.telemetry.first_token_s.total == pytest.approx(0.1)


async def test_at_high_speed_many_steps_share_a_timer() -> None:
    async with running(speed=100_000.0) as world:
        ticket = world.ask(1_000, streaming=True)
        wakes = 0
        while ticket.finished is None:
            await ticket.bell.wait()
            wakes += 1
        assert ticket.emitted == 1_000
        assert wakes < 100


async def test_an_abandoned_request_leaves_the_engine_at_once() -> None:
    async with running() as world:
        ticket = world.ask(100)
        await asyncio.sleep(3.5)
        assert world.engine.statistics().running == 1
        world.driver.abandon(ticket)
        world.driver.abandon(ticket)
        statistics = world.engine.statistics()
        assert (statistics.running, statistics.kv_usage, statistics.aborted) == (0, 0.0, 1)
        await asyncio.sleep(3.5)
        assert ticket.finished is None


async def test_a_host_that_was_busy_costs_the_engine_no_more_than_the_allowed_lag() -> None:
    async with running() as world:
        ticket = world.ask(5)
        await asyncio.sleep(1.5)
        world.clock.skew_s = 100.0  # the process got no CPU for that long
        assert await until_finished(ticket) == pytest.approx(3.5, abs=0.1)
        assert world.driver.lost_s == pytest.approx(99.95, abs=0.6)


async def test_adapters_are_noted_while_they_wait_and_run() -> None:
    async with running() as world:
        first, second = world.ask(3, adapter="a"), world.ask(3, adapter="b")
        await until_finished(first)
        await until_finished(second)
        assert {("a", "b"), ("b", ""), ("", "")} <= set(world.telemetry.adapter_sets)


async def test_a_ring_before_the_wait_is_not_lost() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()
    await bell.wait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(bell.wait(), 1)
    bell.ring()
    await bell.wait()
