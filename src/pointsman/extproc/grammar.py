"""Which message may follow which in one direction of a stream; the same for both directions."""

from __future__ import annotations

from enum import IntEnum, unique

from pointsman.extproc.events import BodyMode, ProtocolError


@unique
class At(IntEnum):
    """How far the proxy is with a message in one direction."""

    START = 0
    """Nothing was sent."""
    OPEN = 1
    """More of the body, or trailers, may come."""
    CLOSED = 2
    """The end of the stream was marked."""
    DONE = 3
    """Trailers were sent."""


@unique
class Part(IntEnum):
    """What the proxy sends, the same for both directions."""

    HEADERS = 0
    LAST_HEADERS = 1
    BODY = 2
    LAST_BODY = 3
    TRAILERS = 4


_ILLEGAL = None
_NEXT: tuple[tuple[At | None, ...], ...] = (
    # HEADERS   LAST_HEADERS  BODY      LAST_BODY  TRAILERS
    (At.OPEN, At.CLOSED, At.OPEN, At.CLOSED, At.DONE),  # START: headers or more may be skipped
    (_ILLEGAL, _ILLEGAL, At.OPEN, At.CLOSED, At.DONE),  # OPEN
    (_ILLEGAL, _ILLEGAL, _ILLEGAL, _ILLEGAL, At.DONE),  # CLOSED: trailers after a marked end are
    (_ILLEGAL, _ILLEGAL, _ILLEGAL, _ILLEGAL, _ILLEGAL),  # DONE   odd, but answering them is free
)


def following(at: At, part: Part, *, mode: BodyMode, direction: str) -> At:
    """Where the proxy is once it has sent this part.

    Raises:
        ProtocolError: it may not be sent here.
    """
    after = _NEXT[at][part]
    # In full duplex a body without headers could not be directed: nothing could carry the header.
    is_headless = at is At.START and part >= Part.BODY and mode is BodyMode.FULL_DUPLEX_STREAMED
    if after is None or is_headless:
        raise ProtocolError(f"{direction}: {part.name} cannot follow {at.name}")
    return after
