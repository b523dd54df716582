"""Sends a bounded number of requests through Envoy and checks that each was answered whole."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pointsman.apps.bench.plan import Scenario


class WrongAnswerError(RuntimeError):
    """A response was not what the canned upstream sends: the numbers would mean nothing."""


@dataclass(frozen=True, slots=True)
class Load:
    """Where requests go and how many at a time."""

    url: str
    concurrency: int = 8


async def send(load: Load, scenario: Scenario, *, bodies: Iterator[bytes], requests: int) -> None:
    """Send `requests` requests and read every response to its end.

    Raises:
        WrongAnswerError: a status other than 200, or a truncated body.
    """
    remaining = iter(range(requests))
    connector = aiohttp.TCPConnector(limit=load.concurrency)
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def worker() -> None:
            for _ in remaining:
                await _exchange(session, load.url, scenario=scenario, body=next(bodies))

        async with asyncio.TaskGroup() as group:
            for number in range(load.concurrency):
                group.create_task(worker(), name=f"bench client {number}")


async def _exchange(
    session: aiohttp.ClientSession, url: str, *, scenario: Scenario, body: bytes
) -> None:
    headers = {"content-type": "application/json"}
    headers["x-chunks"] = str(scenario.chunks)
    headers["x-gap-ms"] = str(scenario.duration_ms / max(scenario.chunks, 1))
    async with session.post(url, data=body, headers=headers) as response:
        text = await response.read()
        expected = b"[DONE]\n\n" if scenario.chunks else b"}"
        if response.status != 200 or not text.endswith(expected):
            raise WrongAnswerError(
                f"{scenario.name} ({scenario.dialect}): status {response.status}, "
                f"{len(text)} bytes ending in {text[-60:]!r}"
            )
