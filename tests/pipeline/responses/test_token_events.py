"""Which events carry output, in every dialect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.pipeline.responses.token_events import output_key


def chat(**delta: object) -> dict[str, object]:
    return {"choices": [{"delta": delta}]}


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (chat(role="assistant", content=""), ""),
        (chat(content=None), ""),
        (chat(content="a"), "content"),
        (chat(content="", reasoning_content="a"), "reasoning_content"),
        (chat(reasoning="a"), "reasoning"),
        (chat(refusal="a"), "refusal"),
        (chat(tool_calls=[{"function": {"name": "f", "arguments": ""}}]), "tool_calls"),
        (chat(tool_calls=[]), ""),
        ({"choices": [{"delta": {"content": ""}, "token_ids": [5]}]}, "token_ids"),
        ({"choices": [{"delta": {"content": ""}, "token_ids": []}]}, ""),
        ({"choices": []}, ""),
        ({"choices": [{"delta": {}}, {"delta": {"content": "b"}}]}, "content"),
        ({"choices": [{"text": "a"}]}, "text"),
        ({"choices": [{"text": "", "finish_reason": "stop"}]}, ""),
        ({"choices": [{"token_ids": [1, 2]}]}, "token_ids"),
        ({"type": "response.created", "response": {"output": []}}, ""),
        ({"type": "response.output_text.delta", "delta": "a"}, "delta"),
        ({"type": "response.output_text.delta", "delta": ""}, ""),
        ({"type": "response.function_call_arguments.delta", "delta": "{"}, "delta"),
        ({"type": "response.output_text.done", "text": "all"}, ""),
        ({"type": "message_start", "message": {"content": []}}, ""),
        ({"type": "content_block_start", "content_block": {"type": "text", "text": ""}}, ""),
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}}, "text"),
        ({"type": "content_block_delta", "delta": {"thinking": "a"}}, "thinking"),
        ({"type": "content_block_delta", "delta": {"partial_json": "{"}}, "partial_json"),
        ({"type": "content_block_delta", "delta": {"signature": "x"}}, ""),
        ({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, ""),
        ({"type": "ping"}, ""),
        ({"error": {"message": "no"}}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_only_output_counts(event: object, key: str) -> None:
    assert output_key(event) == key


KEYS = st.sampled_from(
    ["choices", "delta", "content", "text", "type", "tool_calls", "token_ids", "reasoning"]
)
JSON = st.recursive(
    st.none() | st.integers() | st.text() | st.just("content_block_delta") | st.just("x.delta"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_any_document_has_a_key_or_none(document: object) -> None:
    assert isinstance(output_key(document), str)
