"""What can be chosen about an Envoy in front of a pool, with defaults that suit LLM traffic."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from pointsman.domain.endpoints import Address

DEFAULT_LISTENER = Address("127.0.0.1", 8081)
DEFAULT_ADMIN = Address("127.0.0.1", 19000)
"""Both as in the upstream charts."""


class Dialect(StrEnum):
    """How much of a request and its response Envoy sends to the picker.

    Every dialect sends the headers of both directions. `docs/envoy.md` tells what each one does.
    """

    TRAILERS = "trailers"
    """Ours: request body full duplex, response body not at all, response trailers sent."""
    FULL_DUPLEX = "full-duplex"
    """What Istio, GKE and the upstream charts use: both bodies full duplex."""
    BUFFERED = "buffered"
    """The request body in one message, the response body not at all."""
    BUFFERED_PARTIAL = "buffered-partial"
    """As buffered, but a body over the limit comes truncated instead of being refused."""
    STREAMED = "streamed"
    """Both bodies message by message, each waiting for its reply."""


class Balancing(StrEnum):
    """Who serves a request that the picker did not, or could not, decide."""

    LEAST_REQUEST = "least-request"
    ROUND_ROBIN = "round-robin"


@dataclass(frozen=True, slots=True)
class PickerSettings:
    """How Envoy reaches the picker, and what it does when it cannot.

    Attributes:
        host: IP address or DNS name.
        port: the picker's ext_proc port.
        has_tls: speak TLS. On, because the picker serves a self-signed certificate by default.
        ca_file: PEM file that the picker's certificate is verified against, as Envoy will see the
            path; None accepts every certificate, which is all that a self-signed one allows.
        server_name: name asked for in the TLS handshake and expected in a verified certificate;
            "" asks for none.
        has_health_check: probe the picker's gRPC health; it must run with `--health-checking`.
        fail_open: on a broken picker send the request to any endpoint instead of answering 503.
        message_timeout_s: longest wait for one reply. Has no effect on full duplex bodies, where
            Envoy has no such limit; a queueing picker must answer within it in the others.
        message_timeout_s_max: what the picker may extend the wait to.
        observed_share: share of requests, 0..1, whose response bodies the picker sees so that it
            learns token usage and speeds; only in the dialects that send no response body. 5% is
            enough to learn from and costs little.
    """

    host: str = "127.0.0.1"
    port: int = 9002
    has_tls: bool = True
    ca_file: str | None = None
    server_name: str = ""
    has_health_check: bool = False
    fail_open: bool = False
    message_timeout_s: float = 60.0
    message_timeout_s_max: float = 600.0
    observed_share: float = 0.05

    @property
    def has_dns_name(self) -> bool:
        """`host` must be resolved."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return True
        return False

    def problems(self) -> list[str]:
        """Every reason why Envoy could not work with this."""
        checks = (
            (bool(self.host), "picker.host is empty"),
            (1 <= self.port <= 65535, f"picker.port {self.port} is not between 1 and 65535"),
            (
                0 <= self.observed_share <= 1,
                f"picker.observed_share {self.observed_share} is not between 0 and 1",
            ),
            (self.message_timeout_s > 0, "picker.message_timeout_s is not above 0"),
            (
                self.message_timeout_s <= self.message_timeout_s_max,
                f"picker.message_timeout_s {self.message_timeout_s} is above its maximum",
            ),
            (
                self.has_tls or self.ca_file is None,
                "picker.ca_file is given, but picker.has_tls is off",
            ),
        )
        return [problem for is_met, problem in checks if not is_met]


@dataclass(frozen=True, slots=True)
class EnvoySettings:
    """One standalone Envoy: a listener, a pool of model servers, and the picker between them.

    Attributes:
        endpoints: model servers that may be picked. Envoy sends requests to these only, whatever
            the picker says.
        listener: where clients connect; port 0 lets the system choose.
        admin: Envoy's own admin interface; loopback only, because it can stop the process.
        picker: None makes a plain load balancer, to compare with.
        dialect: what is sent to the picker; None chooses (see `chosen_dialect`).
        fallback: who serves what the picker did not decide, and retries beyond its list.
        has_http2_upstream: the model servers speak HTTP/2 without TLS (gRPC engines).
        body_bytes_max: largest request body that must pass; also what a retry can replay.
        retries_max: further attempts after the first, on the picker's list in its order and then
            by `fallback`.
        connect_timeout_s: to a model server; short, so that a dead one costs little.
        stream_idle_timeout_s: longest silence of a request or response. An hour: a long answer
            that is not streamed is silent until it is complete.
        upstream_idle_timeout_s: an idle connection to a model server is closed after this. Below
            uvicorn's 5 s, so that Envoy never sends a request into a connection being closed.
        connections_max: open client connections over all; beyond, new ones are refused.
        access_log: path of a JSON access log as Envoy sees it (`/dev/stdout`), or None.
        served_by_header: response header that tells clients the `ip:port` that served them, or
            None. Off, because addresses of model servers are nobody's business outside.
    """

    endpoints: tuple[Address, ...]
    listener: Address = DEFAULT_LISTENER
    admin: Address = DEFAULT_ADMIN
    picker: PickerSettings | None = PickerSettings()
    dialect: Dialect | None = None
    fallback: Balancing = Balancing.LEAST_REQUEST
    has_http2_upstream: bool = False
    body_bytes_max: int = 32 * 1024 * 1024
    retries_max: int = 2
    connect_timeout_s: float = 2.0
    stream_idle_timeout_s: float = 3600.0
    upstream_idle_timeout_s: float = 4.0
    connections_max: int = 50_000
    access_log: str | None = None
    served_by_header: str | None = None

    def __post_init__(self) -> None:
        """Refuse what Envoy would refuse, all problems at once.

        Raises:
            ValueError: one line for each problem.
        """
        problems = [
            *_endpoint_problems(self.endpoints),
            *_listen_problems("listener", self.listener),
            *_listen_problems("admin", self.admin),
            *self._limit_problems(),
            *(self.picker.problems() if self.picker else ()),
        ]
        if problems:
            raise ValueError("\n".join(problems))

    @property
    def chosen_dialect(self) -> Dialect:
        """`dialect`, or ours; buffered when failing open.

        Envoy cannot fail open once it has sent a piece of a full duplex body, not even when the
        picker is down from the start (docs/envoy.md, "A broken picker").
        """
        if self.dialect is not None:
            return self.dialect
        fails_open = self.picker is not None and self.picker.fail_open
        return Dialect.BUFFERED if fails_open else Dialect.TRAILERS

    def _limit_problems(self) -> list[str]:
        checks = (
            (_is_loopback(self.admin.host), f"admin {self.admin.authority} is not on loopback"),
            (
                0 < self.body_bytes_max < 2**31,
                f"body_bytes_max {self.body_bytes_max} is not between 1 and 2 GiB",
            ),
            (
                0 <= self.retries_max <= 10,
                f"retries_max {self.retries_max} is not between 0 and 10",
            ),
            (self.connect_timeout_s > 0, "connect_timeout_s is not above 0"),
            (self.stream_idle_timeout_s >= 0, "stream_idle_timeout_s is negative"),
            (self.upstream_idle_timeout_s > 0, "upstream_idle_timeout_s is not above 0"),
            (self.connections_max > 0, "connections_max is not above 0"),
        )
        return [problem for is_met, problem in checks if not is_met]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _endpoint_problems(endpoints: tuple[Address, ...]) -> list[str]:
    if not endpoints:
        return ["endpoints is empty"]
    duplicates = sorted({each.authority for each in endpoints if endpoints.count(each) > 1})
    return [f"endpoints has {duplicate} more than once" for duplicate in duplicates]


def _listen_problems(name: str, address: Address) -> list[str]:
    try:
        ipaddress.ip_address(address.host)
    except ValueError:
        return [f"{name} {address.host!r} is not an IP address"]
    return [] if 0 <= address.port <= 65535 else [f"{name} has no port between 0 and 65535"]
