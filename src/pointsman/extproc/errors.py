"""The one table that turns reasons for not sending a request into HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from pointsman.domain.errors import (
    BadRequestError,
    DroppedReason,
    NoEndpointsError,
    RequestError,
    SaturatedError,
    TooLargeError,
)
from pointsman.domain.protocol import DROPPED_REASON

RETRY_AFTER_S = 1
"""Until then a scrape or an endpoint update has very likely changed the picture."""


class HeadersTooLargeError(RequestError):
    """The client must send less: its headers are over `limit_bytes`."""

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(f"request headers are larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class OverloadedError(RequestError):
    """The operator must add pickers: this one has `streams_max` requests open already."""

    def __init__(self, *, streams_max: int) -> None:
        super().__init__(f"the endpoint picker has {streams_max} requests open already")
        self.streams_max = streams_max


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An answer to the client instead of a model server's.

    Attributes:
        status: HTTP status.
        reason: for people, metrics and the `code` of the body; one of a closed set.
        headers: response headers, lower-case names.
        body: JSON in OpenAI's form, UTF-8.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class _Row(NamedTuple):
    error: type[Exception]
    status: int
    reason: str
    type: str
    dropped: DroppedReason | None = None


_TABLE = (
    _Row(BadRequestError, 400, "bad_request", "invalid_request_error"),
    _Row(TooLargeError, 413, "request_too_large", "invalid_request_error"),
    _Row(HeadersTooLargeError, 431, "headers_too_large", "invalid_request_error"),
    _Row(SaturatedError, 429, "saturated", "rate_limit_error", DroppedReason.SATURATED),
    _Row(NoEndpointsError, 503, "no_endpoints", "server_error", DroppedReason.NO_ENDPOINTS),
    _Row(OverloadedError, 503, "overloaded", "server_error"),
)
_BUG = _Row(Exception, 500, "internal_error", "server_error")
_BUG_TEXT = "the endpoint picker failed; its log has the details"

REASONS = tuple((row.status, row.reason) for row in (*_TABLE, _BUG))
"""Every status and reason that can occur: the label values of the metric."""


def error_reply(error: Exception) -> ErrorReply:
    """What the client gets for this error; anything outside the family is our own bug, 500."""
    row = next((row for row in _TABLE if isinstance(error, row.error)), _BUG)
    message = _BUG_TEXT if row is _BUG else str(error)
    param = error.param if isinstance(error, BadRequestError) else None
    headers = [("content-type", "application/json")]
    if row.status == 503:
        headers.append(("retry-after", str(RETRY_AFTER_S)))
    if row.dropped is not None:
        headers.append((DROPPED_REASON, row.dropped.value))
    content = {"message": message, "type": row.type, "param": param, "code": row.reason}
    # ASCII escapes: an error text may quote a client's lone surrogate, which UTF-8 cannot carry.
    body = json.dumps({"error": content}, ensure_ascii=True).encode()
    return ErrorReply(status=row.status, reason=row.reason, headers=tuple(headers), body=body)
