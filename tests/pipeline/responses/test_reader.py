"""Responses of real engines, whole and in pieces, plain and compressed."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.responses import Usage
from pointsman.pipeline.responses.reader import ResponseReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from conftest import Transcript

STREAM = {":status": "200", "content-type": "text/event-stream"}
JSON = {":status": "200", "content-type": "application/json"}


def read(headers: Mapping[str, str], chunks: Iterable[bytes]) -> tuple[int, Usage]:
    reader = ResponseReader(headers)
    tokens = sum(reader.feed(chunk) for chunk in chunks)
    assert reader.token_events == tokens
    assert reader.has_token == (tokens > 0)
    return tokens, reader.usage


def pieces(body: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(edges)]


REAL = [
    ("vllm-chat-stream", 8, Usage(16, 8, None)),
    ("sglang-chat-stream", 4, Usage(13, 4, None)),
    ("vllm-chat", 1, Usage(34, 16, None)),
    ("sglang-chat", 1, Usage(13, 6, None)),
    ("vllm-completions", 1, Usage(2, 5, None)),
    ("vllm-responses", 1, Usage(12, 4, 0)),
    ("vllm-messages", 1, Usage(12, 4, None)),
    ("vllm-unknown-model", 0, Usage()),
]
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("step", [1, 7, 10**6])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("transcript", "tokens", "usage"), REAL, indirect=["transcript"])
def test_real_responses_are_read_in_any_pieces_and_encoding(
    transcript: Transcript, tokens: int, usage: Usage, *, encoding: str, step: int
) -> None:
    headers = {**transcript.headers, "content-encoding": encoding}
    body = ENCODINGS[encoding](transcript.body)
    chunks = [body[at : at + step] for at in range(0, len(body), step)]
    assert read(headers, chunks) == (tokens, usage)


@pytest.mark.parametrize("transcript", ["vllm-chat-stream", "sglang-chat-stream"], indirect=True)
@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_line_ends_do_not_matter(transcript: Transcript, newline: bytes) -> None:
    whole = read(transcript.headers, [transcript.body])
    body = transcript.body.replace(b"\n", newline)
    assert read(transcript.headers, [body]) == whole
    assert read(transcript.headers, [body[i : i + 1] for i in range(len(body))]) == whole


def test_the_first_token_is_the_first_event_with_output_and_not_with_a_role() -> None:
    reader = ResponseReader(STREAM)
    role = b'data: {"choices":[{"delta":{"role":"assistant","content":""}}]}\n\n'
    word = b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'
    ping = b": ping\n\n"
    done = b"data: [DONE]\n\n"
    assert [reader.feed(chunk) for chunk in (ping, role, word, word + word, done)] == [
        0, 0, 1, 2, 0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "headers",
    [
        {**STREAM, ":status": "500"},
        {**STREAM, "content-encoding": "br"},
        {**JSON, "content-encoding": "zstd"},
        {**JSON, "content-encoding": "gzip, gzip"},
        {":status": "200", "content-type": "text/plain"},
        {":status": "200"},
    ],
)
def test_what_cannot_be_read_is_not_read(headers: dict[str, str]) -> None:
    assert not ResponseReader(headers).is_reading
    body = b'{"usage":{"prompt_tokens":1}}'
    assert read(headers, [body]) == (0, Usage())


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "Application/JSON ; charset=utf-8"},
        {":status": "201", "content-type": "application/vnd.x+json", "content-encoding": ""},
    ],
)
def test_json_is_recognised_however_it_is_named(headers: dict[str, str]) -> None:
    assert read(headers, [b'{"usage":{"prompt_tokens":1}}']) == (1, Usage(1))


EVENTS = st.sampled_from(
    [
        b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":""}}]}\n\n',
        b'data: {"choices":[{"delta":{"reasoning":"a"}}],"usage":null}\n\n',
        b'data: {"choices": [{"text": "a b"}]}\r\n\r\n',
        b'data: {"choices":[],\r\ndata: "usage":{"prompt_tokens":5,"completion_tokens":2}}\r\n\r\n',
        b'data: {"choices":[],"usage":{"completion_tokens":3}}',
        b'event: x\ndata: {"message":{"usage":{"input_tokens":9}}}\n\n',
        b"data:[DONE]\r\r",
        b": comment\n", b"\n", b"\r", b"\xef\xbb\xbf", b"\xef", b"data", b"data:",
        b'data: {"usage":{',
        b"id: 1\nretry: 5\n", b"\xff\x00",
    ]
)  # fmt: skip
CUTS = st.lists(st.integers(0, 2000), max_size=12)


@given(st.lists(EVENTS, max_size=12).map(b"".join), CUTS)
def test_any_pieces_of_a_stream_read_like_the_whole(body: bytes, cuts: list[int]) -> None:
    assert read(STREAM, pieces(body, cuts)) == read(STREAM, [body])


@given(st.binary(max_size=300) | st.lists(EVENTS, max_size=8).map(b"".join), CUTS)
def test_any_pieces_of_a_compressed_stream_read_like_the_plain_one(
    body: bytes, cuts: list[int]
) -> None:
    whole = read(STREAM, [body])
    raw = zlib.compressobj(wbits=-15)
    for encoding, compressed in (
        ("gzip", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
        ("deflate", raw.compress(body) + raw.flush()),
    ):
        headers = {**STREAM, "content-encoding": encoding}
        assert read(headers, pieces(compressed, cuts)) == whole


@given(
    st.sampled_from([STREAM, JSON]),
    st.sampled_from(["", "gzip", "deflate"]),
    st.lists(st.binary(max_size=100), max_size=6),
)
def test_no_bytes_make_a_reader_raise(
    headers: dict[str, str], encoding: str, chunks: list[bytes]
) -> None:
    tokens, usage = read({**headers, "content-encoding": encoding}, chunks)
    assert tokens >= 0
    assert usage.prompt_tokens is None or usage.prompt_tokens >= 0


@pytest.mark.parametrize("headers", [STREAM, JSON])
@pytest.mark.parametrize("chunk", [b"x" * 65_536, b"data: a\n" * 8_192, b"data: {}\n\n" * 600])
def test_memory_does_not_grow_with_the_response(headers: dict[str, str], chunk: bytes) -> None:
    reader = ResponseReader(headers)
    tracemalloc.start()
    try:
        for _ in range(40):
            reader.feed(chunk)
        kept_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept_bytes < 1 << 20
