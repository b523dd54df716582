"""A model server as the picker sees it: one entry for each pod *and port*."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_LABELS: Mapping[str, str] = MappingProxyType({})


class Address(NamedTuple):
    """An IP address and a port; `host` is never bracketed."""

    host: str
    port: int

    @property
    def authority(self) -> str:
        """`ip:port`, IPv6 in brackets: the form of every header, metadata value and URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `1.2.3.4:8000` or `[fd00::1]:8000`.

        Raises:
            ValueError: it is neither; the message says which part is wrong.
        """
        host, separator, port_text = text.strip().rpartition(":")
        bracketed = host.startswith("[") and host.endswith("]")
        if not separator or (":" in host and not bracketed):
            raise ValueError(f"{text!r} is not ip:port (IPv6 as [ip]:port)")
        host = normalised_ip(host[1:-1] if bracketed else host)
        if not port_text.isascii() or not port_text.isdigit() or not 1 <= int(port_text) <= 65535:
            raise ValueError(f"{text!r} has no port between 1 and 65535")
        return cls(host, int(port_text))


def normalised_ip(text: str) -> str:
    """One spelling for each IP address, so that addresses can be compared as text.

    Raises:
        ValueError: `text` is not an IPv4 or IPv6 address.
    """
    return str(ipaddress.ip_address(text))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One port of one model server.

    `name` and `namespace` identify it; a changed address under the same identity is a new endpoint
    for everything learned about the old one.
    """

    name: str
    address: Address
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=lambda: _NO_LABELS, hash=False)
    authority: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Spell the address once: every pick of this endpoint sends it."""
        object.__setattr__(self, "authority", self.address.authority)

    @property
    def id(self) -> str:
        """`namespace/name`, unique in a pool."""
        return f"{self.namespace}/{self.name}"
