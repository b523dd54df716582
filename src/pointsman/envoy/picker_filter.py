"""The ext_proc filter: Envoy's side of the endpoint picker protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.extensions.filters.http.ext_proc import v3 as ext_proc
from envoy_data_plane.envoy.extensions.filters.network.http_connection_manager import v3 as hcm
from envoy_data_plane.envoy.type import v3 as types

from pointsman.domain.protocol import DESTINATION_NAMESPACE, OBSERVE_METADATA, SUBSET_NAMESPACE
from pointsman.envoy.modes import observed_mode, processing_mode
from pointsman.envoy.typed import duration, pack

if TYPE_CHECKING:
    from envoy_data_plane.google import protobuf

    from pointsman.envoy.settings import Dialect, PickerSettings

FILTER_NAME = "envoy.filters.http.ext_proc"
PICKER_CLUSTER = "picker"

_Namespaces = ext_proc.MetadataOptionsMetadataNamespaces


def picker_filter(picker: PickerSettings, dialect: Dialect) -> hcm.HttpFilter:
    """Ask the picker about every request."""
    return hcm.HttpFilter(name=FILTER_NAME, typed_config=pack(external_processor(picker, dialect)))


def external_processor(picker: PickerSettings, dialect: Dialect) -> ext_proc.ExternalProcessor:
    """The filter's own configuration.

    The gRPC call has no timeout of its own: the stream lives as long as the response.
    """
    return ext_proc.ExternalProcessor(
        grpc_service=core.GrpcService(
            envoy_grpc=core.GrpcServiceEnvoyGrpc(cluster_name=PICKER_CLUSTER)
        ),
        processing_mode=processing_mode(dialect),
        failure_mode_allow=picker.fail_open,
        message_timeout=duration(picker.message_timeout_s),
        max_message_timeout=duration(picker.message_timeout_s_max),
        status_on_error=types.HttpStatus(code=types.StatusCode.ServiceUnavailable),
        metadata_options=ext_proc.MetadataOptions(
            forwarding_namespaces=_Namespaces(untyped=[DESTINATION_NAMESPACE, SUBSET_NAMESPACE]),
            receiving_namespaces=_Namespaces(untyped=[DESTINATION_NAMESPACE]),
        ),
    )


def observed_route_override(dialect: Dialect) -> dict[str, protobuf.Any]:
    """Per-filter configuration of a route whose responses the picker sees; may be empty.

    The metadata tells the picker that this stream is a sample already, so that it does not take a
    sample of the sample.
    """
    mode = observed_mode(dialect)
    if mode is None:
        return {}
    overrides = ext_proc.ExtProcOverrides(
        processing_mode=mode,
        grpc_initial_metadata=[core.HeaderValue(key=OBSERVE_METADATA, value="true")],
    )
    return {FILTER_NAME: pack(ext_proc.ExtProcPerRoute(overrides=overrides))}
