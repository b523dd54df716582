"""gRPC health checking (grpc.health.v1), with the service names that gateways probe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2 as pb

from pointsman.domain.protocol import HEALTH_EXT_PROC, HEALTH_LIVENESS, HEALTH_READINESS
from pointsman.extproc.server import bind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    _Context = grpc.aio.ServicerContext[pb.HealthCheckRequest, pb.HealthCheckResponse]

_SERVICE = "grpc.health.v1.Health"
_CHART_PROBE = "inference-extension"
"""Upstream's single-replica charts probe this name."""
_READINESS_NAMES = frozenset({"", HEALTH_READINESS, HEALTH_EXT_PROC, _CHART_PROBE})
_WATCH_INTERVAL_S = 0.25
"""How late a watcher may learn of a change; well below any probe's period."""


class Health:
    """What to answer for each service name; readiness comes from outside.

    Liveness is SERVING whenever the process answers. Readiness, under all its names, is SERVING
    while `is_ready()` and nobody has called `drain`.
    """

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready
        self._is_draining = False

    def drain(self) -> None:
        """From now on not ready, whatever happens; the first step of a graceful stop."""
        self._is_draining = True

    def status(self, service: str) -> pb.HealthCheckResponse.ServingStatus | None:
        """The status of a service name; None = no such name."""
        if service == HEALTH_LIVENESS:
            return pb.HealthCheckResponse.SERVING
        if service not in _READINESS_NAMES:
            return None
        is_serving = not self._is_draining and self._is_ready()
        statuses = pb.HealthCheckResponse
        return statuses.SERVING if is_serving else statuses.NOT_SERVING

    def statuses(self) -> dict[str, pb.HealthCheckResponse.ServingStatus]:
        """Every service name with its status."""
        return {name: self.status(name) for name in (HEALTH_LIVENESS, *sorted(_READINESS_NAMES))}

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer health checks on this server."""
        _Methods(self).add_to(server)


class _Methods:
    """The service's three methods, named as on the wire in `add_to`."""

    def __init__(self, health: Health) -> None:
        self._health = health

    def add_to(self, server: grpc.aio.Server) -> None:
        check = grpc.unary_unary_rpc_method_handler(
            self.check,
            request_deserializer=pb.HealthCheckRequest.FromString,
            response_serializer=pb.HealthCheckResponse.SerializeToString,
        )
        watch = grpc.unary_stream_rpc_method_handler(
            self.watch,
            request_deserializer=pb.HealthCheckRequest.FromString,
            response_serializer=pb.HealthCheckResponse.SerializeToString,
        )
        every = grpc.unary_unary_rpc_method_handler(
            self.list_all,
            request_deserializer=pb.HealthListRequest.FromString,
            response_serializer=pb.HealthListResponse.SerializeToString,
        )
        methods = {"Check": check, "Watch": watch, "List": every}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, methods),))

    async def check(
        self, request: pb.HealthCheckRequest, context: _Context
    ) -> pb.HealthCheckResponse:
        status = self._health.status(request.service)
        if status is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        return pb.HealthCheckResponse(status=status)

    async def watch(
        self, request: pb.HealthCheckRequest, _context: _Context
    ) -> AsyncIterator[pb.HealthCheckResponse]:
        last = None
        while True:
            status = self._health.status(request.service)
            if status is None:
                status = pb.HealthCheckResponse.SERVICE_UNKNOWN
            if status != last:
                yield pb.HealthCheckResponse(status=status)
                last = status
            await asyncio.sleep(_WATCH_INTERVAL_S)

    async def list_all(
        self, _request: pb.HealthListRequest, _context: _Context
    ) -> pb.HealthListResponse:
        statuses = {
            name: pb.HealthCheckResponse(status=status)
            for name, status in self._health.statuses().items()
        }
        return pb.HealthListResponse(statuses=statuses)


class HealthServer:
    """The plaintext health port."""

    def __init__(self, health: Health, *, host: str = "[::]", port: int = 9003) -> None:
        self._address = f"{host}:{port}"
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        health.add_to(self._server)
        self.port = 0

    async def start(self) -> None:
        """Bind and serve; `port` is then the bound port.

        Raises:
            OSError: the port cannot be bound.
        """
        self.port = bind(self._server, self._address, credentials=None)
        await self._server.start()

    async def stop(self) -> None:
        """Stop answering, watchers included."""
        await self._server.stop(None)
