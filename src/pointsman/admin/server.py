"""The HTTP server for people, probes and Prometheus; the data path never waits for it.

It holds no state of its own: what it shows comes from the registry and the functions it is given.
"""

from __future__ import annotations

import html
import logging
from typing import TYPE_CHECKING, Self

import orjson
from aiohttp import web
from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from prometheus_client import CollectorRegistry

_log = logging.getLogger(__name__)

_HEADER_BYTES_MAX = 8_190
_BODY_BYTES_MAX = 1_024
"""Every route is a GET: nobody has a reason to send a body."""
_CONNECTIONS_WAITING_MAX = 128
_KEEPALIVE_S = 30.0
_SHUTDOWN_S = 2.0
"""A scrape under way may finish; a process that stops does not wait longer for one."""

_JSON_OPTIONS = (
    orjson.OPT_SERIALIZE_NUMPY
    | orjson.OPT_NON_STR_KEYS
    | orjson.OPT_INDENT_2
    | orjson.OPT_APPEND_NEWLINE
)


class AdminServer:
    """Serves /metrics, /healthz, /readyz and /debug/<view> while it is entered.

    Args:
        host: address to bind; None binds every interface, IPv4 and IPv6.
        port: 0 asks the system for a free one; see `port` once entered.
        registry: what /metrics shows.
        not_ready_because: the reason why no traffic should come now, None when it should.
        views: for each /debug/<name>, a function that returns what orjson can write; it runs on
            the loop's thread, so it must be short and bounded.
    """

    def __init__(
        self,
        *,
        host: str | None,
        port: int,
        registry: CollectorRegistry,
        not_ready_because: Callable[[], str | None],
        views: Mapping[str, Callable[[], object]],
    ) -> None:
        self._host = host
        self._asked_port = port
        self._registry = registry
        self._not_ready_because = not_ready_because
        self._views = dict(views)
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            handle_signals=False,
            keepalive_timeout=_KEEPALIVE_S,
            shutdown_timeout=_SHUTDOWN_S,
            max_line_size=_HEADER_BYTES_MAX,
            max_field_size=_HEADER_BYTES_MAX,
        )

    async def __aenter__(self) -> Self:
        """Start to listen.

        Raises:
            OSError: the port cannot be bound.
        """
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self._host, self._asked_port, backlog=_CONNECTIONS_WAITING_MAX
        )
        try:
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            raise
        _log.info("admin server listens port=%d", self.port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening; requests under way may finish for a short while."""
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            IndexError: it is not entered.
        """
        bound: int = self._runner.addresses[0][1]
        return bound

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=_BODY_BYTES_MAX)
        application.router.add_get("/", self._index)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._health)
        application.router.add_get("/readyz", self._readiness)
        for name, view in self._views.items():
            application.router.add_get(f"/debug/{name}", _json_of(view))
        return application

    async def _index(self, _request: web.Request) -> web.Response:
        routes = ["/metrics", "/healthz", "/readyz", *(f"/debug/{name}" for name in self._views)]
        links = "".join(
            f'<li><a href="{path}">{path}</a></li>' for path in map(html.escape, routes)
        )
        page = f"<!doctype html><title>Pointsman</title><h1>Pointsman</h1><ul>{links}</ul>"
        return web.Response(text=page, content_type="text/html")

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        body = encode(self._registry)
        return web.Response(body=body, headers={"content-type": content_type})

    async def _health(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readiness(self, _request: web.Request) -> web.Response:
        reason = self._not_ready_because()
        if reason is None:
            return web.Response(text="ready\n")
        return web.Response(status=503, text=f"not ready: {reason}\n")


def _json_of(view: Callable[[], object]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def respond(_request: web.Request) -> web.Response:
        body = orjson.dumps(view(), option=_JSON_OPTIONS)
        return web.Response(body=body, content_type="application/json")

    return respond
