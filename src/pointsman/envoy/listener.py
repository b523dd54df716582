"""The listener that clients connect to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.common.mutation_rules import v3 as mutation_rules
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.config.listener import v3 as listener
from envoy_data_plane.envoy.extensions.filters.http.router import v3 as router
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
from envoy_data_plane.envoy.extensions.http.early_header_mutation.header_mutation import (
    v3 as early_mutation,
)

from pointsman.domain.protocol import DESTINATION, SERVED, SUBSET
from pointsman.envoy.access_log import access_log
from pointsman.envoy.picker_filter import picker_filter
from pointsman.envoy.routes import route_configuration
from pointsman.envoy.typed import duration, extension, pack, socket

if TYPE_CHECKING:
    from pointsman.envoy.settings import EnvoySettings

LISTENER_NAME = "clients"

_BUFFER_BYTES_MAX = 1024 * 1024
"""Per connection and direction; bodies that must be kept whole have a limit of their own."""
_CONCURRENT_STREAMS_MAX = 1_000
"""Per HTTP/2 connection: one gateway before us may multiplex a whole team's chats over one."""
_STREAM_WINDOW_BYTES = 1024 * 1024
_CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024
_HEADERS_TIMEOUT_S = 30.0


def clients_listener(settings: EnvoySettings) -> listener.Listener:
    """HTTP/1.1 and HTTP/2 without TLS."""
    manager = pack(http_connection_manager(settings))
    name = "envoy.filters.network.http_connection_manager"
    return listener.Listener(
        name=LISTENER_NAME,
        address=socket(settings.listener),
        per_connection_buffer_limit_bytes=_BUFFER_BYTES_MAX,
        filter_chains=[
            listener.FilterChain(filters=[listener.Filter(name=name, typed_config=manager)])
        ],
    )


def http_connection_manager(settings: EnvoySettings) -> hcm.HttpConnectionManager:
    """The HTTP side of the listener: hardened as an edge, patient as LLM streams need."""
    escaped = hcm.HttpConnectionManagerPathWithEscapedSlashesAction
    return hcm.HttpConnectionManager(
        stat_prefix=LISTENER_NAME,
        route_config=route_configuration(settings),
        http_filters=_http_filters(settings),
        access_log=access_log(settings.access_log),
        use_remote_address=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action=escaped.UNESCAPE_AND_REDIRECT,
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        stream_idle_timeout=duration(settings.stream_idle_timeout_s),
        request_headers_timeout=duration(_HEADERS_TIMEOUT_S),
        early_header_mutation_extensions=[_without_forged_destination()],
        http2_protocol_options=core.Http2ProtocolOptions(
            max_concurrent_streams=_CONCURRENT_STREAMS_MAX,
            initial_stream_window_size=_STREAM_WINDOW_BYTES,
            initial_connection_window_size=_CONNECTION_WINDOW_BYTES,
        ),
    )


def _http_filters(settings: EnvoySettings) -> list[hcm.HttpFilter]:
    last = hcm.HttpFilter(name="envoy.filters.http.router", typed_config=pack(router.Router()))
    if settings.picker is None:
        return [last]
    return [picker_filter(settings.picker, settings.chosen_dialect), last]


def _without_forged_destination() -> core.TypedExtensionConfig:
    """Remove what only the picker and Envoy may say, before anything reads it.

    Otherwise a client could choose its endpoint whenever the picker is down and fails open.
    """
    mutations = [
        mutation_rules.HeaderMutation(remove=name) for name in (DESTINATION, SERVED, SUBSET)
    ]
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        early_mutation.HeaderMutation(mutations=mutations),
    )
