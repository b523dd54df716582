"""The cluster of model servers, where the picker's choice becomes a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.cluster import v3 as cluster
from envoy_data_plane.envoy.extensions.load_balancing_policies.least_request import (
    v3 as least_request,
)
from envoy_data_plane.envoy.extensions.load_balancing_policies.override_host import (
    v3 as override_host,
)
from envoy_data_plane.envoy.extensions.load_balancing_policies.round_robin import v3 as round_robin
from envoy_data_plane.envoy.type.metadata import v3 as metadata

from pointsman.domain.protocol import DESTINATION, DESTINATION_NAMESPACE, SERVED
from pointsman.envoy.settings import Balancing, EnvoySettings
from pointsman.envoy.transport import assignment, http_version, raised_breakers
from pointsman.envoy.typed import duration, extension

if TYPE_CHECKING:
    from collections.abc import Sequence

    from betterproto2 import Message

POOL_CLUSTER = "pool"

_NAMES = {
    Balancing.LEAST_REQUEST: "envoy.load_balancing_policies.least_request",
    Balancing.ROUND_ROBIN: "envoy.load_balancing_policies.round_robin",
}


def pool_cluster(settings: EnvoySettings) -> cluster.Cluster:
    """The endpoints; the picker's list decides among them, in its order, when there is a picker."""
    fallback = plain_policy(settings.fallback)
    return cluster.Cluster(
        name=POOL_CLUSTER,
        type=cluster.ClusterDiscoveryType.STATIC,
        connect_timeout=duration(settings.connect_timeout_s),
        load_assignment=assignment(POOL_CLUSTER, settings.endpoints),
        load_balancing_policy=picked_policy(fallback) if settings.picker else fallback,
        typed_extension_protocol_options=http_version(
            is_http2=settings.has_http2_upstream, idle_timeout_s=settings.upstream_idle_timeout_s
        ),
        circuit_breakers=raised_breakers(),
        outlier_detection=connect_outliers(),
    )


def plain_policy(balancing: Balancing) -> cluster.LoadBalancingPolicy:
    """A policy of Envoy's own."""
    message: Message
    match balancing:
        case Balancing.LEAST_REQUEST:
            message = least_request.LeastRequest()
        case Balancing.ROUND_ROBIN:
            message = round_robin.RoundRobin()
    return _policies([(_NAMES[balancing], message)])


def picked_policy(fallback: cluster.LoadBalancingPolicy) -> cluster.LoadBalancingPolicy:
    """The picker's list from metadata, else from the header; report who served in metadata.

    Metadata first: a client cannot set it.
    """
    source = override_host.OverrideHostOverrideHostSource
    policy = override_host.OverrideHost(
        override_host_sources=[source(metadata=_key(DESTINATION)), source(header=DESTINATION)],
        selected_host_key=_key(SERVED),
        fallback_policy=fallback,
    )
    return _policies([("envoy.load_balancing_policies.override_host", policy)])


def connect_outliers() -> cluster.OutlierDetection:
    """Leave out, for seconds, an endpoint that refuses connections.

    HTTP errors never eject: an overloaded engine answers 503 honestly, and the picker sees its
    load. At most half of the pool is left out, so that a network fault cannot empty it.
    """
    return cluster.OutlierDetection(
        interval=duration(1.0),
        base_ejection_time=duration(5.0),
        max_ejection_time=duration(30.0),
        max_ejection_percent=50,
        split_external_local_origin_errors=True,
        consecutive_local_origin_failure=3,
        enforcing_consecutive_local_origin_failure=100,
        enforcing_consecutive_5xx=0,
        enforcing_consecutive_gateway_failure=0,
        enforcing_success_rate=0,
        enforcing_local_origin_success_rate=0,
    )


def _key(name: str) -> metadata.MetadataKey:
    segment = metadata.MetadataKeyPathSegment(key=name)
    return metadata.MetadataKey(key=DESTINATION_NAMESPACE, path=[segment])


def _policies(named: Sequence[tuple[str, Message]]) -> cluster.LoadBalancingPolicy:
    return cluster.LoadBalancingPolicy(
        policies=[
            cluster.LoadBalancingPolicyPolicy(typed_extension_config=extension(name, message))
            for name, message in named
        ]
    )
