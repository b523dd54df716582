from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
from grpc_health.v1 import health_pb2 as pb
from grpc_health.v1 import health_pb2_grpc as pb_grpc

from extproc.support import ScriptedDirector, exchange_parts
from pointsman.extproc.health import Health, HealthServer
from pointsman.extproc.server import ExtProcServer, ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVING = pb.HealthCheckResponse.SERVING
NOT_SERVING = pb.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = pb.HealthCheckResponse.SERVICE_UNKNOWN
READINESS = (
    "",
    "readiness",
    "envoy.service.ext_proc.v3.ExternalProcessor",
    "inference-extension",
)


@dataclass
class World:
    is_ready: bool = False


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[tuple[Health, pb_grpc.HealthStub]]:
    health = Health(lambda: world.is_ready)
    server = HealthServer(health, host="127.0.0.1", port=0)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield health, pb_grpc.HealthStub(channel)
    finally:
        await server.stop()


async def check(stub: pb_grpc.HealthStub, service: str) -> int:
    response = await stub.Check(pb.HealthCheckRequest(service=service))
    return response.status


@pytest.mark.parametrize("service", READINESS)
async def test_readiness_goes_both_ways(service: str) -> None:
    world = World()
    async with serving(world) as (_, stub):
        assert await check(stub, service) == NOT_SERVING
        world.is_ready = True
        assert await check(stub, service) == SERVING
        world.is_ready = False
        assert await check(stub, service) == NOT_SERVING


async def test_draining_is_not_ready_but_alive() -> None:
    async with serving(World(is_ready=True)) as (health, stub):
        health.drain()
        assert [await check(stub, service) for service in READINESS] == [NOT_SERVING] * 4
        assert await check(stub, "liveness") == SERVING


async def test_liveness_does_not_wait_for_readiness() -> None:
    async with serving(World()) as (_, stub):
        assert await check(stub, "liveness") == SERVING


async def test_an_unknown_name_is_not_found() -> None:
    async with serving(World()) as (_, stub):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await check(stub, "other")
        assert raised.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_learns_of_each_change() -> None:
    world = World()
    async with serving(world) as (_, stub):
        watch = stub.Watch(pb.HealthCheckRequest(service="readiness"))
        assert (await watch.read()).status == NOT_SERVING
        world.is_ready = True
        async with asyncio.timeout(5):
            assert (await watch.read()).status == SERVING
        watch.cancel()


async def test_watching_an_unknown_name_says_so_and_stays_open() -> None:
    async with serving(World()) as (_, stub):
        watch = stub.Watch(pb.HealthCheckRequest(service="other"))
        assert (await watch.read()).status == SERVICE_UNKNOWN
        assert not watch.done()
        watch.cancel()


async def test_every_name_can_be_listed() -> None:
    async with serving(World(is_ready=True)) as (_, stub):
        listed = (await stub.List(pb.HealthListRequest())).statuses
        assert {name: entry.status for name, entry in listed.items()} == dict.fromkeys(
            ("liveness", *READINESS), SERVING
        )


async def test_the_ext_proc_port_can_answer_too() -> None:
    world = World(is_ready=True)
    server = ExtProcServer(
        exchange_parts(ScriptedDirector()),
        ServerSettings(host="127.0.0.1", port=0),
        health=Health(lambda: world.is_ready),
    )
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        assert await check(pb_grpc.HealthStub(channel), READINESS[2]) == SERVING
    await server.drain(timeout_s=0)
