"""Sends a bounded number of requests through Envoy and checks that each was answered whole.

A client that costs little leaves the machine to what is measured: on two cores an ordinary HTTP
client would be the bottleneck, and an idle picker is a more expensive one than a busy one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httptools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pointsman.apps.bench.plan import Scenario
    from pointsman.domain.endpoints import Address

_ANSWER_S = 60.0


class WrongAnswerError(RuntimeError):
    """A response was not what the canned upstream sends: the numbers would mean nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """Where requests go and how many at a time."""

    envoy: Address
    concurrency: int = 16


async def send(load: Load, scenario: Scenario, *, bodies: Iterator[bytes], requests: int) -> None:
    """Send `requests` requests and read every response to its end.

    Raises:
        WrongAnswerError: a status other than 200, a truncated body, or none within a minute.
    """
    remaining = iter(range(requests))
    loop = asyncio.get_running_loop()

    async def worker() -> None:
        transport, client = await loop.create_connection(_Client, *load.envoy)
        try:
            for _ in remaining:
                request = _request(load.envoy, scenario, body=next(bodies))
                status, answer = await client.exchange(request)
                _check(scenario, status=status, body=answer)
        finally:
            transport.close()

    async with asyncio.TaskGroup() as group:
        for number in range(min(load.concurrency, requests)):
            group.create_task(worker(), name=f"bench client {number}")


def _request(envoy: Address, scenario: Scenario, *, body: bytes) -> bytes:
    gap_ms = scenario.duration_ms / max(scenario.chunks, 1)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: {envoy.authority}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"x-chunks: {scenario.chunks}\r\nx-gap-ms: {gap_ms}\r\n\r\n"
    )
    return head.encode() + body


def _check(scenario: Scenario, *, status: int, body: bytes) -> None:
    expected = b"[DONE]\n\n" if scenario.chunks else b"}"
    if status != 200 or not body.endswith(expected):
        raise WrongAnswerError(
            f"{scenario.name} ({scenario.dialect}): status {status}, "
            f"{len(body)} bytes ending in {body[-60:]!r}"
        )


class _Client(asyncio.Protocol):
    """One connection with one request on it at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._body = bytearray()

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; status and body of its response.

        Raises:
            WrongAnswerError: the connection was lost, or nothing came within a minute.
        """
        if self._transport is None:
            raise WrongAnswerError("Envoy has closed the connection")
        self._body.clear()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await self._answer
        except TimeoutError as error:
            raise WrongAnswerError(f"no answer within {_ANSWER_S:g} s") from error

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override] # a connection's is always that
    ) -> None:
        """Keep where to write to."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WrongAnswerError(f"connection lost: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the methods below."""
        self._parser.feed_data(data)

    def on_body(self, piece: bytes) -> None:
        """Keep the body."""
        self._body += piece

    def on_message_complete(self) -> None:
        """The response is whole."""
        assert self._answer is not None, "nobody has asked"
        if not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), bytes(self._body)))
