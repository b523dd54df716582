"""The closed family of reasons why a request is not sent to a model server.

Each class says who must act. Inner rooms raise these and know no status code; one table in
`extproc.errors` turns them into HTTP.
"""

from __future__ import annotations

from enum import StrEnum


class DroppedReason(StrEnum):
    """Values of the dropped-reason response header; upstream's names."""

    SATURATED = "rejected-saturated"
    NO_ENDPOINTS = "rejected-no-endpoints"


class RequestError(Exception):
    """A request that will not be sent on. The text is shown to the client."""


class BadRequestError(RequestError):
    """The client must change the request: it cannot be read."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class TooLargeError(RequestError):
    """The client must send less: the body is over `limit_bytes`."""

    def __init__(self, *, limit_bytes: int) -> None:
        super().__init__(f"request body is larger than {limit_bytes} bytes")
        self.limit_bytes = limit_bytes


class NoEndpointsError(RequestError):
    """The operator of the pool must act: no endpoint is ready or eligible."""


class SaturatedError(RequestError):
    """The client must back off: endpoints exist, but filters or shedding left none for it."""
