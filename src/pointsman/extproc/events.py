"""What a proxy can say on an ext_proc stream, and what we can do about it.

Events come in, outputs go out; neither knows protobuf. Tuples, because a stream makes a handful
of them within a few microseconds.
"""

from __future__ import annotations

from enum import IntEnum, unique
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.domain.requests import RequestHead
    from pointsman.domain.responses import Ending

Subset: TypeAlias = tuple[str, ...] | None
"""Entries of the subset hint; None = the message carried none, () = nothing is eligible."""


class ProtocolError(Exception):
    """The proxy broke the ext_proc protocol, or speaks a form of it that we do not know.

    The stream ends with an error, so that the proxy's own failure mode decides about the request.
    """


@unique
class BodyMode(IntEnum):
    """How bodies of one direction are sent to us; numbers of Envoy's `BodySendMode`."""

    NONE = 0
    STREAMED = 1
    BUFFERED = 2
    BUFFERED_PARTIAL = 3
    FULL_DUPLEX_STREAMED = 4


@unique
class Phase(IntEnum):
    """What a reply answers; numbers of the fields of Envoy's `ProcessingResponse`."""

    REQUEST_HEADERS = 1
    RESPONSE_HEADERS = 2
    REQUEST_BODY = 3
    RESPONSE_BODY = 4
    REQUEST_TRAILERS = 5
    RESPONSE_TRAILERS = 6


class Opening(NamedTuple):
    """What the first message says about the rest of the stream.

    Attributes:
        request_body: how request bodies will be sent.
        response_body: how response bodies will be sent.
        sends_body_early: body messages do not wait for our header reply (STREAMED only).
        is_observability: nobody listens to replies; none may be sent.
    """

    request_body: BodyMode = BodyMode.FULL_DUPLEX_STREAMED
    response_body: BodyMode = BodyMode.FULL_DUPLEX_STREAMED
    sends_body_early: bool = False
    is_observability: bool = False


class RequestHeaders(NamedTuple):
    """The client's headers, names lower-cased, last value of a repeated header."""

    headers: Mapping[str, str]
    end_of_stream: bool
    subset: Subset = None


class RequestBody(NamedTuple):
    """A piece of the request body, or all of it, as the body mode says."""

    body: bytes
    end_of_stream: bool
    subset: Subset = None


class RequestTrailers(NamedTuple):
    """The request ended with trailers."""

    subset: Subset = None


class ResponseHeaders(NamedTuple):
    """Headers of the response; `served` is the endpoint that the proxy says it used."""

    headers: Mapping[str, str]
    end_of_stream: bool
    served: str | None = None


class ResponseBody(NamedTuple):
    """A piece of the response body, or all of it."""

    body: bytes
    end_of_stream: bool


class ResponseTrailers(NamedTuple):
    """The response ended with trailers."""


Event: TypeAlias = (
    RequestHeaders
    | RequestBody
    | RequestTrailers
    | ResponseHeaders
    | ResponseBody
    | ResponseTrailers
)


class Mutation(NamedTuple):
    """What changes about a request on its way to the model server.

    Attributes:
        destination: value of the destination header and of the destination metadata.
        set_headers: further headers, overwriting the client's.
        remove_headers: names of the client's headers that must not go on.
    """

    destination: str
    set_headers: tuple[tuple[str, str], ...] = ()
    remove_headers: tuple[str, ...] = ()


class Decide(NamedTuple):
    """Ask the director, then tell `Stream.decided` or `Stream.refused`.

    `is_unread`: the body is withheld, truncated or still to come.
    """

    head: RequestHead
    body: bytes
    is_unread: bool


class Refuse(NamedTuple):
    """Answer the client with this error; nothing follows but the end of the stream."""

    error: Exception


class Proceed(NamedTuple):
    """Answer a message in kind and change nothing."""

    phase: Phase


class Direct(NamedTuple):
    """Answer a request message with the decision; `body` replaces the whole body."""

    phase: Phase
    mutation: Mutation
    body: bytes | None = None


class Replace(NamedTuple):
    """Answer a body message with other bytes; empty drops the piece."""

    phase: Phase
    body: bytes


class Chunk(NamedTuple):
    """A piece of a body in full duplex, at most `STREAMED_CHUNK_BYTES_MAX`."""

    phase: Phase
    body: bytes | memoryview
    end_of_stream: bool


class Started(NamedTuple):
    """For the watch: response headers arrived."""

    headers: Mapping[str, str]
    served: str | None


class Seen(NamedTuple):
    """For the watch: a piece of the response body arrived."""

    chunk: bytes


class Finish(NamedTuple):
    """End the stream with OK; nothing more is sent or read."""

    ending: Ending


Reply: TypeAlias = Proceed | Direct | Replace | Chunk
REPLY_TYPES = (Proceed, Direct, Replace, Chunk)
Output: TypeAlias = Decide | Refuse | Reply | Started | Seen | Finish
