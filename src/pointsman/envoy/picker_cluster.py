"""The cluster that Envoy reaches the picker through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.config.core import v3 as core

from pointsman.domain.endpoints import Address
from pointsman.domain.protocol import HEALTH_EXT_PROC
from pointsman.envoy.picker_filter import PICKER_CLUSTER
from pointsman.envoy.transport import assignment, http_version, raised_breakers, tls_socket
from pointsman.envoy.typed import duration

if TYPE_CHECKING:
    from pointsman.envoy.settings import PickerSettings

_CONNECT_TIMEOUT_S = 2.0
_KEEPALIVE_S = 30
"""TCP keepalive rather than HTTP/2 pings: gRPC servers close connections that ping when idle."""


def picker_cluster(picker: PickerSettings) -> cluster.Cluster:
    """HTTP/2 to the picker, with TLS unless told otherwise."""
    discovery = cluster.ClusterDiscoveryType
    return cluster.Cluster(
        name=PICKER_CLUSTER,
        type=discovery.STRICT_DNS if picker.has_dns_name else discovery.STATIC,
        connect_timeout=duration(_CONNECT_TIMEOUT_S),
        load_assignment=assignment(PICKER_CLUSTER, [Address(picker.host, picker.port)]),
        typed_extension_protocol_options=http_version(is_http2=True),
        transport_socket=(
            tls_socket(ca_file=picker.ca_file, server_name=picker.server_name)
            if picker.has_tls
            else None
        ),
        circuit_breakers=raised_breakers(),
        health_checks=[_health_check()] if picker.has_health_check else [],
        upstream_connection_options=cluster.UpstreamConnectionOptions(
            tcp_keepalive=core.TcpKeepalive(
                keepalive_probes=3, keepalive_time=_KEEPALIVE_S, keepalive_interval=5
            )
        ),
    )


def _health_check() -> core.HealthCheck:
    return core.HealthCheck(
        timeout=duration(2.0),
        interval=duration(10.0),
        unhealthy_threshold=3,
        healthy_threshold=2,
        grpc_health_check=core.HealthCheckGrpcHealthCheck(service_name=HEALTH_EXT_PROC),
    )
