"""Chat completions: tools first, then role and content of each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.domain.errors import BadRequestError
from pointsman.pipeline.formats.chat import CHAT

if TYPE_CHECKING:
    from pointsman.pipeline.formats.parsed import ParsedRequest

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def read(**fields: object) -> ParsedRequest:
    return CHAT.read(orjson.dumps({"model": "m", **fields}))


def text_of(**fields: object) -> bytes:
    return b"".join(read(**fields).prompt.segments)


def test_a_conversation_is_its_roles_and_contents_in_order() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "hé"}, {"type": "text", "text": "?"}],
        },
    ]
    parsed = read(messages=messages)
    assert parsed.prompt.segments == (b"system", b"Be brief.", b"user", "hé".encode(), b"?")
    assert parsed.prompt.tokens == 6


def test_tools_come_first() -> None:
    messages = [{"role": "user", "content": "hi"}]
    text = text_of(messages=messages, tools=[TOOL], documents=[{"text": "d"}])
    assert text == orjson.dumps([TOOL]) + b'[{"text":"d"}]userhi'
    assert text_of(messages=messages, tools=[], documents=None) == b"userhi"


def test_tool_calls_are_part_of_what_the_model_reads() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    assert text_of(messages=[message]) == b"assistant" + orjson.dumps([call])


def test_limits_and_flags_are_read() -> None:
    messages = [{"role": "user", "content": "hi"}]
    parsed = read(messages=messages, max_tokens=5, max_completion_tokens=7, stream=True)
    assert (parsed.output_tokens_max, parsed.is_streaming) == (7, True)
    assert read(messages=messages, max_tokens=5).output_tokens_max == 5


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "messages is missing; it must be a list of messages"),
        ({"messages": None}, "messages is missing; it must be a list of messages"),
        ({"messages": []}, "messages must not be empty"),
        ({"messages": "hi"}, "messages must be a list of messages, not a string"),
        ({"messages": ["hi"]}, "messages[0] must be an object with role and content, not a string"),
        (
            {"messages": [{"role": "user", "content": 3}]},
            "messages[0].content must be a string or a list of parts, not a number",
        ),
        (
            {"messages": [{"role": "user", "content": [3]}]},
            "messages[0].content[0] must be an object with a type, not a number",
        ),
    ],
)
def test_what_is_no_conversation_is_refused_with_its_place(
    fields: dict[str, object], complaint: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(**fields)
    assert str(caught.value) == complaint
    assert complaint.startswith(f"{caught.value.param} ")


PARTS = (
    st.builds(lambda text: {"type": "text", "text": text}, st.text())
    | st.builds(lambda url: {"type": "image_url", "image_url": {"url": url}}, st.text())
    | st.text()
)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "user", "assistant", "tool"]),
            "content": st.none() | st.text() | st.lists(PARTS, max_size=3),
        },
        optional={"tool_calls": st.just([{"id": "1"}]), "name": st.text()},
    ),
    min_size=1,
    max_size=6,
)


@given(MESSAGES, MESSAGES, st.booleans())
def test_appended_turns_keep_the_bytes_of_the_conversation_before_them(
    before: list[object], after: list[object], has_tools: bool
) -> None:
    tools = [TOOL] if has_tools else []
    longer = text_of(messages=[*before, *after], tools=tools)
    assert longer.startswith(text_of(messages=before, tools=tools))
