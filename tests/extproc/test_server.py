"""Over loopback gRPC, with the stubs that a Python proxy would use."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeAlias

import grpc
import pytest
from envoy.service.ext_proc.v3 import external_processor_pb2 as pb
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as pb_grpc

from extproc.support import (
    TRAILERS_DIALECT,
    ScriptedDirector,
    exchange_parts,
    kinds,
    replies_of,
    request_body,
    request_headers,
    request_trailers,
    response_body,
    response_headers,
    response_trailers,
)
from extproc.wires import ScriptedWire
from pointsman.domain.errors import SaturatedError
from pointsman.domain.responses import Ending
from pointsman.extproc.dialects import DialectFlag
from pointsman.extproc.server import ExtProcServer, ServerSettings, pump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pointsman.extproc.exchange import ExchangeParts

LOOPBACK = ServerSettings(host="127.0.0.1", port=0)
Call: TypeAlias = "grpc.aio.StreamStreamCall[pb.ProcessingRequest, pb.ProcessingResponse]"


@asynccontextmanager
async def serving(parts: ExchangeParts) -> AsyncIterator[tuple[ExtProcServer, grpc.aio.Channel]]:
    server = ExtProcServer(parts, LOOPBACK)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield server, channel
    finally:
        await server.drain(timeout_s=0)


def call_on(channel: grpc.aio.Channel) -> Call:
    return pb_grpc.ExternalProcessorStub(channel).Process()


async def read(call: Call, count: int) -> list[pb.ProcessingResponse]:
    replies = [await call.read() for _ in range(count)]
    assert grpc.aio.EOF not in replies
    return replies


async def is_over(call: Call) -> bool:
    """Nothing more is sent and the stream ends with OK."""
    return await call.read() is grpc.aio.EOF and await call.code() is grpc.StatusCode.OK


async def settled(director: ScriptedDirector) -> list[list[Ending]]:
    """The endings, as soon as each decided request has one."""
    async with asyncio.timeout(5):
        while not all(director.endings):
            await asyncio.sleep(0.005)
    return director.endings


async def test_a_whole_exchange_in_full_duplex() -> None:
    director = ScriptedDirector()
    async with serving(exchange_parts(director)) as (_, channel):
        call = call_on(channel)
        await call.write(request_headers())
        await call.write(request_body(b"x" * 70_000))
        await call.write(request_body(b"", end_of_stream=True))
        assert kinds(await read(call, 3)) == ["request_headers", "request_body", "request_body"]
        await call.write(response_headers())
        await call.write(response_body(b"data: 1\n\n"))
        await call.write(response_trailers())
        assert kinds(await read(call, 3)) == [
            "response_headers",
            "response_body",
            "response_trailers",
        ]
        assert await is_over(call)
    assert director.endings == [[Ending.COMPLETE]]
    assert director.asked[0][1] == b"x" * 70_000


async def test_a_body_of_32_mib_in_one_message_is_taken() -> None:
    director = ScriptedDirector()
    config = pb.ProtocolConfiguration(request_body_mode=2, response_body_mode=0)
    async with serving(exchange_parts(director)) as (_, channel):
        call = call_on(channel)
        await call.write(request_headers(config=config))
        await call.write(request_body(b"x" * 2**25, end_of_stream=True))
        assert kinds(await read(call, 2)) == ["request_headers", "request_body"]
        call.cancel()


async def test_after_an_immediate_response_the_stream_ends_with_ok() -> None:
    director = ScriptedDirector(error=SaturatedError("all endpoints are full"))
    async with serving(exchange_parts(director)) as (_, channel):
        call = call_on(channel)
        await call.write(request_headers(end_of_stream=True))
        assert kinds(await read(call, 1)) == ["immediate_response"]
        assert await is_over(call)


async def test_an_early_end_comes_right_after_the_last_request_reply() -> None:
    """On a scripted wire: a Python client cannot hide its user-agent as Envoy does."""
    director = ScriptedDirector()
    messages = (request_headers(), request_body(b"{}", end_of_stream=True), response_headers())
    wire = ScriptedWire([message.SerializeToString() for message in messages])
    await pump(wire, exchange_parts(director, flag=DialectFlag.EARLY_END))
    assert kinds(replies_of(wire.written)) == ["request_headers", "request_body"]
    assert wire.reads == 2, "what comes later is no longer waited for"
    assert director.endings == [[Ending.UNOBSERVED]]


async def test_a_client_that_is_not_envoy_is_never_left_early() -> None:
    director = ScriptedDirector()
    async with serving(exchange_parts(director, flag=DialectFlag.EARLY_END)) as (_, channel):
        call = call_on(channel)
        await call.write(request_headers(end_of_stream=True))
        await read(call, 1)
        await call.write(response_headers(end_of_stream=True))
        assert kinds(await read(call, 1)) == ["response_headers"]
        assert await is_over(call)


@pytest.mark.parametrize("sent", range(5))
async def test_half_close_at_any_point_ends_the_stream_with_ok(sent: int) -> None:
    director = ScriptedDirector()
    messages = [
        request_headers(config=TRAILERS_DIALECT),
        request_body(b"{"),
        request_body(b"}", end_of_stream=True),
        response_headers(),
        response_trailers(),
    ]
    async with serving(exchange_parts(director)) as (_, channel):
        call = call_on(channel)
        for message in messages[:sent]:
            await call.write(message)
        await call.done_writing()
        expected = [[], [], [], ["request_headers", "request_body"],
                    ["request_headers", "request_body", "response_headers"]][sent]  # fmt: skip
        assert kinds(await read(call, len(expected))) == expected
        assert await is_over(call)
    assert all(len(endings) == 1 for endings in director.endings)


@pytest.mark.parametrize("sent", range(5))
async def test_a_reset_at_any_point_leaves_nothing_open(sent: int) -> None:
    director = ScriptedDirector()
    parts = exchange_parts(director)
    messages = [
        request_headers(),
        request_body(b"{}", end_of_stream=True),
        response_headers(),
        response_body(b"data"),
    ]
    async with serving(parts) as (_, channel):
        call = call_on(channel)
        replies = [0, 0, 2, 3, 4][sent]
        for message in messages[:sent]:
            await call.write(message)
        await read(call, replies)
        call.cancel()
        # gRPC may let a reset look like a half-close, which before the response is not "gone".
        gone = {Ending.CLIENT_GONE, Ending.UNOBSERVED} if sent == 2 else {Ending.CLIENT_GONE}
        endings = await settled(director)
        assert all(len(one) == 1 and one[0] in gone for one in endings)
        async with asyncio.timeout(5):
            while parts.metrics.active:
                await asyncio.sleep(0.005)
        again = call_on(channel)
        await again.write(request_headers(end_of_stream=True))
        assert kinds(await read(again, 1)) == ["request_headers"]


@pytest.mark.parametrize(
    "message", [request_body(b"{}"), request_trailers(), pb.ProcessingRequest()]
)
async def test_a_broken_protocol_ends_the_stream_with_an_error(
    message: pb.ProcessingRequest,
) -> None:
    """Not with OK: Envoy would let an undirected request through."""
    parts = exchange_parts(ScriptedDirector())
    async with serving(parts) as (_, channel):
        call = call_on(channel)
        await call.write(message)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert parts.metrics.statistics().protocol_errors == 1


async def test_a_stream_that_never_finishes_its_body_delays_nobody() -> None:
    director = ScriptedDirector()
    async with serving(exchange_parts(director)) as (_, channel):
        stuck = call_on(channel)
        await stuck.write(request_headers())
        calls = [call_on(channel) for _ in range(200)]
        for call in calls:
            await call.write(request_headers(end_of_stream=True))
        assert len([await read(call, 1) for call in calls]) == 200
        stuck.cancel()


async def test_a_graceful_stop_lets_open_streams_finish_and_takes_no_new_ones() -> None:
    director = ScriptedDirector()
    async with serving(exchange_parts(director)) as (server, channel):
        call = call_on(channel)
        await call.write(request_headers(end_of_stream=True))
        await read(call, 1)
        stop = asyncio.create_task(server.drain(timeout_s=5))  # noqa: TID251 - awaited below
        await asyncio.sleep(0.05)
        assert not stop.done()
        late = call_on(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await late.read()
        await call.write(response_headers(end_of_stream=True))
        assert kinds(await read(call, 1)) == ["response_headers"]
        await stop
    assert director.endings == [[Ending.COMPLETE]]


async def test_new_streams_are_taken_until_the_proxy_had_notice() -> None:
    director = ScriptedDirector()
    async with serving(exchange_parts(director)) as (server, channel):
        stop = asyncio.create_task(  # noqa: TID251 - awaited below
            server.drain(timeout_s=5, notice_s=0.3)
        )
        await asyncio.sleep(0.05)
        call = call_on(channel)
        await call.write(request_headers(end_of_stream=True))
        await read(call, 1)
        await call.write(response_headers(end_of_stream=True))
        await read(call, 1)
        assert await is_over(call)
        await stop


async def test_what_is_still_open_after_the_deadline_is_cut_and_closed() -> None:
    director = ScriptedDirector()
    async with serving(exchange_parts(director)) as (server, channel):
        call = call_on(channel)
        await call.write(request_headers(end_of_stream=True))
        await read(call, 1)
        await server.drain(timeout_s=0.1)
        assert await settled(director) == [[Ending.CLIENT_GONE]]


async def test_a_taken_port_is_a_clear_error() -> None:
    async with serving(exchange_parts(ScriptedDirector())) as (server, _):
        second = ExtProcServer(
            exchange_parts(ScriptedDirector()), ServerSettings(host="127.0.0.1", port=server.port)
        )
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{server.port}"):
            await second.start()
        await second.drain(timeout_s=0)
