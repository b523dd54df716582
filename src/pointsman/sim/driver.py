"""One task that steps an engine in real time and wakes those who wait for its tokens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pointsman.sim.engine.requests import TOKEN_BYTES

if TYPE_CHECKING:
    from pointsman.lib.clock import Clock
    from pointsman.sim.engine.engine import Engine
    from pointsman.sim.engine.requests import EngineRequest, Finished, Step
    from pointsman.sim.telemetry import Telemetry, Wanted

_TIMER_S = 0.0005
"""Shorter waits are not worth a timer: uvloop's have a resolution of 1 ms."""
_STEPS_PER_TURN_MAX = 16
"""Steps in a row, when the engine has fallen behind, before others get the loop."""
_LAG_S_MAX = 0.05
"""How far the engine may fall behind before it gives up the lost time: the host is too slow."""


class Bell:
    """Wakes the one task that waits; a ring while nobody waits is not lost."""

    __slots__ = ("_is_rung", "_waiter")

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._is_rung = False

    def ring(self) -> None:
        """Something has changed."""
        self._is_rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Until it rings, or at once if it has rung since the last wait."""
        if not self._is_rung:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self._is_rung = False


class Ticket:
    """One request in the engine, as seen by whoever answers it.

    Attributes:
        id: the engine's.
        words: the whole answer, of which `emitted` tokens exist by now.
        bell: rings when the request is finished, and with `is_streaming` at every token.
        finished: set when it is complete.
    """

    __slots__ = (
        "bell", "cached_tokens", "emitted", "finished", "id", "is_streaming", "prompt", "wanted",
        "words",
    )  # fmt: skip

    def __init__(
        self, request: EngineRequest, *, identity: int, wanted: Wanted, bell: Bell, streaming: bool
    ) -> None:
        self.id = identity
        self.prompt = request.prompt
        self.words = request.output
        self.wanted = wanted
        self.bell = bell
        self.is_streaming = streaming
        self.emitted = 0
        self.cached_tokens = 0
        self.finished: Finished | None = None

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt."""
        return len(self.prompt) // TOKEN_BYTES


class EngineDriver:
    """Owns an engine and its time line; the only one who steps it.

    A step begins where the last one ended, whenever the timer fired, so that late timers do not
    slow the engine down.
    """

    def __init__(self, engine: Engine, telemetry: Telemetry, *, clock: Clock, speed: float) -> None:
        self.engine = engine
        self._telemetry = telemetry
        self._clock = clock
        self._speed = speed
        self._tickets: dict[int, Ticket] = {}  # bounded by whoever accepts connections
        self._work = asyncio.Event()
        self._has_adapters = bool(engine.settings.adapters_max)
        self._is_queue_changed = False
        self.lost_s = 0.0
        """Engine time given up because the host was too slow."""

    def submit(
        self, request: EngineRequest, *, wanted: Wanted, bell: Bell, is_streaming: bool
    ) -> Ticket:
        """Give a request to the engine.

        Raises:
            EngineError: it does not take it.
        """
        identity = self.engine.submit(request, self._now_s())
        ticket = Ticket(
            request, identity=identity, wanted=wanted, bell=bell, streaming=is_streaming
        )
        self._tickets[identity] = ticket
        self._is_queue_changed = True
        self._work.set()
        return ticket

    def abandon(self, ticket: Ticket) -> None:
        """Nobody waits for this any more; a finished one may be abandoned as well."""
        if self._tickets.pop(ticket.id, None) is not None:
            self.engine.abort(ticket.id)

    async def run(self) -> None:
        """Step the engine for ever."""
        engine = self.engine
        while True:
            await self._work.wait()
            self._work.clear()
            at_s, steps = self._now_s(), 0
            while engine.has_work:
                step = engine.step(at_s)
                ahead_s = (step.ends_at_s - self._now_s()) / self._speed
                steps += 1
                if ahead_s > _TIMER_S:
                    await asyncio.sleep(ahead_s)
                    steps = 0
                elif steps >= _STEPS_PER_TURN_MAX:
                    await asyncio.sleep(0)
                    steps = 0
                self._deliver(step)
                at_s = max(step.ends_at_s, self._now_s() - _LAG_S_MAX * self._speed)
                self.lost_s += at_s - step.ends_at_s

    def _now_s(self) -> float:
        """The engine's time."""
        return self._clock.monotonic_s() * self._speed

    def _deliver(self, step: Step) -> None:
        tickets = self._tickets
        for started in step.started:
            if ticket := tickets.get(started.id):
                ticket.cached_tokens = started.cached_tokens
        for identity in step.emitted:
            ticket = tickets.get(identity)
            if ticket is not None:
                ticket.emitted += 1
                if ticket.is_streaming:
                    ticket.bell.ring()
        self._telemetry.observe_step(step)
        for finished in step.finished:
            ticket = tickets.pop(finished.id, None)
            if ticket is not None:
                ticket.finished = finished
                ticket.bell.ring()
                self._telemetry.observe_finished(finished, ticket.wanted)
        if self._has_adapters and (self._is_queue_changed or step.started or step.finished):
            self._is_queue_changed = False
            self._note_adapters()

    def _note_adapters(self) -> None:
        running, waiting = self.engine.adapters
        self._telemetry.observe_adapters(
            ",".join(running), ",".join(waiting), unix_s=self._clock.unix_s()
        )
