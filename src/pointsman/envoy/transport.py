"""HTTP versions, TLS and limits of clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.endpoint import v3 as endpoint
from envoy_data_plane.envoy.extensions.transport_sockets.tls import v3 as tls
from envoy_data_plane.envoy.extensions.upstreams.http import v3 as upstream_http

from pointsman.envoy.typed import duration, pack, socket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from envoy_data_plane.google import protobuf

    from pointsman.domain.endpoints import Address

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

REQUESTS_MAX = 40_000
"""Envoy's default of 1,024 requests per cluster is far below what long streams need in parallel;
the upstream charts chose this number."""


def http_version(*, is_http2: bool, idle_timeout_s: float | None = None) -> dict[str, protobuf.Any]:
    """Cluster options: HTTP/2 without negotiation, or HTTP/1.1."""
    explicit = upstream_http.HttpProtocolOptionsExplicitHttpConfig(
        http2_protocol_options=core.Http2ProtocolOptions() if is_http2 else None,
        http_protocol_options=None if is_http2 else core.Http1ProtocolOptions(),
    )
    idle = (
        None
        if idle_timeout_s is None
        else core.HttpProtocolOptions(idle_timeout=duration(idle_timeout_s))
    )
    options = upstream_http.HttpProtocolOptions(
        explicit_http_config=explicit, common_http_protocol_options=idle
    )
    return {_HTTP_OPTIONS: pack(options)}


def tls_socket(*, ca_file: str | None, server_name: str) -> core.TransportSocket:
    """TLS with ALPN h2; without a CA every certificate is accepted."""
    validation = (
        None
        if ca_file is None
        else tls.CertificateValidationContext(trusted_ca=core.DataSource(filename=ca_file))
    )
    context = tls.UpstreamTlsContext(
        common_tls_context=tls.CommonTlsContext(
            alpn_protocols=["h2"], validation_context=validation
        ),
        sni=server_name,
    )
    return core.TransportSocket(name="envoy.transport_sockets.tls", typed_config=pack(context))


def raised_breakers() -> cluster.CircuitBreakers:
    """Limits that long streams do not reach in normal work."""
    return cluster.CircuitBreakers(
        thresholds=[
            cluster.CircuitBreakersThresholds(
                max_connections=REQUESTS_MAX,
                max_pending_requests=REQUESTS_MAX,
                max_requests=REQUESTS_MAX,
                max_retries=REQUESTS_MAX,
            )
        ]
    )


def assignment(name: str, addresses: Iterable[Address]) -> endpoint.ClusterLoadAssignment:
    """The endpoints of a cluster, in one locality."""
    members = [
        endpoint.LbEndpoint(endpoint=endpoint.Endpoint(address=socket(address)))
        for address in addresses
    ]
    return endpoint.ClusterLoadAssignment(
        cluster_name=name, endpoints=[endpoint.LocalityLbEndpoints(lb_endpoints=members)]
    )
