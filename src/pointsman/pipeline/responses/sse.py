"""Server-sent events out of bytes in pieces of any size.

Source: the WHATWG HTML standard, "Parsing an event stream". Only `data` is kept.
"""

from __future__ import annotations

EVENT_BYTES_MAX = 1 << 20
"""Larger events are dropped; the largest useful one holds a whole response of the responses API."""

_BOM = b"\xef\xbb\xbf"


class EventParser:
    """Bytes in, the data of complete events out."""

    __slots__ = (
        "_after_cr", "_data", "_event_bytes", "_head", "_is_dropped", "_line",
    )  # fmt: skip

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._line = bytearray()
        self._data: list[bytes] = []
        self._event_bytes = 0
        self._is_dropped = False
        self._after_cr = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Data of the events that this piece completes, in order."""
        end = len(chunk) - 2
        if (
            # What engines send: one event in one piece. A tenth of the cost of the general way.
            chunk.find(b"\n") == end
            and chunk.startswith(b"data: ")
            and chunk.endswith(b"\n\n")
            and not (self._line or self._event_bytes or self._head)
            and b"\r" not in chunk
            and end <= EVENT_BYTES_MAX
        ):
            self._head = None
            self._after_cr = False
            return [chunk[6:end]]
        if self._head is not None:
            chunk = self._without_bom(chunk)
        return self._feed_lines(chunk) if chunk else []

    def unfinished(self) -> bytes:
        """Data of the event that has begun and not ended; some streams end without a blank line."""
        if self._is_dropped:
            return b""
        lines = self._data
        if self._line.startswith(b"data"):
            lines = [*lines, _value(bytes(self._line))]
        return b"\n".join(lines)

    def _without_bom(self, chunk: bytes) -> bytes:
        """The first bytes of a stream, once it is clear whether they are a byte order mark."""
        assert self._head is not None
        head = self._head + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(_BOM)

    def _feed_lines(self, chunk: bytes) -> list[bytes]:
        if self._after_cr:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
            if not chunk:
                return []
        events: list[bytes] = []
        lines = chunk.splitlines()
        last = chunk[-1:]
        rest = b"" if last in b"\r\n" else lines.pop()
        self._after_cr = last == b"\r"
        for line in lines:
            if self._line:
                self._line += line
                line = bytes(self._line)  # noqa: PLW2901 - the whole of the line that began before
                self._line.clear()
            if line:
                self._end_line(line)
            else:
                self._end_event(events)
        if rest:
            self._keep(rest)
        return events

    def _end_line(self, line: bytes) -> None:
        self._event_bytes += len(line)
        if self._event_bytes > EVENT_BYTES_MAX:
            self._drop()
        elif line.startswith(b"data") and line[4:5] in (b":", b""):
            self._data.append(_value(line))

    def _end_event(self, events: list[bytes]) -> None:
        if self._data:
            events.append(self._data[0] if len(self._data) == 1 else b"\n".join(self._data))
            self._data.clear()
        self._event_bytes = 0
        self._is_dropped = False

    def _keep(self, rest: bytes) -> None:
        self._line += rest
        if self._event_bytes + len(self._line) > EVENT_BYTES_MAX:
            self._drop()
            # A comment stands for the line: it is not blank, and nobody reads it.
            self._line[:] = b":"

    def _drop(self) -> None:
        self._data.clear()
        self._is_dropped = True
        self._event_bytes = EVENT_BYTES_MAX


def _value(line: bytes) -> bytes:
    value = line[5:]
    return value[1:] if value.startswith(b" ") else value
