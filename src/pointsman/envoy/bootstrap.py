"""A complete configuration for an Envoy that nobody else configures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.bootstrap import v3 as bootstrap
from envoy_data_plane.envoy.config.overload import v3 as overload
from envoy_data_plane.envoy.extensions.resource_monitors.downstream_connections import (
    v3 as downstream_connections,
)

from pointsman.envoy.listener import clients_listener
from pointsman.envoy.picker_cluster import picker_cluster
from pointsman.envoy.pool_cluster import pool_cluster
from pointsman.envoy.typed import pack, socket

if TYPE_CHECKING:
    from pointsman.envoy.settings import EnvoySettings


def standalone(settings: EnvoySettings) -> bootstrap.Bootstrap:
    """One listener, the pool, and the picker's cluster when there is a picker."""
    clusters = [pool_cluster(settings)]
    if settings.picker is not None:
        clusters.append(picker_cluster(settings.picker))
    return bootstrap.Bootstrap(
        admin=bootstrap.Admin(address=socket(settings.admin)),
        static_resources=bootstrap.BootstrapStaticResources(
            listeners=[clients_listener(settings)], clusters=clusters
        ),
        overload_manager=_connection_limit(settings.connections_max),
    )


def _connection_limit(connections_max: int) -> overload.OverloadManager:
    monitor = downstream_connections.DownstreamConnectionsConfig(
        max_active_downstream_connections=connections_max
    )
    return overload.OverloadManager(
        resource_monitors=[
            overload.ResourceMonitor(
                name="envoy.resource_monitors.global_downstream_max_connections",
                typed_config=pack(monitor),
            )
        ]
    )
