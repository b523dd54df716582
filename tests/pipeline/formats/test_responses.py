"""Responses and conversations: tools, instructions, then items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from pointsman.domain.errors import BadRequestError
from pointsman.domain.requests import ApiKind
from pointsman.pipeline.formats.responses import CONVERSATIONS, RESPONSES

if TYPE_CHECKING:
    from pointsman.pipeline.formats.parsed import ParsedRequest


def read(**fields: object) -> ParsedRequest:
    return RESPONSES.read(orjson.dumps({"model": "m", **fields}))


def test_text_and_one_message_of_the_user_are_the_same_prompt() -> None:
    message = {"role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    assert read(input="hi").prompt == read(input=[message]).prompt


def test_tools_and_instructions_come_before_the_input() -> None:
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    items = [{"role": "user", "content": "a"}, call, "b"]
    parsed = read(input=items, instructions="Be brief.", tools=[{"name": "f"}], max_output_tokens=3)
    text = b"".join(parsed.prompt.segments)
    assert text == b'[{"name":"f"}]Be brief.usera' + orjson.dumps(call) + b"b"
    assert parsed.output_tokens_max == 3


def test_a_conversation_is_its_items() -> None:
    body = orjson.dumps({"model": "m", "items": [{"role": "user", "content": "a"}]})
    parsed = CONVERSATIONS.read(body)
    assert (parsed.kind, parsed.prompt.segments) == (ApiKind.RESPONSES, (b"user", b"a"))


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "input is missing; it must be a list of items"),
        ({"input": 3}, "input must be a string or a list of items, not a number"),
        ({"input": []}, "input must not be empty"),
        ({"input": [3]}, "input[0] must be an object, not a number"),
    ],
)
def test_anything_else_is_refused_with_its_place(fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(**fields)
    assert str(caught.value) == complaint
