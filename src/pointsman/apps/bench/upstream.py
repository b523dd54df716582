"""A canned model server: as little work as possible, on every address of the loopback network.

It answers `/metrics` with an idle vLLM's gauges and everything else with a completion: one JSON
body, or as many SSE chunks as the request's `x-chunks` header asks for, `x-gap-ms` apart.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

import httptools
import uvloop

from pointsman.apps.bench.canned import CHUNK, METRICS, answer, last_chunk

_CONNECTIONS_WAITING_MAX: Final = 1024
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)


class CannedServer(asyncio.Protocol):
    """One connection; requests on it are answered in order, one at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._url = b""
        self._chunks = 0
        self._gap_s = 0.0

    def connection_made(
        self,
        transport: asyncio.Transport,  # type: ignore[override] # a connection's is always that
    ) -> None:
        """Keep where to write to."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own
        """Whatever is still due is not sent."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls the methods below."""
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """A new request: forget the last one's wishes."""
        self._url, self._chunks, self._gap_s = b"", 0, 0.0

    def on_url(self, url: bytes) -> None:
        """Its path."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Its wishes."""
        if name == b"x-chunks":
            self._chunks = int(value)
        elif name == b"x-gap-ms":
            self._gap_s = float(value) / 1000

    def on_message_complete(self) -> None:
        """Its end: answer."""
        if self._url == b"/metrics":
            self._write(_whole(b"text/plain", METRICS))
        elif not self._chunks:
            self._loop.call_later(
                self._gap_s, self._write, _whole(b"application/json", answer(tokens=1))
            )
        else:
            self._write(_STREAM_HEAD)
            self._loop.call_later(self._gap_s, self._stream, self._chunks, self._chunks)

    def _stream(self, left: int, total: int) -> None:
        if left > 1:
            self._write(_chunk(CHUNK))
            self._loop.call_later(self._gap_s, self._stream, left - 1, total)
        else:
            self._write(_chunk(last_chunk(tokens=total)) + b"0\r\n\r\n")

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _whole(content_type: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
    return head % (content_type, len(body)) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def serve(port: int) -> None:
    """Serve until cancelled; 127.0.0.1 to 127.0.3.250 stand for up to 1,000 model servers."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        CannedServer,
        "0.0.0.0",  # noqa: S104 - all of the loopback network; a benchmark runs for minutes
        port,
        backlog=_CONNECTIONS_WAITING_MAX,
    )
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
