"""One HTTP GET of a page, behind one method; the only module of this room that knows aiohttp.

Why not httpx: docs/adr/0002-scrape-client.md.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PAGE_BYTES_MAX = 8 * 1024 * 1024
"""The largest page that is read; a real engine's page is under 100 KB."""

_KEEPALIVE_S = 30.0
"""How long an unused connection is kept: longer than any interval between two scrapes."""

_REDIRECTS_MAX = 3
"""Servers that mount their metrics as a sub-application redirect /metrics to /metrics/."""

_HEADERS = {
    "Accept": "text/plain;version=0.0.4",
    # Compressing 50 KB would cost the engine more than it saves on the way.
    "Accept-Encoding": "identity",
    "User-Agent": "pointsman",
}


class FailureReason(StrEnum):
    """Why a scrape brought nothing; values of the metric's label."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    STATUS = "status"
    TOO_LARGE = "too-large"
    NO_METRICS = "no-metrics"


class ScrapeError(Exception):
    """An endpoint did not hand out its metrics; whoever operates it must act."""

    def __init__(self, reason: FailureReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MetricsClient(Protocol):
    """What a poller needs of HTTP."""

    async def fetch(self, url: str) -> bytes:
        """The body of a 200 response. It may hang: deadlines are the caller's.

        Raises:
            ScrapeError: there was none.
        """
        ...


class AiohttpMetricsClient:
    """Keeps one connection per endpoint open; a connection the server closed is opened again."""

    def __init__(
        self, session: aiohttp.ClientSession, *, page_bytes_max: int = PAGE_BYTES_MAX
    ) -> None:
        self._session = session
        self._page_bytes_max = page_bytes_max

    async def fetch(self, url: str) -> bytes:
        """The body of a 200 response.

        Raises:
            ScrapeError: the connection failed, the status was another one, or the body was larger
                than the limit.
        """
        try:
            async with self._session.get(url, max_redirects=_REDIRECTS_MAX) as response:
                if response.status != 200:
                    raise ScrapeError(FailureReason.STATUS, f"status {response.status}")
                return await self._body(response)
        except (aiohttp.ClientError, OSError) as error:
            raise ScrapeError(
                FailureReason.CONNECTION, f"{type(error).__name__}: {error}"
            ) from error

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        pieces = []
        size_bytes = 0
        async for piece in response.content.iter_any():
            size_bytes += len(piece)
            if size_bytes > self._page_bytes_max:
                raise ScrapeError(
                    FailureReason.TOO_LARGE, f"page is larger than {self._page_bytes_max} bytes"
                )
            pieces.append(piece)
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What https scrapes trust and show; nothing here matters to http.

    Attributes:
        insecure_skip_verify: accept any certificate, as upstream does by default: model servers
            are addressed by IP and mostly present self-signed certificates.
        ca_cert_path: authorities to trust instead of the system's.
        client_cert_path: certificate to show, and
        client_key_path: its key.
    """

    insecure_skip_verify: bool = True
    ca_cert_path: str | None = None
    client_cert_path: str | None = None
    client_key_path: str | None = None

    def context(self) -> ssl.SSLContext:
        """The same for Python's TLS.

        Raises:
            OSError: a file cannot be read, or (as `ssl.SSLError`) is no certificate or key.
        """
        context = ssl.create_default_context(cafile=self.ca_cert_path)
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.client_cert_path is not None:
            context.load_cert_chain(self.client_cert_path, self.client_key_path)
        return context


@contextlib.asynccontextmanager
async def open_metrics_client(
    tls: ClientTls = ClientTls(), *, page_bytes_max: int = PAGE_BYTES_MAX
) -> AsyncIterator[AiohttpMetricsClient]:
    """A client for the life of the process; pages over `page_bytes_max` are refused.

    Raises:
        OSError: a certificate file cannot be read or is none.
    """
    # No limit here: the poller bounds what is in flight, and each host has one scrape at a time.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_S, ssl=tls.context())
    session = aiohttp.ClientSession(
        connector=connector,
        headers=_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # the poller's deadline covers it all
    )
    async with session:
        yield AiohttpMetricsClient(session, page_bytes_max=page_bytes_max)
