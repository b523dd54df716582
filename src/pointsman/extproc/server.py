"""The pump between gRPC and exchanges, and the server around it.

Messages stay raw bytes on gRPC's side, so that nothing but `messages` parses them.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import grpc

from pointsman.domain.responses import Ending
from pointsman.extproc.events import ProtocolError
from pointsman.extproc.exchange import Exchange
from pointsman.extproc.messages import PROCESS_METHOD, PROCESS_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pointsman.extproc.exchange import ExchangeParts
    from pointsman.extproc.health import Health

_log = logging.getLogger(__name__)


class Wire(Protocol):
    """What the pump needs of gRPC: the part of `grpc.aio.ServicerContext` that it uses."""

    async def read(self) -> bytes | object:
        """The next message, or `grpc.aio.EOF` once the proxy has half-closed."""
        ...

    async def write(self, message: bytes) -> None:
        """Send one message."""
        ...

    async def abort(self, code: grpc.StatusCode, details: str = "") -> None:
        """End the stream with an error; raises what gRPC wants to see."""
        ...

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """What the proxy said when it opened the stream."""
        ...


async def pump(wire: Wire, parts: ExchangeParts) -> None:
    """Serve one stream to its end; however it ends, its watch is closed exactly once."""
    exchange = Exchange(parts, wire.invocation_metadata)
    try:
        while isinstance(raw := await wire.read(), bytes):
            for reply in exchange.receive(raw):
                await wire.write(reply)
            if exchange.is_finished:
                exchange.finished()
                return
        if exchange.awaits_response:
            # A reset also reads as EOF, and nearly always its cancellation is on the way.
            await asyncio.sleep(0)
        exchange.half_closed()
    except asyncio.CancelledError:
        exchange.reset()
        raise
    except (grpc.aio.InternalError, grpc.aio.UsageError):
        exchange.reset()  # a read or write raced with the proxy's reset, or with our own stop
    except ProtocolError as error:
        exchange.close(Ending.CLIENT_GONE)
        parts.metrics.protocol_errors += 1
        _log.warning("ext_proc stream refused error=%s", error)
        await wire.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    finally:
        exchange.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How the ext_proc port is served.

    Attributes:
        host: address to bind; `[::]` is every address of both families.
        port: 0 = any free one, see `ExtProcServer.port`.
        receive_bytes_max: largest gRPC message taken. A BUFFERED body is one message, so this
            must stay above the body limit; 4 MiB more leaves room for headers and metadata.
        send_bytes_max: largest message sent; a replaced BUFFERED body is one message too.
        streams_per_connection_max: HTTP/2 streams. Envoy opens one for each request and keeps
            few connections, so a low value would queue requests in Envoy where nobody sees them.
        ping_interval_s_min: pings without data that come faster end the connection; gRPC's own
            default, 300 s, would cut Envoys that keep connections alive every 30 s.
    """

    host: str = "[::]"
    port: int = 9002
    receive_bytes_max: int = 36 * 2**20
    send_bytes_max: int = 36 * 2**20
    streams_per_connection_max: int = 100_000
    ping_interval_s_min: int = 5

    def grpc_options(self) -> list[tuple[str, int]]:
        """Channel arguments of the gRPC core."""
        return [
            ("grpc.max_receive_message_length", self.receive_bytes_max),
            ("grpc.max_send_message_length", self.send_bytes_max),
            ("grpc.max_concurrent_streams", self.streams_per_connection_max),
            ("grpc.http2.min_ping_interval_without_data_ms", self.ping_interval_s_min * 1000),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", self.ping_interval_s_min * 1000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.so_reuseport", 0),  # a second picker on the port is a mistake; say so at once
        ]


class ExtProcServer:
    """The ext_proc port: construct, `start`, and `drain` at the end.

    Args:
        parts: what every exchange uses.
        settings: how the port is served.
        credentials: TLS; None serves plaintext.
        health: also answered on this port, when given.
    """

    def __init__(
        self,
        parts: ExchangeParts,
        settings: ServerSettings,
        *,
        credentials: grpc.ServerCredentials | None = None,
        health: Health | None = None,
    ) -> None:
        self._parts = parts
        self._settings = settings
        self._credentials = credentials
        self._health = health
        self._server = grpc.aio.server(options=settings.grpc_options())
        handler = grpc.stream_stream_rpc_method_handler(self._process)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(PROCESS_SERVICE, {PROCESS_METHOD: handler}),)
        )
        if health is not None:
            health.add_to(self._server)
        self.port = 0

    async def start(self) -> None:
        """Bind and serve; `port` is then the bound port.

        Raises:
            OSError: the port cannot be bound.
        """
        address = f"{self._settings.host}:{self._settings.port}"
        self.port = bind(self._server, address, credentials=self._credentials)
        await self._server.start()

    async def drain(self, *, timeout_s: float, notice_s: float = 0.0) -> None:
        """Stop gracefully.

        New streams are still taken for `notice_s`, in which the proxy's health check finds out;
        whoever calls this has flipped the health before. Open streams may finish until
        `timeout_s` after this call; what is then left is cut.
        """
        notice_s = min(notice_s, timeout_s)
        if notice_s > 0:
            await asyncio.sleep(notice_s)
        await self._server.stop(timeout_s - notice_s)

    async def _process(
        self,
        _messages: object,
        context: grpc.aio.ServicerContext[bytes, bytes],
    ) -> None:
        await pump(context, self._parts)


def bind(
    server: grpc.aio.Server, address: str, *, credentials: grpc.ServerCredentials | None
) -> int:
    """Bind `host:port`, with TLS when there are credentials; the bound port.

    Raises:
        OSError: the port cannot be bound.
    """
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}") from error
