"""The driver against a real HTTP server that answers as a model server does."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import orjson
import pytest
from aiohttp import web

from pointsman.apps.load.driver import Limits, Target, drive, open_session, request_body
from pointsman.apps.load.workload import Kind, Message, PlannedRequest
from pointsman.lib.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from pointsman.apps.load.results import Outcome

    Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

USAGE: Final = {
    "prompt_tokens": 40,
    "completion_tokens": 2,
    "prompt_tokens_details": {"cached_tokens": 16},
}


def request(index: int, *, at_s: float = 0.0, content: str = "hello") -> PlannedRequest:
    return PlannedRequest(index, at_s, Kind.SHORT, (Message("user", content),), output_tokens=2)


def event(payload: object) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def token(text: str) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}}]})


async def answer_in_full(received: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={"content-type": "text/event-stream", "x-served-by": "10.0.0.1:8000"}
    )
    await response.prepare(received)
    await response.write(token("a"))
    await asyncio.sleep(0.02)
    await response.write(token("b") + event({"choices": [], "usage": USAGE}) + b"data: [DONE]\n\n")
    return response


async def answer_half(received: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(received)
    await response.write(token("a"))
    return response


async def refuse(_: web.Request) -> web.StreamResponse:
    return web.json_response({"error": {"message": "pool is full"}}, status=429)


async def never_answer(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


@asynccontextmanager
async def server_that(answer: Answer) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def send(
    plan: Sequence[PlannedRequest],
    url: str,
    *,
    limits: Limits | None = None,
    observe: Callable[[Outcome], None] = lambda _: None,
) -> tuple[Outcome, ...]:
    limits = limits or Limits()
    async with open_session(limits) as session:
        return await drive(
            plan,
            Target(url, "tiny"),
            session=session,
            clock=SystemClock(),
            limits=limits,
            observe=observe,
        )


async def test_an_outcome_says_what_the_server_said() -> None:
    async with server_that(answer_in_full) as url:
        (outcome,) = await send([request(0)], url)
    assert outcome.is_ok
    assert outcome.status == 200
    assert (outcome.prompt_tokens, outcome.cached_tokens, outcome.output_tokens) == (40, 16, 2)
    assert outcome.endpoint == "10.0.0.1:8000"
    assert 0 < outcome.ttft_s < outcome.latency_s
    assert outcome.tpot_s >= 0.015


async def test_outcomes_come_in_plan_order_and_are_observed_as_they_happen() -> None:
    seen: list[Outcome] = []
    plan = [request(index, at_s=0.01 * index) for index in range(8)]
    async with server_that(answer_in_full) as url:
        outcomes = await send(plan, url, observe=seen.append)
    assert [outcome.index for outcome in outcomes] == list(range(8))
    assert {outcome.index for outcome in seen} == set(range(8))


async def test_requests_leave_at_their_planned_time() -> None:
    plan = [request(0), request(1, at_s=0.15)]
    async with server_that(answer_in_full) as url:
        _, later = await send(plan, url)
    assert later.sent_s >= 0.15
    assert later.sent_s - later.planned_s < 0.1


async def test_a_refusal_is_an_outcome_with_its_status_and_reason() -> None:
    async with server_that(refuse) as url:
        (outcome,) = await send([request(0)], url)
    assert not outcome.is_ok
    assert outcome.status == 429
    assert "pool is full" in outcome.error


async def test_a_stream_that_stops_early_is_an_error() -> None:
    async with server_that(answer_half) as url:
        (outcome,) = await send([request(0)], url)
    assert "ended before its end" in outcome.error
    assert outcome.first_token_s is not None


async def test_a_server_that_never_answers_is_an_error_after_the_timeout() -> None:
    async with server_that(never_answer) as url:
        (outcome,) = await send([request(0)], url, limits=Limits(request_timeout_s=0.1))
    assert "TimeoutError" in outcome.error
    assert outcome.status == 0


async def test_nobody_listening_is_an_error_of_each_request(unused_tcp_port: int) -> None:
    outcomes = await send([request(0), request(1)], f"http://127.0.0.1:{unused_tcp_port}")
    assert [outcome.status for outcome in outcomes] == [0, 0]
    assert all("ClientConnectorError" in outcome.error for outcome in outcomes)


async def test_never_more_requests_are_open_than_allowed_and_waiting_counts_as_latency() -> None:
    open_now, open_max = 0, 0

    async def count(received: web.Request) -> web.StreamResponse:
        nonlocal open_now, open_max
        open_now += 1
        open_max = max(open_max, open_now)
        try:
            return await answer_in_full(received)
        finally:
            open_now -= 1

    async with server_that(count) as url:
        outcomes = await send(
            [request(index) for index in range(6)], url, limits=Limits(in_flight_max=2)
        )
    assert open_max <= 2
    assert outcomes[-1].latency_s > 2.5 * outcomes[0].latency_s * 0.8


async def test_cancelling_the_load_leaves_no_request_behind() -> None:
    finished = 0

    def observe(_: Outcome) -> None:
        nonlocal finished
        finished += 1

    async with server_that(never_answer) as url:
        load = asyncio.get_running_loop().create_task(
            send([request(index) for index in range(5)], url, observe=observe)
        )
        await asyncio.sleep(0.1)
        load.cancel()
        with pytest.raises(asyncio.CancelledError):
            await load
        tasks = asyncio.all_tasks()
    assert not [task for task in tasks if task.get_name().startswith("request ")]
    assert finished == 0


def test_the_body_asks_for_a_stream_with_usage_and_an_exact_length() -> None:
    body = orjson.loads(request_body(request(0, content="héllo"), model="tiny"))
    assert body["messages"] == [{"role": "user", "content": "héllo"}]
    assert body["max_tokens"] == 2
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
