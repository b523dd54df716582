"""Paths and parser names choose the format; whatever the bytes are, reading ends in one way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.registry import PARSERS_DEFAULT, formats_for, read_request

if TYPE_CHECKING:
    from pointsman.pipeline.formats.parsed import ParsedRequest

FORMATS = formats_for()
HI = [{"role": "user", "content": "hi"}]


def read(path: str, document: object) -> ParsedRequest:
    return read_request(path, orjson.dumps(document), formats=FORMATS)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/completions", ApiKind.COMPLETIONS),
        ("/v1/chat/completions", ApiKind.CHAT),
        ("/openai/deployments/x/chat/completions?api-version=1", ApiKind.CHAT),
        ("/v1/chat/completions///", ApiKind.CHAT),
        ("v1/chat/completions/?a=/v1/embeddings", ApiKind.CHAT),
        ("/v1/responses", ApiKind.RESPONSES),
        ("/v1/conversations", ApiKind.RESPONSES),
        ("/v1/embeddings", ApiKind.EMBEDDINGS),
        ("/v1/messages", ApiKind.MESSAGES),
        ("/inference/v1/generate", ApiKind.COMPLETIONS),
        ("/v1/images/generations", ApiKind.PASSTHROUGH),
        ("/v1/chat/completions/render", ApiKind.PASSTHROUGH),
        ("/v1/completions/render", ApiKind.PASSTHROUGH),
        ("/v1/messages/count_tokens", ApiKind.PASSTHROUGH),
        ("/v1/mycompletions", ApiKind.PASSTHROUGH),
        ("/v1/completions/extra", ApiKind.PASSTHROUGH),
        ("/v1/rerank", ApiKind.PASSTHROUGH),
        ("/", ApiKind.PASSTHROUGH),
    ],
)
def test_the_longest_claim_that_ends_a_path_decides(path: str, kind: ApiKind) -> None:
    document = {
        "model": "m", "messages": HI, "prompt": "hi", "input": "hi", "items": HI, "token_ids": [1],
    }  # fmt: skip
    parsed = read(path, document)
    assert (parsed.kind, parsed.model) == (kind, "m")


@pytest.mark.parametrize("path", ["/v1/completions/render", "/v1/messages/count_tokens"])
def test_what_computes_nothing_leaves_no_prompt_behind(path: str) -> None:
    assert read(path, {"model": "m", "prompt": "hi", "messages": HI}).prompt == Prompt()


@pytest.mark.parametrize("path", ["", "/v1/chat/completions", "/v1/models"])
def test_a_request_without_a_body_is_passed_through(path: str) -> None:
    parsed = read_request(path, b"", formats=FORMATS)
    assert parsed == (ApiKind.PASSTHROUGH, "", Prompt(), False, None, "")


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"messages": HI}, ApiKind.CHAT),
        ({"messages": HI, "max_tokens": 5}, ApiKind.CHAT),
        ({"messages": HI, "max_tokens": 5, "system": "s"}, ApiKind.MESSAGES),
        ({"messages": HI, "max_tokens": 5, "tools": [{"input_schema": {}}]}, ApiKind.MESSAGES),
        ({"prompt": "hi"}, ApiKind.COMPLETIONS),
        ({"prompt": [1]}, ApiKind.COMPLETIONS),
        ({"prompt": "hi", "size": "1x1"}, ApiKind.PASSTHROUGH),
        ({"input": "hi"}, ApiKind.RESPONSES),
        ({"input": HI}, ApiKind.RESPONSES),
        ({"input": "hi", "encoding_format": "base64"}, ApiKind.EMBEDDINGS),
        ({"input": ["hi"]}, ApiKind.EMBEDDINGS),
        ({"token_ids": [1]}, ApiKind.COMPLETIONS),
        ({"items": HI}, ApiKind.RESPONSES),
        ({"other": 1}, ApiKind.PASSTHROUGH),
    ],
)
@pytest.mark.parametrize("parsers", [PARSERS_DEFAULT, PARSERS_DEFAULT[::-1]])
def test_without_a_path_the_bodys_keys_decide_in_whatever_order_parsers_are_configured(
    document: dict[str, object], kind: ApiKind, parsers: tuple[str, ...]
) -> None:
    body = orjson.dumps({"model": "m", **document})
    assert read_request("", body, formats=formats_for(parsers)).kind == kind


def test_without_a_path_a_body_that_is_not_json_is_passed_through() -> None:
    assert read_request("", b"\x00\x01", formats=FORMATS).kind == ApiKind.PASSTHROUGH


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (b'{"model": "whisper"}', "whisper"),
        (b' \n{"model": "whisper"}', "whisper"),
        (b'{"model": 3}', ""),
        (b'{"model": "whisper"', ""),
        (b'["model"]', ""),
        (b"--boundary\r\n", ""),
        (b"\xff\xfe", ""),
    ],
)
def test_a_passed_through_body_is_never_wrong_but_may_name_a_model(body: bytes, model: str) -> None:
    parsed = read_request("/v1/audio/transcriptions", body, formats=FORMATS)
    assert parsed == (ApiKind.PASSTHROUGH, model, Prompt(), False, None, "")


@pytest.mark.parametrize(("path", "body"), [("/v1/rerank", b"{}"), ("", b"{}"), ("", b"?")])
def test_without_a_fallback_an_unclaimed_request_says_what_is_served(
    path: str, body: bytes
) -> None:
    formats = formats_for(("openai-parser", "openai-parser"))
    with pytest.raises(BadRequestError, match=r"paths may end in: .*/chat/completions, "):
        read_request(path, body, formats=formats)


def test_an_unknown_parser_is_named_beside_those_there_are() -> None:
    with pytest.raises(ValueError, match="'openai' is not a parser; parsers are: openai-parser, "):
        formats_for(("openai",))


def test_a_parser_that_is_not_configured_does_not_read() -> None:
    parsed = read_request(
        "/v1/messages", b'{"model": "m"}', formats=formats_for(("passthrough-parser",))
    )
    assert parsed.kind == ApiKind.PASSTHROUGH


def test_an_images_request_needs_its_prompt() -> None:
    assert read("/v1/images/generations", {"model": "m", "prompt": "a cat"}).prompt.tokens == 2
    with pytest.raises(BadRequestError, match="prompt must be a non-empty string"):
        read("/v1/images/generations", {"model": "m", "prompt": ""})


PATHS = st.sampled_from(
    [
        "", "/v1/completions", "/v1/chat/completions", "/v1/responses", "/v1/embeddings",
        "/v1/messages", "/v1/conversations", "/inference/v1/generate", "/v1/images/generations",
        "/v1/completions/render", "/x",
    ]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
KEYS = st.sampled_from(
    [
        "model", "messages", "prompt", "prompt_embeds", "input", "items", "token_ids", "role",
        "content", "type", "text", "image_url", "url", "data", "source", "input_audio", "format",
        "tools", "system", "tool_calls", "stream", "max_tokens", "cache_salt", "features",
        "mm_hashes", "sampling_params", "documents", "file", "file_data", "tool_result",
    ]
)  # fmt: skip
TYPES = st.sampled_from(
    [
        "text", "image_url", "image", "input_audio", "tool_result", "document", "video_url",
        "data:image/png;base64,iVBORw0KGgo=", "data:", "input_file",
    ]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES | TYPES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


def read_or_refuse(path: str, body: bytes) -> ParsedRequest | BadRequestError:
    try:
        return read_request(path, body, formats=FORMATS)
    except BadRequestError as error:
        return error


def is_sane(outcome: ParsedRequest | BadRequestError) -> bool:
    if isinstance(outcome, BadRequestError):
        return 0 < len(str(outcome)) < 500
    limit = outcome.output_tokens_max
    return outcome.prompt.tokens >= 0 and (limit is None or limit >= 0)


@given(PATHS, st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_json_is_read_or_refused(path: str, document: dict[str, object]) -> None:
    """Every document gives a sane request, or a BadRequestError with a text."""
    try:
        body = orjson.dumps({"model": "m", **document})
    except TypeError:  # an integer beyond 64 bits
        return
    assert is_sane(read_or_refuse(path, body))


@given(PATHS, st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(path: str, body: bytes) -> None:
    assert is_sane(read_or_refuse(path, body))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 1_000_000,
        b'{"model":"m","messages":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
        b'{"model":"m","messages":[{"role":"user","content":"a"}],"tools":'
        + b"[" * 1_000 + b"]" * 1_000 + b"}",
        b'{"model":"m","messages":[{"role":"user","content":'
        + b'[{"type":"tool_result","content":' * 300 + b"1" + b"}]" * 300 + b"}]}",
        b'{"model":"m","messages":[' + b"{}," * 1_400_000 + b"{}]}",
        b'{"model":"' + b"\\" * 1_000_000 + b'"}',
        b'"' * 1_000_000,
    ],
    ids=range(8),
)  # fmt: skip
def test_absurd_bodies_are_refused_quickly(body: bytes) -> None:
    start_s = time.process_time()
    with pytest.raises(BadRequestError):
        read_request("/v1/chat/completions", body, formats=FORMATS)
    assert time.process_time() - start_s < 2
