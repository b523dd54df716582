"""Reads a streamed chat completion as it arrives, without I/O and without a clock.

Only the first tokens and the usage are parsed; what lies between is counted, because a load
generator that parses every chunk measures itself.
"""

from __future__ import annotations

from typing import Final

import orjson

from pointsman.domain.responses import Usage

LINE_BYTES_MAX: Final = 1 << 20
"""A line of an event stream that is longer is not one of ours: chunks hold one token each."""


class BrokenStreamError(Exception):
    """The response is not the event stream that was asked for, or it ended early."""


class ChatStream:
    """Feed it the body's pieces, in any chunking; ask what has been seen.

    Attributes:
        has_token: a chunk with non-empty content has arrived.
        chunks: chunks with content so far; the first counts once it is not empty.
        usage: as the server sent it, else empty.
        is_done: `[DONE]` has arrived.
    """

    def __init__(self) -> None:
        self.has_token = False
        self.chunks = 0
        self.usage = Usage()
        self.is_done = False
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            BrokenStreamError: it is not a stream of chat completion chunks, or carries an error.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LINE_BYTES_MAX:
            raise BrokenStreamError(f"a line of the stream is longer than {LINE_BYTES_MAX} bytes")
        for line in lines:
            if line.startswith(b"data:"):
                self._take(line[5:].strip())

    def _take(self, event: bytes) -> None:
        if event == b"[DONE]":
            self.is_done = True
        elif b'"usage":{' in event or not self.has_token or b'"error"' in event:
            self._parse(event)
        else:
            self.chunks += 1

    def _parse(self, event: bytes) -> None:
        try:
            chunk = orjson.loads(event)
            if "error" in chunk:
                raise BrokenStreamError(f"the server failed mid-stream: {chunk['error']}")
            if chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                self.has_token = True
                self.chunks += 1
            if chunk.get("usage") is not None:
                self.usage = _usage(chunk["usage"])
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError) as error:
            raise BrokenStreamError(f"not a chat completion chunk: {event[:120]!r}") from error


def _usage(usage: dict[str, object]) -> Usage:
    details = usage.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")),
        completion_tokens=_count(usage.get("completion_tokens")),
        cached_tokens=_count(details.get("cached_tokens")) if isinstance(details, dict) else None,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
