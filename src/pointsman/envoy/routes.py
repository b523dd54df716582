"""Routes: everything to the pool, a share of it observed, failures retried on the next endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.route import v3 as route
from envoy_data_plane.envoy.extensions.retry.host.previous_hosts import v3 as previous_hosts
from envoy_data_plane.envoy.type import v3 as types

from pointsman.envoy.picker_filter import observed_route_override
from pointsman.envoy.pool_cluster import POOL_CLUSTER
from pointsman.envoy.typed import duration, pack

if TYPE_CHECKING:
    from envoy_data_plane.google import protobuf

    from pointsman.envoy.settings import EnvoySettings

OBSERVED_SHARE_KEY = "pointsman.observed_share"
"""Envoy runtime key that changes the share while it runs, in parts per million."""

_PARTS = 1_000_000
_RETRY_ON = "connect-failure,refused-stream,reset,retriable-status-codes"
"""Everything before the first response byte, plus 503: an engine that is full or starting. A
prompt has no side effects, so sending it again is safe."""


def route_configuration(settings: EnvoySettings) -> route.RouteConfiguration:
    """One virtual host for all names."""
    return route.RouteConfiguration(
        name="pool",
        virtual_hosts=[
            route.VirtualHost(
                name="pool",
                domains=["*"],
                request_body_buffer_limit=settings.body_bytes_max,
                response_headers_to_add=_served_by(settings.served_by_header),
                routes=pool_routes(settings),
            )
        ],
    )


def pool_routes(settings: EnvoySettings) -> list[route.Route]:
    """The observed sample first, when there is one, then everything."""
    everything = _route("everything", settings)
    if settings.picker is None or not settings.picker.observed_share:
        return [everything]
    overrides = observed_route_override(settings.chosen_dialect)
    if not overrides:
        return [everything]
    observed = _route("observed", settings, share=settings.picker.observed_share, filters=overrides)
    return [observed, everything]


def retry_policy(retries_max: int) -> route.RetryPolicy | None:
    """Try the next endpoint of the picker's list, never one that has just failed."""
    if not retries_max:
        return None
    previous = route.RetryPolicyRetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts",
        typed_config=pack(previous_hosts.PreviousHostsPredicate()),
    )
    return route.RetryPolicy(
        retry_on=_RETRY_ON,
        retriable_status_codes=[503],
        num_retries=retries_max,
        retry_host_predicate=[previous],
        host_selection_retry_max_attempts=3,
        retry_back_off=route.RetryPolicyRetryBackOff(
            base_interval=duration(0.01), max_interval=duration(0.1)
        ),
    )


def _served_by(name: str | None) -> list[core.HeaderValueOption]:
    if name is None:
        return []
    action = core.HeaderValueOptionHeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD
    header = core.HeaderValue(key=name, value="%UPSTREAM_REMOTE_ADDRESS%")
    return [core.HeaderValueOption(header=header, append_action=action)]


def _route(
    name: str,
    settings: EnvoySettings,
    *,
    share: float | None = None,
    filters: dict[str, protobuf.Any] | None = None,
) -> route.Route:
    return route.Route(
        name=name,
        match=route.RouteMatch(prefix="/", runtime_fraction=_fraction(share)),
        route=route.RouteAction(
            cluster=POOL_CLUSTER,
            timeout=duration(0),
            idle_timeout=duration(settings.stream_idle_timeout_s),
            retry_policy=retry_policy(settings.retries_max),
        ),
        typed_per_filter_config=filters or {},
    )


def _fraction(share: float | None) -> core.RuntimeFractionalPercent | None:
    if share is None:
        return None
    million = types.FractionalPercentDenominatorType.MILLION
    return core.RuntimeFractionalPercent(
        default_value=types.FractionalPercent(numerator=round(share * _PARTS), denominator=million),
        runtime_key=OBSERVED_SHARE_KEY,
    )
