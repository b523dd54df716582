from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gzip
import ssl
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pointsman.scrape.client import ClientTls, FailureReason, ScrapeError, open_metrics_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

PAGE = b"vllm:num_requests_waiting 0\n" * 2000


@contextlib.asynccontextmanager
async def serving(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"https://localhost:{port}/metrics" if tls else f"http://{host}:{port}/metrics"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def speaking(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server that says on a socket what no HTTP library would."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}/metrics"


async def reason_of(
    url: str, *, page_bytes_max: int = 1 << 20, tls: ClientTls | None = None
) -> FailureReason:
    async with open_metrics_client(tls or ClientTls(), page_bytes_max=page_bytes_max) as client:
        with pytest.raises(ScrapeError) as caught:
            await client.fetch(url)
    return caught.value.reason


async def test_a_page_arrives_whole_and_uncompressed_over_one_connection() -> None:
    connections = set()

    async def metrics(request: web.BaseRequest) -> web.Response:
        connections.add(request.transport)
        assert request.headers["Accept-Encoding"] == "identity"
        assert request.headers["Accept"].startswith("text/plain")
        return web.Response(body=PAGE)

    async with serving(metrics) as url, open_metrics_client() as client:
        for _ in range(3):
            assert await client.fetch(url) == PAGE

    assert len(connections) == 1


async def test_a_page_that_is_compressed_all_the_same_is_read() -> None:
    async def metrics(request: web.BaseRequest) -> web.Response:
        return web.Response(body=gzip.compress(PAGE), headers={"Content-Encoding": "gzip"})

    async with serving(metrics) as url, open_metrics_client() as client:
        assert await client.fetch(url) == PAGE


async def test_a_redirect_to_the_slash_is_followed() -> None:
    async def metrics(request: web.BaseRequest) -> web.Response:
        if not request.path.endswith("/"):
            raise web.HTTPTemporaryRedirect(request.path + "/")
        return web.Response(body=PAGE)

    async with serving(metrics) as url, open_metrics_client() as client:
        assert await client.fetch(url) == PAGE


async def test_a_connection_that_the_server_closed_meanwhile_is_opened_again() -> None:
    """Uvicorn, under vLLM and SGLang, closes a connection that was idle for 5 s."""
    requests = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        await reader.readuntil(b"\r\n\r\n")
        requests += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nq 1\n")
        await writer.drain()
        await reader.readexactly(1)  # the next request arrives, and is answered by a close

    async with speaking(answer) as url, open_metrics_client() as client:
        for _ in range(3):
            assert await client.fetch(url) == b"q 1\n"

    assert requests == 3


@pytest.mark.parametrize("status", [204, 404, 500, 503])
async def test_another_status_than_200_is_a_failure(status: int) -> None:
    async def metrics(request: web.BaseRequest) -> web.Response:
        return web.Response(status=status)

    async with serving(metrics) as url:
        assert await reason_of(url) == FailureReason.STATUS


async def test_a_redirect_without_end_is_a_failure() -> None:
    async def metrics(request: web.BaseRequest) -> web.Response:
        raise web.HTTPFound(request.path)

    async with serving(metrics) as url:
        assert await reason_of(url) == FailureReason.CONNECTION


async def test_a_page_without_end_is_given_up_at_the_limit() -> None:
    async def metrics(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(PAGE)
        return response

    async with serving(metrics) as url:
        assert await reason_of(url) == FailureReason.TOO_LARGE


async def test_a_page_of_exactly_the_limit_is_read() -> None:
    async def metrics(request: web.BaseRequest) -> web.Response:
        return web.Response(body=PAGE)

    async with serving(metrics) as url:
        async with open_metrics_client(page_bytes_max=len(PAGE)) as client:
            assert await client.fetch(url) == PAGE
        assert await reason_of(url, page_bytes_max=len(PAGE) - 1) == FailureReason.TOO_LARGE


async def test_nobody_listening_is_a_failure() -> None:
    async with speaking(lambda _reader, _writer: asyncio.sleep(0)) as url:
        pass

    assert await reason_of(url) == FailureReason.CONNECTION


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nq 1\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nq 1\n",
    ],
    ids=["close", "other-protocol", "cut-short", "bad-chunk", "bad-gzip"],
)
async def test_a_broken_answer_is_a_failure(words: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(words)
        await writer.drain()

    async with speaking(answer) as url:
        assert await reason_of(url) == FailureReason.CONNECTION


async def test_a_cancelled_fetch_leaves_no_connection_behind() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.read() == b""  # waits for the client to close
        closed.set()

    closed = asyncio.Event()
    async with speaking(answer) as url, open_metrics_client() as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.fetch(url)
        async with asyncio.timeout(2):
            await closed.wait()


@pytest.fixture
def certificate(tmp_path: Path) -> str:
    """A file with a certificate for `localhost` that signed itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "tls.pem"
    path.write_bytes(certificate.public_bytes(pem) + secret)
    return str(path)


async def hello(request: web.BaseRequest) -> web.Response:
    return web.Response(body=b"q 1\n")


async def test_https_trusts_any_server_unless_told_otherwise(certificate: str) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    async with serving(hello, tls=server) as url:
        async with open_metrics_client() as client:
            assert await client.fetch(url) == b"q 1\n"
        known = ClientTls(insecure_skip_verify=False, ca_cert_path=certificate)
        async with open_metrics_client(known) as client:
            assert await client.fetch(url) == b"q 1\n"
        unknown = ClientTls(insecure_skip_verify=False)
        assert await reason_of(url, tls=unknown) == FailureReason.CONNECTION


async def test_https_shows_a_client_certificate_to_a_server_that_wants_one(
    certificate: str,
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate)
    server.load_cert_chain(certificate)
    server.verify_mode = ssl.CERT_REQUIRED
    mine = ClientTls(client_cert_path=certificate, client_key_path=certificate)
    async with serving(hello, tls=server) as url:
        async with open_metrics_client(mine) as client:
            assert await client.fetch(url) == b"q 1\n"
        assert await reason_of(url) == FailureReason.CONNECTION


async def test_a_certificate_that_cannot_be_read_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        ClientTls(ca_cert_path=str(tmp_path / "gone.pem")).context()
