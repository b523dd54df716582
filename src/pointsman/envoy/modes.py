"""Dialects as Envoy's processing modes."""

from __future__ import annotations

from envoy_data_plane.envoy.extensions.filters.http.ext_proc import v3 as ext_proc

from pointsman.envoy.settings import Dialect

_SEND = ext_proc.ProcessingModeHeaderSendMode.SEND
_Body = ext_proc.ProcessingModeBodySendMode


def processing_mode(dialect: Dialect) -> ext_proc.ProcessingMode:
    """What is sent to the picker; trailers always, which full duplex bodies require."""
    request, response = _bodies(dialect)
    return _mode(request, response)


def observed_mode(dialect: Dialect) -> ext_proc.ProcessingMode | None:
    """The same with the response body, or None where the dialect sends that anyway."""
    request, response = _bodies(dialect)
    if response is not _Body.NONE:
        return None
    return _mode(request, _Body.FULL_DUPLEX_STREAMED)


def _bodies(
    dialect: Dialect,
) -> tuple[ext_proc.ProcessingModeBodySendMode, ext_proc.ProcessingModeBodySendMode]:
    match dialect:
        case Dialect.TRAILERS:
            return _Body.FULL_DUPLEX_STREAMED, _Body.NONE
        case Dialect.FULL_DUPLEX:
            return _Body.FULL_DUPLEX_STREAMED, _Body.FULL_DUPLEX_STREAMED
        case Dialect.BUFFERED:
            return _Body.BUFFERED, _Body.NONE
        case Dialect.BUFFERED_PARTIAL:
            return _Body.BUFFERED_PARTIAL, _Body.NONE
        case Dialect.STREAMED:
            return _Body.STREAMED, _Body.STREAMED


def _mode(
    request: ext_proc.ProcessingModeBodySendMode, response: ext_proc.ProcessingModeBodySendMode
) -> ext_proc.ProcessingMode:
    return ext_proc.ProcessingMode(
        request_header_mode=_SEND,
        request_body_mode=request,
        request_trailer_mode=_SEND,
        response_header_mode=_SEND,
        response_body_mode=response,
        response_trailer_mode=_SEND,
    )
