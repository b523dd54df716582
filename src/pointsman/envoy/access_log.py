"""One JSON line per request, with what the picker decided and who served."""

from __future__ import annotations

from envoy_data_plane.envoy.config.accesslog import v3 as accesslog
from envoy_data_plane.envoy.config.core import v3 as core
from envoy_data_plane.envoy.extensions.access_loggers.file import v3 as file_log
from envoy_data_plane.google import protobuf

from pointsman.domain.protocol import DESTINATION, DESTINATION_NAMESPACE, SERVED
from pointsman.envoy.typed import pack

_FIELDS = {
    "time": "%START_TIME%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "picked": f"%DYNAMIC_METADATA({DESTINATION_NAMESPACE}:{DESTINATION})%",
    "served": f"%DYNAMIC_METADATA({DESTINATION_NAMESPACE}:{SERVED})%",
    "upstream": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "route": "%ROUTE_NAME%",
    "bytes_in": "%BYTES_RECEIVED%",
    "bytes_out": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "first_byte_ms": "%RESPONSE_DURATION%",
}


def access_log(path: str | None) -> list[accesslog.AccessLog]:
    """A log to `path`, or none."""
    if path is None:
        return []
    line = core.SubstitutionFormatString(
        json_format=protobuf.Struct.from_dict(_FIELDS), omit_empty_values=True
    )
    sink = file_log.FileAccessLog(path=path, log_format=line)
    return [accesslog.AccessLog(name="envoy.access_loggers.file", typed_config=pack(sink))]
