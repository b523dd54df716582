"""The reader sees the same in every chunking, and names what is not a stream."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.apps.load.stream import LINE_BYTES_MAX, BrokenStreamError, ChatStream
from pointsman.domain.responses import Usage


def chunk(content: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % content.encode()


ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":16,"total_tokens":19,"completion_tokens":3,'
    b'"prompt_tokens_details":{"cached_tokens":8}}}\n\n'
)
DONE = b"data: [DONE]\n\n"
WHOLE = ROLE + chunk("a") + chunk("b") + chunk("c") + USAGE + DONE


def pieces_of(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[left:right] for left, right in itertools.pairwise(edges)]


@given(cuts=st.lists(st.integers(0, 10_000), max_size=20), crlf=st.booleans())
def test_any_chunking_reads_the_same(cuts: list[int], crlf: bool) -> None:
    body = WHOLE.replace(b"\n", b"\r\n") if crlf else WHOLE
    stream = ChatStream()
    for piece in pieces_of(body, cuts):
        stream.feed(piece)
    assert stream.is_done
    assert stream.has_token
    assert stream.chunks == 3
    assert stream.usage == Usage(prompt_tokens=16, completion_tokens=3, cached_tokens=8)


def test_the_role_chunk_is_not_the_first_token() -> None:
    stream = ChatStream()
    stream.feed(ROLE)
    assert not stream.has_token
    stream.feed(chunk("a"))
    assert stream.has_token


def test_usage_without_details_has_no_cached_tokens() -> None:
    stream = ChatStream()
    stream.feed(b'data: {"choices":[],"usage":{"prompt_tokens":16,"completion_tokens":3}}\n\n')
    assert stream.usage == Usage(prompt_tokens=16, completion_tokens=3)


def test_comments_and_event_names_are_skipped() -> None:
    stream = ChatStream()
    stream.feed(b": keep-alive\n\nevent: message\n" + chunk("a"))
    assert stream.chunks == 1


@pytest.mark.parametrize(
    "line",
    [b"data: nonsense\n", b"data: 7\n", b'data: {"choices":[{}]}\n', b'data: {"id":"x"}\n'],
)
def test_what_is_not_a_chunk_is_named(line: bytes) -> None:
    with pytest.raises(BrokenStreamError, match="not a chat completion chunk"):
        ChatStream().feed(line)


def test_an_error_in_mid_stream_is_reported() -> None:
    stream = ChatStream()
    stream.feed(chunk("a") + chunk("b"))
    with pytest.raises(BrokenStreamError, match="the engine died"):
        stream.feed(b'data: {"error":{"message":"the engine died","code":500}}\n\n')


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(BrokenStreamError, match="longer"):
        ChatStream().feed(b"x" * (LINE_BYTES_MAX + 1))
