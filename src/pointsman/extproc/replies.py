"""The replies that release a request whose header reply was held until its decision. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointsman.domain.protocol import STREAMED_CHUNK_BYTES_MAX
from pointsman.extproc.events import Chunk, Direct, Phase, Proceed, Replace

if TYPE_CHECKING:
    from pointsman.extproc.events import Mutation, Output

CONTENT_LENGTH = "content-length"


def duplex_replies(mutation: Mutation, body: bytes, *, has_trailers: bool) -> list[Output]:
    """In full duplex: headers, then the whole body in chunks, then trailers."""
    outputs: list[Output] = [Direct(Phase.REQUEST_HEADERS, mutation)]
    if body or not has_trailers:
        outputs += chunks(Phase.REQUEST_BODY, body, ends=not has_trailers)
    if has_trailers:
        outputs.append(Proceed(Phase.REQUEST_TRAILERS))
    return outputs


def streamed_replies(
    mutation: Mutation, replacement: bytes | None, *, pieces: int, has_trailers: bool
) -> list[Output]:
    """In STREAMED: headers, then one reply for each of the `pieces` body messages, then trailers.

    A replacement goes out in place of the first piece; the others are dropped.
    """
    if replacement is None or not pieces:
        outputs: list[Output] = [Direct(Phase.REQUEST_HEADERS, mutation)]
        outputs += [Proceed(Phase.REQUEST_BODY)] * pieces
    else:
        removed = (*mutation.remove_headers, CONTENT_LENGTH)
        outputs = [Direct(Phase.REQUEST_HEADERS, mutation._replace(remove_headers=removed))]
        outputs.append(Replace(Phase.REQUEST_BODY, replacement))
        outputs += [Replace(Phase.REQUEST_BODY, b"")] * (pieces - 1)
    if has_trailers:
        outputs.append(Proceed(Phase.REQUEST_TRAILERS))
    return outputs


def chunks(phase: Phase, body: bytes, *, ends: bool) -> list[Output]:
    """A body in chunks of at most 62,000 bytes; at least one, only the last may end the stream."""
    if len(body) <= STREAMED_CHUNK_BYTES_MAX:
        return [Chunk(phase, body, ends)]
    view = memoryview(body)
    starts = range(0, len(body), STREAMED_CHUNK_BYTES_MAX)
    return [
        Chunk(phase, view[start : start + STREAMED_CHUNK_BYTES_MAX], ends and start == starts[-1])
        for start in starts
    ]
