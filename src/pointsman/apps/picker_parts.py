"""From the picker's flags and configuration to the settings of its rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.datalayer.prefix import PrefixSettings
from pointsman.domain.requests import BYTES_PER_TOKEN
from pointsman.extproc.server import ServerSettings
from pointsman.extproc.tls import (
    ReloadingCertificate,
    fixed_credentials,
    read_key_pair,
    self_signed,
)
from pointsman.plugins.producers.prefix import ApproxPrefixCacheConfig

if TYPE_CHECKING:
    import grpc

    from pointsman.apps.picker_settings import PickerSettings
    from pointsman.config.plan import PickerPlan
    from pointsman.lib.clock import Clock

_FRAME_BYTES = 4 * 2**20
"""Room in a gRPC message beside a whole buffered body: headers, metadata, framing."""


def server_credentials(settings: PickerSettings, clock: Clock) -> grpc.ServerCredentials | None:
    """TLS of the ext_proc port, or None for plaintext.

    Raises:
        CertificateError: the certificate directory is not usable.
    """
    if not settings.secure_serving:
        return None
    if settings.cert_path is None:
        return fixed_credentials(self_signed(clock))
    if settings.enable_cert_reload:
        return ReloadingCertificate(settings.cert_path).credentials()
    return fixed_credentials(read_key_pair(settings.cert_path))


def server_settings(settings: PickerSettings) -> ServerSettings:
    """How the ext_proc port is served."""
    message_bytes_max = settings.request_body_bytes_max + _FRAME_BYTES
    return ServerSettings(
        port=settings.grpc_port,
        receive_bytes_max=settings.grpc_receive_bytes_max or message_bytes_max,
        send_bytes_max=settings.grpc_send_bytes_max or message_bytes_max,
    )


def prefix_settings(settings: PickerSettings, plan: PickerPlan) -> PrefixSettings:
    """Limits of the prefix index: memory from the flag, the rest from its producer."""
    config = next(
        (p.config for p in plan.producers if isinstance(p.config, ApproxPrefixCacheConfig)),
        ApproxPrefixCacheConfig(),
    )
    default = PrefixSettings()
    tokens_max = config.max_prefix_tokens_to_match
    return PrefixSettings(
        bytes_max=settings.prefix_index_bytes_max,
        prompt_bytes_max=tokens_max * BYTES_PER_TOKEN or default.prompt_bytes_max,
        endpoint_tokens=config.lru_capacity_per_server * config.block_size_tokens,
    )
