"""What every JSON API shares: decoding errors that help, model, stream, limit, salt."""

from __future__ import annotations

import pytest

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind, Prompt
from pointsman.pipeline.formats.json_format import (
    CONTAINERS_MAX,
    JsonFormat,
    load_document,
    output_limit,
    required_model,
)


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b'{"a" 1}', r"not valid JSON: unexpected character.* at line 1 column 6$"),
        (b'{\n"a":}', r"not valid JSON: .* at line 2 column 5$"),
        (b'{"a": "\xff"}', r"not valid UTF-8: byte 7 is 0xff$"),
        (b'{"a": NaN}', r"not valid JSON: "),
        (b'{"a": "\\ud800"}', r"not valid JSON: "),
        (b"[1]", r"must be a JSON object, not an array$"),
        (b'"a"', r"must be a JSON object, not a string$"),
        (b"true", r"must be a JSON object, not a boolean$"),
        (b"1", r"must be a JSON object, not a number$"),
        (b"null", r"must be a JSON object, not null$"),
        (b"{" * 2000, r"not valid JSON: "),
        (b'{"a":[' + b"{}," * CONTAINERS_MAX + b"0]}", r"more than 1000000 arrays and objects$"),
    ],
    ids=range(12),
)
def test_a_body_that_cannot_be_decoded_says_why_and_where(body: bytes, complaint: str) -> None:
    with pytest.raises(BadRequestError, match=complaint):
        load_document(body)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "model is missing; it must be a non-empty string"),
        ({"model": ""}, "model is empty; it must be a non-empty string"),
        ({"model": None}, "model must be a non-empty string, not null"),
        ({"model": ["m"]}, "model must be a non-empty string, not an array"),
    ],
)
def test_a_request_must_name_its_model(document: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        required_model(document)
    assert (str(caught.value), caught.value.param) == (complaint, "model")


@pytest.mark.parametrize(
    ("document", "limit"),
    [
        ({"a": 3, "b": 4}, 3),
        ({"b": 4}, 4),
        ({"a": None, "b": 4}, 4),
        ({"a": -1, "b": 0}, 0),
        ({"a": True, "b": 2.0}, None),
        ({"a": "7"}, None),
        ({}, None),
    ],
)
def test_only_a_non_negative_integer_is_an_output_limit(
    document: dict[str, object], limit: int | None
) -> None:
    assert output_limit(document, ("a", "b")) == limit


FORMAT = JsonFormat(
    kind=ApiKind.CHAT,
    claims=("x",),
    limit_keys=("max",),
    limit_field="sampling",
    prompt_of=lambda _document: Prompt((b"p",), 1),
    likeness_of=len,
)


def test_stream_limit_and_salt_are_read_where_they_have_their_type() -> None:
    parsed = FORMAT.read(
        b'{"model": "m", "stream": true, "sampling": {"max": 5}, "cache_salt": "s"}'
    )
    assert parsed == (ApiKind.CHAT, "m", Prompt((b"p",), 1), True, 5, "s")


def test_stream_limit_and_salt_of_another_type_are_left_to_the_model_server() -> None:
    parsed = FORMAT.read(b'{"model": "m", "stream": "true", "sampling": [5], "cache_salt": 3}')
    assert parsed == (ApiKind.CHAT, "m", Prompt((b"p",), 1), False, None, "")
