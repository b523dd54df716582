"""Serving certificates: made by ourselves, or read from a directory and re-read when it changes."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from pointsman.lib.clock import Clock

_log = logging.getLogger(__name__)

_CERTIFICATE_FILE = "tls.crt"
_KEY_FILE = "tls.key"
_VALIDITY = dt.timedelta(days=3650)
"""As long as upstream's: gateways do not verify it, so expiry could only break pickers."""
_CLOCK_SKEW = dt.timedelta(hours=1)

_Signature: TypeAlias = tuple[tuple[int, int, int], ...] | None


class CertificateError(ValueError):
    """The operator must mend the certificate directory; the text says what is wrong with it."""


class KeyPair(NamedTuple):
    """A certificate chain and its private key, both PEM."""

    certificate: bytes
    key: bytes


def self_signed(clock: Clock) -> KeyPair:
    """A fresh certificate; ECDSA P-256, because some gateways connect anew for each request."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Pointsman")])
    now = dt.datetime.fromtimestamp(clock.unix_s(), tz=dt.UTC)
    builder = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    pem = serialization.Encoding.PEM
    return KeyPair(
        builder.sign(key, hashes.SHA256()).public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def read_key_pair(directory: Path) -> KeyPair:
    """`tls.crt` and `tls.key` of a directory, known to belong together.

    Raises:
        CertificateError: a file is missing or broken, or they do not match.
    """
    try:
        pair = KeyPair(
            (directory / _CERTIFICATE_FILE).read_bytes(), (directory / _KEY_FILE).read_bytes()
        )
    except OSError as error:
        raise CertificateError(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{directory} holds no usable PEM pair: {error}") from error
    if certificate.public_key() != key.public_key():
        raise CertificateError(f"{_KEY_FILE} in {directory} is not the key of {_CERTIFICATE_FILE}")
    return pair


def fixed_credentials(pair: KeyPair) -> grpc.ServerCredentials:
    """Serve this pair for as long as the process lives."""
    return grpc.ssl_server_credentials([(pair.key, pair.certificate)])


class ReloadingCertificate:
    """The pair of a directory, looked at again before each TLS handshake.

    Two `stat` calls for each new connection find a change without a watcher or a restart. A
    directory that turns bad keeps the last good pair, and says so once for each change.

    Raises:
        CertificateError: the directory is bad from the start.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._signature = self._look()
        self._first = _configuration(read_key_pair(directory))

    def credentials(self) -> grpc.ServerCredentials:
        """For `add_secure_port`."""
        return grpc.dynamic_ssl_server_credentials(
            self._first,
            self._fetch,  # type: ignore[arg-type] # grpc-stubs forgets that None means no change
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        signature = self._look()
        if signature == self._signature:
            return None
        self._signature = signature
        try:
            pair = read_key_pair(self._directory)
        except CertificateError as error:
            _log.error("serving certificate kept error=%s", error)
            return None
        _log.info("serving certificate reloaded directory=%s", self._directory)
        return _configuration(pair)

    def _look(self) -> _Signature:
        try:
            stats = [(self._directory / name).stat() for name in (_CERTIFICATE_FILE, _KEY_FILE)]
        except OSError:
            return None
        return tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)


def _configuration(pair: KeyPair) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(pair.key, pair.certificate)])
