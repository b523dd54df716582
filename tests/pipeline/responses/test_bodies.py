"""Bodies: streams with one usage or many, JSON of any length, with bounded memory."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.responses import Usage
from pointsman.pipeline.responses.bodies import JSON_BYTES_MAX, JsonBody, StreamBody

USAGE = {"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 3}, "total_tokens": 7}


def event(document: object) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"


def stream_of(*chunks: bytes) -> tuple[list[int], Usage]:
    body = StreamBody()
    return [body.feed(chunk) for chunk in chunks], body.usage


def chat(text: str, **fields: object) -> dict[str, object]:
    return {"choices": [{"delta": {"content": text}}], **fields}


def test_usage_on_every_event_ends_with_the_last() -> None:
    chunks = [
        event(chat("a", usage={"prompt_tokens": 5, "completion_tokens": n})) for n in (1, 2, 3)
    ]
    assert stream_of(*chunks) == ([1, 1, 1], Usage(5, 3))


def test_null_usage_is_no_usage() -> None:
    chunks = [event(chat("a", usage=None)), event({"choices": [], "usage": USAGE})]
    assert stream_of(*chunks) == ([1, 0], Usage(7, None, 3))


def test_anthropics_usage_comes_in_two_parts() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    delta = {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}
    stop = {"type": "message_delta", "delta": {}, "usage": {"input_tokens": 0, "output_tokens": 5}}
    chunks = [b"event: x\n" + event(each) for each in (start, delta, delta, stop)]
    assert stream_of(*chunks) == ([0, 1, 1, 0], Usage(9, 5))


def test_the_responses_api_tells_usage_when_it_completes() -> None:
    done = {"type": "response.output_text.done", "text": "ab"}
    completed = {
        "type": "response.completed",
        "response": {"usage": {"input_tokens": 2, "output_tokens": 2}},
    }
    deltas = [{"type": "response.output_text.delta", "delta": text} for text in "ab"]
    chunks = [event(each) for each in (*deltas, done, completed)]
    assert stream_of(*chunks) == ([1, 1, 0, 0], Usage(2, 2))


def test_the_last_event_counts_without_its_blank_line() -> None:
    last = event({"choices": [], "usage": USAGE})
    for cut in (1, 2, 3):
        assert stream_of(last[:-cut]) == ([0], Usage(7, None, 3) if cut < 3 else Usage())


def test_output_that_quotes_usage_is_not_usage() -> None:
    assert stream_of(event(chat('"usage":{"prompt_tokens":1}'))) == ([1], Usage())


def test_output_may_change_its_key_and_its_white_space() -> None:
    chunks = [
        event({"choices": [{"delta": {"reasoning": "a"}}]}),
        event({"choices": [{"delta": {"reasoning": "b", "content": ""}}]}),
        event(chat("c")),
        b'data: {"choices": [{"delta": {"content": "d"}}], "usage": {"prompt_tokens": 1}}\n\n',
        b'data: {"choices": [{"delta": {"content": ""}}]}\n\n',
        b'data: {"choices":[{"delta":{"content":"\n\n',
    ]
    assert stream_of(*chunks) == ([1, 1, 1, 1, 0, 0], Usage(1))


def json_of(document: object, *, step: int) -> tuple[list[int], Usage]:
    body, text = JsonBody(), orjson.dumps(document)
    fed = [body.feed(text[at : at + step]) for at in range(0, len(text), step)]
    return fed, body.usage


@pytest.mark.parametrize("size", [0, JSON_BYTES_MAX - 200, JSON_BYTES_MAX, 5 * JSON_BYTES_MAX])
@pytest.mark.parametrize("step", [1000, JSON_BYTES_MAX, 10**9])
def test_usage_is_found_behind_output_of_any_length(size: int, step: int) -> None:
    document = {"data": [{"embedding": "x" * size}], "usage": USAGE, "id": "a"}
    fed, usage = json_of(document, step=step)
    assert (fed[0], sum(fed), usage) == (1, 1, Usage(7, None, 3))


def test_usage_before_a_long_output_is_given_up() -> None:
    assert json_of({"usage": USAGE, "x": "x" * JSON_BYTES_MAX}, step=1000)[1] == Usage()


def test_a_nested_usage_is_not_the_responses() -> None:
    assert json_of({"choices": [{"usage": USAGE}]}, step=7)[1] == Usage(7, None, 3)
    document = {"usage": {"prompt_tokens": 1}, "choices": [{"usage": USAGE}]}
    assert json_of(document, step=7)[1] == Usage(1)


@pytest.mark.parametrize(
    "tail", [b'"usage":{"prompt_tokens":', b'"usage"' * 9000, b'"usage":{' * 9000, b"}" * 9000]
)
def test_a_cut_or_hostile_body_has_no_usage_and_no_error(tail: bytes) -> None:
    body = JsonBody()
    body.feed(b'{"data":[')
    body.feed(tail)
    assert body.usage == Usage()


@given(st.binary(max_size=50), st.integers(1, 7), st.integers(0, 3))
def test_pieces_do_not_matter(noise: bytes, step: int, repeats: int) -> None:
    text = noise + b'"usage":{"completion_tokens":4}' * repeats + noise
    whole, cut = JsonBody(), JsonBody()
    whole.feed(text)
    for at in range(0, len(text), step):
        cut.feed(text[at : at + step])
    assert cut.usage == whole.usage
