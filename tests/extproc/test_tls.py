from __future__ import annotations

import asyncio
import datetime as dt
import logging
import ssl
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as pb_grpc

from extproc.support import (
    ScriptedDirector,
    exchange_parts,
    kinds,
    request_headers,
)
from pointsman.extproc.server import ExtProcServer, ServerSettings
from pointsman.extproc.tls import (
    CertificateError,
    KeyPair,
    ReloadingCertificate,
    fixed_credentials,
    read_key_pair,
    self_signed,
)
from pointsman.lib.clock import ManualClock, SystemClock

if TYPE_CHECKING:
    from pathlib import Path


def write_pair(directory: Path, pair: KeyPair) -> None:
    (directory / "tls.crt").write_bytes(pair.certificate)
    (directory / "tls.key").write_bytes(pair.key)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_pair(tmp_path, self_signed(SystemClock()))
    return tmp_path


async def served_certificate(port: int) -> bytes:
    """What the next client is shown, in DER; h2 must be negotiated."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    connection = writer.get_extra_info("ssl_object")
    assert connection.selected_alpn_protocol() == "h2"
    certificate: bytes = connection.getpeercert(binary_form=True)
    writer.close()
    return certificate


def der_of(pair: KeyPair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.certificate.decode())


async def started(credentials: grpc.ServerCredentials) -> ExtProcServer:
    server = ExtProcServer(
        exchange_parts(ScriptedDirector()),
        ServerSettings(host="127.0.0.1", port=0),
        credentials=credentials,
    )
    await server.start()
    return server


def test_a_certificate_of_our_own_is_small_and_lasts() -> None:
    certificate = x509.load_pem_x509_certificate(self_signed(ManualClock()).certificate)
    assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lasts > dt.timedelta(days=3649)


async def test_it_serves_real_grpc() -> None:
    pair = self_signed(SystemClock())
    server = await started(fixed_credentials(pair))
    trust = grpc.ssl_channel_credentials(pair.certificate)
    async with grpc.aio.secure_channel(f"localhost:{server.port}", trust) as channel:
        call = pb_grpc.ExternalProcessorStub(channel).Process()
        await call.write(request_headers(end_of_stream=True))
        assert kinds([await call.read()]) == ["request_headers"]
        call.cancel()
    await server.drain(timeout_s=0)


async def test_a_changed_pair_is_served_without_a_restart(directory: Path) -> None:
    first = read_key_pair(directory)
    server = await started(ReloadingCertificate(directory).credentials())
    assert await served_certificate(server.port) == der_of(first)
    second = self_signed(SystemClock())
    write_pair(directory, second)
    assert await served_certificate(server.port) == der_of(second)
    await server.drain(timeout_s=0)


async def test_a_broken_pair_keeps_the_last_good_one_and_says_so_once(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_key_pair(directory)
    server = await started(ReloadingCertificate(directory).credentials())
    (directory / "tls.key").write_bytes(b"not a key")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert await served_certificate(server.port) == der_of(first)
    assert len(caplog.records) == 1
    mended = self_signed(SystemClock())
    write_pair(directory, mended)
    assert await served_certificate(server.port) == der_of(mended)
    await server.drain(timeout_s=0)


def test_a_key_of_another_certificate_is_refused(directory: Path) -> None:
    (directory / "tls.key").write_bytes(self_signed(SystemClock()).key)
    with pytest.raises(CertificateError, match="not the key of"):
        read_key_pair(directory)


@pytest.mark.parametrize("name", ["tls.crt", "tls.key"])
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(CertificateError, match=name):
        ReloadingCertificate(directory)


def test_a_directory_of_nonsense_is_refused(directory: Path) -> None:
    (directory / "tls.crt").write_bytes(b"-----BEGIN CERTIFICATE-----\nxx\n")
    with pytest.raises(CertificateError, match="no usable PEM pair"):
        read_key_pair(directory)
