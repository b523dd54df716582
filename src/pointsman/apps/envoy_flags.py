"""The flags of `pointsman envoy-config`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointsman.apps.flags import (
    FlagSettings,
    address,
    existing_file,
    flag,
    list_of,
    one_of,
    optional,
    switch,
    whole_number,
)
from pointsman.envoy.settings import (
    DEFAULT_ADMIN,
    DEFAULT_LISTENER,
    Balancing,
    Dialect,
    EnvoySettings,
    PickerSettings,
)
from pointsman.lib.durations import parse_duration_s
from pointsman.lib.quantities import parse_bytes, parse_share

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pointsman.domain.endpoints import Address

_POOL = "Model servers"
_CLIENTS = "Clients"
_PICKER = "Picker"
_OUTPUT = "Output"


def _retries(text: str) -> int:
    return whole_number(text, least=0, most=10)


def _host_and_port(text: str) -> tuple[str, int]:
    """A DNS name or IP address, and a port."""
    host, separator, digits = text.rpartition(":")
    if not separator or not host:
        raise ValueError(f"{text!r} is not host:port")
    return host.removeprefix("[").removesuffix("]"), whole_number(digits, least=1, most=65535)


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoyFlags(FlagSettings):
    """What a user says about an Envoy; `settings` is the same in `envoy`'s words."""

    endpoints_file: Path | None = flag(
        "endpoints-file",
        None,
        parse=existing_file,
        meaning="The model servers, in the same file that the picker reads.",
        group=_POOL,
    )
    endpoints: tuple[Address, ...] = flag(
        "endpoints",
        (),
        parse=list_of(address),
        meaning="The model servers as ip:port, separated by commas, instead of a file.",
        group=_POOL,
    )
    fallback: str = flag(
        "fallback",
        Balancing.LEAST_REQUEST.value,
        parse=one_of(*Balancing),
        meaning=f"Who serves what the picker did not decide: {', '.join(Balancing)}.",
        group=_POOL,
    )
    has_http2_upstream: bool = flag(
        "upstream-http2",
        False,
        parse=switch,
        meaning="The model servers speak HTTP/2 without TLS.",
        group=_POOL,
    )
    retries_max: int = flag(
        "retries-max",
        2,
        parse=_retries,
        meaning="Further attempts after a failed one.",
        group=_POOL,
    )
    connect_timeout_s: float = flag(
        "connect-timeout",
        2.0,
        parse=parse_duration_s,
        shown="2s",
        meaning="Longest time to connect to a model server.",
        group=_POOL,
    )

    listener: Address = flag(
        "listen",
        DEFAULT_LISTENER,
        parse=address,
        shown=DEFAULT_LISTENER.authority,
        meaning="Where clients connect; 0.0.0.0:8081 for clients on other machines.",
        group=_CLIENTS,
    )
    admin: Address = flag(
        "admin",
        DEFAULT_ADMIN,
        parse=address,
        shown=DEFAULT_ADMIN.authority,
        meaning="Envoy's own admin interface, on loopback.",
        group=_CLIENTS,
    )
    body_bytes_max: int = flag(
        "request-body-bytes-max",
        32 * 1024 * 1024,
        parse=parse_bytes,
        shown="32MiB",
        meaning="Largest request body that must pass.",
        group=_CLIENTS,
    )
    stream_idle_timeout_s: float = flag(
        "stream-idle-timeout",
        3600.0,
        parse=parse_duration_s,
        shown="1h",
        meaning="Longest silence of a request or response.",
        group=_CLIENTS,
    )
    served_by_header: str | None = flag(
        "served-by-header",
        None,
        parse=optional(str),
        meaning="Response header that tells clients which model server served them.",
        group=_CLIENTS,
    )

    picker: tuple[str, int] = flag(
        "picker",
        ("127.0.0.1", 9002),
        parse=_host_and_port,
        shown="127.0.0.1:9002",
        meaning="The picker's ext_proc port.",
        group=_PICKER,
    )
    has_tls: bool = flag(
        "picker-tls",
        True,
        parse=switch,
        meaning="Speak TLS with the picker; off for a picker with --secure-serving=false.",
        group=_PICKER,
    )
    ca_file: str | None = flag(
        "picker-ca-file",
        None,
        parse=optional(str),
        meaning="Certificates that the picker's is verified against, as Envoy sees the path;"
        " any certificate is accepted without it.",
        group=_PICKER,
    )
    server_name: str = flag(
        "picker-server-name",
        "",
        parse=str,
        meaning="Name expected in the picker's certificate.",
        group=_PICKER,
    )
    has_health_check: bool = flag(
        "picker-health-check",
        False,
        parse=switch,
        meaning="Probe the picker, which must run with --health-checking.",
        group=_PICKER,
    )
    fail_open: bool = flag(
        "fail-open",
        False,
        parse=switch,
        meaning="Without a picker send requests to any model server instead of answering 503.",
        group=_PICKER,
    )
    message_timeout_s: float = flag(
        "message-timeout",
        60.0,
        parse=parse_duration_s,
        shown="1m",
        meaning="Longest wait for one reply of the picker.",
        group=_PICKER,
    )
    dialect: str | None = flag(
        "dialect",
        None,
        parse=one_of(*Dialect),
        shown="chosen by --fail-open",
        meaning=f"How much Envoy sends to the picker: {', '.join(Dialect)}.",
        group=_PICKER,
    )
    observed_share: float = flag(
        "observed-share",
        0.05,
        parse=parse_share,
        shown="5%",
        meaning="Share of responses that the picker sees.",
        group=_PICKER,
    )

    text_format: str = flag(
        "format",
        "yaml",
        parse=one_of("yaml", "json"),
        meaning="yaml or json.",
        group=_OUTPUT,
    )
    access_log: str | None = flag(
        "access-log",
        None,
        parse=optional(str),
        meaning="Path of a JSON access log as Envoy sees it, such as /dev/stdout.",
        group=_OUTPUT,
    )

    def problems(self) -> Iterator[str]:
        """What is wrong although each flag is right."""
        if (self.endpoints_file is None) == (not self.endpoints):
            yield "give either --endpoints-file or --endpoints"

    def settings(self, endpoints: tuple[Address, ...]) -> EnvoySettings:
        """An Envoy in front of these endpoints.

        Raises:
            ValueError: one line for each value that Envoy would refuse.
        """
        host, port = self.picker
        return EnvoySettings(
            endpoints=endpoints,
            listener=self.listener,
            admin=self.admin,
            picker=PickerSettings(
                host=host,
                port=port,
                has_tls=self.has_tls,
                ca_file=self.ca_file,
                server_name=self.server_name,
                has_health_check=self.has_health_check,
                fail_open=self.fail_open,
                message_timeout_s=self.message_timeout_s,
                observed_share=self.observed_share,
            ),
            dialect=Dialect(self.dialect) if self.dialect else None,
            fallback=Balancing(self.fallback),
            has_http2_upstream=self.has_http2_upstream,
            body_bytes_max=self.body_bytes_max,
            retries_max=self.retries_max,
            connect_timeout_s=self.connect_timeout_s,
            stream_idle_timeout_s=self.stream_idle_timeout_s,
            access_log=self.access_log,
            served_by_header=self.served_by_header,
        )
