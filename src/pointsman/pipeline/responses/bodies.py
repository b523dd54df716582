"""Readers of response bodies: event streams, JSON documents, and bodies that nobody can read."""

from __future__ import annotations

import re
from typing import Protocol

import orjson

from pointsman.domain.responses import Usage
from pointsman.pipeline.responses.sse import EventParser
from pointsman.pipeline.responses.token_events import output_key
from pointsman.pipeline.responses.usage import merged, read_usage, usage_in

JSON_BYTES_MAX = 64 << 10
"""Longer JSON bodies are read from their last bytes only: engines write usage after the output."""
_USAGE_CANDIDATES_MAX = 4
_USAGE_OBJECT = re.compile(rb'"usage"\s*+:\s*+(\{(?:[^{}]|\{[^{}]*+\})*+\})')


class BodyReader(Protocol):
    """Reads a body piece by piece; never raises."""

    def feed(self, chunk: bytes) -> int:
        """Read the next piece; how many token events it completes."""
        ...

    @property
    def usage(self) -> Usage:
        """What is known so far."""
        ...


class UnreadBody:
    """A body in an encoding or of a type that says nothing to us."""

    def feed(self, chunk: bytes) -> int:  # noqa: ARG002 - the protocol's
        """Nothing is learned."""
        return 0

    @property
    def usage(self) -> Usage:
        """Nothing is known."""
        return Usage()


class StreamBody:
    """A body of server-sent events."""

    def __init__(self) -> None:
        self._parser = EventParser()
        self._usage = Usage()
        self._output = b'"content":"'

    def feed(self, chunk: bytes) -> int:
        """Read the next piece; how many events with output it completes."""
        outputs = 0
        for event in self._parser.feed(chunk):
            if self._has_output(event):
                outputs += 1
        return outputs

    @property
    def usage(self) -> Usage:
        """Tokens of all events so far, and of one that is not ended by a blank line."""
        unfinished = usage_in(_decoded(self._parser.unfinished()))
        return self._usage if unfinished is None else merged(self._usage, unfinished)

    def _has_output(self, event: bytes) -> bool:
        # Most events are like the last one: output under the same key, and no usage.
        at = event.find(self._output)
        if at >= 0:
            value = at + len(self._output)
            if event[value : value + 1] not in b'"' and b'"usage":{' not in event:
                return True
        return self._decode(event)

    def _decode(self, event: bytes) -> bool:
        document = _decoded(event)
        usage = usage_in(document)
        if usage is not None:
            self._usage = merged(self._usage, usage)
        key = output_key(document)
        if key:
            self._output = b'"%s":"' % key.encode()
        return bool(key)


class JsonBody:
    """A body of one JSON document."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._seen_bytes = 0

    def feed(self, chunk: bytes) -> int:
        """Read the next piece; 1 for the first, which is when the whole output exists."""
        if not chunk:
            return 0
        is_first = self._seen_bytes == 0
        self._seen_bytes += len(chunk)
        if len(chunk) >= JSON_BYTES_MAX:
            self._kept[:] = chunk[-JSON_BYTES_MAX:]
        else:
            self._kept += chunk
            if len(self._kept) > 2 * JSON_BYTES_MAX:
                del self._kept[:-JSON_BYTES_MAX]
        return int(is_first)

    @property
    def usage(self) -> Usage:
        """Tokens, once the body is complete enough to tell; worked out when asked."""
        kept = bytes(self._kept[-JSON_BYTES_MAX:])
        if self._seen_bytes <= JSON_BYTES_MAX:
            usage = usage_in(_decoded(kept))
            if usage is not None:
                return usage
        return _last_usage(kept)


def _last_usage(text: bytes) -> Usage:
    """The last usage object in a piece of JSON that cannot be decoded as a whole."""
    at = len(text)
    for _ in range(_USAGE_CANDIDATES_MAX):
        at = text.rfind(b'"usage"', 0, at)
        if at < 0:
            break
        found = _USAGE_OBJECT.match(text, at)
        usage = _decoded(found[1]) if found else None
        if isinstance(usage, dict):
            return read_usage(usage)
    return Usage()


def _decoded(text: bytes) -> object:
    """The JSON object in `text`, None where there is none."""
    if not text.startswith(b"{"):
        return None
    try:
        document: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document
