"""Watches one response: tokens used, and which pieces brought output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.pipeline.responses.bodies import JsonBody, StreamBody, UnreadBody
from pointsman.pipeline.responses.inflate import InflatedBody

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pointsman.domain.responses import Usage
    from pointsman.pipeline.responses.bodies import BodyReader

_PLAIN = ("", "identity")
_GZIP = ("gzip", "x-gzip")


class ResponseReader:
    """Reads a response body piece by piece; holds no clock, so its caller takes the times.

    Attributes:
        token_events: pieces of output seen: events of a stream that carry output (about one per
            token), or 1 once a JSON body has begun. Read-only.
        is_reading: False where nothing can be learned from this body, so that it need not be fed.
    """

    __slots__ = ("_body", "is_reading", "token_events")

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Choose how to read a body from its response headers, names lower-cased."""
        self._body = _body_for(headers)
        self.is_reading = not isinstance(self._body, UnreadBody)
        self.token_events = 0

    def feed(self, chunk: bytes) -> int:
        """Read the next piece; how many token events it completes, 0 when it brought no output."""
        tokens = self._body.feed(chunk)
        self.token_events += tokens
        return tokens

    @property
    def has_token(self) -> bool:
        """Output has begun."""
        return self.token_events > 0

    @property
    def usage(self) -> Usage:
        """Tokens as the engine has counted them so far; ask once, when the response has ended."""
        return self._body.usage


def _body_for(headers: Mapping[str, str]) -> BodyReader:
    if headers.get(":status", "200")[:1] != "2":
        return UnreadBody()
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    body: BodyReader
    if content_type == "text/event-stream":
        body = StreamBody()
    elif content_type == "application/json" or content_type.endswith("+json"):
        body = JsonBody()
    else:
        return UnreadBody()
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in _PLAIN:
        return body
    if encoding in _GZIP:
        return InflatedBody(body, is_gzip=True)
    return InflatedBody(body, is_gzip=False) if encoding == "deflate" else UnreadBody()
