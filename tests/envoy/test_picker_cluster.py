"""TLS and health checks towards the picker, on a real Envoy."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from envoy_stack import running
from pointsman.envoy.settings import PickerSettings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def self_signed() -> tuple[bytes, bytes]:
    """A key and a certificate for `picker.example`, both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "picker.example")])
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("picker.example")]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


async def test_a_self_signed_picker_is_accepted_by_default() -> None:
    credentials = grpc.ssl_server_credentials([self_signed()])
    async with running(picker=PickerSettings(), credentials=credentials) as stack:
        assert (await stack.ask()).text == "one 2"


async def test_with_a_ca_only_its_pickers_are_accepted(tmp_path: Path) -> None:
    pair, stranger = self_signed(), self_signed()
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(pair[1])
    picker = PickerSettings(ca_file=str(ca_file), server_name="picker.example")
    async with running(picker=picker, credentials=grpc.ssl_server_credentials([pair])) as stack:
        assert (await stack.ask()).text == "one 2"
    async with running(picker=picker, credentials=grpc.ssl_server_credentials([stranger])) as stack:
        assert (await stack.ask()).status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert stack.picker.streams == []


async def test_a_plaintext_picker_can_be_chosen() -> None:
    async with running(picker=PickerSettings(has_tls=False)) as stack:
        assert (await stack.ask()).text == "one 2"


async def test_the_picker_is_probed_by_the_name_of_its_service() -> None:
    picker = PickerSettings(has_tls=False, has_health_check=True)
    async with running(picker=picker) as stack:
        url = f"http://{stack.envoy.admin.authority}/stats"
        wanted = "cluster.picker.health_check.success: 1"
        async with asyncio.timeout(10):
            while wanted not in (await stack.client.get(url)).text:
                await asyncio.sleep(0.05)
        assert (await stack.ask()).text == "one 2"
