"""Small pieces that every part of the configuration is made of."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.google import protobuf

if TYPE_CHECKING:
    from betterproto2 import Message

    from pointsman.domain import endpoints


def pack(message: Message) -> protobuf.Any:
    """The message as Envoy's `typed_config`, its type in `@type`."""
    return protobuf.Any.pack(message)


def extension(name: str, message: Message) -> core.TypedExtensionConfig:
    """A named extension."""
    return core.TypedExtensionConfig(name=name, typed_config=pack(message))


def socket(address: endpoints.Address) -> core.Address:
    """A TCP address."""
    return core.Address(
        socket_address=core.SocketAddress(address=address.host, port_value=address.port)
    )


def duration(seconds: float) -> timedelta:
    """Seconds as protobuf's Duration."""
    return timedelta(seconds=seconds)
