"""Anthropic messages: tools, system prompt, then role and blocks of each message."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from pointsman.domain.errors import BadRequestError
from pointsman.pipeline.formats.messages import MESSAGES

if TYPE_CHECKING:
    from pointsman.pipeline.formats.parsed import ParsedRequest

HI = [{"role": "user", "content": "hi"}]


def read(**fields: object) -> ParsedRequest:
    return MESSAGES.read(orjson.dumps({"model": "m", "messages": HI, **fields}))


@pytest.mark.parametrize("system", ["Be brief.", [{"type": "text", "text": "Be brief."}]])
def test_the_system_prompt_comes_between_tools_and_messages(system: object) -> None:
    parsed = read(system=system, tools=[{"name": "f", "input_schema": {}}], max_tokens=9)
    text = b"".join(parsed.prompt.segments)
    assert text == b'[{"name":"f","input_schema":{}}]Be brief.userhi'
    assert parsed.output_tokens_max == 9


def test_a_billing_block_does_not_break_the_prefix() -> None:
    billing = {"type": "text", "text": "x-anthropic-billing-header: cch=1f2e"}
    assert read(system=[billing, {"type": "text", "text": "s"}]).prompt == read(system="s").prompt


def test_without_messages_it_is_refused() -> None:
    with pytest.raises(BadRequestError, match="messages must not be empty"):
        read(messages=[])


def test_a_system_prompt_of_another_type_is_refused() -> None:
    with pytest.raises(BadRequestError, match="system must be a string or a list of blocks, not"):
        read(system=3)
