"""CPU that a scrape costs with each HTTP client: `python bench/scrape_clients.py`.

A child process serves a page of 50 KB on 100 loopback ports; this process scrapes them at fixed
rates and divides its own CPU time (user and system) by the scrapes it made. The page is not read
here, so that only the client is compared. `bench/scrape_poller.py` measures the poller as a whole.
"""

# ruff: noqa: INP001, T201 - a script that prints its result

from __future__ import annotations

import argparse
import asyncio
import contextlib
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import aiohttp
import httpx
import uvloop
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_PORTS = 100


class _Client(Protocol):
    async def fetch(self, url: str) -> bytes: ...


class _Httpx:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def fetch(self, url: str) -> bytes:
        return (await self._client.get(url)).content


class _HttpxPerEndpoint:
    """A pool of one connection for each endpoint: a request need not look at the others."""

    def __init__(self) -> None:
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def fetch(self, url: str) -> bytes:
        if url not in self._clients:
            self._clients[url] = httpx.AsyncClient(timeout=10.0, verify=False)  # noqa: S501 - http
        return (await self._clients[url].get(url)).content

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()


class _Aiohttp:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def fetch(self, url: str) -> bytes:
        async with self._session.get(url) as response:
            return await response.read()


class _Streams:
    """The floor: a keep-alive connection per endpoint and no HTTP library at all."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}

    async def fetch(self, url: str) -> bytes:
        host, port = url.removeprefix("http://").removesuffix("/metrics").split(":")
        if url not in self._open:
            self._open[url] = await asyncio.open_connection(host, int(port), limit=1 << 20)
        reader, writer = self._open[url]
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        return await reader.readexactly(length)

    def close(self) -> None:
        for _, writer in self._open.values():
            writer.close()


@contextlib.asynccontextmanager
async def _client(name: str) -> AsyncIterator[_Client]:
    if name == "httpx":
        limits = httpx.Limits(max_connections=None, keepalive_expiry=60)
        async with httpx.AsyncClient(limits=limits, timeout=10.0) as client:
            yield _Httpx(client)
    elif name == "httpx-each":
        clients = _HttpxPerEndpoint()
        yield clients
        await clients.aclose()
    elif name == "aiohttp":
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        timeout = aiohttp.ClientTimeout(total=10.0)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            yield _Aiohttp(session)
    else:
        streams = _Streams()
        yield streams
        streams.close()


def _page() -> bytes:
    """A page as large as that of an idle vLLM, mostly histograms, as there."""
    fixture = Path(__file__).parent.parent / "tests" / "scrape" / "fixtures" / "vllm-idle.prom"
    bucket = (
        'vllm:e2e_request_latency_seconds_bucket{{engine="0",le="{}.0",model_name="base"}} 0.0\n'
    )
    page = fixture.read_bytes()
    return page + "".join(map(bucket.format, range((50_000 - len(page)) // 90))).encode()


async def _serve(page: bytes) -> None:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=page, content_type="text/plain")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=60)
    await runner.setup()
    for _ in range(_PORTS):
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(*(address[1] for address in runner.addresses), flush=True)
    await asyncio.Event().wait()


async def _measure(name: str, urls: Sequence[str], *, per_s: float, duration_s: float) -> str:
    async with _client(name) as client:
        for url in urls:  # open the connections first
            await client.fetch(url)
        scrapes, failures = int(per_s * duration_s), 0

        async def scrape(url: str) -> None:
            nonlocal failures
            try:
                await client.fetch(url)
            except (httpx.HTTPError, aiohttp.ClientError, OSError):
                failures += 1

        started, cpu = time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            for number in range(scrapes):
                late_by = time.perf_counter() - started - number / per_s
                if late_by < 0:
                    await asyncio.sleep(-late_by)
                group.create_task(scrape(urls[number % len(urls)]))
        cpu = time.process_time() - cpu
        wall = time.perf_counter() - started
    return (
        f"{name:10} {scrapes / wall:6.0f} scrapes/s  {1e6 * cpu / scrapes:7.0f} us CPU each  "
        f"{cpu / wall:6.3f} cores  {failures} failed"
    )


def main() -> None:
    """Compare the clients, busy and idle."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, help="a page to serve instead of the made-up one")
    parser.add_argument("--serve", action="store_true", help="only serve, and print the ports")
    parser.add_argument("--seconds", type=float, default=6.0)
    arguments = parser.parse_args()
    if arguments.serve:
        uvloop.run(_serve(arguments.page.read_bytes() if arguments.page else _page()))
    command = [sys.executable, __file__, "--serve"]
    if arguments.page:
        command += ["--page", str(arguments.page)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - itself
        assert server.stdout is not None
        urls = [f"http://127.0.0.1:{port}/metrics" for port in server.stdout.readline().split()]
        try:
            for per_s in (20.0, 100.0, 400.0):
                for name in ("httpx", "httpx-each", "aiohttp", "streams"):
                    run = _measure(name, urls, per_s=per_s, duration_s=arguments.seconds)
                    print(uvloop.run(run), flush=True)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
