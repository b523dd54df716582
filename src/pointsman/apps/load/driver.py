"""Sends a plan to one address, on time, and records what comes back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aiohttp
import orjson

from pointsman.apps.load.results import Outcome
from pointsman.apps.load.stream import BrokenStreamError, ChatStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pointsman.apps.load.workload import PlannedRequest
    from pointsman.lib.clock import Clock

_ERROR_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Target:
    """Where the load goes.

    Attributes:
        base_url: up to and without `/v1`.
        model: name to ask for.
        served_by_header: response header that names the server.
    """

    base_url: str
    model: str
    served_by_header: str = "x-served-by"


@dataclass(frozen=True, slots=True)
class Limits:
    """What the client never exceeds.

    Attributes:
        in_flight_max: open requests; a request that has to wait for a place counts that as its own
            latency. 512 is far above what a pool that keeps up has in flight.
        request_timeout_s: a response that takes longer is an error.
    """

    in_flight_max: int = 512
    request_timeout_s: float = 60.0


def open_session(limits: Limits) -> aiohttp.ClientSession:
    """A client for `drive`; the caller closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=limits.in_flight_max),
        timeout=aiohttp.ClientTimeout(total=limits.request_timeout_s),
        auto_decompress=False,
    )


async def drive(
    plan: Sequence[PlannedRequest],
    target: Target,
    *,
    session: aiohttp.ClientSession,
    clock: Clock,
    limits: Limits,
    observe: Callable[[Outcome], None],
) -> tuple[Outcome, ...]:
    """Send every request at its planned time and wait for all responses; outcomes in plan order.

    `observe` is told each outcome as it happens. Failures of requests are outcomes, not exceptions.
    """
    start_s = clock.monotonic_s()
    places = asyncio.Semaphore(limits.in_flight_max)
    exchange = _Exchange(session, target, clock=clock, start_s=start_s)
    outcomes: list[Outcome] = []

    async def send(request: PlannedRequest) -> None:
        try:
            outcome = await exchange.run(request)
        finally:
            places.release()
        outcomes.append(outcome)
        observe(outcome)

    async with asyncio.TaskGroup() as group:
        for request in plan:
            await asyncio.sleep(start_s + request.at_s - clock.monotonic_s())
            await places.acquire()
            group.create_task(send(request), name=f"request {request.index}")
    return tuple(sorted(outcomes, key=lambda outcome: outcome.index))


class _Exchange:
    """Sends requests and reads their responses."""

    def __init__(
        self, session: aiohttp.ClientSession, target: Target, *, clock: Clock, start_s: float
    ) -> None:
        self._session = session
        self._url = f"{target.base_url.rstrip('/')}/v1/chat/completions"
        self._target = target
        self._clock = clock
        self._start_s = start_s

    async def run(self, request: PlannedRequest) -> Outcome:
        seen = _Seen()
        sent_s = self._now_s()
        error = ""
        try:
            await self._post(request, seen)
            seen.check()
        except (aiohttp.ClientError, TimeoutError, BrokenStreamError) as problem:
            error = f"{type(problem).__name__}: {problem}"[:_ERROR_CHARS_MAX]
        usage = seen.stream.usage
        return Outcome(
            index=request.index,
            kind=request.kind,
            planned_s=request.at_s,
            sent_s=sent_s,
            first_token_s=seen.first_token_s,
            ended_s=self._now_s(),
            status=seen.status,
            error=error,
            prompt_tokens=usage.prompt_tokens or 0,
            cached_tokens=usage.cached_tokens or 0,
            output_tokens=usage.completion_tokens or seen.stream.chunks,
            endpoint=seen.endpoint,
        )

    async def _post(self, request: PlannedRequest, seen: _Seen) -> None:
        async with self._session.post(
            self._url,
            data=request_body(request, model=self._target.model),
            headers={"content-type": "application/json"},
        ) as response:
            seen.status = response.status
            seen.endpoint = response.headers.get(self._target.served_by_header, "")
            if response.status != 200:
                refusal = await response.content.read(_ERROR_CHARS_MAX)
                seen.refusal = refusal.decode("utf-8", "replace")
                return
            async for piece in response.content.iter_any():
                seen.stream.feed(piece)
                if seen.first_token_s is None and seen.stream.has_token:
                    seen.first_token_s = self._now_s()

    def _now_s(self) -> float:
        return self._clock.monotonic_s() - self._start_s


@dataclass(slots=True)
class _Seen:
    """What one request has shown so far; survives the exchange, which may break at any point."""

    stream: ChatStream = field(default_factory=ChatStream)
    status: int = 0
    endpoint: str = ""
    refusal: str = ""
    first_token_s: float | None = None

    def check(self) -> None:
        if self.status != 200:
            raise BrokenStreamError(f"HTTP {self.status}: {self.refusal}")
        if not (self.stream.is_done and self.stream.has_token):
            raise BrokenStreamError("the response ended before its end")


def request_body(request: PlannedRequest, *, model: str) -> bytes:
    """The request as OpenAI's chat completions API takes it, streaming, with usage at the end."""
    return orjson.dumps(
        {
            "model": model,
            "messages": [
                {"role": message.role, "content": message.content} for message in request.messages
            ],
            "max_tokens": request.output_tokens,
            "ignore_eos": True,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )
