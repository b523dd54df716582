"""The cheap client and the canned server understand each other, and notice what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import repeat

import httpx
import pytest

from pointsman.apps.bench.client import Load, WrongAnswerError, send
from pointsman.apps.bench.plan import Scenario
from pointsman.apps.bench.upstream import CannedServer
from pointsman.domain.endpoints import Address


@contextlib.asynccontextmanager
async def served(protocol: type[asyncio.Protocol] = CannedServer) -> AsyncIterator[Address]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0)
    async with server:
        yield Address(*server.sockets[0].getsockname())


def scenario(chunks: int) -> Scenario:
    return Scenario("test", "headers-only", 100, chunks, 5, 10)


@pytest.mark.parametrize("chunks", [0, 1, 7])
async def test_whole_answers_are_accepted(chunks: int) -> None:
    async with served() as address:
        load = Load(address, concurrency=3)
        await send(load, scenario(chunks), bodies=repeat(b"{}"), requests=10)


async def test_an_ordinary_client_understands_the_canned_server() -> None:
    async with served() as address, httpx.AsyncClient() as client:
        base = f"http://{address.authority}"
        answer = await client.post(f"{base}/v1/chat/completions", content=b"{}")
        assert answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 128
        stream = await client.post(base, content=b"{}", headers={"x-chunks": "3"})
        assert stream.text.count("data: ") == 4
        page = await client.get(f"{base}/metrics")
        assert "vllm:num_requests_running" in page.text
        assert 40_000 < len(page.content) < 60_000


class Refuses(CannedServer):
    def on_message_complete(self) -> None:
        self._write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 1\r\n\r\n}")


class Truncates(CannedServer):
    def on_message_complete(self) -> None:
        self._write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhalf")


class HangsUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@pytest.mark.parametrize("server", [Refuses, Truncates, HangsUp])
async def test_a_wrong_answer_ends_the_run(server: type[asyncio.Protocol]) -> None:
    async with served(server) as address:
        with pytest.raises(ExceptionGroup) as failure:
            await send(Load(address), scenario(0), bodies=repeat(b"{}"), requests=3)
    assert failure.group_contains(WrongAnswerError)
