from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given

from pointsman.extproc.events import Chunk, Direct, Mutation, Phase, Proceed, Replace
from pointsman.extproc.replies import chunks, duplex_replies, streamed_replies

MUTATION = Mutation("10.0.0.1:8000")


@given(st.integers(0, 200_000), st.booleans())
def test_chunks_are_the_body_in_order_and_only_the_last_may_end_it(size: int, ends: bool) -> None:
    body = (bytes(range(256)) * (size // 256 + 1))[:size]
    pieces = list(chunks(Phase.RESPONSE_BODY, body, ends=ends))
    assert all(isinstance(piece, Chunk) and len(piece.body) <= 62_000 for piece in pieces)
    assert b"".join(piece.body for piece in pieces if isinstance(piece, Chunk)) == body
    marks = [piece.end_of_stream for piece in pieces if isinstance(piece, Chunk)]
    assert marks == [False] * (len(pieces) - 1) + [ends]


def test_a_body_that_trailers_end_has_no_empty_chunk() -> None:
    assert duplex_replies(MUTATION, b"", has_trailers=True) == [
        Direct(Phase.REQUEST_HEADERS, MUTATION),
        Proceed(Phase.REQUEST_TRAILERS),
    ]


def test_each_streamed_piece_gets_one_reply_whether_replaced_or_not() -> None:
    kept = streamed_replies(MUTATION, None, pieces=3, has_trailers=False)
    replaced = streamed_replies(MUTATION, b"new", pieces=3, has_trailers=False)
    assert kept[1:] == [Proceed(Phase.REQUEST_BODY)] * 3
    assert replaced[1:] == [
        Replace(Phase.REQUEST_BODY, b"new"),
        Replace(Phase.REQUEST_BODY, b""),
        Replace(Phase.REQUEST_BODY, b""),
    ]
